"""The messages that wait at their sender because a hold keeps them, until an operator releases them.

Pure: what leaves, and how, is decided in :mod:`paxtui.replica.transport.outbound`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from paxtui.core.ballot import REPLICAS_MAX
from paxtui.core.messages import PeerMessage
from paxtui.wire.requests import StagedMatch, StagedMessage
from paxtui.wire.views import is_about, kind_of, slots_of

STAGED_MAX: Final = 4096
"""Messages that may wait: more than a person looks through, and what a busy leader sends in a second."""

STAGED_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bytes that may wait, as much as for one link that takes nothing."""

COPIES_MAX: Final = 64
"""Byte-equal messages that wait as one. When they are released all leave, so no forgotten hold may gather
minutes of heartbeats; what is beyond repeats what waits already."""


class HeldMessage:
    """One message that waits, or several that are byte-equal."""

    __slots__ = ("copies", "data", "message", "number", "since", "to")

    def __init__(self, number: int, to: int, message: PeerMessage, data: bytes, since: float) -> None:
        self.number = number
        self.to = to
        self.message = message
        self.data = data
        self.since = since
        self.copies = 1


class StagedMessages:
    """The staged messages of replica ``me``, by number; the oldest has the lowest."""

    def __init__(self, me: int) -> None:
        self._me = me
        self._by_number: dict[int, HeldMessage] = {}
        self._by_data: dict[tuple[int, bytes], HeldMessage] = {}
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many messages wait; byte-equal ones to one replica are one."""
        return len(self._by_number)

    def __iter__(self) -> Iterator[HeldMessage]:
        """Yield what waits, the oldest first."""
        return iter(tuple(self._by_number.values()))

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes wait."""
        return self._bytes

    def add(self, to: int, message: PeerMessage, data: bytes, now: float) -> HeldMessage | None:
        """Let ``message``, which is encoded as ``data``, wait; ``None`` if there is no room, so that it is
        lost as on an overfull link."""
        held = self._by_data.get((to, data))
        if held is not None:
            if held.copies >= COPIES_MAX:
                return None
            held.copies += 1
            return held
        if len(self._by_number) >= STAGED_MAX or self._bytes + len(data) > STAGED_BYTES_MAX:
            return None
        number = self._count * REPLICAS_MAX + self._me + 1  # as faults are numbered
        self._count += 1
        held = HeldMessage(number, to, message, data, now)
        self._by_number[number] = self._by_data[to, data] = held
        self._bytes += len(data)
        return held

    def matching(self, match: StagedMatch) -> Callable[[HeldMessage], bool]:
        """Return the test for what ``match`` means."""
        return lambda held: (
            match.to in (-1, held.to) and is_about(held.message, tuple(match.kinds), match.slot)
        )

    def take(self, wanted: Callable[[HeldMessage], bool]) -> list[HeldMessage]:
        """Remove and return what ``wanted`` is true of, the oldest first."""
        taken = [held for held in self._by_number.values() if wanted(held)]
        self._remove(taken)
        return taken

    def take_numbers(self, numbers: Iterable[int]) -> list[HeldMessage]:
        """Remove and return what waits of these, in the order that was asked for."""
        taken = [self._by_number[number] for number in dict.fromkeys(numbers) if number in self._by_number]
        self._remove(taken)
        return taken

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Return those of ``numbers`` that do not wait here."""
        return [number for number in numbers if number not in self._by_number]

    def clear(self) -> None:
        """Forget all."""
        self.take(lambda _: True)

    def _remove(self, taken: Iterable[HeldMessage]) -> None:
        for held in taken:
            del self._by_number[held.number], self._by_data[held.to, held.data]
            self._bytes -= len(held.data)

    def view(self, held: HeldMessage, now: float) -> StagedMessage:
        """Return a message as operators see it."""
        first, count = slots_of(held.message)
        return StagedMessage(
            number=held.number,
            replica=self._me,
            to=held.to,
            kind=kind_of(held.message),
            ballot=getattr(held.message, "ballot", None),
            first=first,
            count=count,
            bytes=len(held.data),
            age_s=round(now - held.since, 3),
            copies=held.copies,
        )
