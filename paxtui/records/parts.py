"""The parts of records: their lines, once they are read and checked."""

from __future__ import annotations

from msgspec import Struct

from paxtui.core.ballot import Ballot
from paxtui.core.events import Event
from paxtui.core.messages import PeerMessage
from paxtui.core.values import Command


class BadRecord(Exception):
    """A file is no record, or not of this cluster; says which file, where, and what is wrong."""


class Part(Struct, frozen=True, kw_only=True):
    """Base: when, by the common clock of all records that are read; who; and where it stands."""

    at: float
    replica: int
    source: str
    line: int

    @property
    def place(self) -> str:
        """Give the place as ``FILE:LINE``."""
        return f"{self.source}:{self.line}"


class Life(Part, frozen=True):
    """A life begins, with what the disk holds; ``held`` are (slot, ballot, value)."""

    cluster: str
    replicas: int
    promised: Ballot
    round: int
    watermark: int
    chain: str
    held: tuple[tuple[int, Ballot, Command], ...]

    @property
    def new(self) -> bool:
        """Tell whether the disk was empty."""
        return self.promised == Ballot.ZERO and not self.round and not self.watermark and not self.held


class EventPart(Part, frozen=True):
    """An event."""

    number: int
    event: Event

    @property
    def kind(self) -> str:
        """Give the kind, as in :mod:`paxtui.core.events`."""
        return str(type(self.event).__struct_config__.tag)


class Gap(Part, frozen=True):
    """Something is missing from here on: ``count`` events, or nobody knows how many (``None``)."""

    count: int | None
    why: str


class EndPart(Part, frozen=True):
    """The life is over, and nothing of it is missing."""

    why: str


class FaultPart(Part, frozen=True):
    """A fault, for people."""

    several: bool
    """It was not done to ``replica`` alone."""
    what: str
    detail: str


class MessagePart(Part, frozen=True):
    """A message of ``sender`` arrives, for people."""

    sender: int
    message: PeerMessage
