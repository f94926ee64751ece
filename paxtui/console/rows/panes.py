"""The menu of panes: which are shown, and the layouts."""

from __future__ import annotations

from typing import Final

from paxtui.console.geometry import LAYOUTS, PANES
from paxtui.console.rows.menu import Item
from paxtui.console.view_state import ViewState

KEYS: Final = {"links": "k"}
"""Keys of panes whose first letter is another pane's."""


def pane_items(view_state: ViewState) -> list[Item]:
    """Return a line a pane, and one a layout; the id of an item is its name."""
    shown = view_state.panes
    found = [
        Item(KEYS.get(pane, pane[0]), pane, "shown" if pane in shown else "turned off", pane)
        for pane in PANES
    ]
    for number, (name, (what, panes)) in enumerate(LAYOUTS.items(), start=1):
        here = " (now)" if {*panes} == {*shown} else ""
        found.append(Item(str(number), f"layout {name}", f"{what}{here}", name))
    return found
