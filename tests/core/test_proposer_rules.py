"""What a proposer may propose, and when it leads.

Paxos Made Simple, 2.2 (P2c, phases 1a and 2a) and 3; Paxos Made Moderately Complex, 2.3 and 2.4 (scouts and
commanders); the numbers of "mistakes" are those that other implementations have made, each with its rule.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot, majority
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import AcceptSent, Elected, Proposed, SteppedDown
from paxtui.core.messages import Accepted, Nack, Promise
from paxtui.core.phase1 import Phase1
from paxtui.core.proposer import LEGAL, Phase
from paxtui.core.settings import Settings
from paxtui.core.values import NOOP, Command, Vote
from tests.core.cluster import Cluster

LATE = "answers nothing that is asked now"


def candidate(
    replicas: int = 3, limits: Settings | None = None, *, after_round: int = 0
) -> tuple[Cluster, Ballot]:
    """Replica 0 has sent its Prepare; the test plays all others."""
    cluster = Cluster(replicas, limits, checked=False)
    cluster[0].replica.proposer.round_seen = after_round
    cluster.elect(0)
    return cluster, Ballot(after_round + 1, 0)


def promise(ballot: Ballot, *votes: Vote, learned: int = 0) -> Promise:
    return Promise(ballot, 0, None, learned, votes)


def proposed(cluster: Cluster, me: int = 0) -> dict[int, Command]:
    """All that a replica has proposed so far, by slot."""
    return {
        slot: value
        for event in cluster[me].seen(Proposed)
        for slot, value in enumerate(event.values, event.first)
    }


# Who leads


@settings(deadline=None)
@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 1)), max_size=30))
def test_exactly_a_majority_of_distinct_promises_of_the_exact_ballot_wins(
    replicas: int, arrivals: list[tuple[int, int]]
) -> None:
    """Paxos Made Simple, 2.2, phase 2a; mistake 4: stale and repeated promises made leaders elsewhere."""
    phase1 = Phase1(Ballot(5, 0), 0, replicas, False)
    counted = set()
    for sender, offset in arrivals:
        if sender < replicas and offset == 0:
            assert phase1.add(sender, promise(Ballot(5, 0))) == (sender not in counted)
            counted.add(sender)
        assert phase1.won == (len(counted) >= majority(replicas))


@settings(deadline=None)
@given(st.sampled_from([1, 3, 5, 7, 9]), st.data())
def test_a_replica_leads_from_the_promise_that_completes_a_majority(
    replicas: int, data: st.DataObject
) -> None:
    """The same through the replica: late promises of an own older ballot do not count."""
    cluster, _ = candidate(replicas)
    if replicas > 1:
        cluster.elect(0)
    ballot = cluster[0].replica.proposer._own_ballot
    others = st.integers(1, max(1, replicas - 1))
    counted = {0}
    for sender, offset in data.draw(st.lists(st.tuples(others, st.integers(-1, 1)), max_size=20)):
        assert cluster[0].leads == (len(counted) >= majority(replicas))
        if replicas > 1:
            cluster.inject(sender, 0, promise(Ballot(ballot.round + offset, 0)))
            if offset == 0:
                counted.add(sender)
    assert cluster[0].leads == (len(counted) >= majority(replicas))


def test_two_replicas_never_lead_at_one_ballot() -> None:
    cluster = Cluster(3)
    cluster.elect(0)
    cluster.elect(1)
    cluster.stabilize()
    assert cluster.leaders == [1]


def test_a_promise_in_pages_counts_when_its_last_page_is_in() -> None:
    """Mistakes 23 and 32: a page is no promise; pages late, twice or out of order are of no use."""
    cluster, ballot = candidate()
    first = Promise(ballot, 0, 1, 0, (Vote(0, Ballot(1, 0), NOOP),))
    second = Promise(ballot, 1, None, 0, (Vote(1, Ballot(1, 0), NOOP),))
    cluster.inject(1, 0, second)
    assert cluster[0].drops() == [LATE]
    (ask,) = cluster.inject(1, 0, first)
    assert ask.message.first == 1
    cluster.inject(1, 0, first)
    assert cluster[0].drops() == [LATE, LATE]
    assert not cluster[0].leads
    cluster.inject(1, 0, second)
    assert cluster[0].leads
    assert set(proposed(cluster)) == {0, 1}


def test_a_lost_page_is_asked_for_again() -> None:
    cluster, ballot = candidate()
    cluster.inject(1, 0, Promise(ballot, 0, 7, 0, (Vote(6, Ballot(1, 0), NOOP),)))
    cluster.drop()
    cluster.tick(0.2)
    asked = {letter.to: letter.message.first for letter in cluster.flying("prepare")}
    assert asked == {1: 7, 2: 0}


def test_a_phase_change_outside_the_table_stops_the_replica() -> None:
    for before in Phase:
        for after in Phase:
            proposer = Cluster(3)[0].replica.proposer
            proposer.phase = before
            if after in LEGAL[before]:
                proposer._enter(after)
                assert proposer.phase is after
            else:
                with pytest.raises(InvariantViolated):
                    proposer._enter(after)


# What a new leader proposes


def test_a_new_leader_proposes_the_value_of_the_highest_ballot_it_was_told() -> None:
    """P2c: "the value of the highest-numbered proposal among the responses"."""
    cluster, ballot = candidate(5, after_round=1)
    low, high = Command("low@0", 1, ""), Command("high@0", 1, "")
    cluster.inject(1, 0, promise(ballot, Vote(0, Ballot(1, 3), high), Vote(1, Ballot(1, 1), low)))
    cluster.inject(2, 0, promise(ballot, Vote(0, Ballot(1, 2), low), Vote(1, Ballot(1, 4), high)))
    assert proposed(cluster) == {0: high, 1: high}


VOTES = st.dictionaries(
    st.integers(0, 5), st.integers(1, 5).map(lambda round_: Ballot(round_, 1)), max_size=5
)


@settings(deadline=None)
@given(st.tuples(VOTES, VOTES))
def test_each_slot_up_to_the_highest_told_gets_the_best_vote_or_a_no_op(
    told: tuple[dict[int, Ballot], dict[int, Ballot]],
) -> None:
    """P2c and section 3, for all slots at once; mistake 9: holes that waited for a later client."""
    cluster = Cluster(5, checked=False)
    cluster[0].replica.proposer.round_seen = 9
    cluster.elect(0)
    for sender, votes in enumerate(told, 1):
        listed = (Vote(s, b, Command("c@0", s, str(b))) for s, b in sorted(votes.items()))
        cluster.inject(sender, 0, promise(Ballot(10, 0), *listed))
    best = {s: max(votes.get(s, Ballot.ZERO) for votes in told) for s in told[0].keys() | told[1].keys()}
    expected = {
        slot: Command("c@0", slot, str(best[slot])) if slot in best else NOOP
        for slot in range(max(best, default=-1) + 1)
    }
    assert proposed(cluster) == expected


def test_a_free_choice_starts_above_all_that_was_told() -> None:
    cluster, ballot = candidate(after_round=1)
    old = Command("old@0", 1, "")
    cluster.inject(1, 0, promise(ballot, Vote(2, Ballot(1, 1), old)))
    new = cluster.say(0, "ada", "new")
    assert proposed(cluster) == {0: NOOP, 1: NOOP, 2: old, 3: new}


def test_a_new_leader_does_not_use_slots_that_others_have_learned() -> None:
    """Mistake 6: a promise carries the learned watermark; below it the proposer learns first."""
    cluster = Cluster(3)
    cluster.lead(1)
    cluster.isolate(0)
    cluster.say(1, "ada", "a")
    cluster.say(1, "ada", "b")
    cluster.stabilize()
    cluster.heal()
    cluster.elect(0)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    (elected,) = cluster[0].seen(Elected)
    assert (elected.first, elected.end) == (2, 2)
    third = cluster.say(0, "ada", "c")
    assert proposed(cluster) == {2: third}
    cluster.stabilize()
    assert list(cluster.logs()) == [["a", "b", "c"]] * 3


def test_a_new_leader_does_not_propose_again_what_it_has_learned_above_a_hole() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.skip(0)
    cluster.say(0, "ada", "above")
    cluster.stabilize()
    cluster.elect(1)
    cluster.stabilize()
    assert proposed(cluster, 1) == {0: NOOP}
    cluster.run(0.3)
    assert list(cluster.logs()) == [["above"]] * 3


def test_proposals_die_with_their_ballot() -> None:
    """Mistake 5: a proposal map that survived the loss of the lead overwrote a chosen slot."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(0)
    cluster.say(0, "ada", "in flight")
    cluster.lead(1)
    cluster.say(1, "bob", "chosen")
    cluster.stabilize()
    cluster.heal()
    cluster.wake(0)
    cluster.stabilize()
    assert cluster.leaders == [1]
    cluster.lead(0)
    cluster.run(0.5)
    assert list(cluster.logs()) == [["chosen"]] * 3
    assert [event.source for event in cluster[0].seen(Proposed)] == ["client"]


def test_what_waits_for_the_window_is_not_proposed_by_the_next_leader() -> None:
    cluster = Cluster(3, Settings(window_slots=1))
    cluster.lead(0)
    cluster.say(0, "ada", "one")
    cluster.say(0, "ada", "two")
    assert cluster[0].status.queued == 1
    cluster.lead(1)
    cluster.lead(0)
    cluster.run(0.5)
    assert list(cluster.logs()) == [["one"]] * 3


def test_slot_zero_is_a_slot_like_any_other() -> None:
    """Mistake 26: ``if not slot``."""
    cluster = Cluster(3)
    cluster.lead(0)
    assert cluster.skip(0, 0) is None
    command = cluster.say(0, "ada", "a", request=0)
    cluster.stabilize()
    assert cluster[0].status.holes == (0,)
    assert cluster.fill(0, 0) is None
    cluster.stabilize()
    assert cluster[0].slot_of(command) == 1
    again = cluster.say(1, "ada", "a", request=0)
    assert again == command
    cluster.lead(1)
    cluster.say(1, "ada", "a", request=0)
    assert cluster[1].slot_of(command) == 1


# Votes


def test_votes_are_counted_as_a_set_of_replicas() -> None:
    """Mistake 3; Paxos Made Moderately Complex, 2.4: the commander's waitfor is a set."""
    cluster, ballot = candidate(5)
    for sender in (1, 2):
        cluster.inject(sender, 0, promise(ballot))
    cluster.say(0, "ada", "a")
    for _ in range(3):
        cluster.inject(1, 0, Accepted(ballot, 0, 1, 0))
    assert cluster[0].status.in_flight == 1
    cluster.inject(2, 0, Accepted(ballot, 0, 1, 0))
    assert cluster[0].texts == ["a"]


def test_votes_for_one_value_at_two_ballots_are_no_majority() -> None:
    """Mistake 3: chosen means a majority *at one ballot*."""
    cluster, old = candidate(5)
    for sender in (1, 2):
        cluster.inject(sender, 0, promise(old))
    command = cluster.say(0, "ada", "a")
    cluster.inject(1, 0, Accepted(old, 0, 1, 0))
    cluster.inject(2, 0, Nack(old, Ballot(4, 2), None, 0))
    cluster.elect(0)
    new = Ballot(5, 0)
    for sender in (1, 2):
        cluster.inject(sender, 0, promise(new, Vote(0, old, command)))
    cluster.inject(3, 0, Accepted(new, 0, 1, 0))
    for sender in (1, 2, 4):
        cluster.inject(sender, 0, Accepted(old, 0, 1, 0))
    assert cluster[0].drops()[-3:] == [LATE] * 3
    assert cluster[0].texts == []
    cluster.inject(4, 0, Accepted(new, 0, 1, 0))
    assert cluster[0].texts == ["a"]


def test_the_leaders_own_message_takes_the_same_road_as_all_others() -> None:
    """Mistake 8: the leader is an acceptor among others, with a promise of its own."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    assert cluster[0].disk.rows[0].value.text == "a"
    assert cluster[0].disk.state.promised == Ballot(1, 0)
    cluster.elect(1)
    cluster.deliver("prepare", to=0)
    assert not cluster[0].leads


def test_the_leader_sends_again_to_those_who_have_not_voted_and_ever_more_slowly() -> None:
    """Mistake 10: nobody else will."""
    cluster = Cluster(5)
    cluster.lead(0)
    cluster.cut((0, 3), (0, 4), (2, 0), (3, 0), (4, 0))
    cluster.say(0, "ada", "a")
    cluster.deliver("accept", to=1)
    cluster.deliver("accepted")
    times = []
    for _ in range(70):
        cluster.tick(0.01)
        sent = {event.to for event in cluster[0].seen(AcceptSent) if event.again}
        cluster[0].events.clear()
        cluster.deliver("heartbeat")
        cluster.deliver("heartbeat-ack")
        if sent:
            assert sent == {2, 3, 4}
            times.append(cluster.now)
    assert len(times) >= 2
    assert times[1] - times[0] > 1.5 * 0.15
    cluster.heal()
    cluster.run(2.0)
    assert list(cluster.logs()) == [["a"]] * 5


def test_an_adopted_value_is_driven_until_it_is_chosen() -> None:
    """Mistake 10, for what phase 1 told."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept", to=1)
    cluster.crash(0)
    cluster.drop()
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    assert cluster.drop("accept") == 2
    cluster.run(1.0)
    assert cluster[1].texts == ["a"]


# Refusals


def test_a_refused_leader_steps_down_and_tells_who_waits() -> None:
    """Mistake 13: a leader that is never told proposes for ever."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.inject(1, 0, Nack(Ballot(1, 0), Ballot(4, 2), None, 0))
    assert cluster[0].status.role == "following"
    assert [event.reason for event in cluster[0].seen(SteppedDown)] == ["replica 1 promised 4.2"]
    assert [reply.reason for reply in cluster[0].replies] == ["not-leader"]


def test_an_old_refusal_does_not_depose_a_newer_ballot() -> None:
    """Mistake 30: each answer names the ballot that it answers; others are dropped, and counted."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.lead(1)
    cluster.lead(0)
    cluster.inject(1, 0, Nack(Ballot(1, 0), Ballot(2, 1), None, 0))
    assert cluster[0].leads
    assert cluster[0].drops()[-1] == LATE


def test_a_leader_that_promises_a_higher_ballot_stops_to_lead() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.elect(1)
    cluster.deliver("prepare", to=0)
    assert cluster[0].status.role == "following"


def test_a_new_leader_ends_an_attempt_to_lead() -> None:
    cluster = Cluster(3)
    cluster.elect(0)
    prepares = cluster.take_out("prepare")
    cluster.elect(1)
    cluster.elect(1)
    cluster.stabilize()
    assert cluster[0].status.role == "following"
    cluster.put_in(prepares)
    cluster.stabilize()
    assert cluster.leaders == [1]


def test_a_client_cannot_propose_a_no_op() -> None:
    cluster = Cluster(3)
    with pytest.raises(ValueError, match="a client cannot propose a no-op"):
        cluster[0].replica.propose(NOOP, cluster.now)
