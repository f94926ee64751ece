"""``paxtui help``, and the list of commands in groups."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from paxtui.cli.completers import complete_commands
from paxtui.cli.guard import EXIT_OK

SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "Run a cluster, and look at it": (
        "attach",
        "up",
        "replica",
        "clusters",
        "down",
        "status",
        "health",
        "demo",
    ),
    "Use the log": ("send", "client", "tail", "read"),
    "Break it, and heal it": ("fault", "elect", "noop"),
    "Keep it": ("certs", "verify", "backup", "restore"),
    "Prove it, and measure it": ("run", "sim", "check", "bench"),
    "Learn": ("guide", "help", "completion"),
}
"""Each command once, in the order of the guide's page `commands`."""


class CommandsBySection(TyperGroup):
    """The program's commands, listed by what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.commands), default=0)
        for title, names in SECTIONS.items():
            shown = [(name, self.commands[name]) for name in names if name in self.commands]
            if shown:
                with formatter.section(title):
                    limit = formatter.width - 6 - width
                    formatter.write_dl(
                        [(name.ljust(width), command.get_short_help_str(limit)) for name, command in shown]
                    )


def help(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND", help="The command. Default: all of them.", autocompletion=complete_commands
        ),
    ] = None,
) -> int:
    """Explain a command.

    Examples:

      paxtui help

      paxtui help fault cut
    """
    from paxtui.cli.main import run_words

    return run_words([*(words or []), "--help"]) or EXIT_OK
