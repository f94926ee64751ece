"""Several records, one order: by time, but never an effect before its cause.

Clocks may differ. What a replica decided, lost with its process and decided again in its next life is told
apart by what its disk held then, which is read ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from paxtui.records.causes import Causes
from paxtui.records.parts import BadRecord, Life, Part
from paxtui.records.reader import RecordReader


class OrderedPart(Struct, frozen=True):
    """A part in its place. ``doubtful``: a cause of it is not in the records, but may be in a gap."""

    part: Part
    doubtful: bool


class RecordSource:
    """One file, as a queue for each replica of which it tells."""

    def __init__(self, reader: RecordReader) -> None:
        self.reader = reader
        self._parts = iter(reader)
        self._waiting: dict[int, deque[Part]] = {reader.header.replica: deque()}

    def tells_of(self) -> list[int]:
        """List the replicas that the file has reported so far."""
        return list(self._waiting)

    def pop(self, replica: int) -> Part | None:
        """Take the next part of one queue; ``None`` at the end."""
        mine = self._waiting.setdefault(replica, deque())
        while not mine:
            part = next(self._parts, None)
            if part is None:
                return None
            self._waiting.setdefault(part.replica, deque()).append(part)
        return mine.popleft()


class Records:
    """The records of one cluster."""

    def __init__(self, readers: Sequence[RecordReader]) -> None:
        first = readers[0]
        for reader in readers[1:]:
            for name in ("cluster", "replicas"):
                one, other = getattr(first.header, name), getattr(reader.header, name)
                if one != other:
                    raise BadRecord(
                        f"{reader.source}: {name} is {other!r}, in {first.source} it is {one!r}; "
                        "give the records of one cluster"
                    )
        self.readers = readers
        self.cluster = first.header.cluster
        self.replicas = first.header.replicas
        self.began = min(reader.header.wall for reader in readers)

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Records:
        """Begin to read files; raises :class:`BadRecord`."""
        return cls([RecordReader.open(path) for path in paths])

    def merged(self) -> Iterator[OrderedPart]:
        """Yield all parts in one order. An event waits for its causes as long as they may come; nothing waits
        for what is in a gap. If nothing can go on, the earliest goes first: its cause does not exist.

        A life begins right after the one before it, whatever the time: nobody changes the disk meanwhile,
        and what it holds explains what others counted. The lives in one file are in its order, because the
        clock may have been set back between two of them."""
        lives: dict[int, list[Life]] = {}
        for reader in _one_after_the_other(self.readers):
            for life in reader.lives():
                lives.setdefault(life.replica, []).append(life)
        causes = Causes(self.replicas, lives, lives)
        heads = _Heads(self.readers)
        while True:
            waiting = heads.waiting()
            if not waiting:
                return
            ready = next((head for head in waiting if causes.unchanged(head[1])), None)
            key, part = ready or next((head for head in waiting if _goes_on(causes, head[1])), waiting[0])
            doubtful = not causes.known(part) and causes.may_be_missing(part)
            causes.add(part)
            heads.take(key)
            yield OrderedPart(part, doubtful)


def _one_after_the_other(readers: Sequence[RecordReader]) -> list[RecordReader]:
    """Order files that report the same replica."""
    return sorted(readers, key=lambda reader: reader.header.wall)


def _goes_on(causes: Causes, part: Part) -> bool:
    return causes.known(part) or causes.may_be_missing(part)


class _Heads:
    """The next part of each replica. Where several files tell of one, they do so one after the other."""

    def __init__(self, readers: Sequence[RecordReader]) -> None:
        self._sources = [RecordSource(reader) for reader in _one_after_the_other(readers)]
        self._heads: dict[int, Part | None] = {}
        self._keys: set[int] = set()

    def waiting(self) -> list[tuple[int, Part]]:
        """List all waiting parts, the earliest first."""
        while new := {key for source in self._sources for key in source.tells_of()} - self._keys:
            for key in sorted(new):
                self._keys.add(key)
                self.take(key)
        found = [(key, part) for key, part in self._heads.items() if part is not None]
        return sorted(found, key=lambda head: (head[1].at, head[0]))

    def take(self, key: int) -> None:
        """Go on to the next part."""
        self._heads[key] = None
        for source in self._sources:
            if key in source.tells_of() and (part := source.pop(key)) is not None:
                self._heads[key] = part
                return
