"""The witness can fail: each of its complaints is provoked, by facts that are told by hand.

What it must not say where something is missing is shown in ``tests/records``, on damaged records.
"""

from __future__ import annotations

import ast
import inspect
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from paxtui.checkers import effects, partial_observer, partial_observer_state
from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.partial_observer import PartialObserver
from paxtui.checkers.partial_observer_state import LifeStart
from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.hash_chain import link
from paxtui.core.values import Command

LOW, MID, HIGH = Ballot(1, 0), Ballot(2, 1), Ballot(3, 2)
X, Y = Command("ada@0", 1, "x"), Command("bob@0", 1, "y")

Case = Callable[[PartialObserver], None]


def start(promised: Ballot = Ballot.ZERO, round_: int = 0, watermark: int = 0, *held: Ballot) -> LifeStart:
    votes = [(slot, ballot, X) for slot, ballot in enumerate(held, watermark)]
    return LifeStart(promised=promised, round=round_, watermark=watermark, head=None, votes=votes)


def begun() -> PartialObserver:
    """Three replicas with empty disks."""
    made = PartialObserver(3)
    for replica in range(3):
        made.begins(replica, start())
    return made


def lead(w: PartialObserver, ballot: Ballot = LOW, *voted: int, quorum: tuple[int, ...] = (0, 1)) -> None:
    """A leader is elected; those of the quorum that are in ``voted`` report a vote."""
    leader = ballot.replica
    w.round_taken(leader, ballot)
    for member in quorum:
        w.promised(member, ballot, 0, int(member in voted), True)
        w.promise_received(leader, ballot, member, True)
    w.elected(leader, ballot, 0, quorum)


def choose(w: PartialObserver, *values: Command) -> None:
    """Replica 0 leads, and it and replica 1 vote."""
    lead(w)
    w.proposed(0, LOW, 0, values)
    for voter in (0, 1):
        w.voted(voter, LOW, 0, values)
        w.accepted_received(0, LOW, voter, 0, len(values))


def head_of(*values: Command) -> str:
    head = CHAIN_START
    for slot, value in enumerate(values):
        head = link(head, slot, value)
    return head.hex()


def apply(w: PartialObserver, replica: int, *values: Command) -> None:
    w.learned(replica, 0, [(LOW, value) for value in values])
    w.applied_to(replica, 0, len(values), head_of(*values))


# Lives


def a_start_without_a_promise_that_was_counted(w: PartialObserver) -> None:
    lead(w)
    w.begins(1, start())


def a_start_with_a_promise_that_was_never_made(w: PartialObserver) -> None:
    w.begins(1, start(LOW))


def a_start_without_a_round_that_others_answered(w: PartialObserver) -> None:
    w.round_taken(0, LOW)
    w.promised(1, LOW, 0, 0, True)
    w.begins(0, start())


def a_start_above_all_that_was_applied(w: PartialObserver) -> None:
    w.begins(0, start(watermark=1))


def a_start_without_a_vote_that_was_counted(w: PartialObserver) -> None:
    choose(w, X)
    w.begins(1, start(LOW))


def a_start_without_a_vote_that_made_a_learned_value_chosen(w: PartialObserver) -> None:
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.voted(0, LOW, 0, (X,))
    w.voted(1, LOW, 0, (X,))
    w.learned(2, 0, [(LOW, X)])
    w.begins(1, start(LOW))


def a_start_with_a_vote_that_was_never_cast(w: PartialObserver) -> None:
    lead(w)
    w.begins(1, start(LOW, 0, 0, LOW))


def a_core_that_starts_with_less_than_its_disk_has(w: PartialObserver) -> None:
    w.restored(0, Ballot.ZERO, 0, 0, 1)


# Acceptors


def a_promise_that_hides_a_vote(w: PartialObserver) -> None:
    choose(w, X)
    w.round_taken(2, HIGH)
    w.promised(1, HIGH, 0, 0, True)


def a_promise_with_a_vote_too_many(w: PartialObserver) -> None:
    w.round_taken(2, HIGH)
    w.promised(1, HIGH, 0, 1, True)


def a_promise_of_a_ballot_that_nobody_took(w: PartialObserver) -> None:
    w.bound(1, HIGH)


def a_vote_for_what_nobody_proposed(w: PartialObserver) -> None:
    lead(w)
    w.voted(1, LOW, 0, (X,))


def a_vote_below_a_promise(w: PartialObserver) -> None:
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.round_taken(1, MID)
    w.promised(1, MID, 0, 0, True)
    w.voted(1, LOW, 0, (X,))


# Proposers


def a_round_taken_after_others_answered_it(w: PartialObserver) -> None:
    w.round_taken(0, LOW)
    w.promised(1, LOW, 0, 0, True)
    w.round_taken(0, LOW)


def a_promise_counted_that_was_not_given(w: PartialObserver) -> None:
    w.round_taken(0, LOW)
    w.promise_received(0, LOW, 1, True)


def a_leader_at_a_ballot_that_it_did_not_take(w: PartialObserver) -> None:
    w.elected(0, LOW, 0, (0, 1))


def a_leader_that_begins_below_what_it_was_told(w: PartialObserver) -> None:
    choose(w, X)
    apply(w, 0, X)
    lead(w, MID, 1, quorum=(0, 1))


def a_leader_by_a_promise_that_it_did_not_count(w: PartialObserver) -> None:
    w.round_taken(0, LOW)
    for member in (0, 1):
        w.promised(member, LOW, 0, 0, True)
    w.elected(0, LOW, 0, (0, 1))


def a_leader_by_a_minority(w: PartialObserver) -> None:
    lead(w, quorum=(0,))


def a_proposal_without_a_lead(w: PartialObserver) -> None:
    w.proposed(0, LOW, 0, (X,))


def a_proposal_over_a_vote_of_the_quorum(w: PartialObserver) -> None:
    choose(w, X)
    lead(w, HIGH, 1, quorum=(1, 2))
    w.proposed(2, HIGH, 0, (Y,))


def a_proposal_over_a_chosen_value_where_promises_are_missing(w: PartialObserver) -> None:
    choose(w, X)
    w.gap(2)
    w.proposed(2, HIGH, 0, (Y,))


def a_vote_counted_that_was_not_cast(w: PartialObserver) -> None:
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.accepted_received(0, LOW, 1, 0, 1)


def a_tally_without_a_majority(w: PartialObserver) -> None:
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.voted(0, LOW, 0, (X,))
    w.accepted_received(0, LOW, 0, 0, 1)
    w.chosen_seen(0, LOW, 0, 1)


# Learners


def a_value_learned_that_nobody_can_have_chosen(w: PartialObserver) -> None:
    w.learned(0, 0, [(LOW, X)])


def another_value_learned_than_the_chosen_one(w: PartialObserver) -> None:
    choose(w, X)
    w.learned(2, 0, [(LOW, Y)])


def two_replicas_that_learned_two_values(w: PartialObserver) -> None:
    w.gap(0)
    w.gap(1)
    w.learned(2, 0, [(LOW, X)])
    w.learned(0, 0, [(LOW, Y)])


def an_applied_slot_that_is_not_learned(w: PartialObserver) -> None:
    w.applied_to(0, 0, 1, CHAIN_START.hex())


def a_log_that_is_another(w: PartialObserver) -> None:
    choose(w, X)
    w.learned(0, 0, [(LOW, X)])
    w.applied_to(0, 0, 1, CHAIN_START.hex())


def a_gap_in_what_is_applied(w: PartialObserver) -> None:
    choose(w, X, X)
    w.applied_to(0, 1, 2, CHAIN_START.hex())


def a_request_that_takes_effect_twice(w: PartialObserver) -> None:
    choose(w, X, X)
    apply(w, 0, X, X)


def a_suppression_of_another_request(w: PartialObserver) -> None:
    choose(w, X, Y)
    w.suppressed(0, 1, 0)
    apply(w, 0, X, Y)


def a_suppression_that_others_do_not_know(w: PartialObserver) -> None:
    choose(w, X, X)
    w.suppressed(0, 1, 0)
    apply(w, 0, X, X)
    apply(w, 1, X, X)


def a_state_of_another_log(w: PartialObserver) -> None:
    choose(w, X, Y)
    apply(w, 0, X, Y)
    w.snapshot_taken(2, 0, 2, CHAIN_START.hex())


def a_state_that_nobody_had(w: PartialObserver) -> None:
    choose(w, X, Y)
    apply(w, 0, X, Y)
    w.snapshot_taken(2, 0, 3, head_of(X, Y))


def a_state_that_is_behind(w: PartialObserver) -> None:
    choose(w, X, Y)
    apply(w, 0, X, Y)
    w.snapshot_taken(0, 2, 1, head_of(X))


def a_state_that_follows_no_watermark(w: PartialObserver) -> None:
    choose(w, X, Y)
    apply(w, 0, X, Y)
    apply(w, 2, X)
    w.snapshot_taken(2, 0, 2, head_of(X, Y))


def a_log_that_goes_on_elsewhere_after_a_state(w: PartialObserver) -> None:
    choose(w, X, Y)
    apply(w, 0, X, Y)
    w.snapshot_taken(2, 0, 1, head_of(X))
    w.learned(2, 1, [(LOW, Y)])
    w.applied_to(2, 1, 2, CHAIN_START.hex())


def a_start_above_a_state_that_was_taken(w: PartialObserver) -> None:
    choose(w, X, Y)
    apply(w, 0, X, Y)
    w.snapshot_taken(2, 0, 1, head_of(X))
    w.begins(2, start(watermark=2))


def a_trim_to_where_no_state_is_kept(w: PartialObserver) -> None:
    w.marked(2)
    w.trimmed(1, 3)


CASES: dict[Case, Invariant] = {
    a_start_without_a_promise_that_was_counted: Invariant.PROMISES,
    a_start_with_a_promise_that_was_never_made: Invariant.PROMISES,
    a_start_without_a_round_that_others_answered: Invariant.DURABLE,
    a_start_above_all_that_was_applied: Invariant.ORDER,
    a_start_without_a_vote_that_was_counted: Invariant.ACKNOWLEDGED,
    a_start_without_a_vote_that_made_a_learned_value_chosen: Invariant.ACKNOWLEDGED,
    a_start_with_a_vote_that_was_never_cast: Invariant.DURABLE,
    a_core_that_starts_with_less_than_its_disk_has: Invariant.ACKNOWLEDGED,
    a_promise_that_hides_a_vote: Invariant.CHOOSABLE,
    a_promise_with_a_vote_too_many: Invariant.CHOOSABLE,
    a_promise_of_a_ballot_that_nobody_took: Invariant.PROMISES,
    a_vote_for_what_nobody_proposed: Invariant.VALIDITY,
    a_vote_below_a_promise: Invariant.PROMISES,
    a_round_taken_after_others_answered_it: Invariant.ONE_VALUE,
    a_promise_counted_that_was_not_given: Invariant.DURABLE,
    a_leader_at_a_ballot_that_it_did_not_take: Invariant.CHOOSABLE,
    a_leader_that_begins_below_what_it_was_told: Invariant.CHOOSABLE,
    a_leader_by_a_promise_that_it_did_not_count: Invariant.CHOOSABLE,
    a_leader_by_a_minority: Invariant.CHOOSABLE,
    a_proposal_without_a_lead: Invariant.CHOOSABLE,
    a_proposal_over_a_vote_of_the_quorum: Invariant.CHOOSABLE,
    a_proposal_over_a_chosen_value_where_promises_are_missing: Invariant.CHOOSABLE,
    a_vote_counted_that_was_not_cast: Invariant.DURABLE,
    a_tally_without_a_majority: Invariant.LEARNED,
    a_value_learned_that_nobody_can_have_chosen: Invariant.LEARNED,
    another_value_learned_than_the_chosen_one: Invariant.LEARNED,
    two_replicas_that_learned_two_values: Invariant.LEARNED,
    an_applied_slot_that_is_not_learned: Invariant.LEARNED,
    a_log_that_is_another: Invariant.ORDER,
    a_gap_in_what_is_applied: Invariant.ORDER,
    a_request_that_takes_effect_twice: Invariant.ONCE,
    a_suppression_of_another_request: Invariant.ONCE,
    a_suppression_that_others_do_not_know: Invariant.ONCE,
    a_state_of_another_log: Invariant.ORDER,
    a_state_that_nobody_had: Invariant.ORDER,
    a_state_that_is_behind: Invariant.ORDER,
    a_state_that_follows_no_watermark: Invariant.ORDER,
    a_log_that_goes_on_elsewhere_after_a_state: Invariant.ORDER,
    a_start_above_a_state_that_was_taken: Invariant.ORDER,
    a_trim_to_where_no_state_is_kept: Invariant.ORDER,
}


def provoke(case: Case) -> pytest.ExceptionInfo[InvariantBroken]:
    with pytest.raises(InvariantBroken) as caught:
        case(begun())
    return caught


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_witness_sees(case: Case) -> None:
    assert provoke(case).value.invariant is CASES[case]


def complaints(module: ModuleType) -> dict[int, int]:
    """Each line of every ``raise InvariantBroken`` of a module, and the line on which it begins."""
    lines: dict[Any, Any] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            lines |= dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), node.lineno)
    return lines


def test_every_complaint_of_the_witness_is_provoked_here() -> None:
    modules = {
        module.__file__: complaints(module) for module in (partial_observer, partial_observer_state, effects)
    }
    expected = {(path, line) for path, lines in modules.items() for line in lines.values()}
    heard = set()
    for case in CASES:
        last = list(traceback.walk_tb(provoke(case).tb))[-1]
        path = last[0].f_code.co_filename
        if path in modules:
            heard.add((path, modules[path][last[1]]))
    assert expected - heard == set()
    assert len(expected) > 15


# What it does not say


def test_a_vote_that_a_crash_took_does_not_count() -> None:
    """Else the value that is chosen afterwards would seem to be the second one."""
    w = begun()
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.voted(0, LOW, 0, (X,))
    w.voted(1, LOW, 0, (X,))
    for replica in (0, 1):
        w.begins(replica, start(LOW, 1 - replica))
    lead(w, MID, quorum=(0, 1))
    w.proposed(1, MID, 0, (Y,))
    for replica in (0, 1):
        w.voted(replica, MID, 0, (Y,))
    assert w.ghost.chosen == {0: Y}


def test_a_vote_in_a_gap_is_taken_from_who_counted_it() -> None:
    w = begun()
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.voted(0, LOW, 0, (X,))
    w.gap(1)
    w.accepted_received(0, LOW, 1, 0, 1)
    assert w.ghost.chosen == {0: X}
    assert not w.undecided


def test_what_was_learned_without_proof_is_unproven_until_the_proof_is_there() -> None:
    w = begun()
    lead(w)
    w.proposed(0, LOW, 0, (X,))
    w.voted(0, LOW, 0, (X,))
    w.gap(1)
    w.learned(2, 0, [(LOW, X)])
    w.prove()
    assert w.unproven == {0: 2}
    w.begins(1, start(LOW, 0, 0, LOW))
    w.prove()
    assert w.unproven == {}


def test_a_replica_goes_on_from_the_state_that_it_took() -> None:
    w = begun()
    choose(w, X, Y, X)
    w.suppressed(0, 2, 0)
    apply(w, 0, X, Y, X)
    w.marked(2)
    w.trimmed(0, 2)
    w.snapshot_taken(2, 0, 2, head_of(X, Y))
    w.learned(2, 2, [(LOW, X)])
    w.suppressed(2, 2, 0)
    w.applied_to(2, 2, 3, head_of(X, Y, X))
    w.begins(2, start(watermark=3))
    assert w.logs.watermarks == [3, 0, 3]
    assert not w.undecided


def test_a_state_that_a_crash_took_is_asked_for_again() -> None:
    """The event is told before the disk has it."""
    w = begun()
    choose(w, X, Y)
    apply(w, 0, X, Y)
    for _ in range(2):
        w.snapshot_taken(2, 0, 2, head_of(X, Y))
        w.begins(2, start())
    assert w.logs.watermarks[2] == 0


def test_a_state_that_only_a_disk_shows_is_believed() -> None:
    """Who had it came from before the records, or was killed before it told."""
    w = PartialObserver(3)
    for replica in range(3):
        w.begins(replica, start(watermark=5 if replica == 0 else 0))
    w.snapshot_taken(2, 0, 4, head_of(X))
    w.trimmed(2, 5)
    assert not w.undecided
    with pytest.raises(InvariantBroken, match="another than the chosen one"):
        w.snapshot_taken(1, 0, 4, head_of(Y))


def test_where_something_is_missing_a_state_may_be_one_that_nobody_told_of() -> None:
    w = begun()
    w.gap(0)
    w.snapshot_taken(2, 0, 4, head_of(X))
    w.trimmed(2, 6)
    assert sorted(w.undecided) == [
        "whether a state was kept where replica 2 trims its log to",
        "whether another replica had the state that replica 2 took",
    ]
