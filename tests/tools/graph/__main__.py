"""Draw the packages and who imports whom, from the imports themselves: ``python -m tests.tools.graph``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from tests.tools.graph.imports import ROOT, floors, modules, needed, packages


def text(imports: Mapping[str, set[str]]) -> Iterator[str]:
    """A line a package, the highest first; each imports only what stands below it."""
    width = max(map(len, imports))
    rows = floors(imports)
    for number, row in enumerate(rows):
        for place, name in enumerate(row):
            floor = f"{len(rows) - number:2}" if place == 0 else "  "
            arrows = f" ─▶ {'  '.join(sorted(imports[name]))}" if imports[name] else ""
            yield f"{floor}  {name:{width if arrows else 0}}{arrows}"


def mermaid(imports: Mapping[str, set[str]]) -> Iterator[str]:
    """The same as a flow chart for Markdown; ids have a prefix, because `end` and others are words there."""
    yield "```mermaid"
    yield "flowchart TD"
    for row in floors(imports):
        for name in row:
            yield f'    p_{name}["{name}"]'
            yield from (f"    p_{name} --> p_{target}" for target in sorted(imports[name]))
    yield "```"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.graph", description=__doc__)
    parser.add_argument("--mermaid", action="store_true", help="a flow chart for Markdown")
    parser.add_argument("--of", default=ROOT, metavar="PACKAGE", help="its parts (%(default)s)")
    parser.add_argument("--all", action="store_true", help="also the arrows that follow from others")
    options = parser.parse_args()
    imports = packages(modules(), options.of)
    if not imports:
        parser.error(f"{options.of}: there is no such package, or it has no parts")
    shown = imports if options.all else needed(imports)
    print("\n".join((mermaid if options.mermaid else text)(shown)))


if __name__ == "__main__":
    main()
