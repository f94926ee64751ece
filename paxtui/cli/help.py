"""The list of commands, in groups."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperGroup

SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "See and run a cluster": (
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
    "Break it, and heal it": ("fault", "elect", "noop", "staged", "tick"),
    "Keep it": ("certs", "verify", "backup", "restore"),
    "Prove it, and measure it": ("run", "sim", "check", "replay", "bench"),
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


def complete_commands(incomplete: str) -> list[tuple[str, str]]:
    """Offer the names of all commands."""
    return [(name, "") for names in SECTIONS.values() for name in names]
