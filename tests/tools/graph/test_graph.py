"""Floors and arrows of a small import graph, and that the package's own is drawn."""

from __future__ import annotations

from tests.tools.graph.__main__ import mermaid, text
from tests.tools.graph.imports import floors, needed, packages

IMPORTS = {
    "app": {"model", "core", "wire"},
    "model": {"wire"},
    "wire": {"core", "text"},
    "text": {"wire"},
    "core": set[str](),
}


def test_each_stands_above_what_it_imports_and_a_circle_shares_a_floor() -> None:
    assert floors(IMPORTS) == [["app"], ["model"], ["text", "wire"], ["core"]]


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    assert needed(IMPORTS) == {
        "app": {"model"},
        "model": {"wire"},
        "wire": {"core", "text"},
        "text": {"wire"},
        "core": set(),
    }


def test_arrows_into_a_circle_stay() -> None:
    imports = {"app": {"wire", "text"}, "wire": {"text"}, "text": {"wire"}}
    assert needed(imports) == imports


def test_modules_are_joined_to_their_packages() -> None:
    imports = {
        "paxtui.a.x": {"paxtui.b.y", "paxtui.a.z"},
        "paxtui.a.z": set[str](),
        "paxtui.b.y": {"trio"},
        "paxtui": {"paxtui.a.x"},
    }
    assert packages(imports) == {"a": {"b"}, "b": set()}


def test_both_pictures_have_every_package_once() -> None:
    assert [line.split()[1 if line[:2].strip() else 0] for line in text(IMPORTS)] == [
        "app",
        "model",
        "text",
        "wire",
        "core",
    ]
    assert sum("[" in line for line in mermaid(IMPORTS)) == len(IMPORTS)
