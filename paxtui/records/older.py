"""Records of format 1, line by line in the words of today.

Format 2 renamed some events and fields, and changed nothing else. A replica that is upgraded goes on with its
file, so lines of both formats may stand in one.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import json

from paxtui.wire.versions import WORDS

_EVENTS: Final = {old: new for new, old in WORDS["event"].items()}
_TYPES: Final = {old: new for new, old in WORDS["type"].items()}
_KEYS: Final = {"held": "vote", "floor": "log_start"}
_OLD: Final = re.compile(
    rb'"(?:held|floor)":|"event":"(?:%b)"|"type":"(?:%b)"'
    % ("|".join(_EVENTS).encode(), "|".join(_TYPES).encode())
)
"""Outside of texts: there a quotation mark has a backslash before it."""


def in_words_of_today(line: bytes) -> bytes:
    """Rewrite a line of format 1; all others, and what is no line at all, stay as they are."""
    if _OLD.search(line) is None:
        return line
    try:
        fields = json.decode(line)
    except (ValueError, RecursionError):  # whoever decodes it says what is wrong
        return line
    if not isinstance(fields, dict):
        return line
    fields = {_KEYS.get(key, key): value for key, value in fields.items()}
    for key, words in (("event", _EVENTS), ("type", _TYPES)):
        if isinstance(fields.get(key), str):
            fields[key] = words.get(fields[key], fields[key])
    return json.encode(fields)
