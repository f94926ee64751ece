"""Protocol versions, and how this program speaks the one before its own.

A cluster is upgraded one replica at a time, and clients when their owners come to it. So whoever speaks
version N speaks N - 1 too, on each connection whose hello says so: frames are then as that version has
them, and nothing is said that it does not know. Whoever dials tries the newest version first, and falls
back when that is refused.

Version 2 gave some things the words of today. What was said in version 1 is the same but for these names,
so a frame is rewritten as JSON. Only rare frames have such names: votes, appends and their answers are as
they were, and cost nothing more on an older connection.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import json

from paxtui.wire.framing import HEAD_BYTES, frame
from paxtui.wire.hello import OLDEST_VERSION, PROTOCOL_VERSION

KEYS: Final = {
    "non_voting": "held",
    "non_voting_peers": "held_here",
    "log_start": "floor",
    "digest": "mark",
    "digests": "marks",
}
"""Names of fields in version 2, and what version 1 calls them."""

WORDS: Final = {
    "type": {"pre-vote": "canvass", "pre-vote-reply": "canvass-reply"},
    "event": {
        "pre-vote-asked": "canvassed",
        "pre-vote-answered": "canvass-answered",
        "checkpointed": "marked",
        "became-non-voting": "held",
    },
    "role": {"non-voting": "held", "pre-voting": "canvassing"},
}
"""By field: values in version 2, and what version 1 calls them."""

UNKNOWN_FAULTS: Final = frozenset({"clock", "hold"})
UNKNOWN_FAULT: Final = {"fault": "slow-disk", "ms": 0.0}
"""Faults of which version 1 has no word, and the fault without any effect by which it knows them: their
numbers, ages and ends are true there, and whoever speaks it can still end them."""

UNKNOWN_EVENTS: Final = frozenset({"message-staged", "message-released", "clock-changed"})
"""Events of which version 1 has no word. Events are numbered without a gap, so each of them is told there as
a message that was dropped, which changes no picture of the cluster."""

STEPS_SINCE: Final = 2
"""The first version with requests, and answers, about staged messages and the protocol's clock."""

SINCE_2: Final = {"status": frozenset({"program", "clock", "staged"})}
"""By type of frame: fields that version 1 does not know, and that are left out for it."""

SAID: Final = frozenset(
    {
        "hello",
        "welcome",
        "pre-vote",
        "pre-vote-reply",
        "status",
        "page",
        "snapshot",
        "delta",
        "inject",
        "faults",
        "done",
    }
)
HEARD: Final = frozenset(
    {
        "hello",
        "welcome",
        "canvass",
        "canvass-reply",
        "status",
        "page",
        "snapshot",
        "delta",
        "inject",
        "faults",
        "done",
    }
)
"""Types of frames in which such names stand, in version 2 and in version 1."""

_OLD_KEYS: Final = {old: new for new, old in KEYS.items()}
_OLD_WORDS: Final = {key: {old: new for new, old in words.items()} for key, words in WORDS.items()}
_TYPE: Final = re.compile(rb'\{"type":"([a-z-]+)"')


def is_spoken(version: int) -> bool:
    """Tell whether this program speaks that version."""
    return OLDEST_VERSION <= version <= PROTOCOL_VERSION


def is_about_version(reason: str) -> bool:
    """Tell whether a refusal of our hello may be gone when we say it in an older version.

    An older program complains of a field that it does not know, or of the version itself.
    """
    return "protocol version" in reason or re.search(r"`\$|field `", reason) is not None


def older_frames(frames: bytes, version: int) -> bytes:
    """Rewrite whole frames for a connection of an older version."""
    if version == PROTOCOL_VERSION:
        return frames
    rewritten = []
    start = 0
    while start < len(frames):
        length = int.from_bytes(frames[start : start + HEAD_BYTES], "big")
        end = start + HEAD_BYTES + length
        body = frames[start + HEAD_BYTES : end]
        known = _TYPE.match(body)
        if known is not None and known[1].decode() not in SAID:
            rewritten.append(frames[start:end])
        else:
            fields = json.decode(body)
            for name in SINCE_2.get(fields["type"], ()):
                fields.pop(name, None)
            rewritten.append(frame(json.encode(_renamed(fields, KEYS, WORDS))))
        start = end
    return b"".join(rewritten)


def newer_body(body: bytes, version: int) -> bytes:
    """Rewrite what came over a connection of an older version. What is no JSON stays as it came."""
    if version == PROTOCOL_VERSION:
        return body
    known = _TYPE.match(body)
    if known is not None and known[1].decode() not in HEARD:
        return body
    try:
        return json.encode(_renamed(json.decode(body), _OLD_KEYS, _OLD_WORDS))
    except (ValueError, RecursionError):  # the decoder that comes next says what is wrong, and where
        return body


def _renamed(value: Any, keys: dict[str, str], words: dict[str, dict[str, str]]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, keys, words) for each in value]
    if not isinstance(value, dict):
        return value
    if keys is KEYS and value.get("event") in UNKNOWN_EVENTS:
        reason = "version 1 of the protocol has no word for it"
        return {"event": "message-dropped", "kind": value["event"], "sender": 0, "reason": reason}
    renamed: dict[Any, Any] = {}
    for key, each in value.items():
        if keys is KEYS and key == "fault" and isinstance(each, dict) and each.get("fault") in UNKNOWN_FAULTS:
            renamed[key] = dict(UNKNOWN_FAULT)
            continue
        known = words.get(key)
        if known is not None and isinstance(each, str):
            renamed[key] = known.get(each, each)
        else:
            renamed[keys.get(key, key)] = _renamed(each, keys, words)
    return renamed
