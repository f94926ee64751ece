"""The files under ``configs/deploy``, and how to try the command lines in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer.main

from paxtui.cli.main import app_of

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "configs" / "deploy"


def parsed(words: Sequence[str], env: dict[str, str] | None = None) -> tuple[str, dict[str, Any]]:
    """What paxtui's own parser makes of ``paxtui WORDS...``: the command and its options. Raises
    ``click.UsageError`` for what it does not take."""
    command: Any = typer.main.get_command(app_of([]))
    rest, path = list(words), []
    while hasattr(command, "commands"):
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    with command.make_context(" ".join(path), rest) as context:
        return " ".join(path), dict(context.params)
