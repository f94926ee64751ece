"""For terminals that show nothing but ASCII: everything that is drawn goes through here, borders as well."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

OURS = str.maketrans(
    {"…": "~", "─": "-", "━": "=", "│": "|", "┃": "|", "×": "x", "→": ">", "←": "<", "↓": "v", "↑": "^"}
    | {"▶": ">", "▼": "v", "−": "-", "·": ".", "█": "#", "▔": "-", "▁": "_"}
    | dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛", "+")
)
"""Our own characters; those of a look that is ASCII are ASCII already."""


def to_ascii(text: str) -> str:
    """Return the same text, as wide as before; what others wrote beyond ASCII becomes ``?``."""
    if text.isascii():
        return text
    text = text.translate(OURS)
    return "".join(each if each.isascii() else "?" * cell_len(each) for each in text)


class Ascii(LineFilter):
    """The last step before the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
