"""``python -m tests.tools.explore``: see the package's docstring."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from paxtui.sim.mutants import MUTANTS
from tests.tools.explore.search import Budget, Search


def main(arguments: list[str] | None = None) -> int:
    """Search, print a line a depth and the totals; 1 if an invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.explore")
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--disk", choices=["eager", "lazy"], default="eager")
    for name, default in Budget()._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), metavar="NAME", help="with this mistake planted")
    options = parser.parse_args(arguments)
    budget = Budget(**{name: getattr(options, name) for name in Budget._fields})
    limits = ", ".join(f"{name} {count}" for name, count in budget._asdict().items())
    print(f"3 replicas, 2 proposers, 2 commands; {options.disk} disks; at most: {limits}")
    with MUTANTS[options.mutant].installed() if options.mutant else nullcontext():
        report = Search(budget, eager=options.disk == "eager").run(options.depth, print)
    print(
        f"{report.distinct:,} distinct states ({report.chosen:,} with a chosen value), "
        f"{report.explored:,} explored, to depth {report.depth}"
        f"{' (there are no more)' if report.whole else ''}, in {report.seconds:.1f} s;\n"
        f"{report.members:,} states of single replicas, {report.runs:,} runs of the core"
    )
    if report.broken is None:
        print("no invariant is broken")
        return 0
    print(f"BROKEN: {report.broken}")
    print("\n".join(f"  {number:2}. {line}" for number, line in enumerate(report.trail, 1)))
    return 1


if __name__ == "__main__":
    sys.exit(main())
