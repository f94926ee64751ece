"""The judge draws conclusions only from what was told for certain, and all that follow from it."""

from __future__ import annotations

from msgspec import structs

from paxtui.console.model.safety.records import MARGIN
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, NOOP_DIGEST, ProposedView, SlotView
from paxtui.wire.values import Ballot
from tests.console.test_safety import broken, started, status
from tests.tools.measurements.judge import BALLOT

NEXT = Ballot(2, 1)


def view(slot: int, state: str) -> SlotView:
    return SlotView(slot, BALLOT, "ada~s1@0", slot, "", state, f"{slot}" * DIGEST_CHARS)


def test_votes_behind_learned_slots_of_a_snapshot_are_not_taken_for_none() -> None:
    """A snapshot tells of a learned slot its value, and not whether the acceptor voted there."""
    judge = started()
    slots = (view(0, "learned"), view(1, "voted"), view(2, "learned"))
    belief = status(2, watermark=0)
    assert belief.status is not None
    belief = structs.replace(belief, status=structs.replace(belief.status, accepted_high=3), slots=slots)
    judge.gap(2, 1.0)
    judge.snapshot(2, belief)
    judge.storage(2, "disk 2")
    judge.event(1, e.RoundTaken(NEXT, False))
    judge.event(1, e.Promised(NEXT, 0, 0, True))
    judge.event(2, e.Promised(NEXT, 0, 3, True))
    judge.event(1, e.Elected(NEXT, 0, 3, (1, 2)))
    marks = "".join(each.digest for each in slots)
    judge.event(1, ProposedView(NEXT, 0, 3, "adopted", marks, None))
    assert broken(judge) == []
    assert judge.light.words == "SAFE 7/7"


def test_a_leader_whose_beginning_was_not_seen_may_have_counted_votes_unseen() -> None:
    judge = started()
    judge.event(1, e.Elected(NEXT, 0, 0, (0, 1)))
    judge.event(1, e.ChosenSeen(NEXT, 0, 1))
    assert broken(judge) == []
    judge.event(1, e.RoundTaken(Ballot(3, 1), False))
    judge.event(1, e.Elected(Ballot(3, 1), 0, 0, (0, 1)))
    judge.event(1, e.ChosenSeen(Ballot(3, 1), 0, 1))
    assert broken(judge) == ["validity"]


def test_a_leader_by_the_promises_of_a_minority_breaks_validity() -> None:
    judge = started()
    judge.event(1, e.RoundTaken(NEXT, False))
    judge.event(1, e.Elected(NEXT, 0, 0, (1, 1)))
    assert broken(judge) == ["validity"]
    assert "it leads at 2.1 by 1 promises" in judge.problems[0]


def test_a_proposal_is_of_the_source_that_it_names() -> None:
    for source, marks in (("client", NOOP_DIGEST), ("no-op", "a" * DIGEST_CHARS)):
        judge = started()
        judge.event(0, ProposedView(BALLOT, 0, 1, source, marks, None))
        assert broken(judge) == ["validity"]
        assert f"is no {source}'s value" in judge.problems[0]
    judge = started()
    judge.event(0, ProposedView(BALLOT, 0, 1, "client", "a" * DIGEST_CHARS, None))
    judge.event(0, ProposedView(BALLOT, 1, 1, "no-op", NOOP_DIGEST, None))
    assert broken(judge) == []


def test_states_that_replace_logs_let_old_slots_be_forgotten() -> None:
    judge = started()
    for replica in range(3):
        judge.event(replica, e.SnapshotTaken(0, 10 * MARGIN, "0" * 64))
    assert judge._kept.ballots.kept_from == 9 * MARGIN
