"""Every event has its line of text, and nothing in it can be obeyed."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from paxtui.console.model.analysis.describe import WORDS, describe
from paxtui.console.model.state.seen import YOU, Divider, Note, Seen
from paxtui.wire import events as e
from paxtui.wire.faults import Cut, Loss
from paxtui.wire.telemetry import (
    ClockChanged,
    FaultBegan,
    FaultEnded,
    LearnedView,
    MessageFaulted,
    MessageReleased,
    MessageStaged,
    Observed,
    ProposedView,
    ValueView,
    VotedView,
)
from paxtui.wire.values import Ballot

B, HIGHER = Ballot(3, 0), Ballot(4, 1)
EVIL = "\x1b]52;c;x\x07[red]\u202e\n"

LINES: list[tuple[Any, str]] = [
    (e.Restored(Ballot.ZERO, 0, 0, 0), "starts for the first time, with an empty disk"),
    (e.Restored(B, 3, 12, 1), "starts from its disk: promised 3.0, round 3, applied below 12, 1 vote above"),
    (e.ElectionTimeout(0), "election timeout: no live leader heard"),
    (e.ElectionTimeout(2), "election timeout: no live leader heard, attempt 2"),
    (e.PreVoteAsked(B), "asks all whether they would help it to lead at 3.0"),
    (e.PreVoteAnswered(B, 0, False), "would not help r0 to lead at 3.0"),
    (e.RoundTaken(B, True), "takes ballot 3.0 because it was told to"),
    (e.PrepareSent(B, 7, -1), "sends Prepare 3.0 to all, from slot 7 on"),
    (e.Promised(B, 7, 2, True), "promises 3.0 and tells 2 votes from slot 7 on"),
    (e.PromiseReceived(B, 2, 7, 1, False), "r2 promised 3.0 and told 1 vote from slot 7 on, more to come"),
    (
        e.Elected(B, 7, 9, (0, 2)),
        "LEADS at 3.0 (r0 r2 promised); must propose again slots 7-8",
    ),
    (
        e.Elected(B, 7, 7, (0, 2)),
        "LEADS at 3.0 (r0 r2 promised); nothing open from slot 7 on",
    ),
    (
        ProposedView(B, 7, 1, "client", "", (ValueView("ada~x@1", 3, "hi" + EVIL),)),
        "proposes slot 7 at 3.0: ada: hi␛]52;c;x␇[red]<202E>␊",
    ),
    (
        ProposedView(B, 7, 1, "client", "", (ValueView("", 5, "trim 3.0"),)),
        "proposes slot 7 at 3.0: a trim to 5",
    ),
    (ProposedView(B, 7, 3, "client", "", None), "proposes slots 7-9 at 3.0"),
    (
        ProposedView(B, 7, 3, "adopted", "", None),
        "proposes again at 3.0 what it was told in its phase 1: slots 7-9",
    ),
    (ProposedView(B, 7, 1, "no-op", "", None), "fills slot 7 with a no-op at 3.0"),
    (e.AcceptSent(B, 7, 3, 2, True), "sends Accept 3.0 again to r2: slots 7-9"),
    (VotedView(B, 7, 1, ""), "accepts slot 7 at 3.0"),
    (e.Bound(B), "is bound to 3.0 by an Accept that needs no vote of it"),
    (e.AcceptedReceived(B, 2, 7, 3), "r2 accepted slots 7-9 at 3.0"),
    (e.ChosenSeen(B, 7, 1), "slot 7 is CHOSEN: a majority accepted at 3.0"),
    (LearnedView(7, 2, ((B, 1), (HIGHER, 1)), "", None), "learns slots 7-8, chosen at 3.0 4.1"),
    (e.AppliedTo(7, 9, "abcdef0123456789"), "applied slots 7-8; chain abcdef01"),
    (e.Suppressed(9, "ada~x@1", 4, 7), "slot 9 has no effect: request 4 of ada, it repeats slot 7"),
    (e.Suppressed(9, "ada~x@1", 4, -1), "slot 9 has no effect: request 4 of ada, its session had expired"),
    (e.SessionEvicted(9, "ada~x@1"), "slot 9: the session table was full and forgot ada"),
    (e.NackSent(B, 0, HIGHER, None), "answers r0: refuses 3.0: promised 4.1"),
    (e.NackReceived(B, 2, B, HIGHER), "r2 refused 3.0; r1 is alive and leads at 4.1"),
    (e.SteppedDown(B, "why" + EVIL), "gives up 3.0: why␛]52;c;x␇[red]<202E>␊"),
    (e.LeaderHeard(B), "follows r0, which leads at 3.0"),
    (e.SlotSkipped(B, 7), "leaves slot 7 empty on purpose (at 3.0)"),
    (e.CatchUpAsked(2, 7, 9), "lacks slots 7-8 and asks r2 for them"),
    (e.EntriesSent(2, 7, 2), "sends r2 the log: slots 7-8"),
    (e.Checkpointed(12, 1_700_000_000), "keeps the state after slot 11"),
    (e.Trimmed(12), "removes slots below 12"),
    (e.SnapshotAsked(0, 12), "fetches r0's state at slot 12: r0 has removed what it lacks"),
    (e.SnapshotSent(2, 12, 3), "sends r2 its state at slot 12"),
    (e.SnapshotTaken(7, 12, "abcdef0123456789"), "takes the state at slot 12 in place of slots 7-11"),
    (e.ReadConfirmed(5, 9), "a majority confirms read 5: all below 9"),
    (e.ProposerCrashed(), "its proposer stops; acceptor and learner go on"),
    (e.ProposerRestored(), "its proposer works again"),
    (
        e.BecameNonVoting("disk gone" + EVIL),
        "is a learner without vote from here on: disk gone␛]52;c;x␇[red]<202E>␊",
    ),
    (e.MessageDropped("accept", 0, "late"), "drops accept of r0: late"),
    (
        MessageFaulted(2, 5, "accept", B, 7, 3, 0, ()),
        "LOST by a fault: accept 3.0 for slots 7-9 to r2",
    ),
    (MessageFaulted(2, 5, "heartbeat", B, 0, 0, 1, (50.0,)), "delayed by 50 ms: heartbeat 3.0 to r2"),
    (
        MessageFaulted(2, 5, "accept", B, 7, 1, 2, (0.0, 12.5)),
        "sent 2 times (after 0 and 12.5 ms): accept 3.0 for slot 7 to r2",
    ),
    (MessageStaged(14, 2, "accept", B, 7, 3, 1), "held: #14 accept 3.0 for slots 7-9 to r2"),
    (
        MessageReleased(14, 2, "accept", B, 7, 1, 1, "drop"),
        "LOST, as an operator decided: #14 accept 3.0 for slot 7 to r2",
    ),
    (
        MessageReleased(23, 0, "heartbeat", B, 0, 0, 6, "end"),
        "leaves, as its hold is over: #23 heartbeat 3.0 to r0, 6 times",
    ),
    (ClockChanged(0.0, 0.0), "its clock stands"),
    (ClockChanged(0.25, 0.0), "its clock runs at 25 % of real time"),
    (ClockChanged(0.0, 0.05), "its clock is moved by 50 ms"),
    (FaultBegan(6, Loss(2, 20.0), False), "fault #6 acts: loss r1>r2 20 %"),
    (FaultEnded(6, Cut(-1), "undone"), "fault #6 is over (undone): cut r1>*"),
    (Divider("you came"), "you came"),
    (Note("crash r0" + EVIL), "crash r0␛]52;c;x␇[red]<202E>␊"),
]


@pytest.mark.parametrize(("event", "text"), LINES, ids=lambda each: type(each).__name__[:20])
def test_events_are_told_with_their_ballots_slots_and_replicas(event: Any, text: str) -> None:
    assert describe(Seen(0.0, YOU if isinstance(event, Note) else 1, 0, event)) == text


def test_every_event_that_telemetry_has_is_told() -> None:
    assert set(WORDS) == {*get_args(Observed), Note, Divider}
    assert {type(event) for event, _ in LINES} == set(WORDS)
