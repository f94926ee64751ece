"""What an acceptor may promise, accept and refuse.

Paxos Made Simple, 2.2 (P1a, phases 1b and 2b), 2.3 and 2.4; Paxos Made Moderately Complex, 2.2,
invariants A1 to A5: A1 ballots only rise, A2 votes are at the current ballot, A3 votes are never taken back
(here: but for a higher ballot in the same slot), A4 one value a ballot and slot, A5 a promise tells all.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import Voted
from paxtui.core.messages import (
    Accept,
    Accepted,
    Chosen,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    Promise,
)
from paxtui.core.settings import Settings
from paxtui.core.validation import TWO_VALUES
from paxtui.core.values import Command, Vote
from tests.core.cluster import Cluster

HI = Command("ada@0", 1, "hi")
HO = Command("bob@0", 1, "ho")


def acceptor(limits: Settings | None = None) -> Cluster:
    """Three replicas of which the test plays two: the acceptor under test is replica 2."""
    return Cluster(3, limits, checked=False)


def ask(cluster: Cluster, message: Any) -> PeerMessage:
    """The acceptor's one answer to the owner of the message's ballot."""
    (letter,) = cluster.inject(message.ballot.replica, 2, message)
    assert letter.to == message.ballot.replica
    return letter.message


def test_it_promises_the_first_ballot_that_asks() -> None:
    assert ask(acceptor(), Prepare(Ballot(1, 0), 0, False)) == Promise(Ballot(1, 0), 0, None, 0, ())


def test_it_refuses_a_prepare_below_its_promise_and_names_the_promise() -> None:
    """Phase 1b; the Nack is what Paxos Made Simple, 2.2 (end) suggests."""
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 0, False))
    assert ask(cluster, Prepare(Ballot(4, 0), 0, False)) == Nack(Ballot(4, 0), Ballot(5, 1), None, 0)


def test_a_refused_prepare_changes_nothing() -> None:
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 0, False))
    before = cluster[2].disk.state
    ask(cluster, Prepare(Ballot(4, 0), 0, False))
    assert cluster[2].disk.state == before
    assert cluster[2].status.promised == Ballot(5, 1)


def test_it_repeats_its_promise_to_the_same_ballot() -> None:
    """A lost Promise is asked for again."""
    cluster = acceptor()
    first = ask(cluster, Prepare(Ballot(5, 1), 0, False))
    assert ask(cluster, Prepare(Ballot(5, 1), 0, False)) == first


def test_it_refuses_an_accept_below_its_promise() -> None:
    """P1a: "an acceptor can accept a proposal numbered n iff it has not responded to a prepare request having
    a number greater than n"."""
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 0, False))
    assert ask(cluster, Accept(Ballot(4, 0), 0, (HI,))) == Nack(Ballot(4, 0), Ballot(5, 1), None, 0)
    assert cluster[2].seen(Voted) == []
    assert cluster[2].disk.rows == {}


def test_it_accepts_at_the_very_ballot_that_it_promised() -> None:
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 0, False))
    assert ask(cluster, Accept(Ballot(5, 1), 0, (HI, HO))) == Accepted(Ballot(5, 1), 0, 2, 0)


def test_it_accepts_a_ballot_that_it_was_never_asked_to_promise() -> None:
    """P1a forbids nothing here: the majority that promised need not include this acceptor."""
    assert ask(acceptor(), Accept(Ballot(5, 1), 0, (HI,))) == Accepted(Ballot(5, 1), 0, 1, 0)


def test_a_vote_binds_like_a_promise_and_both_are_written_together() -> None:
    """P1a with A2; mistake 2: an accept that persisted the old promise let a lower ballot overwrite."""
    cluster = acceptor()
    ask(cluster, Accept(Ballot(5, 1), 0, (HI,)))
    assert cluster[2].disk.state.promised == Ballot(5, 1)
    cluster.crash(2)
    cluster.restart(2)
    assert ask(cluster, Accept(Ballot(4, 0), 0, (HO,))) == Nack(Ballot(4, 0), Ballot(5, 1), None, 0)
    assert cluster[2].disk.rows[0].value == HI


def test_one_promise_covers_all_slots() -> None:
    """Paxos Made Simple, 3: phase 1 for infinitely many instances at once."""
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 7, False))
    for slot in (0, 6, 7, 1000):
        assert isinstance(ask(cluster, Accept(Ballot(4, 0), slot, (HI,))), Nack)


def test_a_higher_ballot_replaces_the_vote_in_a_slot() -> None:
    cluster = acceptor()
    ask(cluster, Accept(Ballot(4, 0), 0, (HI,)))
    ask(cluster, Accept(Ballot(5, 1), 0, (HO,)))
    promise = ask(cluster, Prepare(Ballot(6, 1), 0, True))
    assert promise == Promise(Ballot(6, 1), 0, None, 0, (Vote(0, Ballot(5, 1), HO),))


def test_a_repeated_accept_is_answered_again_and_writes_nothing() -> None:
    """Mistake 29: silence here would stop a leader whose answer was lost."""
    cluster = acceptor()
    first = ask(cluster, Accept(Ballot(5, 1), 0, (HI, HO)))
    votes = len(cluster[2].seen(Voted))
    assert ask(cluster, Accept(Ballot(5, 1), 0, (HI, HO))) == first
    assert len(cluster[2].seen(Voted)) == votes


def test_an_overlapping_accept_stores_only_what_is_new() -> None:
    cluster = acceptor()
    ask(cluster, Accept(Ballot(5, 1), 1, (HI,)))
    assert ask(cluster, Accept(Ballot(5, 1), 0, (HO, HI, HO))) == Accepted(Ballot(5, 1), 0, 3, 0)
    assert [(voted.first, voted.values) for voted in cluster[2].seen(Voted)] == [
        (1, (HI,)),
        (0, (HO,)),
        (2, (HO,)),
    ]


def test_an_accept_is_stored_only_as_far_as_the_acceptor_votes() -> None:
    """A row on disk beyond that would be a vote that the acceptor does not know of."""
    cluster = acceptor(Settings(ahead_slots=4))
    ask(cluster, Accept(Ballot(5, 1), 2, (HI,)))
    assert ask(cluster, Accept(Ballot(5, 1), 1, (HO, HI, HO, HO, HO))) == Accepted(Ballot(5, 1), 1, 3, 0)
    assert [(voted.first, voted.values) for voted in cluster[2].seen(Voted)] == [
        (2, (HI,)),
        (1, (HO,)),
        (3, (HO,)),
    ]
    assert sorted(cluster[2].disk.rows) == [1, 2, 3]


def test_two_values_in_a_slot_at_one_ballot_are_refused_and_the_first_vote_stays() -> None:
    """A4: only a broken proposer does this. It must not be able to stop those to whom it says so."""
    cluster = acceptor()
    ask(cluster, Accept(Ballot(5, 1), 0, (HI,)))
    assert cluster.inject(1, 2, Accept(Ballot(5, 1), 0, (HO,))) == []
    assert cluster[2].drops() == [TWO_VALUES]
    assert cluster[2].replica.acceptor.votes[0] == (Ballot(5, 1), HI)


def test_two_own_values_in_a_slot_at_one_ballot_stop_the_replica() -> None:
    """The same from this replica's own proposer is a mistake of ours, and no answer to it is safe."""
    cluster = acceptor()
    ask(cluster, Accept(Ballot(5, 1), 0, (HI,)))
    own = cluster[2].replica.acceptor
    with pytest.raises(InvariantViolated, match="two values in slot 0"):
        own.on_accept(2, Accept(Ballot(5, 1), 0, (HO,)), 0.0, 0, {})


def test_a_promise_tells_every_vote_from_its_start_on() -> None:
    """Phase 1b and A5: "the highest-numbered proposal (if any) that it has accepted", for each slot."""
    cluster = acceptor()
    ask(cluster, Accept(Ballot(4, 0), 0, (HI,)))
    ask(cluster, Accept(Ballot(5, 1), 3, (HO, HI)))
    votes = (Vote(0, Ballot(4, 0), HI), Vote(3, Ballot(5, 1), HO), Vote(4, Ballot(5, 1), HI))
    assert ask(cluster, Prepare(Ballot(6, 1), 0, False)) == Promise(Ballot(6, 1), 0, None, 0, votes)
    assert ask(cluster, Prepare(Ballot(6, 1), 1, False)) == Promise(Ballot(6, 1), 1, None, 0, votes[1:])


def test_a_promise_leaves_out_only_what_is_learned_and_says_so() -> None:
    """Mistakes 6 and 32: below ``learned`` everything is chosen, and the proposer must learn it."""
    cluster = Cluster(3)
    cluster.lead(0)
    for text in "abc":
        cluster.say(0, "ada", text)
    cluster.stabilize()
    cluster.say(0, "ada", "not chosen")
    cluster.deliver("accept", to=2)
    cluster.drop()
    cluster.elect(1)
    cluster.deliver("prepare", to=2)
    (letter,) = cluster.flying("promise", sender=2)
    assert letter.message.learned == 3
    assert [vote.slot for vote in letter.message.votes] == [3]


def test_promises_and_votes_survive_a_crash() -> None:
    """Paxos Made Simple, 2.5: stable storage."""
    cluster = acceptor()
    ask(cluster, Accept(Ballot(4, 0), 0, (HI,)))
    ask(cluster, Prepare(Ballot(5, 1), 0, True))
    cluster.crash(2)
    cluster.restart(2)
    assert isinstance(ask(cluster, Accept(Ballot(4, 0), 1, (HO,))), Nack)
    promise = ask(cluster, Prepare(Ballot(5, 1), 0, False))
    assert promise == Promise(Ballot(5, 1), 0, None, 0, (Vote(0, Ballot(4, 0), HI),))


def test_it_acknowledges_heartbeats_unless_it_promised_a_higher_ballot() -> None:
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 0, False))
    assert ask(cluster, Heartbeat(Ballot(5, 1), 3, 0)) == HeartbeatAck(Ballot(5, 1), 3, 0)
    assert ask(cluster, Heartbeat(Ballot(6, 0), 1, 0)) == HeartbeatAck(Ballot(6, 0), 1, 0)
    assert ask(cluster, Heartbeat(Ballot(4, 0), 9, 0)) == Nack(Ballot(4, 0), Ballot(5, 1), None, 0)


def test_a_heartbeat_is_no_promise() -> None:
    """Only phase 1 and phase 2 bind an acceptor; a heartbeat is not on disk."""
    cluster = acceptor()
    ask(cluster, Prepare(Ballot(5, 1), 0, False))
    ask(cluster, Heartbeat(Ballot(6, 0), 1, 0))
    assert cluster[2].status.promised == Ballot(5, 1)


def test_it_does_not_vote_again_in_a_slot_that_it_has_applied() -> None:
    """The answer's watermark tells the proposer that the slot is chosen."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.say(0, "ada", "b")
    accepts = cluster.flying("accept", to=1)
    cluster.stabilize()
    (answer,) = cluster.inject(0, 1, accepts[0].message)
    assert answer.message == Accepted(Ballot(1, 0), 1, 0, 2)


def test_it_votes_for_the_part_of_a_run_that_it_has_not_applied_each_value_in_its_slot() -> None:
    cluster = acceptor()
    values = tuple(Command("ada@0", number, text) for number, text in enumerate("abcde"))
    ask(cluster, Accept(Ballot(1, 0), 0, values[:2]))
    cluster.inject(0, 2, Chosen(Ballot(1, 0), 0, 2))
    assert cluster[2].status.watermark == 2
    assert ask(cluster, Accept(Ballot(1, 0), 1, values[1:])) == Accepted(Ballot(1, 0), 2, 3, 2)
    assert cluster[2].replica.acceptor.votes == {slot: (Ballot(1, 0), values[slot]) for slot in (2, 3, 4)}


BALLOTS = st.builds(Ballot, st.integers(1, 4), st.integers(0, 1))
STEPS = st.one_of(
    st.builds(Prepare, BALLOTS, st.integers(0, 3), st.just(True)),
    st.tuples(BALLOTS, st.integers(0, 3), st.integers(1, 3)).map(
        # The value is a function of slot and ballot: proposers keep A4.
        lambda run: Accept(
            run[0], run[1], tuple(Command("ada@0", s, str(run[0])) for s in range(run[1], run[1] + run[2]))
        )
    ),
    st.just("crash"),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(STEPS, max_size=15))
def test_no_order_of_messages_and_crashes_makes_an_acceptor_break_a_promise(steps: list[object]) -> None:
    """A1, A2, A3 and A5 against the plain model: a number, and a vote a slot."""
    cluster = acceptor()
    promised, votes = Ballot.ZERO, dict[int, Any]()
    for step in steps:
        match step:
            case Prepare(ballot, first):
                answer = ask(cluster, step)
                if ballot < promised:
                    assert answer == Nack(ballot, promised, None, 0)
                else:
                    promised = ballot
                    told = tuple(Vote(s, *vote) for s, vote in sorted(votes.items()) if s >= first)
                    assert answer == Promise(ballot, first, None, 0, told)
            case Accept(ballot, first, values):
                answer = ask(cluster, step)
                if ballot < promised:
                    assert answer == Nack(ballot, promised, None, 0)
                else:
                    promised = ballot
                    votes.update((slot, (ballot, value)) for slot, value in enumerate(values, first))
                    assert answer == Accepted(ballot, first, len(values), 0)
            case _:
                cluster.crash(2)
                cluster.restart(2)
        assert cluster[2].status.promised == cluster[2].disk.state.promised == promised
        assert {s: (row.ballot, row.value) for s, row in cluster[2].disk.rows.items()} == votes
