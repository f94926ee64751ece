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
    ours = {each.__name__ for each in console_classes()} | {"Screen"}
    assert {name for name in named - ours if not hasattr(textual.widgets, name)} == set()
    assert "ScrolledText" in named
