"""A hint at the known word that is most like a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that is most like ``word``, if one is like it at all."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known word was meant, with a space at the end; empty if none is near."""
    near = nearest(word, known)
    return f"did you mean {near}? " if near else ""
