"""Help: every command has it, with a line of its own, every option explained, and an example to copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from paxtui.cli.main import app_of

GROUP = typer.main.get_command(app_of([]))


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands(GROUP))


def test_these_are_the_commands() -> None:
    top = {path[0] for path in ALL}
    assert {"replica", "up", "send", "client", "tail", "read", "status", "elect", "noop", "verify"} <= top
    assert {"fault", "staged", "tick", "run", "sim", "demo", "check"} <= top
    assert {path[1] for path in ALL if path[0] == "fault"} == {
        *("list", "loss", "delay", "duplicate", "reorder", "cut", "hold", "crash", "crash-proposer"),
        *("pause", "skip", "slow-disk", "clock", "disk-error", "undo", "heal"),
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_an_example_to_copy(path: tuple[str, ...]) -> None:
    text = ALL[path].help or ""
    assert re.search(rf"paxtui {' '.join(path)}\b", text), text


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    for parameter in ALL[path].params:
        if not getattr(parameter, "hidden", False):
            assert parameter.help, parameter.name
