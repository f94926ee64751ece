"""What the checkers keep of a fact, and what a later fact is judged by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.effects import Effects
from paxtui.checkers.full_observer import FullObserver
from paxtui.checkers.ghost_state import GhostState
from paxtui.checkers.partial_observer import PartialObserver
from paxtui.checkers.partial_observer_state import LifeStart
from paxtui.core.ballot import Ballot
from paxtui.core.messages import Promise
from paxtui.core.settings import Settings
from paxtui.core.values import Command, Vote
from tests.checkers.test_witness import apply, begun, choose, head_of, lead, start

LOW, MID, HIGH = Ballot(1, 0), Ballot(2, 1), Ballot(3, 2)
X, Y = Command("ada@0", 1, "x"), Command("bob@0", 1, "y")


# The ghost record


@pytest.mark.parametrize("leader", range(3))
def test_nobody_has_promised_before_it_is_told(leader: int) -> None:
    facts = GhostState(3)
    ballot = Ballot(1, leader)
    facts.put_state(leader, ballot, 1)
    for other in {0, 1, 2} - {leader}:
        with pytest.raises(InvariantBroken, match="no majority that promised"):
            facts.elected(leader, ballot, 0, (leader, other))


def test_nothing_is_said_of_a_reported_vote_in_a_slot_that_is_forgotten() -> None:
    facts = GhostState(3)
    facts.put_votes(0, LOW, 0, (X, X))
    facts.forget_below(1)
    facts.put_state(0, MID, 0)
    facts.promise_sent(0, Promise(MID, 0, None, 0, (Vote(0, LOW, Y), Vote(1, LOW, X))))
    with pytest.raises(InvariantBroken, match="reports a vote it does not have"):
        facts.promise_sent(0, Promise(MID, 0, None, 0, (Vote(1, LOW, Y),)))


# The witness


def test_a_value_is_remembered_also_where_another_promise_is_not_known_whole() -> None:
    w = begun()
    w.gap(2)
    w.round_taken(0, LOW)
    for replica in range(3):
        w.promised(replica, LOW, 0, 0, True)
        w.promise_received(0, LOW, replica, True)
    w.elected(0, LOW, 0, (0, 1))
    w.proposed(0, LOW, 0, (X,))
    with pytest.raises(InvariantBroken) as caught:
        w.proposed(0, LOW, 0, (Y,))
    assert caught.value.invariant is Invariant.ONE_VALUE


def test_a_last_page_that_was_not_told_makes_no_promise() -> None:
    """It was counted, but its sender told only the pages before it, and no part of its account is missing."""
    w = begun()
    w.round_taken(0, LOW)
    w.promised(0, LOW, 0, 0, True)
    w.promised(1, LOW, 0, 0, False)
    for sender in (0, 1):
        w.promise_received(0, LOW, sender, True)
    with pytest.raises(InvariantBroken) as caught:
        w.elected(0, LOW, 0, (0, 1))
    assert caught.value.invariant is Invariant.CHOOSABLE


def test_a_vote_on_a_disk_tells_that_there_was_a_proposal_in_its_slot() -> None:
    """So a vote of another replica there, told by nobody, may stand in a gap of that replica's account."""
    w = PartialObserver(3)
    w.begins(0, start(LOW, 1, 0, *[LOW] * 6))
    w.begins(1, start(LOW))
    w.begins(2, start(LOW))
    w.gap(1)
    w.round_taken(1, MID)
    w.bound(1, MID)
    w.accepted_received(0, LOW, 1, 5, 1)
    assert w.ghost.voters(5, LOW) == 0b11
    with pytest.raises(InvariantBroken, match="which was not cast"):
        w.accepted_received(0, LOW, 1, 6, 1)


# What was judged


def counted(w: PartialObserver, tell: Callable[[], None]) -> dict[Invariant, int]:
    """How often each rule had its turn while ``tell`` told something."""
    before = Counter(w.judged)
    tell()
    return {rule: times - before[rule] for rule, times in w.judged.items() if times != before[rule]}


def test_each_rule_is_counted_once_for_each_thing_that_it_judges() -> None:
    w = PartialObserver(3)
    rule = Invariant
    held = LifeStart(promised=LOW, round=0, watermark=0, head=None, votes=[(0, LOW, X), (1, LOW, Y)])
    assert counted(w, lambda: w.begins(2, held)) == {rule.PROMISES: 1, rule.ORDER: 1, rule.ACKNOWLEDGED: 2}
    w = begun()
    assert counted(w, lambda: w.round_taken(0, LOW)) == {rule.ONE_VALUE: 1}
    assert counted(w, lambda: w.promised(1, LOW, 0, 0, True)) == {rule.PROMISES: 1, rule.CHOOSABLE: 1}
    assert counted(w, lambda: w.bound(0, LOW)) == {rule.PROMISES: 1}
    w = begun()
    lead(w)
    assert counted(w, lambda: w.proposed(0, LOW, 0, (X, Y))) == {rule.ONE_VALUE: 2, rule.CHOOSABLE: 2}
    voted = dict.fromkeys((rule.ONE_VALUE, rule.PROMISES, rule.AGREEMENT, rule.VALIDITY), 2)
    assert counted(w, lambda: w.voted(0, LOW, 0, (X, Y))) == voted
    assert counted(w, lambda: w.voted(1, LOW, 0, (X, Y))) == voted
    assert counted(w, lambda: w.accepted_received(0, LOW, 0, 0, 2)) == {rule.DURABLE: 2}
    assert counted(w, lambda: w.accepted_received(0, LOW, 1, 0, 2)) == {rule.DURABLE: 2}
    assert counted(w, lambda: w.chosen_seen(0, LOW, 0, 2)) == {rule.LEARNED: 2}
    assert counted(w, lambda: w.learned(0, 0, [(LOW, X), (LOW, Y)])) == {rule.LEARNED: 2}
    assert counted(w, lambda: w.applied_to(0, 0, 2, head_of(X, Y))) == {rule.ORDER: 2, rule.ONCE: 2}
    w.marked(2)
    assert counted(w, lambda: w.trimmed(0, 2)) == {rule.ORDER: 1}
    assert counted(w, lambda: w.snapshot_taken(2, 0, 2, head_of(X, Y))) == {rule.ORDER: 1}


def test_an_election_is_judged_once() -> None:
    w = begun()
    w.round_taken(0, LOW)
    for member in (0, 1):
        w.promised(member, LOW, 0, 0, True)
        w.promise_received(0, LOW, member, True)
    assert counted(w, lambda: w.elected(0, LOW, 0, (0, 1))) == {Invariant.CHOOSABLE: 1}


def test_an_invariant_is_shown_with_its_number_and_its_name() -> None:
    assert str(Invariant.PROMISES) == "2 (promises)"
    assert len({str(each) for each in Invariant}) == len(Invariant)


def test_a_log_that_is_chosen_and_applied_leaves_nothing_undecided() -> None:
    w = begun()
    choose(w, X, Y)
    for replica in range(3):
        apply(w, replica, X, Y)
    assert not w.undecided
    assert not w.unproven


def test_a_value_that_is_learned_too_early_is_told_as_such() -> None:
    facts = GhostState(3)
    with pytest.raises(InvariantBroken, match="chosen is nothing yet"):
        facts.learned(0, 0, (X,))
    for acceptor in (0, 1):
        facts.put_votes(acceptor, LOW, 0, (Y,))
    with pytest.raises(InvariantBroken, match=r"learned .*'x'.* chosen is .*'y'"):
        facts.learned(0, 0, (X,))


def test_promises_of_ballots_that_can_do_nothing_any_more_are_forgotten() -> None:
    facts = GhostState(3)
    for round_ in range(1, 50):
        for acceptor in range(3):
            facts.put_state(acceptor, Ballot(round_, 0), 0)
            facts.promise_sent(acceptor, Promise(Ballot(round_, 0), 0, None, 0, ()))
    assert len(facts._promises) == 49
    facts.forget_below(1)
    assert list(facts._promises) == [Ballot(49, 0)]


def test_who_may_vote_is_judged_also_while_another_may_not() -> None:
    checkers = FullObserver(3, Settings())
    checkers.lost(2)
    with pytest.raises(InvariantBroken, match="left before it was on disk"):
        checkers.sent(0, Promise(LOW, 0, None, 0, ()))
    with pytest.raises(InvariantBroken, match="is a learner without vote"):
        checkers.sent(2, Promise(LOW, 0, None, 0, ()))


def test_what_one_replica_suppressed_is_compared_also_after_it_has_gone_on() -> None:
    effects = Effects()
    effects.applied(0, 0, 1, {0: -1}, {})
    effects.applied(0, 1, 2, {}, {})
    with pytest.raises(InvariantBroken, match="slot 0 repeats None here, -1 elsewhere"):
        effects.applied(1, 0, 1, {}, {})
