"""Every checker can fail: each of its complaints is provoked, by facts that are told by hand.

The mutants show that mistakes of the core are seen by *some* checker, the first one in their way. Here every
single `raise` of the checkers has its turn; the last test counts them.
"""

from __future__ import annotations

import ast
import inspect
import traceback
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from msgspec.structs import replace

from paxtui.checkers import ghost_state, limits, logs, requests
from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.full_observer import FullObserver
from paxtui.checkers.ghost_state import GhostState
from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.events import (
    AppliedTo,
    ChosenSeen,
    Elected,
    Learned,
    Promised,
    Proposed,
    Restored,
    RoundTaken,
    SnapshotTaken,
    Voted,
)
from paxtui.core.hash_chain import link
from paxtui.core.messages import (
    Accept,
    Accepted,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Prepare,
    Promise,
    Snapshot,
)
from paxtui.core.output import (
    Appended,
    Applied,
    Checkpoint,
    PutCheckpoint,
    PutLogStart,
    PutSnapshot,
    PutState,
    PutVotes,
    ReadReady,
    Refused,
)
from paxtui.core.replica import Replica
from paxtui.core.settings import Settings
from paxtui.core.values import Command, Entry, SessionRow, Vote, checkpoint, trim
from paxtui.sim.cluster import simulation as cluster_module
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan import PROFILES
from paxtui.sim.plan.plan_generator import generate_plan

LOW, MID, HIGH = Ballot(1, 0), Ballot(2, 1), Ballot(3, 2)
X, Y = Command("ada@0", 1, "x"), Command("bob@0", 1, "y")
SETTINGS = Settings(run_slots=2, run_chars=100, window_slots=3, ahead_slots=4, sessions_max=1)

Case = Callable[[FullObserver], None]


def state(
    promised: Ballot = LOW, round_: int = 0, watermark: int = 0, chain: bytes = CHAIN_START
) -> PutState:
    return PutState(promised, round_, watermark, chain)


def vote(
    checkers: FullObserver, *acceptors: int, ballot: Ballot = LOW, slot: int = 0, value: Command = X
) -> None:
    for acceptor in acceptors:
        checkers.committed(acceptor, PutVotes(ballot, slot, (value,)), {})


def promise(checkers: FullObserver, acceptor: int, ballot: Ballot, *votes: Vote, learned: int = 0) -> None:
    checkers.sent(acceptor, Promise(ballot, 0, None, learned, votes))


def lead(checkers: FullObserver, ballot: Ballot, *quorum: int) -> None:
    for acceptor in quorum:
        checkers.committed(acceptor, state(ballot), {})
        if acceptor != ballot.replica:
            promise(checkers, acceptor, ballot)
    checkers.events(ballot.replica, [Elected(ballot, 0, 0, quorum)])


def choose(checkers: FullObserver, *values: Command) -> None:
    for slot, value in enumerate(values):
        vote(checkers, 0, 1, slot=slot, value=value)


def apply(checkers: FullObserver, replica: int, *values: Command) -> None:
    """``values`` are all that is applied there."""
    head = CHAIN_START
    for slot, value in enumerate(values):
        head = link(head, slot, value)
    checkers.events(replica, [AppliedTo(0, len(values), head.hex())])


def applied(checkers: FullObserver, slot: int, value: Command, repeats: int | None = None) -> None:
    suppressed = {} if repeats is None else {slot: repeats}
    checkers.applied(0, Applied(slot, (Entry(LOW, value),), suppressed))


# Votes and promises


def a_vote_below_the_promise_on_disk(c: FullObserver) -> None:
    c.committed(0, state(MID), {})
    vote(c, 0, ballot=LOW)


def two_values_at_a_ballot(c: FullObserver) -> None:
    vote(c, 0, value=X)
    vote(c, 1, value=Y)


def an_accept_of_another_value(c: FullObserver) -> None:
    vote(c, 0, value=X)
    c.sent(0, Accept(LOW, 0, (Y,)))


def two_values_chosen(c: FullObserver) -> None:
    vote(c, 0, 1, ballot=LOW, value=X)
    vote(c, 1, 2, ballot=MID, value=Y)


def a_promise_on_disk_that_falls(c: FullObserver) -> None:
    c.committed(0, state(MID), {})
    c.committed(0, state(LOW), {})


def a_start_that_forgets_a_promise(c: FullObserver) -> None:
    c.committed(0, state(MID), {})
    c.events(0, [Restored(LOW, 0, 0, 0)])


def a_promise_after_a_higher_one(c: FullObserver) -> None:
    c.events(0, [Promised(MID, 0, 0, True), Promised(LOW, 0, 0, True)])


def a_vote_after_a_higher_promise(c: FullObserver) -> None:
    c.events(0, [Promised(MID, 0, 0, True), Voted(LOW, 0, (X,))])


def a_ballot_taken_twice(c: FullObserver) -> None:
    c.committed(0, state(LOW, 1), {})
    c.sent(0, Prepare(LOW, 0, False))
    c.events(0, [RoundTaken(LOW, False)])


def a_leader_without_promises(c: FullObserver) -> None:
    c.committed(0, state(LOW), {})
    c.events(0, [Elected(LOW, 0, 0, (0, 1))])


def a_leader_of_a_minority(c: FullObserver) -> None:
    c.committed(0, state(LOW), {})
    c.events(0, [Elected(LOW, 0, 0, (0,))])


def a_ballot_led_twice(c: FullObserver) -> None:
    lead(c, LOW, 0, 1)
    c.events(0, [Elected(LOW, 0, 0, (0, 1))])


def a_proposal_without_a_lead(c: FullObserver) -> None:
    c.events(0, [Proposed(LOW, 0, (X,), "client")])


def a_proposal_over_a_vote_of_the_quorum(c: FullObserver) -> None:
    vote(c, 1, ballot=LOW, value=X)
    c.committed(1, state(MID), {})
    c.committed(2, state(MID), {})
    promise(c, 2, MID)
    c.events(1, [Elected(MID, 0, 0, (1, 2)), Proposed(MID, 0, (Y,), "client")])


def a_tally_of_a_minority(c: FullObserver) -> None:
    vote(c, 0)
    c.events(0, [ChosenSeen(LOW, 0, 1)])


def a_value_learned_too_early(c: FullObserver) -> None:
    vote(c, 0)
    c.events(0, [Learned(0, (Entry(LOW, X),))])


def another_value_learned(c: FullObserver) -> None:
    choose(c, X)
    c.events(0, [Learned(0, (Entry(LOW, Y),))])


def a_prepare_before_its_round_is_on_disk(c: FullObserver) -> None:
    c.sent(0, Prepare(LOW, 0, False))


def a_promise_before_it_is_on_disk(c: FullObserver) -> None:
    promise(c, 0, LOW)


def a_promise_with_an_invented_vote(c: FullObserver) -> None:
    c.committed(0, state(MID), {})
    promise(c, 0, MID, Vote(0, LOW, X))


def a_promise_that_hides_a_vote(c: FullObserver) -> None:
    vote(c, 0)
    c.committed(0, state(MID), {})
    promise(c, 0, MID)


def a_promise_that_tells_an_older_vote(c: FullObserver) -> None:
    vote(c, 0, ballot=LOW, value=X)
    vote(c, 0, ballot=MID, value=Y)
    c.committed(0, state(HIGH), {})
    promise(c, 0, HIGH, Vote(0, LOW, X))


def an_accepted_before_its_vote_is_on_disk(c: FullObserver) -> None:
    c.sent(0, Accepted(LOW, 0, 1, 0))


def an_ack_for_a_leader_that_was_outbid(c: FullObserver) -> None:
    c.committed(0, state(MID), {})
    c.sent(0, HeartbeatAck(LOW, 1, 0))


# Logs


def a_gap_in_what_is_applied(c: FullObserver) -> None:
    choose(c, X, X)
    c.events(0, [AppliedTo(1, 2, "")])


def an_applied_slot_that_is_not_chosen(c: FullObserver) -> None:
    apply(c, 0, X)


def a_log_that_is_another(c: FullObserver) -> None:
    choose(c, X)
    apply(c, 0, Y)


def a_start_below_the_watermark_on_disk(c: FullObserver) -> None:
    choose(c, X)
    c.committed(0, state(watermark=1, chain=link(CHAIN_START, 0, X)), {0: Entry(LOW, X)})
    c.events(0, [Restored(LOW, 0, 0, 0)])


def a_watermark_on_disk_that_falls(c: FullObserver) -> None:
    choose(c, X)
    c.committed(0, state(watermark=1, chain=link(CHAIN_START, 0, X)), {0: Entry(LOW, X)})
    c.committed(0, state(watermark=0), {0: Entry(LOW, X)})


def a_row_that_is_not_there(c: FullObserver) -> None:
    choose(c, X)
    c.committed(0, state(watermark=1), {})


def a_row_with_a_vote_that_lost(c: FullObserver) -> None:
    choose(c, X)
    c.committed(0, state(watermark=1), {0: Entry(LOW, Y)})


def a_wrong_chain_on_disk(c: FullObserver) -> None:
    choose(c, X)
    apply(c, 0, X)
    c.committed(0, state(watermark=1, chain=CHAIN_START), {0: Entry(LOW, X)})


def a_watermark_told_too_high(c: FullObserver) -> None:
    c.sent(0, Heartbeat(LOW, 1, 1))


def a_promise_on_a_watermark_that_is_not_on_disk(c: FullObserver) -> None:
    choose(c, X)
    apply(c, 0, X)
    promise(c, 0, LOW, learned=1)


def a_page_with_another_value(c: FullObserver) -> None:
    choose(c, X)
    apply(c, 0, X)
    c.sent(0, Entries(0, (Entry(LOW, Y),), 1))


def a_page_above_the_watermark(c: FullObserver) -> None:
    c.sent(0, Entries(0, (Entry(LOW, X),), 0))


# Old slots that are removed


def a_state_taken_after_another_slot(c: FullObserver) -> None:
    choose(c, X, X)
    apply(c, 0, X, X)
    c.events(1, [SnapshotTaken(1, 2, "")])


def a_state_that_nobody_has_applied(c: FullObserver) -> None:
    choose(c, X)
    c.events(1, [SnapshotTaken(0, 1, link(CHAIN_START, 0, X).hex())])


def a_state_of_another_log(c: FullObserver) -> None:
    choose(c, X)
    apply(c, 0, X)
    c.events(1, [SnapshotTaken(0, 1, link(CHAIN_START, 0, Y).hex())])


def a_vote_that_stays_below_a_state(c: FullObserver) -> None:
    c.committed(1, snapshot(1), {0: Entry(LOW, Y)})


def a_floor_that_falls(c: FullObserver) -> None:
    choose(c, X)
    apply(c, 0, X)
    c.committed(0, PutLogStart(-1), {})


def a_floor_above_the_watermark(c: FullObserver) -> None:
    c.committed(0, PutLogStart(1), {})


def a_floor_that_no_trim_set(c: FullObserver) -> None:
    told_mark(c)
    choose(c, X)
    apply(c, 0, X)
    c.committed(0, PutLogStart(1), {})


def a_floor_without_a_state(c: FullObserver) -> None:
    applied(c, 0, trim(1, LOW))
    choose(c, X)
    apply(c, 0, X)
    c.committed(0, PutLogStart(1), {})


def a_mark_with_another_horizon(c: FullObserver) -> None:
    told_mark(c)
    c.committed(0, PutCheckpoint(Checkpoint(1, 0), CHAIN_START, 0), {})


def a_mark_where_there_was_none(c: FullObserver) -> None:
    c.committed(0, PutCheckpoint(Checkpoint(1, 0), CHAIN_START, -1), {})


def a_state_with_a_session_that_was_not_there(c: FullObserver) -> None:
    told_mark(c)
    choose(c, X)
    apply(c, 0, X)
    c.sent(0, Snapshot(1, 0, link(CHAIN_START, 0, X), -1, "", (session("bob@0"),), True, 1))


def a_state_with_another_answer(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X)
    applied(c, 1, checkpoint(0, LOW))
    choose(c, X, X)
    apply(c, 0, X, X)
    head = link(link(CHAIN_START, 0, X), 1, X)
    c.sent(0, Snapshot(2, 0, head, -1, "", (session("ada@0", slot=1),), True, 2))


def a_state_that_lacks_a_session(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X)
    applied(c, 1, checkpoint(0, LOW))
    applied(c, 2, trim(2, LOW))
    choose(c, X, X)
    apply(c, 0, X, X)
    c.events(1, [SnapshotTaken(0, 2, link(link(CHAIN_START, 0, X), 1, X).hex())])
    c.committed(1, snapshot(2), {})


def told_mark(c: FullObserver) -> None:
    """Replica 0 has applied a mark in slot 0."""
    applied(c, 0, checkpoint(0, LOW))


def snapshot(upto: int, *sessions: SessionRow) -> PutSnapshot:
    return PutSnapshot(Checkpoint(upto, 0), CHAIN_START, -1, sessions, 0)


def session(client: str, slot: int = 0) -> SessionRow:
    """One whose request 1 took effect in ``slot``."""
    answers = array("q", [-1]) * SETTINGS.session_window
    answers[1] = slot
    return SessionRow(client, slot, 1, answers.tobytes())


# Clients


def a_value_nobody_asked_for(c: FullObserver) -> None:
    lead(c, LOW, 0, 1)
    c.events(0, [Proposed(LOW, 0, (X,), "client")])


def an_applied_value_nobody_asked_for(c: FullObserver) -> None:
    applied(c, 0, X)


def a_second_effect(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X)
    applied(c, 1, X)


def a_first_effect_that_is_suppressed(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X, repeats=-1)


def a_second_effect_that_the_table_allows(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X)
    c.requests._model._sessions.clear()  # a table with a mistake of its own
    applied(c, 1, X)


def a_session_born_after_its_command(c: FullObserver) -> None:
    late = Command("ada@1", 1, "x")
    c.asked(late)
    applied(c, 0, late)


def an_effect_before_its_request(c: FullObserver) -> None:
    c.requests.read_started(0, 1)
    c.requests.read_ready(0, ReadReady(1, 1), 1)
    c.asked(X)
    applied(c, 0, X)


def an_answer_without_an_effect(c: FullObserver) -> None:
    c.asked(X)
    c.replied(0, Appended(X.client, X.request, 0, LOW))


def an_answer_with_another_slot(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X)
    c.replied(0, Appended(X.client, X.request, 1, LOW))


def a_new_request_called_expired(c: FullObserver) -> None:
    c.asked(X)
    c.replied(0, Refused(X.client, X.request, "expired", None))


def a_read_that_nobody_began(c: FullObserver) -> None:
    c.replied(0, ReadReady(1, 0))


def a_stale_read(c: FullObserver) -> None:
    c.asked(X)
    applied(c, 0, X)
    c.replied(0, Appended(X.client, X.request, 0, LOW))
    c.read_started(1, 1)
    c.replied(1, ReadReady(1, 0))


def a_read_of_what_is_not_applied(c: FullObserver) -> None:
    c.read_started(0, 1)
    c.replied(0, ReadReady(1, 1))


# Limits


def too_many_slots_in_a_message(c: FullObserver) -> None:
    c.sent(0, Accept(LOW, 0, (X, X, X)))


def too_many_characters_in_a_message(c: FullObserver) -> None:
    long = replace(X, text="x" * 80)
    c.sent(0, Accept(LOW, 0, (long, long)))


def a_proposal_beyond_the_window(c: FullObserver) -> None:
    c.asked(X)
    lead(c, LOW, 0, 1)
    c.events(0, [Proposed(LOW, 3, (X,), "client")])


def a_vote_too_far_ahead(c: FullObserver) -> None:
    c.events(0, [Voted(LOW, 4, (X,))])


def too_many_sessions(c: FullObserver) -> None:
    c.limits.memory_kept(0, 0, 2, 0)


CASES: dict[Case, Invariant] = {
    a_vote_below_the_promise_on_disk: Invariant.PROMISES,
    two_values_at_a_ballot: Invariant.ONE_VALUE,
    an_accept_of_another_value: Invariant.ONE_VALUE,
    two_values_chosen: Invariant.AGREEMENT,
    a_promise_on_disk_that_falls: Invariant.PROMISES,
    a_start_that_forgets_a_promise: Invariant.PROMISES,
    a_promise_after_a_higher_one: Invariant.PROMISES,
    a_vote_after_a_higher_promise: Invariant.PROMISES,
    a_ballot_taken_twice: Invariant.ONE_VALUE,
    a_leader_without_promises: Invariant.CHOOSABLE,
    a_leader_of_a_minority: Invariant.CHOOSABLE,
    a_ballot_led_twice: Invariant.ONE_VALUE,
    a_proposal_without_a_lead: Invariant.CHOOSABLE,
    a_proposal_over_a_vote_of_the_quorum: Invariant.CHOOSABLE,
    a_tally_of_a_minority: Invariant.LEARNED,
    a_value_learned_too_early: Invariant.LEARNED,
    another_value_learned: Invariant.LEARNED,
    a_prepare_before_its_round_is_on_disk: Invariant.DURABLE,
    a_promise_before_it_is_on_disk: Invariant.DURABLE,
    a_promise_with_an_invented_vote: Invariant.DURABLE,
    a_promise_that_hides_a_vote: Invariant.CHOOSABLE,
    a_promise_that_tells_an_older_vote: Invariant.CHOOSABLE,
    an_accepted_before_its_vote_is_on_disk: Invariant.DURABLE,
    an_ack_for_a_leader_that_was_outbid: Invariant.PROMISES,
    a_gap_in_what_is_applied: Invariant.ORDER,
    an_applied_slot_that_is_not_chosen: Invariant.LEARNED,
    a_log_that_is_another: Invariant.ORDER,
    a_start_below_the_watermark_on_disk: Invariant.ORDER,
    a_watermark_on_disk_that_falls: Invariant.ORDER,
    a_row_that_is_not_there: Invariant.ACKNOWLEDGED,
    a_row_with_a_vote_that_lost: Invariant.ACKNOWLEDGED,
    a_wrong_chain_on_disk: Invariant.ORDER,
    a_watermark_told_too_high: Invariant.LEARNED,
    a_promise_on_a_watermark_that_is_not_on_disk: Invariant.DURABLE,
    a_page_with_another_value: Invariant.LEARNED,
    a_page_above_the_watermark: Invariant.LEARNED,
    a_value_nobody_asked_for: Invariant.VALIDITY,
    an_applied_value_nobody_asked_for: Invariant.VALIDITY,
    a_second_effect: Invariant.ONCE,
    a_first_effect_that_is_suppressed: Invariant.ONCE,
    a_second_effect_that_the_table_allows: Invariant.ONCE,
    a_session_born_after_its_command: Invariant.ONCE,
    an_effect_before_its_request: Invariant.LINEARIZABLE,
    an_answer_without_an_effect: Invariant.ACKNOWLEDGED,
    an_answer_with_another_slot: Invariant.ONCE,
    a_new_request_called_expired: Invariant.ONCE,
    a_read_that_nobody_began: Invariant.LINEARIZABLE,
    a_stale_read: Invariant.LINEARIZABLE,
    a_read_of_what_is_not_applied: Invariant.LINEARIZABLE,
    a_state_taken_after_another_slot: Invariant.ORDER,
    a_state_that_nobody_has_applied: Invariant.ORDER,
    a_state_of_another_log: Invariant.ORDER,
    a_vote_that_stays_below_a_state: Invariant.LEARNED,
    a_floor_that_falls: Invariant.ORDER,
    a_floor_above_the_watermark: Invariant.ORDER,
    a_floor_that_no_trim_set: Invariant.ORDER,
    a_floor_without_a_state: Invariant.ORDER,
    a_mark_with_another_horizon: Invariant.ONCE,
    a_mark_where_there_was_none: Invariant.ONCE,
    a_state_with_a_session_that_was_not_there: Invariant.ONCE,
    a_state_with_another_answer: Invariant.ONCE,
    a_state_that_lacks_a_session: Invariant.ONCE,
    too_many_slots_in_a_message: Invariant.LIMITS,
    too_many_characters_in_a_message: Invariant.LIMITS,
    a_proposal_beyond_the_window: Invariant.LIMITS,
    a_vote_too_far_ahead: Invariant.LIMITS,
    too_many_sessions: Invariant.LIMITS,
}


def provoke(case: Case) -> pytest.ExceptionInfo[InvariantBroken]:
    with pytest.raises(InvariantBroken) as caught:
        case(FullObserver(3, SETTINGS))
    return caught


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_checkers_see(case: Case) -> None:
    assert provoke(case).value.invariant is CASES[case]


def complaints(module: ModuleType) -> dict[int, int]:
    """Each line of every ``raise InvariantBroken`` of a module, and the line on which it begins."""
    lines: dict[Any, Any] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Raise):
            assert isinstance(node.exc, ast.Call)
            assert ast.unparse(node.exc.func) == "InvariantBroken"
            lines |= dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), node.lineno)
    return lines


def test_every_complaint_of_the_checkers_is_provoked_here() -> None:
    modules = {module.__file__: complaints(module) for module in (ghost_state, logs, requests, limits)}
    expected = {(path, line) for path, lines in modules.items() for line in lines.values()}
    heard = set()
    for case in CASES:
        last = list(traceback.walk_tb(provoke(case).tb))[-1]
        path = last[0].f_code.co_filename
        heard.add((path, modules[path][last[1]]))
    assert expected - heard == set()
    assert len(expected) > 40


# The judges of a whole run


def test_a_deadline_that_does_not_move_is_a_surprise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replica, "deadline", property(lambda self: 0.0))
    result = Simulation(generate_plan(1, "all")).run()
    assert result.invariant == str(Invariant.SURPRISE)
    assert "deadline does not move" in result.detail


def test_a_run_without_an_end_is_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "EVENTS_MAX", 1000)
    assert Simulation(generate_plan(1, "all")).run().invariant == str(Invariant.STORM)


def test_agreement_itself_breaks_where_the_rules_that_imply_it_are_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Invariants 1 to 3 imply the fourth, so no mutant can reach it while they are watched. Two leaders in
    one cluster, and nobody who looks at their promises: now two values are chosen in a slot."""
    monkeypatch.setattr(GhostState, "elected", lambda *_: None)
    monkeypatch.setattr(GhostState, "proposed", lambda *_: None)
    with MUTANTS["minority-of-promises"].installed():
        broken = {
            Simulation(generate_plan(seed, PROFILES[seed % len(PROFILES)])).run().invariant
            for seed in range(40)
        }
    assert str(Invariant.AGREEMENT) in broken
    assert str(Invariant.CHOOSABLE) not in broken
