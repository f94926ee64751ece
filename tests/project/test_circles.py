"""No modules of the package import each other in a circle, also not for their annotations alone."""

from __future__ import annotations

from tests.tools.graph.imports import circles, modules


def test_circles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"f"}, "f": {"e"}, "g": {"a", "g"}}
    assert circles(imports) == {frozenset("abc"), frozenset("ef")}


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles(modules())
    assert not found, "\n".join(", ".join(sorted(each)) for each in found)
