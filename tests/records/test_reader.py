"""Record files, line by line: what is refused and how, what is missing, what is torn."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import DurableState
from paxtui.core.events import ElectionTimeout, Restored, Voted
from paxtui.core.values import Command, Vote
from paxtui.records import lines
from paxtui.records.merge import Records
from paxtui.records.parts import BadRecord, EndPart, EventPart, FaultPart, Gap, Life, Part
from paxtui.records.reader import RecordReader

B = Ballot(3, 1)
X = Command("ada@0", 7, 'quotes " and \x1b and \u202e')
HELD = DurableState(promised=B, round=2, watermark=40, votes=(Vote(41, B, X), Vote(43, B, X)))


def header(
    replica: int = 0, saved: DurableState = HELD, cluster: str = "real", wall: float = 1000.0
) -> list[bytes]:
    return [line + b"\n" for line in lines.life(cluster, replica, 3, 5.0, wall, saved)]


def event(number: int, replica: int = 0) -> bytes:
    return lines.event(6.0, replica, number, ElectionTimeout(number)) + b"\n"


END = lines.ended(7.0, 0, 3, "stop") + b"\n"
START = [*header(), *(event(number) for number in range(3))]


def parts(text: list[bytes]) -> list[Part]:
    return list(RecordReader(text, "r0"))


def refused(text: list[bytes]) -> str:
    with pytest.raises(BadRecord) as caught:
        parts(text)
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    told = [Restored(B, 2, 40, 2), Voted(B, 44, (X, X))]
    text = [*header(), *(lines.event(5.5, 0, n, e) + b"\n" for n, e in enumerate(told))]
    text.append(lines.fault(5.75, 0, "cut", "0>1") + b"\n")
    text.append(lines.ended(6.0, 0, 2, "stop") + b"\n")
    life, first, second, fault, end = parts(text)
    assert isinstance(life, Life)
    assert (life.promised, life.round, life.watermark, life.new) == (B, 2, 40, False)
    assert life.held == ((41, B, X), (43, B, X))
    assert isinstance(first, EventPart)
    assert isinstance(second, EventPart)
    assert [first.event, second.event] == told
    assert [part.at for part in (life, first, fault, end)] == [1000.0, 1000.5, 1000.75, 1001.0]
    assert isinstance(fault, FaultPart)
    assert isinstance(end, EndPart)


BAD = {
    "empty": ([], "r0: is empty"),
    "no header": ([event(0)], "r0:1: this is no record: the first line is no header"),
    "binary": ([b"\x00\xff\xfe"], "r0:1: this is no record"),
    "deep": ([b"[" * 100_000], "r0:1: this is no record"),
    "another format": ([header()[0].replace(b'"record":2', b'"record":3')], "r0:1: format 3 of records"),
    "half a header": (
        [b'{"record":1,"replica":0,"at":1}\n'],
        "r0:1: missing field `cluster`",
    ),
    "no such replica": (header(replica=3), "r0:1: there is no replica 3 among 3"),
    "another cluster": ([*START, END, *header(cluster="other")], "r0:8: cluster is 'other' here and 'real'"),
    "garbage inside": (
        [*START, b"{]\n", event(3)],
        "r0:7: this is no line of a record: not JSON: something is wrong at byte 1",
    ),
    "garbage at the end": ([*START, b"{]\n"], "r0:7: this is no line of a record"),
    "an unknown event": (
        [*START, event(3).replace(b"election-timeout", b"election-timeouts")],
        "r0:7: unknown value 'election-timeouts' - at",
    ),
    "a wrong field": (
        [*START, event(3).replace(b'"attempt":3', b'"attempt":"x"')],
        "r0:7: expected a whole number, got text - at `$.attempt`",
    ),
    "an event twice": ([*START, event(2)], "r0:7: event 2 comes after event 2"),
    "somebody without a header": ([*START, event(0, replica=1)], "r0:7: replica 1 has no header before this"),
    "a line of nobody": ([*START, b'{"at":1.0}\n'], "r0:7: it names no replica"),
    "a line of nothing": ([*START, b'{"at":1.0,"replica":0}\n'], "r0:7: it is none of header"),
    "no number": ([*START, event(3).replace(b'"number":3,', b"")], "r0:7: an event without a number"),
    "time backwards": (
        [*START, event(3).replace(b'"at":6.0', b'"at":-1')],
        "r0:7: this is no line of a record: exp",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_named_with_what_is_wrong(name: str) -> None:
    text, words = BAD[name]
    assert refused(text).startswith(words), refused(text)


def gaps(text: list[bytes]) -> list[tuple[int | None, str]]:
    return [(part.count, part.why) for part in parts(text) if isinstance(part, Gap)]


def test_a_whole_life_has_no_gap() -> None:
    assert gaps([*START, END]) == []


def test_missing_events_are_counted() -> None:
    assert gaps([*header(), event(0), event(2), END]) == [(1, "lines are missing")]
    assert gaps([*header(), event(0), END]) == [(2, "lines are missing")]
    dropped = lines.dropped(6.0, 0, 1, 2) + b"\n"
    assert gaps([*header(), event(0), dropped, END]) == [(2, "it could not keep up")]


def test_a_life_that_does_not_end_ends_in_a_gap() -> None:
    assert gaps(START) == [(None, "its record ends without an end")]
    assert gaps([*START, *header(), END.replace(b'"number":3', b'"number":0')]) == [
        (None, "its process ended without a word")
    ]


def test_a_missing_vote_or_header_is_a_gap() -> None:
    without_vote = [header()[0], header()[2], event(0)]
    assert gaps(without_vote)[0] == (None, "votes that its disk held are missing")
    restored = lines.event(6.0, 0, 0, Restored(B, 2, 40, 2)) + b"\n"
    (why, *_), *_ = [part.why for part in parts([*START, restored]) if isinstance(part, Gap)], 0
    assert why == "the header of this life is missing, so all of it is"


def test_a_torn_line_at_the_end_or_before_a_new_life_is_what_a_kill_leaves() -> None:
    torn = event(3)[:20]
    for text in ([*START, torn], [*START, torn + b"\n", *header(), END.replace(b"3", b"0")]):
        reader = RecordReader(text, "r0")
        assert [type(part).__name__ for part in reader].count("Gap") == 1
        assert reader.torn == [7]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"nope\.jsonl: No such file or directory"):
        RecordReader.open(tmp_path / "nope.jsonl")
    with pytest.raises(BadRecord, match="Is a directory"):
        RecordReader.open(tmp_path)


def test_records_of_two_clusters_are_not_mixed() -> None:
    one, other = RecordReader(header(), "a"), RecordReader(header(1, cluster="other"), "b")
    with pytest.raises(BadRecord, match="b: cluster is 'other', in a it is 'real'"):
        Records([one, other])


def test_two_files_of_one_replica_are_read_one_after_the_other() -> None:
    later = [*header(wall=2000.0), event(0)]
    merged = Records([RecordReader(later, "later"), RecordReader([*START, END], "earlier")]).merged()
    assert [step.part.source for step in merged] == ["earlier"] * 5 + ["later"] * 3


def test_one_file_may_hold_the_records_of_several_replicas() -> None:
    text = [*header(0), *header(1), event(0, 1), event(0, 0), event(1, 1)]
    found = [step.part for step in Records([RecordReader(text, "all")]).merged()]
    assert [part.replica for part in found if isinstance(part, EventPart)] == [0, 1, 1]
