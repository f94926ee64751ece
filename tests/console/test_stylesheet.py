"""The stylesheet names widgets by their types: a type that does not exist hides what it meant to show."""

from __future__ import annotations

import re

import textual.widgets

from paxtui.console.app import ConsoleApp
from tests.console.test_actions import console_classes


def test_every_type_in_the_stylesheet_is_a_widget() -> None:
    rules = re.sub(r"/\*.*?\*/", "", ConsoleApp.CSS, flags=re.S)
    selectors = re.sub(r"\{.*?\}", "", rules, flags=re.S)
    named = set(re.findall(r"(?<![#.\w-])[A-Z]\w+", selectors))
    known = {each.__name__ for each in console_classes()} | {*dir(textual.widgets), "Screen"}
    assert named <= known
    assert "ScrolledText" in named
