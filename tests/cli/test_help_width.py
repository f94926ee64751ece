"""Help and lists at the width of a terminal: no line is too wide, and no word is cut."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.cli.test_help import ALL, GROUP

GROUPS = [(), ("fault",), ("staged",), ("certs",)]
HELP = [*GROUPS, *ALL]


Shown = Callable[..., str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """What a command prints on a terminal of so many columns."""

    def show(words: tuple[str, ...], columns: int = 80) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with suppress(SystemExit):  # so a guarded command ends
            GROUP.main([*words], prog_name="paxtui", standalone_mode=False, max_content_width=columns)
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize("words", [*((*path, "--help") for path in HELP), ("run", "--list")], ids=" ".join)
def test_no_line_is_wider_than_80_columns_and_no_word_is_cut(words: tuple[str, ...], shown: Shown) -> None:
    narrow = shown(words)
    assert [line for line in narrow.splitlines() if len(line) > 80] == []
    whole = shown(words, 2000).split()
    assert narrow.split() == whole
    if words[:-1] not in GROUPS:  # a list of commands may have to shorten its sentences
        for columns in range(56, 80, 4):
            assert shown(words, columns).split() == whole


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_an_example_is_one_line_that_can_be_copied(path: tuple[str, ...], shown: Shown) -> None:
    lines = [line.strip() for line in shown((*path, "--help")).splitlines()]
    text = ALL[path].help or ""
    for example in text.split("Example", 1)[1].partition(":")[2].split("\n\n"):
        if example.strip().startswith("paxtui "):
            assert example.strip() in [line.removeprefix("Example: ") for line in lines]


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_a_list_of_commands_has_whole_sentences(path: tuple[str, ...], shown: Shown) -> None:
    text = shown((*path, "--help"))
    _, _, commands = text.partition("Commands:\n")
    for line in commands.partition("\n\n")[0].splitlines():
        assert line.endswith(".")
        assert not line.endswith("..")
