"""The signs of the screen in words."""

from __future__ import annotations

from typing import Final

from paxtui.console.rows.text import Row, fit, pad, wrap
from paxtui.console.theme.styles import Styles

CELLS: Final = (
    ("learned", "voted, and known to be chosen"),
    ("accepted", "voted"),
    ("older", "voted at an older ballot"),
    ("no-op", "no-op, checkpoint or trim"),
    ("in-flight", "an Accept is on its way"),
    ("lost", "the Accept was lost, or refused"),
    ("nothing", "no vote"),
    ("unknown", "not heard"),
    ("removed", "removed: the log is trimmed"),
)
"""By the names of their glyphs."""

STATES: Final = (
    ("open 1/2", "one vote is there, one more is needed"),
    ("chosen", "a majority accepted it at one ballot"),
    ("blocked", "chosen, but an earlier slot is not"),
    ("applied", "chosen, and so is every earlier slot"),
    ("HOLE", "no replica that is heard has voted, and a later slot is learned"),
    ("maybe", "chosen, if a replica that is not heard has voted"),
    ("CONFLICT", "two values are chosen in one slot: safety is broken"),
)

MARKS: Final = (
    ("queued", "waits here: no leader has it"),
    ("proposed", "a leader proposed it"),
    ("chosen", "a majority accepted it"),
    ("applied", "it has taken effect at the replica that is looked through"),
    ("repeated", "a repetition without effect"),
    ("problem", "failed, or its outcome is not known"),
)

REPLICAS: Final = (
    ("L", "leads"),
    ("x", "down"),
    ("=", "paused"),
    ("/", "cut off from all others"),
    ("~", "slow disk"),
    ("?", "not heard lately"),
)

LINKS: Final = (
    ("CUT", "nothing crosses"),
    ("20%", "so many messages are lost"),
    ("+50±10", "held back by 50 ms, and by up to 10 ms more"),
    ("d, r", "duplicates, reorders"),
)


def legend(styles: Styles, width: int) -> list[Row]:
    """Return all signs in groups, each with its meaning."""
    cells = [(styles.glyph(name), name, words) for name, words in CELLS]
    marks = [(styles.glyph(name), "text", f"{name}: {words}") for name, words in MARKS]
    groups = (
        ("A replica's vote in a slot", cells),
        ("The state of a slot", [(name, "strong", words) for name, words in STATES]),
        ("A replica", [(name, "strong", words) for name, words in REPLICAS]),
        ("A link, from row to column", [(name, "strong", words) for name, words in LINKS]),
        ("A message in the chat", marks),
    )
    rows: list[Row] = []
    for title, signs in groups:
        rows += [[], *wrap(title, width, "title")] if rows else wrap(title, width, "title")
        rows += [
            fit([("  ", ""), (pad(sign, 9), style), (words, "text")], width) for sign, style, words in signs
        ]
    return rows
