"""The guide's table of keys is that of the program: both are made from one table of actions."""

from __future__ import annotations

import pytest

from paxtui.console.actions import table
from paxtui.console.actions.surfaces import guide_rows
from tests.guide.pages import TEXTS

PAGE = "paxtui/guide/console.md"


def test_the_page_of_the_console_has_the_keys_of_the_table() -> None:
    """Where they differ, the rows of the page give way to what ``surfaces.guide_rows`` returns."""
    assert guide_rows() in TEXTS[PAGE]


def test_a_row_that_goes_leaves_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = next(spec for spec in table.ACTIONS if spec.name == "crash")
    monkeypatch.setattr(table, "ACTIONS", tuple(spec for spec in table.ACTIONS if spec is not crash))
    assert "`:crash`" not in guide_rows()
    monkeypatch.setattr(table, "ACTIONS", (crash._replace(help="something else"),))
    assert "something else" in guide_rows()
