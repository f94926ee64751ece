"""A mistake in the command line is told in one line, in our own words, with where to read more."""

from __future__ import annotations

import pytest

from paxtui.cli import help as help_command
from paxtui.cli.main import COMMANDS, GROUPS, run_words
from paxtui.cli.usage import allowed
from tests.cli.test_help import ALL

MISTAKES = {
    "nope": "there is no command nope; did you mean noop? See `paxtui --help`",
    "fault crsh": "fault: there is no command crsh; did you mean crash? See `paxtui fault --help`",
    "status --jsn": "status: there is no option --jsn; did you mean --json? See `paxtui status --help`",
    "status --xyzzy": "status: there is no option --xyzzy; see `paxtui status --help`",
    "elect": "elect: REPLICA is missing; see `paxtui elect --help`",
    "elect first": "elect: REPLICA: 'first' is no replica; 0 and r0 are; see `paxtui elect --help`",
    "backup x": "backup: --from is missing; see `paxtui backup --help`",
    "noop x": "noop: SLOT: 'x' is no whole number; see `paxtui noop --help`",
    "noop -- -1": "noop: SLOT: -1 is out of range; 0 or more is allowed; see `paxtui noop --help`",
    "health --timeout x": "health: --timeout: 'x' is no number; see `paxtui health --help`",
    "--fps 99": "--fps: 99 is out of range; 1 to 30 is allowed; see `paxtui --help`",
    "status a b": "status: too many words: a b; see `paxtui status --help`",
    "sim --seed": "--seed: its value is missing; see `paxtui sim --help`",
    "status --json=3": "--json takes no value; see `paxtui status --help`",
    "sim --out x": "sim: --out needs --shrink; see `paxtui sim --help`",
    "sim --profile x": "sim: --profile: 'x' is none of ",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_one_line_of_our_own(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_words(words.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    said = line.removeprefix("paxtui: ")
    # An option without a context is told with or without its command's name, as the parser's release has it.
    name = words.split(maxsplit=1)[0] + ": "
    assert said.removeprefix(name).startswith(MISTAKES[words].removeprefix(name))


def test_bounds_are_words() -> None:
    assert [allowed(each) for each in ("1<=x<=30", "x>=0", "x<=5", "0.1<=x<=3600")] == [
        "1 to 30",
        "0 or more",
        "up to 5",
        "0.1 to 3600",
    ]


def test_each_command_stands_in_one_section() -> None:
    listed = [name for names in help_command.SECTIONS.values() for name in names]
    assert sorted(listed) == sorted([*COMMANDS, *GROUPS])


def test_help_of_a_command_is_what_its_option_shows(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["fault"], ["fault", "cut"], ["sim"]):
        assert run_words(["help", *words]) == 0
        by_command = capsys.readouterr().out
        assert run_words([*words, "--help"]) == 0
        assert capsys.readouterr().out == by_command
        assert by_command.startswith(f"Usage: {' '.join(['paxtui', *words])} ")


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_no_words_of_a_library(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_words([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("[default", "[required]", "env var", "<=", "{", "INTEGER", " FLOAT", "<PATH>"):
        assert word not in shown
