"""The user's own keys and themes: what is right is used, and what is wrong is told by file, line and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paxtui.config.cluster_file import ConfigError
from paxtui.console import commands as c
from paxtui.console import customs
from paxtui.console.actions import surfaces, table
from paxtui.console.theme.styles import PALETTES, Styles
from paxtui.console.theme.textual_themes import GROUNDS
from paxtui.console.widgets.arrangement import keys_of_panes
from tests.console.pilot import Played

Play = Callable[..., None]


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(table, "ACTIONS", table.ACTIONS)
    before = set(PALETTES)
    yield
    for name in set(PALETTES) - before:
        del PALETTES[name], GROUNDS[name]


def load(folder: Path, text: str) -> None:
    (folder / customs.FILE).write_text(text, encoding="utf-8")
    assert customs.load(folder, keys_of_panes()) is not None


def test_without_a_file_all_is_as_it_was(tmp_path: Path) -> None:
    actions = table.ACTIONS
    assert customs.load(tmp_path, keys_of_panes()) is None
    assert customs.load(None, keys_of_panes()) is None
    assert table.ACTIONS is actions


def test_own_keys_act_and_the_old_ones_do_not(play: Play, tmp_path: Path) -> None:
    load(
        tmp_path, """[keys]\nheal = "Z"\nundo = ["u", "ctrl+u"]\nhelp = "f9"\ncrash = "r"\nrestart = "c"\n"""
    )

    async def act(on: Played) -> None:
        assert await on.press("Z") == [c.HealCommand()]
        assert await on.press("W") == []
        assert await on.press("ctrl+u", "u") == [c.UndoCommand(), c.UndoCommand()]
        assert await on.press("r", "c") == [c.CrashCommand(0), c.RestartCommand(0)]
        assert "f9 help" in on.text("keys")
        assert "| `Z` | `:heal` |" in surfaces.guide_rows()

    play(act, size=(200, 45))


def test_an_own_theme_is_taken(play: Play, tmp_path: Path) -> None:
    load(tmp_path, """[themes.evening]\nbase = "light"\ngood = "#123456"\nbackground = "#010203"\n""")
    assert Styles("evening").style("good").color is not None
    assert Styles("evening").style("dim") == Styles("light").style("dim")
    assert GROUNDS["evening"][0] == "#010203"

    async def act(on: Played) -> None:
        on.app.controllers.dialogs.run_line("theme evening")
        await on.pilot.pause()
        assert on.app.theme == "evening"
        assert on.app.view_state.styles.theme == "evening"

    play(act)


WRONG = [
    ("keys = 3", "Expected `object`, got `int`"),
    ("[key]\nheal = 'Z'", "unknown field `key`"),
    ("[keys]\nheal = 3", ":1: Expected"),
    ("[keys]\n\nrestat = 'Z'", ':3: keys: "restat" is no action with a key; did you mean restart?'),
    ("[keys]\nsay = 'Z'", ':2: keys: "say" is no action with a key'),
    ("[keys]\nheal = 'alt+x'", ':2: keys: heal: "alt+x" is no key; a letter, a digit, f1 to f12'),
    ("[keys]\nheal = 'ctrl+c'", ':2: keys: heal: "ctrl+c" is no key'),
    ("[keys]\nheal = []", ":2: keys: heal has 0 keys; 1 to 4 are allowed"),
    ("[keys]\nheal = 'c'", ':2: keys: heal: "c" is a key of the action crash already'),
    ("[keys]\nheal = '?'", ':2: keys: heal: "?" is a key of the action help already'),
    ("[keys]\nheal = 'Z'\nskip = 'Z'", ':3: keys: skip: "Z" is a key of the action heal already'),
    ("[keys]\nheal = 'o'", ':2: keys: heal: "o" is a key of the pane log already'),
    ("[keys]\nheal = 'j'", ':2: keys: heal: "j" is a key of the pane'),
    ("[keys\n", "is not TOML"),
    ("[themes.dark]\ngood = 'red'", "themes.dark: is a theme of the console's own"),
    ("[themes.Mine]\ngood = 'red'", 'themes.Mine: "Mine" is no name of a theme'),
    ("[themes.mine]\nbase = 'ansi'", 'themes.mine: base: "ansi" is no theme to begin with; dark, light'),
    ("[themes.mine]\ngoood = 'red'", 'themes.mine: "goood" is no style; did you mean good?'),
    ("[themes.mine]\ngood = 'nocolour'", 'themes.mine: good: "nocolour" is no style'),
    ("[themes.mine]\nbackground = 'blue'", 'themes.mine: background: "blue" is no colour'),
]


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_is_wrong_is_told_and_nothing_of_it_is_used(tmp_path: Path, text: str, problem: str) -> None:
    actions = table.ACTIONS
    with pytest.raises(ConfigError, match=re.escape(problem)) as raised:
        load(tmp_path, text)
    assert customs.FILE in str(raised.value)
    assert "\n" not in str(raised.value)
    assert table.ACTIONS is actions
    assert "mine" not in PALETTES
