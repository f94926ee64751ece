"""Help and lists at the width of the terminal, with no word broken.

Click breaks words at hyphens: an option or a command that is cut in two cannot be copied.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence

from typer.core import TyperCommand

from paxtui.cli import usage

COLUMN_MAX = 30
"""A longer option stands on a line of its own, above its text."""

GAP = 2

TEXT_MIN = 10
"""Columns that a text gets on the narrowest terminal."""


def width_of_output() -> int | None:
    """Return how wide the output is: the terminal, or what COLUMNS says; ``None`` for a pipe or a file, whose
    lines are not to be broken."""
    if sys.stdout is not None and sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    named = os.environ.get("COLUMNS", "")
    return int(named) if named.isdigit() and int(named) > 0 else None


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return the lines of a paragraph, broken between words alone."""
    return textwrap.wrap(
        text,
        max(width, len(indent) + TEXT_MIN),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def hung(text: str, width: int | None, indent: str) -> list[str]:
    """Return the lines of one long line, broken between words, the later ones indented; the line itself where
    it fits or where there is no ``width``."""
    if width is None or len(text) <= width:
        return [text]
    return textwrap.wrap(
        text,
        max(width, len(indent) + TEXT_MIN),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )


def paragraphs(text: str) -> list[tuple[str, str]]:
    """Return the paragraphs of a text, each with its indentation."""
    found = []
    for paragraph in text.expandtabs().split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line.strip()]
        if lines:
            words = " ".join(line.strip() for line in lines)
            found.append((" " * (len(lines[0]) - len(lines[0].lstrip())), words))
    return found


def plain(text: str) -> str:
    """Write what Typer adds to a text, such as ``[default: 10s; 1<=x<=30; required]``, as sentences."""
    found = re.fullmatch(r"(.*?)\s*\[([^\[\]]*)\]", text, re.DOTALL)
    if found is None:
        return text
    said, notes = found[1], found[2].split("; ")
    for note in notes:
        kind, colon, value = note.partition(": ")
        if kind == "default" and colon:
            said += f" Default: {_number(value)}."
        elif kind == "env var":
            said += f" Or set {value}."
        elif re.search(r"<|>", note):
            said += f" From {usage.allowed(note)}."
        elif note != "required":
            return text
    return said


def _number(value: str) -> str:
    return value.removesuffix(".0")


class HelpFormatter(TyperCommand.context_class.formatter_class):  # type: ignore[name-defined, misc]
    """Click's formatter of help, with another way to break lines."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how a command is called, without braces around what it needs."""
        super().write_usage(prog, re.sub(r"\{([^{}]*)\}", r"\1", args), prefix)

    def write_text(self, text: str) -> None:
        """Write paragraphs, each wrapped, with its own indentation kept."""
        around = " " * self.current_indent
        written = [
            "\n".join(wrapped(words, self.width, around + indent)) for indent, words in paragraphs(text)
        ]
        self.write("\n\n".join(written) + "\n")

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = COLUMN_MAX, col_spacing: int = GAP
    ) -> None:
        """Write a table of terms and texts."""
        longest = max((len(term) for term, _ in rows), default=0)
        column = min(longest, col_max) + col_spacing
        around = " " * self.current_indent
        for term, text in ((term, plain(text)) for term, text in rows):
            lines = wrapped(text, self.width - self.current_indent, " " * column)
            if lines and len(term) + col_spacing <= column:
                lines[0] = term.ljust(column) + lines[0][column:]
            else:
                lines.insert(0, term)
            self.write("".join(f"{around}{line}\n" for line in lines))


def install() -> None:
    """Make all commands write their help so."""
    TyperCommand.context_class.formatter_class = HelpFormatter
