"""No modules of the package import each other in a circle, also not for their annotations alone."""

from __future__ import annotations

from typing import Final

from tests.tools.graph.imports import circles, modules

KNOWN: Final = """
paxtui.console.driver: executor lasting_faults
paxtui.console.terminal: driver host
paxtui.console.model: analysis.liveness analysis.tolerance cluster_model state.facts
paxtui.console: app actions.arranging actions.dialogs actions.view widgets.bars widgets.buttons widgets.chat
    widgets.detail widgets.events widgets.faultmenu widgets.help widgets.links widgets.log widgets.menu
    widgets.metrics widgets.palette widgets.pane widgets.presets widgets.replicas widgets.safety
"""
"""Circles that are not ended yet, the package that has one and its modules. Only to be shortened."""


def known() -> set[frozenset[str]]:
    """Read the list of circles that are there."""
    lines = KNOWN.replace("\n    ", " ").strip().splitlines()
    parts = [line.split(": ") for line in lines]
    return {frozenset(f"{package}.{module}" for module in modules.split()) for package, modules in parts}


def test_circles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"f"}, "f": {"e"}, "g": {"a", "g"}}
    assert circles(imports) == {frozenset("abc"), frozenset("ef")}


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles(modules())
    new, gone = found - known(), known() - found
    assert not new, "new circles:\n" + "\n".join(", ".join(sorted(each)) for each in new)
    assert not gone, "ended, so no longer to be expected:\n" + "\n".join(
        ", ".join(sorted(each)) for each in gone
    )
