"""Who watches for ever: memory does not grow, marks stand for values, and nothing wrong is said for it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pytest

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.ghost_state import GhostState
from paxtui.checkers.logs import Logs
from paxtui.checkers.partial_observer import PartialObserver
from paxtui.checkers.partial_observer_state import LifeStart
from paxtui.core.ballot import Ballot
from paxtui.core.events import AppliedTo, Learned, Proposed, Voted
from paxtui.records.judge import RecordJudge
from paxtui.records.merge import Records
from paxtui.records.parts import EventPart, Life
from paxtui.records.reader import RecordReader
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan_generator import generate_plan
from tests.records.runs import traced

LOW, HIGH = Ballot(1, 0), Ballot(2, 1)

KEPT = 4


@pytest.mark.parametrize("profile", ["network", "crash", "churn", "boost"])
def test_checkers_that_forget_say_the_same_of_honest_runs(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [Simulation(generate_plan(seed, profile)).run() for seed in range(6)]
    original = Simulation.events
    forgotten = 0

    def forgetful(self: Simulation, replica: int, events: Any) -> None:
        nonlocal forgotten
        original(self, replica, events)
        bar = min(self.checkers.logs.durable) - KEPT
        self.checkers.forget_below(bar)
        assert all(slot >= bar for slot in self.checkers.ghost.slots)
        forgotten = max(forgotten, bar)

    monkeypatch.setattr(Simulation, "events", forgetful)
    for seed, expected in enumerate(plain):
        assert Simulation(generate_plan(seed, profile)).run() == expected
    assert forgotten > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_witness_that_forgets_all_that_is_applied_somewhere_says_nothing_wrong(seed: int) -> None:
    trace, _ = traced(seed, "churn")
    judge = RecordJudge(RecordReader(trace, "r").header.replicas)
    for step in Records([RecordReader(trace, "r")]).merged():
        judge.look(step.part)
        judge.witness.forget_below(judge.witness.logs.upto - KEPT)
    witness = judge.witness
    assert min(witness.ghost.slots, default=witness.logs.upto) >= witness.logs.upto - KEPT
    assert len(witness.logs._heads) <= KEPT + 2
    assert not judge.undecided()


def mark(value: object) -> str:
    return blake2b(repr(value).encode(), digest_size=8).hexdigest()


@pytest.mark.parametrize("seed", range(6))
def test_marks_do_in_place_of_values(seed: int) -> None:
    """A witness that is told digests sees honest runs as such, and two values as two."""
    trace, _ = traced(seed, "crash")
    reader = RecordReader(trace, "r")
    w = PartialObserver(reader.header.replicas, None)
    judge = RecordJudge(reader.header.replicas, w)
    voted: tuple[Ballot, int] | None = None
    for step in Records([reader]).merged():
        part = step.part
        if isinstance(part, Life):
            votes = [(slot, ballot, mark(value)) for slot, ballot, value in part.held]
            head = bytes.fromhex(part.chain)
            w.begins(
                part.replica,
                LifeStart(
                    promised=part.promised,
                    round=part.round,
                    watermark=part.watermark,
                    head=head,
                    votes=votes,
                ),
            )
        elif isinstance(part, EventPart):
            match part.event:
                case Voted(ballot=ballot, first=first, values=values):
                    w.voted(part.replica, ballot, first, [mark(value) for value in values])
                    voted = ballot, first
                case Proposed(ballot=ballot, first=first, values=values):
                    w.proposed(part.replica, ballot, first, [mark(value) for value in values])
                case Learned(first=first, entries=entries):
                    w.learned(part.replica, first, [(e.ballot, mark(e.value)) for e in entries])
                case _:
                    judge.look(part)
        else:
            judge.look(part)
    assert not judge.undecided()
    assert voted is not None
    with pytest.raises(InvariantBroken) as caught:
        w.proposed(voted[0].replica, voted[0], voted[1], [mark("forged")])
    assert caught.value.invariant in (Invariant.ONE_VALUE, Invariant.CHOOSABLE)


def test_facts_forget_slots_and_ballots_that_can_do_nothing_any_more() -> None:
    facts = GhostState(3)
    for slot in range(100):
        for acceptor in (0, 1):
            facts.put_votes(acceptor, LOW, slot, ("mark",))
    facts.forget_below(90)
    assert set(facts.slots) == set(facts.chosen) == set(range(90, 100))
    facts.put_votes(2, LOW, 0, ("another",) * 90)
    facts.learned(2, 0, ("another",) * 90 + ("mark",))
    facts.chosen_seen(0, LOW, 0, 100)
    with pytest.raises(InvariantBroken) as caught:
        facts.put_votes(2, LOW, 89, ("another", "another"))
    assert caught.value.invariant is Invariant.ONE_VALUE


def test_logs_of_marks_compare_what_is_told_of_the_same_watermark() -> None:
    chosen: dict[int, object] = {slot: f"mark {slot}" for slot in range(20)}
    logs = Logs(3, chosen, None)
    logs.applied_to(0, 0, 10, "aa" * 32)
    logs.applied_to(1, 0, 10, "aa" * 32)
    with pytest.raises(InvariantBroken) as caught:
        logs.applied_to(2, 0, 10, "bb" * 32)
    assert caught.value.invariant is Invariant.ORDER
    logs.applied_to(0, 10, 20, "cc" * 32)
    logs.forget_below(15)
    logs.applied_to(1, 10, 12, "dd" * 32)  # nothing is remembered of it
    with pytest.raises(InvariantBroken):
        logs.applied_to(1, 12, 20, "dd" * 32)


def test_a_witness_remembers_no_promise_of_a_ballot_that_all_have_outbid() -> None:
    w = PartialObserver(3)
    for replica in range(3):
        w.begins(replica, LifeStart(promised=Ballot.ZERO, round=0, watermark=0, head=None, votes=()))
    for round_ in range(1, 50):
        ballot = Ballot(round_, 0)
        w.round_taken(0, ballot)
        for replica in range(3):
            w.promised(replica, ballot, 0, 0, True)
            w.promise_received(0, ballot, replica, True)
        w.elected(0, ballot, 0, (0, 1, 2))
        w.forget_below(0)
    assert len(w._reported_promises) == 3
    assert len(w._tallies) == 1
    assert len(w.ghost._elections) == 1


def test_applied_is_told_with_the_head_that_the_core_computes() -> None:
    """The mark of a log is its chain, which every replica tells."""
    trace, _ = traced(1, "network")
    told = [part for part in RecordReader(trace, "r") if isinstance(part, EventPart)]
    heads: dict[int, set[str]] = {}
    for part in told:
        if isinstance(part.event, AppliedTo):
            heads.setdefault(part.event.watermark, set()).add(part.event.chain)
    assert all(len(chains) == 1 for chains in heads.values())
