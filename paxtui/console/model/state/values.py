"""The values of slots, as far as somebody may want to look at them.

Telemetry leaves values out when there are too many, and old slots were never told: whoever shows such a slot
asks here, and the console fetches pages of the log from a replica, only for what is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from paxtui.wire.telemetry import TEXT_CHARS_MAX, brief
from paxtui.wire.text import client_name, cluster_words, visible
from paxtui.wire.values import Ballot

KEPT: Final = 40_000
"""Values in memory: some hundred screens. Others are fetched again."""

PAGE: Final = 256
"""Slots that one fetch asks for."""

REPEATED_KEPT: Final = 400
WHOLE_KEPT: Final = 64
"""Texts that are longer than what telemetry tells, as they were fetched: at most 64 KiB each."""


class Value(NamedTuple):
    """A command as far as it is shown."""

    client: str
    request: int
    text: str
    repeats: int | None = None
    """The slot of the same request's first effect; -1 if its session had expired."""

    @property
    def is_noop(self) -> bool:
        """Return whether it is no client's: a no-op, a checkpoint or a trim."""
        return not self.client

    @property
    def words(self) -> str:
        """Return what it is, if it is no client's: ``no-op``, ``checkpoint``, ``trim to 1234``."""
        return cluster_words(self.request, self.text)

    @property
    def word(self) -> str:
        """Return the first of these words."""
        return self.words.partition(" ")[0]

    @property
    def is_cut(self) -> bool:
        """Return whether there is more of the text than was told."""
        return len(self.text) == TEXT_CHARS_MAX and self.text.endswith("…")

    @property
    def name(self) -> str:
        """Return who sent it, safe to show."""
        return client_name(self.client)

    @property
    def shown(self) -> str:
        """Return ``ada: hello``, safe to show."""
        return self.words if self.is_noop else f"{self.name}: {visible(self.text)}"


class Values:
    """Values by slot and ballot, bounded; and which are wanted.

    Different proposals have different numbers (Paxos Made Simple, 2.2), so the value of a slot and a ballot
    is the same, whoever tells it and when.
    """

    def __init__(self) -> None:
        self.repeated: dict[int, int] = {}
        """Slots that were seen to take no effect, and which they repeat."""
        self._known: dict[int, tuple[Ballot, Value]] = {}
        """By slot, the value of the highest ballot that was told, and that ballot."""
        self._lower: dict[int, dict[Ballot, Value]] = {}
        """By slot, the values of lower ballots, where there are any."""
        self._repeats: dict[int, int] = {}
        """What a command repeats is found as its slot is applied, and does not depend on a ballot."""
        self._whole: dict[int, str] = {}
        self._wanted: set[int] = set()

    def copy(self) -> Values:
        """Return another one of the same; what is wanted stays here."""
        other = Values()
        other.repeated = self.repeated.copy()
        other._known, other._whole = self._known.copy(), self._whole.copy()
        other._repeats = self._repeats.copy()
        other._lower = {slot: values.copy() for slot, values in self._lower.items()}
        return other

    def fetched(self, slot: int, ballot: Ballot, value: Value) -> None:
        """Take a value with all of its text."""
        short = brief(value.text)
        if short != value.text:
            self._whole.pop(slot, None)
            self._whole[slot] = value.text
            while len(self._whole) > WHOLE_KEPT:
                del self._whole[next(iter(self._whole))]
        self.put(slot, ballot, value._replace(text=short))

    def whole(self, slot: int) -> str | None:
        """Return the text to its end; ``None`` where it is not known."""
        value = self.get(slot)
        return self._whole.get(slot, value.text if value is not None and not value.is_cut else None)

    def put(self, slot: int, ballot: Ballot, value: Value) -> None:
        """Take the value of a ballot. A repetition that is known stays known."""
        if value.repeats is not None:
            self._repeats[slot] = value.repeats
            value = value._replace(repeats=None)
        old = self._known.pop(slot, None)
        if old is not None and old[0] != ballot:
            higher, lower = ((ballot, value), old) if ballot > old[0] else (old, (ballot, value))
            self._lower.setdefault(slot, {})[lower[0]] = lower[1]
            ballot, value = higher
        self._known[slot] = ballot, value
        while len(self._known) > KEPT:
            gone = next(iter(self._known))
            del self._known[gone]
            self._lower.pop(gone, None)
            self._repeats.pop(gone, None)

    def put_run(self, first: int, ballots: Iterable[tuple[Ballot, int]], values: Sequence[Value]) -> None:
        """Take the values of a run, of which so many in turn have each of the ballots; only its end, if it is
        longer than what is kept."""
        skipped = max(0, len(values) - KEPT)
        at = 0
        for ballot, count in ballots:
            for slot in range(max(at, skipped), at + count):
                self.put(first + slot, ballot, values[slot])
            at += count

    def suppress(self, slot: int, repeats: int) -> None:
        """Note that the command in ``slot`` took no effect."""
        self.repeated[slot] = repeats
        while len(self.repeated) > REPEATED_KEPT:
            del self.repeated[next(iter(self.repeated))]
        self._repeats[slot] = repeats
        while len(self._repeats) > KEPT:
            del self._repeats[next(iter(self._repeats))]

    def get(self, slot: int, ballot: Ballot | None = None) -> Value | None:
        """Return the value of a ballot, or of the highest one that was told, if it is known."""
        known = self._known.get(slot)
        if known is None:
            return None
        value = known[1] if ballot in (None, known[0]) else self._lower.get(slot, {}).get(ballot)
        if value is not None and slot in self._repeats:
            return value._replace(repeats=self._repeats[slot])
        return value

    @property
    def slots(self) -> list[int]:
        """Return the slots whose values are known."""
        return list(self._known)

    def want(self, slot: int) -> None:
        """Note that ``slot`` is looked at, and that its value is not known."""
        if slot not in self._known:
            self._wanted.add(slot)

    def take_wanted(self, applied: int) -> tuple[int, int] | None:
        """Return ``(first, count)`` of a page that would fetch the highest wanted slots below ``applied``."""
        wanted = [slot for slot in self._wanted if slot < applied and slot not in self._known]
        self._wanted.clear()
        if not wanted:
            return None
        last = max(wanted)
        first = max(0, min(slot for slot in wanted if slot > last - PAGE))
        return first, last - first + 1
