"""No modules of the package import each other in a circle, also not for their annotations alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import grimp

KNOWN: Final = """
paxtui.cli: bench_run bench_suite
paxtui.console.driver: executor lasting_faults
paxtui.console.terminal: driver host
paxtui.console.model: analysis.liveness analysis.tolerance cluster_model state.facts
paxtui.console: app actions.arranging actions.dialogs actions.view widgets.bars widgets.buttons widgets.chat
    widgets.detail widgets.events widgets.faultmenu widgets.help widgets.links widgets.log widgets.menu
    widgets.metrics widgets.palette widgets.pane widgets.presets widgets.replicas widgets.safety
paxtui.replica: faults.process_faults host log.compaction
paxtui.sim.cluster: clients fault_injector message_budget node recovery simulation triggers
"""
"""Circles that are not ended yet, the package that has one and its modules. Only to be shortened."""


def known() -> set[frozenset[str]]:
    """Read the list of circles that are there."""
    lines = KNOWN.replace("\n    ", " ").strip().splitlines()
    parts = [line.split(": ") for line in lines]
    return {frozenset(f"{package}.{module}" for module in modules.split()) for package, modules in parts}


def circles(imports: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Find the largest sets of modules of which each reaches each other one (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: set[frozenset[str]] = set()
    for root in imports:
        if root in number:
            continue
        path = [(root, iter(sorted(imports[root])))]
        number[root] = lowest[root] = len(number)
        stack.append(root)
        while path:
            module, rest = path[-1]
            for below in rest:
                if below not in number:
                    number[below] = lowest[below] = len(number)
                    stack.append(below)
                    path.append((below, iter(sorted(imports[below]))))
                    break
                if below in stack:
                    lowest[module] = min(lowest[module], number[below])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[module])
                if lowest[module] == number[module]:
                    at = stack.index(module)
                    if len(stack) - at > 1:
                        found.add(frozenset(stack[at:]))
                    del stack[at:]
    return found


def test_circles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"f"}, "f": {"e"}, "g": {"a", "g"}}
    assert circles(imports) == {frozenset("abc"), frozenset("ef")}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("paxtui", exclude_type_checking_imports=False, cache_dir=None)
    found = circles({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    new, gone = found - known(), known() - found
    assert not new, "new circles:\n" + "\n".join(", ".join(sorted(each)) for each in new)
    assert not gone, "ended, so no longer to be expected:\n" + "\n".join(
        ", ".join(sorted(each)) for each in gone
    )
