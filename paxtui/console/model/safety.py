"""Is the log safe? Computed from what was observed, by the checkers that judge recorded runs."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from paxtui.wire.telemetry import Snapshot

Light = Literal["SAFE", "UNKNOWN", "VIOLATED"]


class Lights(NamedTuple):
    """The safety light of the header, and the words beside it."""

    light: Light
    words: str


class Judge:
    """Takes the telemetry of all replicas."""

    def __init__(self, replicas: int) -> None:
        self.conflicts: set[int] = set()
        """Slots in which two values were seen to be chosen."""
        self.problems: list[str] = []
        """What was found broken, in words."""

    @property
    def light(self) -> Lights:
        """All checks in one word."""
        return Lights("VIOLATED" if self.problems else "UNKNOWN", "UNKNOWN")

    def snapshot(self, replica: int, snapshot: Snapshot) -> None:
        """A replica's state; from here on its events come without a gap."""

    def event(self, replica: int, event: Struct) -> None:
        """The next event of a replica."""

    def gap(self, replica: int) -> None:
        """Events of a replica are missing."""
