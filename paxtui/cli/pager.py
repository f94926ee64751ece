"""Markdown on a terminal: rendered at its width, and shown a screen at a time."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys

from rich.console import Console
from rich.markdown import Markdown
from rich.theme import Theme

from paxtui.cli.streams import ESCAPED

WIDTH_MAX = 110
"""Columns that a page uses at most: longer lines are hard to read."""

LESS = "FRX"
"""Options for less where the user has set none: end at once if the page fits on the screen, pass colours on,
and leave the page on the screen. Git uses the same."""

THEME = Theme({"markdown.code": "cyan", "markdown.code_block": "cyan", "markdown.h2": "bold underline"})
"""Rich's own theme puts code on black, which is ugly on a light terminal."""


def show(text: str) -> None:
    """Show Markdown in the user's pager, or print it where there is no pager that works."""
    command = shlex.split(os.environ.get("PAGER") or "less")
    rendered = render(text, colour=_passes_colours(command))
    if os.environ.get("TERM", "dumb") == "dumb" or not _paged(rendered, command):
        print(rendered, end="")


def render(text: str, *, colour: bool) -> str:
    """Render Markdown for the terminal on standard output; without ``colour`` as plain text."""
    output = _Output(sys.stdout.encoding or "utf-8")
    console = Console(
        file=output,
        theme=THEME,
        force_terminal=colour,
        color_system="auto" if colour else None,
        highlight=False,
    )
    console.width = min(console.width, WIDTH_MAX)
    console.print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))
    return output.getvalue()


class _Output(io.StringIO):
    """Text in memory that is meant for a terminal with a certain encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def _passes_colours(command: list[str]) -> bool:
    """Say whether colours come through: less shows them as signs if its options have no ``R``."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return False
    return os.path.basename(command[0]) != "less" or "r" in os.environ.get("LESS", LESS).lower()


def _paged(text: str, command: list[str]) -> bool:
    """Show text in a pager and wait for its end; ``False`` if it cannot be started."""
    data = text.encode(sys.stdout.encoding or "utf-8", ESCAPED)
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, env={"LESS": LESS, "LV": "-c", **os.environ}
        )
    except OSError:
        return False
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-c is the pager's while it is shown
    try:
        process.communicate(data)
    except BaseException:
        process.terminate()  # so that it gives the terminal back as it was
        process.wait()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    return True
