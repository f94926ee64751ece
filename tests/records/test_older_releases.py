"""Records of the program of commit 8e93c67 are read and judged as those of today.

They are of three replicas that kept 16 slots; replica 1 was killed, lost its disk, and came back without
vote.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.core.events import BecameNonVoting, Checkpointed, PreVoteAnswered, PreVoteAsked, Trimmed
from paxtui.records.judge import judge
from paxtui.records.merge import Records
from paxtui.records.older import in_words_of_today
from paxtui.records.parts import EventPart, Life
from paxtui.records.reader import RecordReader

FILES = sorted((Path(__file__).parent / "older").glob("format-1-r*.jsonl"))


def events(path: Path) -> list[object]:
    return [part.event for part in RecordReader.open(path) if isinstance(part, EventPart)]


def test_every_event_of_every_line_is_there() -> None:
    for path in FILES:
        told = sum(b'"event":' in line for line in path.read_bytes().splitlines())
        assert len(events(path)) == told > 20
    found = events(FILES[1])
    assert [event.log_start for event in found if isinstance(event, Trimmed)] == [41]
    assert {type(event) for event in found} >= {BecameNonVoting, Checkpointed, PreVoteAnswered, PreVoteAsked}


def test_the_votes_that_a_disk_held_belong_to_its_life() -> None:
    lives = [part for path in FILES for part in RecordReader.open(path) if isinstance(part, Life)]
    assert [life.replica for life in lives] == [0, 1, 1, 2]


def test_a_check_of_all_of_them_finds_nothing_wrong() -> None:
    found = judge(Records([RecordReader.open(path) for path in FILES]))
    assert found.broken is None
    assert found.slots == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"held":41,"ballot":[3,1]}', b'{"vote":41,"ballot":[3,1]}'),
        (b'{"event":"trimmed","floor":7}', b'{"event":"trimmed","log_start":7}'),
        (b'{"type":"canvass-reply","granted":true}', b'{"type":"pre-vote-reply","granted":true}'),
        (b'{"event":"held","reason":"it lost \\"held\\": all"}', None),
        (b'{"event":"voted","text":"\\"floor\\": 7"}', b'{"event":"voted","text":"\\"floor\\": 7"}'),
        (b'{"held":', b'{"held":'),
        (b'["event":"held"]', b'["event":"held"]'),
    ],
)
def test_a_line_is_rewritten_in_its_names_alone(old: bytes, new: bytes | None) -> None:
    expected = old.replace(b"held", b"became-non-voting", 1) if new is None else new
    assert in_words_of_today(old) == expected
