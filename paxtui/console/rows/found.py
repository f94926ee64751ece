"""What was looked for, made visible where it stands."""

from __future__ import annotations

from paxtui.console.rows.text import Row

FOUND = "reverse"
"""Added to the style of what matches."""


def highlight(row: Row, text: str) -> Row:
    """Return a row in which each occurrence of ``text`` stands out, whatever its case; also one that goes on
    in the next span."""
    sought = text.strip().lower()
    whole = "".join(part for part, _ in row)
    folded = whole.lower()
    if not sought or sought not in folded or len(folded) != len(whole):
        return row
    marked = [False] * len(whole)
    at = folded.find(sought)
    while at >= 0:
        marked[at : at + len(sought)] = [True] * len(sought)
        at = folded.find(sought, at + len(sought))
    found: Row = []
    at = 0
    for part, style in row:
        start = at
        while at < start + len(part):
            end = at
            while end < start + len(part) and marked[end] == marked[at]:
                end += 1
            found.append((whole[at:end], f"{style} {FOUND}".strip() if marked[at] else style))
            at = end
    return found
