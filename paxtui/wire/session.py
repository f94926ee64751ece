"""Session ids: what a replica issues, and what it takes back.

====================================  ========================================================================
``ada~k3v7x2ab@12``                   issued where replicas have no certificates, and by earlier programs
``ada~op.k3v7x2ab@12``                issued to who showed the certificate ``operator/ada``
====================================  ========================================================================

The parts are the client's name; the first two letters of its certificate's role; 40 random bits; and the
session's birth (:mod:`paxtui.core.sessions`). An id stands in the log for all to read, so it proves nothing.
But any replica can compare it with the certificate, or else with the name, of the client that shows it.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b32encode
from typing import Final

from msgspec import Struct

from paxtui.core.ballot import NUMBER_LIMIT

NONCE_BYTES: Final = 5
"""40 random bits, 8 letters: two clients of one name that connect at the same slot still differ."""

ROLE_CHARS: Final = 2
"""Enough to tell the roles apart. More would not fit a session id beside the longest name."""

NAMELESS: Final = "client"
"""The name of a client that says none."""

_SHAPE: Final = re.compile(r"([^~@]+)~(?:([a-z]{2})\.)?([a-z2-7]{8})@(0|[1-9][0-9]{0,15})")


class SessionId(Struct, frozen=True):
    """The parts of an id. ``role`` is empty where the id does not say."""

    name: str
    role: str
    nonce: str
    birth: int

    def __str__(self) -> str:
        role = f"{self.role}." if self.role else ""
        return f"{self.name}~{role}{self.nonce}@{self.birth}"


def parse(text: str) -> SessionId | None:
    """Return the parts of an id; ``None`` if no replica can have issued it."""
    found = _SHAPE.fullmatch(text)
    if found is None or int(found[4]) >= NUMBER_LIMIT:
        return None
    return SessionId(found[1], found[2] or "", found[3], int(found[4]))


def issue(name: str, role: str, birth: int, random_bytes: bytes) -> SessionId:
    """Issue a new session, of ``name`` as it stands in ids; ``role`` is a certificate's, or empty."""
    return SessionId(name, role[:ROLE_CHARS], b32encode(random_bytes).decode().lower(), birth)


def name_in_id(name: str) -> str:
    """Return a client's name as it stands in its session ids, and so in the log: letters, digits and pictures
    as they are, everything else but ``.``, ``-`` and ``_`` as a hyphen. A name is one word: ``ada: hi`` or
    ``ada (operator eve)`` would tell a reader of the log something that nobody has checked."""
    plain = "".join(char if _is_plain(char) else "-" for char in name) or NAMELESS
    # A combining mark would join whatever stands before the name on screen.
    return f"-{plain[1:]}" if unicodedata.category(plain[0])[0] == "M" else plain


def name_in_old_id(name: str) -> str:
    """Return the same for ids that earlier programs issued."""
    return name.replace("~", "-").replace("@", "-") or NAMELESS


def _is_plain(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in ".-_"
    category = unicodedata.category(char)
    return category[0] in "LMN" or category in ("So", "Sk")


def name_problem(name: str) -> str | None:
    """Return why a client may not call itself so; how long a name may be is another matter."""
    if not name.isprintable():
        return "must be printable"
    return None if name == name.strip() else "must not begin or end with a space"
