"""Lines that are typed into: what is pasted fits into them, and what is typed after enter waits for it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

UNTYPABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""What a pasted text may hold and a line may not."""

REORDERING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

LINE_CHARACTERS_MAX: Final = 65_536
"""More than anybody reads in one line, and than a message may hold. Every key draws the line anew."""


def typable(text: str) -> str:
    """Return a text as it may stand in a line: a terminal shows what is in it as it is. Line ends become
    blanks, so that nothing of a paste is lost."""
    text = re.sub(r"\r\n|[\r\n\t]", " ", text.removesuffix("\n").removesuffix("\r"))
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in UNTYPABLE and character not in REORDERING
    )


def framed(line: TypedLine) -> ComposeResult:
    """Compose a line in brackets, which the stylesheet shows where its ground cannot be seen."""
    yield Static(Text("["), classes="bracket")
    yield line
    yield Static(Text("]"), classes="bracket")


class TypedLine(Input):
    """A line to type. Subclasses say in :meth:`submitted` what enter does."""

    cursor_blink = False

    def replace(self, text: str, start: int, end: int) -> None:
        super().replace(typable(text), start, end)

    def paste(self, text: str) -> int:
        """Put a pasted text where the cursor is; return how many characters of it had no room."""
        fitting = typable(text)
        room = (self.max_length or LINE_CHARACTERS_MAX) - len(self.value) + len(self.selected_text)
        taken = fitting[: max(0, room)]
        self.replace(taken, *sorted(self.selection))
        return len(fitting) - len(taken)

    def submitted(self, text: str) -> None:
        """Take what was typed. No later key has come in yet."""
        raise NotImplementedError

    async def action_submit(self) -> None:
        self.submitted(self.value)
