"""Reads record files: checks each line, and notices what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from msgspec import DecodeError, Meta, Struct, field, json

from paxtui.core.ballot import Ballot, Number, ReplicaId
from paxtui.core.events import AnyEvent, Restored
from paxtui.core.messages import PeerMessage
from paxtui.core.values import Command
from paxtui.records.lines import VERSION
from paxtui.records.older import in_words_of_today
from paxtui.records.parts import BadRecord, EndPart, EventPart, FaultPart, Gap, Life, MessagePart, Part
from paxtui.wire.schema_errors import explain_json

T = TypeVar("T")

Seconds = Annotated[float, Meta(ge=0, lt=1e12)]


class _Shape(Struct):
    """What tells the kinds of lines apart."""

    at: Seconds
    replica: ReplicaId | None = None
    number: Number | None = None
    record: int | None = None
    event: str | None = None
    vote: Number | None = None
    dropped: Annotated[int, Meta(ge=1)] | None = None
    ended: str | None = None
    fault: str | None = None
    type: str | None = None


class LifeHeader(Struct, kw_only=True):
    """The first line of a life."""

    cluster: str
    replica: ReplicaId
    replicas: Annotated[int, Meta(ge=1, le=9)]
    at: Seconds
    wall: Annotated[float, Meta(gt=-1e12, lt=1e12)]
    """It may be anything: machines without a battery begin in 1970, or before."""
    promised: Ballot
    round: Number
    watermark: Number
    chain: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    votes: Number


class _VoteLine(Struct):
    vote: Number
    ballot: Ballot
    value: Command


class _Fault(Struct):
    fault: str
    detail: str


class _Ends(Struct):
    to: ReplicaId
    sender: ReplicaId = field(name="from")


class _Kind(Generic[T]):
    """One kind of line: its decoder, and its type, to say why a line is none."""

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self.decode: Callable[[bytes], T] = json.Decoder(type_).decode


_shape = _Kind[_Shape](_Shape)
_header = _Kind[LifeHeader](LifeHeader)
_vote = _Kind[_VoteLine](_VoteLine)
_event = _Kind[Any](AnyEvent)
_fault = _Kind[_Fault](_Fault)
_ends = _Kind[_Ends](_Ends)
_message = _Kind[PeerMessage](PeerMessage)


class _Account:
    """One replica in one file."""

    def __init__(self) -> None:
        self.alive = False
        self.blind = False
        """The header of this life is missing, and with it what its clock means: nothing of it is told."""
        self.offset = 0.0
        """The offset that turns its clock into the time of day."""
        self.number = 0
        """The next event's."""
        self.header: tuple[LifeHeader, int] | None = None
        """Of a life whose votes are still being told, and its line."""
        self.held: list[tuple[int, Ballot, Command]] = []


class RecordReader:
    """The parts of one record file, in its order. Raises :class:`BadRecord` at the line that is none."""

    def __init__(self, lines: Iterable[bytes], source: str) -> None:
        self.source = source
        self._again: Iterable[bytes] = lines if isinstance(lines, Sequence) else ()
        self.torn: list[int] = []
        """Lines of which the end is missing: a process was killed while it wrote."""
        self._lines = enumerate(map(in_words_of_today, lines), 1)
        self._accounts: dict[int, _Account] = {}
        self._last_at: dict[int, float] = {}
        self.header = self._first()

    @classmethod
    def open(cls, path: Path) -> RecordReader:
        """Begin to read a file; ``OSError`` becomes :class:`BadRecord` here, and later too."""
        try:
            reader = cls(_lines_of(path), str(path))
        except OSError as error:
            raise BadRecord(f"{path}: {error.strerror}") from None
        if path.is_file():
            reader._again = _Lines(path)
        return reader

    def lives(self) -> list[Life]:
        """List all lives of the file, read ahead; none if it can be read only once, or not at all."""
        names = (b'"record":', b'"vote":', b'"held":')
        starts = (line for line in self._again if any(name in line for name in names))
        try:
            return [part for part in RecordReader(starts, self.source) if isinstance(part, Life)]
        except (BadRecord, OSError):
            return []  # whoever reads it in order will be told

    def _bad(self, line: int, why: str) -> BadRecord:
        return BadRecord(f"{self.source}:{line}: {why}")

    def _first(self) -> LifeHeader:
        number, line = next(self._lines, (0, b""))
        if not line:
            raise BadRecord(f"{self.source}: is empty")
        try:
            shape = _shape.decode(line)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            shape = None
        if shape is None or shape.record is None:
            raise self._bad(number, "this is no record: the first line is no header")
        self._begun = number, line
        return self._decode(_header, line, number)

    def _decode(self, kind: _Kind[T], line: bytes, number: int) -> T:
        try:
            return kind.decode(line)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            raise self._bad(number, explain_json(line, kind.type)[1]) from None

    def __iter__(self) -> Iterator[Part]:
        """Yield all parts. A life that breaks off in the middle ends in a :class:`Gap`."""
        number, line = self._begun
        try:
            yield from self._read(line, number, self._decode(_shape, line, number))
            for number, line in self._lines:
                try:
                    shape = _shape.decode(line)
                except (DecodeError, UnicodeDecodeError, RecursionError):
                    number, line = self._after_torn(number, line)
                    if not line:
                        break
                    shape = self._decode(_shape, line, number)
                yield from self._read(line, number, shape)
        except OSError as error:
            raise BadRecord(f"{self.source}: {error.strerror}") from None
        for replica, account in self._accounts.items():
            if account.alive or account.header is not None:
                yield self._gap(replica, number, None, "its record ends without an end")

    def _after_torn(self, number: int, line: bytes) -> tuple[int, bytes]:
        """Skip a line that may be torn, at the end of the file or where the next life begins."""
        following, text = next(self._lines, (number, b""))
        if (text and b'"record":' not in text) or (not text and line.endswith(b"\n")):
            raise self._bad(number, f"this is no line of a record: {explain_json(line, _Shape)[1]}")
        self.torn.append(number)
        return following, text

    def _read(self, line: bytes, number: int, shape: _Shape) -> Iterator[Part]:
        if shape.type is not None:
            yield self._arrived(line, number, shape)
        elif shape.fault is not None:
            yield self._done(line, number, shape)
        elif shape.replica is None:
            raise self._bad(number, "it names no replica")
        elif shape.record is not None:
            yield from self._life(line, number, shape)
        else:
            yield from self._of_life(line, number, shape, shape.replica)

    # Lives

    def _life(self, line: bytes, number: int, shape: _Shape) -> Iterator[Part]:
        if shape.record not in (1, VERSION):
            raise self._bad(number, f"format {shape.record} of records is not known, 1 to {VERSION} are")
        header = self._decode(_header, line, number)
        for name in ("cluster", "replicas"):
            mine, other = getattr(self.header, name), getattr(header, name)
            if mine != other:
                raise self._bad(number, f"{name} is {other!r} here and {mine!r} before")
        if header.replica >= header.replicas:
            raise self._bad(number, f"there is no replica {header.replica} among {header.replicas}")
        account = self._accounts.setdefault(header.replica, _Account())
        if account.alive or account.header is not None:
            yield self._gap(header.replica, number, None, "its process ended without a word")
        account.alive = account.blind = False
        account.number = 0
        account.offset = header.wall - header.at
        account.header, account.held = (header, number), []
        yield from self._begin(account)

    def _begin(self, account: _Account) -> Iterator[Part]:
        """Begin the life, if all votes that it begins with are known."""
        if account.header is None or len(account.held) < account.header[0].votes:
            return
        (header, line), account.header = account.header, None
        account.alive = True
        self._last_at[header.replica] = header.wall
        yield Life(
            at=header.wall,
            replica=header.replica,
            source=self.source,
            line=line,
            cluster=header.cluster,
            replicas=header.replicas,
            promised=header.promised,
            round=header.round,
            watermark=header.watermark,
            chain=header.chain,
            held=tuple(account.held),
        )

    def _of_life(self, line: bytes, number: int, shape: _Shape, replica: int) -> Iterator[Part]:
        account = self._accounts.get(replica)
        if account is None:
            raise self._bad(number, f"replica {replica} has no header before this")
        at = shape.at + account.offset
        if shape.vote is not None and account.header is not None:
            vote = self._decode(_vote, line, number)
            account.held.append((vote.vote, vote.ballot, vote.value))
            yield from self._begin(account)
            return
        if account.header is not None:
            account.header, account.alive = None, True
            yield self._gap(replica, number, None, "votes that its disk held are missing")
        if account.blind:
            return
        if shape.event is not None:
            yield from self._told(line, number, shape, replica, account)
        elif shape.dropped is not None:
            account.number = (shape.number or 0) + shape.dropped
            yield self._gap(replica, number, shape.dropped, "it could not keep up")
        elif shape.ended is not None:
            account.alive = False
            missing = (shape.number or 0) - account.number
            if missing:
                yield self._gap(replica, number, missing, "lines are missing")
            yield EndPart(at=at, replica=replica, source=self.source, line=number, why=shape.ended)
        elif shape.vote is None:
            raise self._bad(number, "it is none of header, vote, event, dropped, ended and fault")
        if not account.blind:
            self._last_at[replica] = at

    def _told(
        self, line: bytes, number: int, shape: _Shape, replica: int, account: _Account
    ) -> Iterator[Part]:
        at = shape.at + account.offset
        event = self._decode(_event, line, number)
        if shape.number is None:
            raise self._bad(number, "an event without a number")
        if not account.alive or (shape.number < account.number and isinstance(event, Restored)):
            account.alive = account.blind = True
            yield self._gap(replica, number, None, "the header of this life is missing, so all of it is")
            return
        if shape.number < account.number:
            raise self._bad(number, f"event {shape.number} comes after event {account.number - 1}")
        if shape.number > account.number:
            missing = shape.number - account.number
            yield self._gap(replica, number, missing, "lines are missing")
        account.number = shape.number + 1
        yield EventPart(
            at=at, replica=replica, source=self.source, line=number, number=shape.number, event=event
        )

    def _gap(self, replica: int, line: int, count: int | None, why: str) -> Gap:
        """Begin a gap right after the last part."""
        at = self._last_at.get(replica, self.header.wall)
        return Gap(at=at, replica=replica, source=self.source, line=line, count=count, why=why)

    # For people

    def _offset(self, replica: int | None) -> float:
        account = self._accounts.get(-1 if replica is None else replica)
        return self.header.wall - self.header.at if account is None else account.offset

    def _done(self, line: bytes, number: int, shape: _Shape) -> FaultPart:
        fault = self._decode(_fault, line, number)
        at = shape.at + self._offset(shape.replica)
        replica = self.header.replica if shape.replica is None else shape.replica
        return FaultPart(
            at=at,
            replica=replica,
            several=shape.replica is None,
            source=self.source,
            line=number,
            what=fault.fault,
            detail=fault.detail,
        )

    def _arrived(self, line: bytes, number: int, shape: _Shape) -> MessagePart:
        ends = self._decode(_ends, line, number)
        return MessagePart(
            at=shape.at + self._offset(None),
            replica=ends.to,
            source=self.source,
            line=number,
            sender=ends.sender,
            message=self._decode(_message, _without_place(line), number),
        )


def _without_place(line: bytes) -> bytes:
    """Strip the fields that only the record has from a message's line: when, and between which replicas."""
    fields = json.decode(line)
    for name in ("at", "from", "to"):
        del fields[name]
    return json.encode(fields)


class _Lines:
    """The lines of a file, as often as they are wanted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        return _lines_of(self._path)


def _lines_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file
