"""What a certificate says about who shows it: a role and a name, as a URI such as ``paxtui:operator/eve``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from paxtui.core.ballot import REPLICAS_MAX

Role = Literal["replica", "client", "operator", "observer"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

SCHEME: Final = "paxtui:"

NAME_WORDS: Final = "1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Plain, because a name is also a file's name, a part of a session's id, and a word in logs."""


class NoRole(ValueError):
    """The certificate, or what stands for one, states no role; the message says what is wrong."""


class Identity(Struct, frozen=True):
    """One role and one name. A replica's name is its id."""

    role: Role
    name: str

    def __str__(self) -> str:
        return f"{self.role}/{self.name}"

    @property
    def uri(self) -> str:
        """Return the URI in the certificate."""
        return f"{SCHEME}{self}"

    @property
    def stem(self) -> str:
        """Return the name of its files, without ``.pem`` and ``.key``."""
        return f"{self.role}-{self.name}"

    @property
    def replica(self) -> int | None:
        """Return the replica's id; ``None`` for all others."""
        return int(self.name) if self.role == "replica" else None


def identity(role: str, name: str) -> Identity:
    """Check a role and a name, and return the identity. Raises :class:`NoRole`."""
    for known in ROLES:
        if role == known:
            break
    else:
        raise NoRole(f"{role!r} is no role; {', '.join(ROLES)} are")
    if known == "replica" and not (re.fullmatch(r"[0-9]", name) and int(name) < REPLICAS_MAX):
        raise NoRole(f"{name!r} is no replica's id; 0 to {REPLICAS_MAX - 1} are")
    if not _NAME.fullmatch(name):
        raise NoRole(f"{name!r} is no name; allowed are {NAME_WORDS}")
    return Identity(known, name)


def from_uris(uris: Iterable[str]) -> Identity:
    """Find the one identity among a certificate's URIs. Raises :class:`NoRole`: two roles are as bad as
    none."""
    ours = [uri for uri in uris if uri.startswith(SCHEME)]
    if len(ours) != 1:
        what = "no role" if not ours else f"{len(ours)} roles"
        raise NoRole(f"states {what}; one URI such as {SCHEME}client/NAME is needed")
    role, _, name = ours[0].removeprefix(SCHEME).partition("/")
    return identity(role, name)


def from_certificate(certificate: Mapping[str, Any] | None) -> Identity:
    """Find the identity in what ``getpeercert()`` returned for a verified certificate. Raises
    :class:`NoRole`."""
    names = (certificate or {}).get("subjectAltName", ())
    return from_uris(text for kind, text in names if kind == "URI")
