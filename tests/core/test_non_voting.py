"""A replica whose disk may have forgotten something: it learns, and nothing that it says can count.

Paxos Made Simple, 2.2: "an acceptor needs to remember this information even if it fails and is then
restarted". One that cannot is, to the others, an acceptor that has failed.
"""

from __future__ import annotations

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import BecameNonVoting, SteppedDown
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
)
from paxtui.core.output import PutNonVoting, ReadRefused, Refused
from paxtui.core.proposer import LEGAL, Phase
from paxtui.core.values import Command, Entry, Vote
from tests.core.cluster import Cluster

WHY = "its disk is another one"
HIGH = Ballot(9, 1)
MINE = Ballot(1, 0)
VALUE = Command("ada@0", 9, "later")

MESSAGES: list[PeerMessage] = [
    Prepare(HIGH, 0, True),
    Prepare(HIGH, 0, False),
    Promise(MINE, 0, None, 0, (Vote(5, Ballot(1, 1), VALUE),)),
    Nack(MINE, HIGH, None, 0),
    Accept(HIGH, 5, (VALUE,)),
    Accepted(MINE, 0, 1, 0),
    Chosen(HIGH, 5, 1),
    Heartbeat(HIGH, 1, 0),
    HeartbeatAck(MINE, 1, 0),
    PreVote(HIGH),
    PreVoteReply(MINE, True, HIGH, 0),
]


def led(by: int) -> Cluster:
    cluster = Cluster(3)
    cluster.lead(by)
    for text in "ab":
        cluster.say(by, "ada", text)
    cluster.run(0.3)
    return cluster


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("leads", [True, False])
def test_nothing_that_counts_is_answered_and_nothing_is_promised_or_voted(
    message: PeerMessage, leads: bool
) -> None:
    cluster = led(0 if leads else 1)
    cluster.deny(0, WHY)
    cluster.drop()
    before = cluster[0].status.promised
    cluster.inject(1, 0, message)
    cluster.deliver(str(type(message).__struct_config__.tag), to=0)
    assert cluster.flying() == []
    assert cluster[0].status.promised == cluster[0].disk.state.promised == before
    assert cluster[0].replica.acceptor.votes == {}
    assert cluster[0].status.role == "non-voting"


@pytest.mark.parametrize("leads", [True, False])
def test_however_long_it_waits_it_asks_for_nothing_but_the_log(leads: bool) -> None:
    cluster = led(0 if leads else 1)
    cluster.deny(0, WHY)
    cluster.drop()
    cluster.isolate(0)
    heard: list[str] = []
    cluster.listener = lambda who, what: heard.append(getattr(what, "kind", "")) if who == 0 else None
    cluster.run(10.0)
    assert [kind for kind in heard if kind and kind != "catch-up"] == []


def test_a_leader_that_is_held_steps_down_and_tells_all_who_wait() -> None:
    cluster = led(0)
    cluster.isolate(0)
    cluster.say(0, "ada", "waits")
    cluster.read(0, 7)
    cluster.deny(0, WHY)
    assert [event.reason for event in cluster[0].seen(SteppedDown)] == ["it is a learner without vote"]
    assert [reply.reason for reply in cluster[0].answers(Refused)] == ["not-leader"]
    assert [reply.ticket for reply in cluster[0].answers(ReadRefused)] == [7]


def test_what_waits_for_its_own_disk_does_not_count_any_more() -> None:
    """A leader of one of three, whose own vote is on its way to the disk, and one other vote."""
    cluster = led(0)
    cluster.hold(0)
    cluster.isolate(0)
    cluster.say(0, "ada", "not chosen")
    cluster.deny(0, WHY)
    cluster.release(0)
    cluster.heal()
    assert cluster[0].texts == ["a", "b"]
    assert cluster[0].disk.non_voting == WHY


def test_it_refuses_what_only_a_voter_can_do_and_says_why() -> None:
    cluster = led(1)
    cluster.deny(0, WHY)
    for verb in (cluster.elect(0), cluster.skip(0, 99), cluster.fill(0, 99)):
        assert verb == f"it is a learner without vote: {WHY}"
    cluster.say(0, "ada", "x")
    cluster.read(0, 3)
    assert [(reply.reason, reply.leader) for reply in cluster[0].answers(Refused)] == [("not-leader", 1)]
    assert [(r.reason, r.leader) for r in cluster[0].answers(ReadRefused)] == [("not-leader", 1)]


def test_it_learns_what_the_others_choose_and_passes_it_on() -> None:
    cluster = led(1)
    cluster.lose_disk(0, WHY)
    cluster.isolate(2)
    cluster.heal()
    for text in "cd":
        cluster.say(1, "ada", text)
    cluster.run(0.5)
    assert cluster[0].texts == list("abcd")
    cluster.drop()
    cluster.inject(2, 0, CatchUp(0))
    cluster.deliver("catch-up", to=0)
    (letter,) = cluster.flying("entries")
    assert isinstance(letter.message, Entries)
    assert len(letter.message.entries) == 4


def test_a_leader_needs_a_majority_without_it() -> None:
    cluster = led(1)
    cluster.deny(0, WHY)
    cluster.isolate(2)
    command = cluster.say(1, "ada", "two of three, one without vote")
    cluster.run(3.0)
    assert cluster[1].slot_of(command) is None
    assert cluster.leaders == []


def test_it_is_held_for_the_rest_of_its_disks_life_and_says_so_once_a_life() -> None:
    cluster = led(1)
    cluster.deny(0, WHY)
    cluster.deny(0, "something else")
    assert [event.reason for event in cluster[0].seen(BecameNonVoting)] == [WHY]
    cluster.crash(0)
    cluster.restart(0)
    assert [event.reason for event in cluster[0].seen(BecameNonVoting)] == [WHY, WHY]
    assert (cluster[0].status.role, cluster[0].status.non_voting) == ("non-voting", WHY)
    cluster.crash_proposer(0)
    cluster.restore_proposer(0)
    assert cluster[0].status.role == "non-voting"


def test_being_held_is_written_at_once_and_in_the_batch_that_is_taken_next() -> None:
    cluster = led(1)
    core = cluster[0].replica
    core.become_learner(WHY, cluster.now)
    assert core.pending
    output = core.take(cluster.now)
    assert output.writes[0] == PutNonVoting(WHY)
    assert (output.sends, output.sends_durable) == ((), ())


def test_nothing_gives_a_vote_back() -> None:
    assert LEGAL[Phase.NON_VOTING] == frozenset()
    assert all(Phase.NON_VOTING in after for phase, after in LEGAL.items() if phase is not Phase.NON_VOTING)


def test_two_chosen_values_are_noticed_by_a_learner_as_well() -> None:
    cluster = led(1)
    cluster.deny(0, WHY)
    core = cluster[0].replica
    core.learner.learn(5, (Entry(HIGH, VALUE),))
    with pytest.raises(InvariantViolated, match="two values are chosen in slot 5"):
        core.learner.learn(5, (Entry(HIGH, Command("bob@0", 1, "other")),))


def test_a_message_that_waits_for_the_disk_does_not_leave_once_the_replica_has_no_vote() -> None:
    cluster = Cluster(3)
    replica = cluster[2].replica
    replica.receive(0, Prepare(Ballot(1, 0), 0, True), cluster.now)
    replica.receive(0, Heartbeat(Ballot(1, 0), 1, 0), cluster.now)
    replica.receive(0, CatchUp(0), cluster.now)
    replica.become_learner(WHY, cluster.now)
    output = replica.take(cluster.now)
    assert output.sends_durable == ()
    assert [type(envelope.message) for envelope in output.sends] == [Entries]


def test_a_leader_that_is_held_follows_nobody() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.deny(0, WHY)
    assert cluster[0].replica.acceptor.leader == Ballot.ZERO
    assert cluster[0].status.leader is None
