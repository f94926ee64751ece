"""Every class of widgets that the stylesheet names is there: a rule for none is read without a word."""

from __future__ import annotations

import importlib
import pkgutil
import re
from importlib import resources

import textual.screen
import textual.widgets
from textual.widget import Widget

import paxtui.console.widgets


def named() -> set[str]:
    sheet = resources.files("paxtui.console").joinpath("console.tcss").read_text("utf-8")
    rules = re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    return {name for rule in rules for name in re.findall(r"(?<![\w.#:-])[A-Z]\w*", rule)}


def test_the_stylesheet_names_widgets_that_exist() -> None:
    names = [module.name for module in pkgutil.iter_modules(paxtui.console.widgets.__path__)]
    ours = [importlib.import_module(f"paxtui.console.widgets.{name}") for name in names]
    modules = [textual.widgets, textual.screen, *ours]
    found = {name for module in modules for name in named() if hasattr(module, name)}
    assert {"Button", "Preview"} <= found
    assert named() - found == set()
    for module in modules:
        for name in named():
            assert issubclass(getattr(module, name, Widget), Widget), name
