"""The headless log: clear lines at the wanted level, and nothing in them that a terminal would obey."""

from __future__ import annotations

import io
import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.core import events as e
from paxtui.core.ballot import Ballot
from paxtui.core.values import NOOP
from paxtui.replica.event_log import LEVELS, EventLog

B = Ballot(3, 1)


def lines(level: str, *, as_json: bool = False) -> tuple[EventLog, io.StringIO]:
    file = io.StringIO()
    return EventLog(0, level, as_json=as_json, file=file), file


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_below_the_level_is_left_out(level: str) -> None:
    event_log, file = lines(level)
    for each in LEVELS:
        event_log.write(each, "kind", f"text of {each}")
    told = [each for each in LEVELS if f"text of {each}" in file.getvalue()]
    assert told == list(LEVELS[LEVELS.index(level) :])


def test_a_line_has_time_replica_kind_and_text() -> None:
    event_log, file = lines("info")
    event_log.info("leader", "leads at 3.0")
    event_log.warning("wire", "what?")
    first, second = file.getvalue().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} r0 leader   leads at 3\.0", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} r0 wire     WARNING: what\?", second)


def test_as_json_a_line_is_one_object() -> None:
    event_log, file = lines("debug", as_json=True)
    event_log.error("disk", 'a "quoted"\nword')
    row = json.loads(file.getvalue())
    assert row.pop("time") > 1e9
    assert row == {"replica": 0, "level": "error", "kind": "disk", "text": 'a "quoted"␊word'}


@given(st.text(), st.booleans())
def test_no_control_character_of_a_text_reaches_the_log(text: str, as_json: bool) -> None:
    event_log, file = lines("debug", as_json=as_json)
    event_log.info("wire", text)
    written = file.getvalue()
    assert written.endswith("\n")
    assert not [c for c in written[:-1] if c < " " or "\x7f" <= c <= "\x9f"]


EVENTS = [
    (e.Restored(B, 3, 7, 2), "restored: promised 3.1, watermark 7, 2 votes above it"),
    (e.RoundTaken(B, True), "prepares 3.1 on the operator's word"),
    (e.Elected(B, 4, 6, (0, 1)), "leads at 3.1, promised by r0 r1, proposes slots 4 to 5 again"),
    (e.SteppedDown(B, "pre-empted by 4.0"), "gives up 3.1: pre-empted by 4.0"),
    (e.LeaderHeard(B), "follows r1 at 3.1"),
    (e.NackReceived(B, 2, Ballot(4, 0), None), "3.1 refused by r2, which promised 4.0"),
    (e.NackReceived(B, 2, B, Ballot(2, 0)), "3.1 refused by r2, which stays with 2.0"),
    (e.SlotSkipped(B, 5), "leaves slot 5 empty"),
    (e.Proposed(B, 5, (NOOP,), "no-op"), "fills slot 5 with a no-op"),
    (e.Proposed(B, 5, (NOOP, NOOP), "no-op"), "fills slots 5 to 6 with a no-op"),
    (e.CatchUpAsked(2, 5, 9), "asks r2 for slots 5 to 8"),
    (e.Suppressed(5, "ada", 1, 2), "slot 5 repeats ada #1 of slot 2: no effect"),
    (e.SessionEvicted(5, "ada"), "at slot 5 the table was full and forgot ada"),
    (e.ProposerCrashed(), "the proposer crashed; acceptor and learner go on"),
    (e.ProposerRestored(), "the proposer works again"),
    (e.BecameNonVoting("its disk is new"), "ERROR: this replica is a learner without vote: its disk is new"),
    (e.MessageDropped("nack", 1, "late"), "nack from r1: late"),
    (e.ElectionTimeout(1), "hears no leader (attempt 2)"),
]


@pytest.mark.parametrize(("event", "text"), EVENTS, ids=lambda value: type(value).__name__)
def test_an_event_of_interest_has_its_line(event: e.Event, text: str) -> None:
    event_log, file = lines("debug")
    event_log.write_event(event)
    assert file.getvalue().rstrip("\n").endswith(text)
    assert file.getvalue().count("\n") == 1


def test_what_happens_for_every_message_has_no_line() -> None:
    event_log, file = lines("debug")
    frequent = [
        e.Proposed(B, 0, (NOOP,), "client"),
        e.AcceptSent(B, 0, 1, -1, False),
        e.Voted(B, 0, (NOOP,)),
        e.AcceptedReceived(B, 1, 0, 1),
        e.ChosenSeen(B, 0, 1),
        e.AppliedTo(0, 1, "00"),
        e.Restored(Ballot.ZERO, 0, 0, 0),
        e.LeaderHeard(Ballot(3, 0)),
    ]
    for event in frequent:
        event_log.write_event(event)
    assert file.getvalue() == ""
    assert {type(event) for event in frequent} < set(get_args(e.AnyEvent))


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    EventLog(0, "debug", as_json=False, file=Broken()).info("x", "y")
    closed = io.StringIO()
    closed.close()
    EventLog(0, "debug", as_json=False, file=closed).info("x", "y")


def test_on_a_terminal_an_error_is_red_unless_colours_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    event_log = EventLog(0, "info", as_json=False, file=coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    for each in (event_log, EventLog(0, "info", as_json=False, file=plain)):
        each.write_event(e.BecameNonVoting("its disk is lost"))
        each.info("leader", "leads at 3.0")
    no_vote, leads = coloured.getvalue().splitlines()
    assert no_vote.startswith("\x1b[31m")
    assert no_vote.endswith("without vote: its disk is lost\x1b[0m")
    assert "\x1b" not in leads + plain.getvalue()
