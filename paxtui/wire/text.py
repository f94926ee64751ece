"""Text from others, made safe to show: on a screen, in a log line, in an error.

What is stored stays as it was sent. At the display boundary control characters become their pictures
(U+2400...), and what could reorder, hide or forge is named as ``<XXXX>``. Terminals obey escape sequences
and Textual passes them on, so nothing that came with data may reach either unchanged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import islice

from paxtui.core.values import CHECKPOINT, TRIM

MARKS_MAX = 4
"""Combining marks that one base character may carry on screen."""

NAMED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, limit: int | None = None) -> str:
    """Return ``text`` on one line with nothing in it that a terminal could obey, at most ``limit``
    characters."""
    if text.isascii() and text.isprintable():
        shown = text
    else:
        shown = "".join(islice(_visible_characters(text), None if limit is None else limit + 1))
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def _visible_characters(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        code = ord(character)
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if code < 0x20:
            yield chr(0x2400 + code)
        elif category in NAMED_CATEGORIES:
            yield f"<{code:04X}>"
        elif marks <= MARKS_MAX:
            yield character


def cluster_words(request: int, text: str) -> str:
    """Say what a value of no client is: ``checkpoint``, ``trim to 1234``, or else ``no-op``."""
    match text.partition(" ")[0]:
        case word if word == CHECKPOINT:
            return "checkpoint"
        case word if word == TRIM:
            return f"trim to {request}"
    return "no-op"


def client_name(client: str) -> str:
    """Return the name that a session id begins with: ``ada~op.k3v7x2ab@12`` -> ``ada``."""
    return visible(client.partition("~")[0] or client, 64)
