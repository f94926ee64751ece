"""Who is on the other end of a connection, and what that one may do.

| certificate | may speak as | may |
|---|---|---|
| replica/N | peer, as replica N and no other | what the protocol between replicas has |
| client | client, operator, observer | append, read, tail, ask for the status |
| observer | the same | observe, read, tail, ask for the status and the faults |
| operator | the same | all of that, faults, elections, no-ops, staged messages and clocks |

The role in ``hello`` chooses the words of a connection; the certificate decides which of them count. Where
replicas run without certificates all may do everything: a program that reaches the port is trusted.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct

from paxtui.config.identity import Identity, Role
from paxtui.wire.hello import Hello
from paxtui.wire.requests import (
    AppendManyRequest,
    AppendRequest,
    ElectRequest,
    FillHoleRequest,
    HistoryRequest,
    InjectRequest,
    ListFaultsRequest,
    ListStagedRequest,
    ObserveRequest,
    ReadRequest,
    ReleaseRequest,
    RenewRequest,
    StatusRequest,
    TailRequest,
    TickRequest,
    UndoRequest,
)

Verb = type[Any]

_READING: Final[frozenset[Verb]] = frozenset({ReadRequest, TailRequest, StatusRequest})
_OPERATING: Final[frozenset[Verb]] = frozenset(
    {
        ElectRequest,
        FillHoleRequest,
        InjectRequest,
        UndoRequest,
        RenewRequest,
        ListStagedRequest,
        ReleaseRequest,
        TickRequest,
    }
)
_MAY: Final[dict[Role, frozenset[Verb]]] = {
    "client": _READING | {AppendRequest, AppendManyRequest},
    "observer": _READING | {ObserveRequest, HistoryRequest, ListFaultsRequest},
    "operator": _READING
    | _OPERATING
    | {AppendRequest, AppendManyRequest, ObserveRequest, HistoryRequest, ListFaultsRequest},
    "replica": frozenset(),
}
_ALL: Final = _MAY["operator"]

LABEL_CHARS: Final = 64


_SEVERAL_WORDS: Final = re.compile(r'[\s:()"/]')


def named(label: str) -> str:
    """Quote a name that a client gives itself, for a line of a log: in quotes if it is more than a word, so
    that it cannot be taken for the words around it."""
    return '"' + label.replace('"', "'") + '"' if _SEVERAL_WORDS.search(label) else label


class Caller(Struct, frozen=True):
    """One connection's other end."""

    where: str
    """Its address."""
    identity: Identity | None = None
    """What its certificate says; ``None`` where replicas run without certificates."""
    label: str = ""
    """What it calls itself: proof of nothing."""

    @property
    def who(self) -> str:
        """Return the name for the audit, with what is proven first."""
        label = self.label[:LABEL_CHARS]
        if self.identity is None:
            return named(label) or "a client without name"
        label = label.replace("(", "[").replace(")", "]")  # nothing in it ends the parentheses
        return f"{self.identity} ({label})" if label not in ("", self.identity.name) else str(self.identity)

    @property
    def origin(self) -> str:
        """Return the address for the audit, and whether ``who`` is proven."""
        return self.where if self.identity is not None else f"{self.where} without a certificate"

    @property
    def denied(self) -> frozenset[Verb]:
        """Return the requests that its certificate does not allow, whatever it says in hello."""
        return frozenset() if self.identity is None else _ALL - _MAY[self.identity.role]

    def name(self, hello: Hello) -> str:
        """Return the name under which its messages go into the log: where there is a certificate, the
        certificate's."""
        return hello.name if self.identity is None else self.identity.name

    def objection(self, hello: Hello) -> str | None:
        """Return why it may not come in as what it says in hello; ``None`` if it may."""
        identity = self.identity
        if identity is None:
            return None
        if hello.role == "peer" and identity.replica is None:
            return f"your certificate is that of {identity}; only a replica may speak as a peer"
        if hello.role == "peer" and identity.replica != hello.replica:
            return f"your certificate is that of {identity}; it cannot speak as replica {hello.replica}"
        if hello.role != "peer" and identity.replica is not None:
            return f"your certificate is that of {identity}; it may speak as a peer and not as {hello.role}"
        return None
