"""What a lying peer can do to the core: field by field, the lie, and what comes of it.

Each row tells one replica one thing that no honest replica says. It is dropped with its name, nothing
leaves, nothing is written, nothing that anybody could see changes, and the replica goes on. The second table
has the lies that cannot be told from the truth, and what they can and cannot do.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from paxtui.core import validation as b
from paxtui.core.ballot import ROUND_JUMP_MAX, Ballot
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
    Snapshot,
    SnapshotAsk,
)
from paxtui.core.settings import Settings
from paxtui.core.values import NOOP, Command, Entry, SessionRow, Vote
from tests.core.cluster import Cluster

ME, LIAR = 0, 2
FAR = 2**49
"""Above any slot that can be real."""
HIGH = ROUND_JUMP_MAX + 100
X, Y = Command("ada@0", 1, "x"), Command("ada@0", 1, "y")
OWN, ITS, THIRD = Ballot(1, ME), Ballot(7, LIAR), Ballot(7, 1)


def following() -> Cluster:
    """Replica 1 leads at 1.1; slot 0 is applied, slot 1 has a vote, slot 3 is known to be chosen."""
    cluster = Cluster(3, checked=False)
    leader = Ballot(1, 1)
    cluster.inject(1, ME, Prepare(leader, 0, True))
    cluster.inject(1, ME, Accept(leader, 0, (Command("bob@0", 1, "first"), X, NOOP, X)))
    cluster.inject(1, ME, Chosen(leader, 0, 1))
    cluster.inject(1, ME, Chosen(leader, 3, 1))
    assert cluster[ME].status.watermark == 1
    return cluster


def preparing() -> Cluster:
    """It has sent Prepare at 1.0 and counts promises."""
    cluster = Cluster(3, checked=False)
    cluster.elect(ME)
    cluster.drop()
    return cluster


def campaigning() -> Cluster:
    """The same at 2.0, so that votes at round 1 can be told of."""
    cluster = Cluster(3, checked=False)
    cluster[ME].replica.proposer.round_seen = 1
    cluster.elect(ME)
    cluster.drop()
    return cluster


def told_once() -> Cluster:
    """As `following`, and the liar leads at 7.2: it has proposed for slots 4 and 5."""
    cluster = following()
    cluster.inject(LIAR, ME, Prepare(ITS, 1, True))
    cluster.inject(LIAR, ME, Accept(ITS, 4, (NOOP, X)))
    return cluster


def leading() -> Cluster:
    """It leads at 1.0, and slot 0 is on its way."""
    cluster = Cluster(3, checked=False)
    cluster.lead(ME)
    cluster.say(ME, "ada", "x")
    cluster.drop()
    return cluster


def asking() -> Cluster:
    """It has asked the liar for what is learned from slot 1 on."""
    cluster = following()
    cluster.inject(LIAR, ME, PreVoteReply(Ballot(9, ME), False, Ballot.ZERO, 5))
    assert [letter.to for letter in cluster.flying("catch-up")] == [LIAR]
    cluster.drop()
    return cluster


WINDOW = Settings().session_window


def row(client: str = "ada@0", last_slot: int = 0, answers: int = 8 * WINDOW) -> SessionRow:
    return SessionRow(client, last_slot, 1, bytes(answers))


STATE = Snapshot(5, 1000, bytes(32), -1, "", (row(),), True, 9)
"""What `asking` could be told."""


def word(text: str) -> Command:
    """A word of the cluster to itself."""
    return Command("", 5, text)


def page(*votes: Vote, first: int = 0, next: int | None = None, learned: int = 0) -> Promise:
    return Promise(OWN, first, next, learned, votes)


def page_2(*votes: Vote) -> Promise:
    return Promise(Ballot(2, ME), 0, None, 0, votes)


def at(slot: int, ballot: Ballot = OWN, value: Command = X) -> Vote:
    return Vote(slot, ballot, value)


Situation = Callable[[], Cluster]
LIES: list[tuple[str, Situation, PeerMessage, str]] = [
    # Whose ballot, and which
    ("prepare.ballot of another", following, Prepare(THIRD, 0, True), b.NOT_ITS_OWN),
    ("accept.ballot of another", following, Accept(THIRD, 1, (X,)), b.NOT_ITS_OWN),
    ("chosen.ballot of the leader", following, Chosen(Ballot(1, 1), 1, 1), b.NOT_ITS_OWN),
    ("heartbeat.ballot of the leader", following, Heartbeat(Ballot(1, 1), 1, 9), b.NOT_ITS_OWN),
    ("pre-vote.ballot of no member", following, PreVote(Ballot(7, 8)), b.NOT_ITS_OWN),
    ("heartbeat.ballot round 0", following, Heartbeat(Ballot(0, LIAR), 1, 9), b.ROUND_ZERO),
    ("promise.ballot of another", preparing, Promise(THIRD, 0, None, 0, ()), b.NOT_MINE),
    ("accepted.ballot: a vote for another", leading, Accepted(THIRD, 0, 1, 0), b.NOT_MINE),
    ("nack.ballot of another", leading, Nack(THIRD, Ballot(9, 1), None, 0), b.NOT_MINE),
    ("heartbeat-ack.ballot of another", leading, HeartbeatAck(THIRD, 1, 0), b.NOT_MINE),
    ("pre-vote-reply.ballot of another", leading, PreVoteReply(THIRD, True, THIRD, 0), b.NOT_MINE),
    ("prepare.ballot absurd round", following, Prepare(Ballot(HIGH, LIAR), 0, True), b.ROUND_TOO_HIGH),
    ("accept.ballot absurd round", following, Accept(Ballot(HIGH, LIAR), 1, (X,)), b.ROUND_TOO_HIGH),
    ("heartbeat.ballot absurd round", following, Heartbeat(Ballot(HIGH, LIAR), 1, 1), b.ROUND_TOO_HIGH),
    ("chosen.ballot absurd round", following, Chosen(Ballot(HIGH, LIAR), 1, 1), b.ROUND_TOO_HIGH),
    ("pre-vote.ballot absurd round", following, PreVote(Ballot(HIGH, LIAR)), b.ROUND_TOO_HIGH),
    ("nack.promised absurd round", leading, Nack(OWN, Ballot(HIGH, 1), None, 0), b.ROUND_TOO_HIGH),
    ("nack.promised no member's", leading, Nack(OWN, Ballot(2, 5), None, 0), b.NO_MEMBER),
    ("nack.leader no member's", leading, Nack(OWN, OWN, Ballot(2, 5), 0), b.NO_MEMBER),
    ("nack.leader absurd round", leading, Nack(OWN, OWN, Ballot(HIGH, 1), 0), b.ROUND_TOO_HIGH),
    (
        "pre-vote-reply.promised absurd round",
        leading,
        PreVoteReply(OWN, False, Ballot(HIGH, 1), 0),
        b.ROUND_TOO_HIGH,
    ),
    ("pre-vote-reply.promised no member's", leading, PreVoteReply(OWN, False, Ballot(2, 5), 0), b.NO_MEMBER),
    # Slots and watermarks
    ("prepare.first", following, Prepare(ITS, FAR, True), b.SLOT_TOO_HIGH),
    ("accept.first", following, Accept(ITS, FAR, (X,)), b.SLOT_TOO_HIGH),
    ("accepted.first", leading, Accepted(OWN, FAR, 1, 0), b.SLOT_TOO_HIGH),
    ("accepted.learned", leading, Accepted(OWN, 0, 0, FAR), b.SLOT_TOO_HIGH),
    ("chosen.first", following, Chosen(ITS, FAR, 1), b.SLOT_TOO_HIGH),
    ("heartbeat.learned", following, Heartbeat(ITS, 1, FAR), b.SLOT_TOO_HIGH),
    ("heartbeat-ack.learned", leading, HeartbeatAck(OWN, 1, FAR), b.SLOT_TOO_HIGH),
    ("nack.learned", leading, Nack(OWN, OWN, None, FAR), b.SLOT_TOO_HIGH),
    ("pre-vote-reply.learned", leading, PreVoteReply(OWN, True, OWN, FAR), b.SLOT_TOO_HIGH),
    ("catch-up.first", leading, CatchUp(FAR), b.SLOT_TOO_HIGH),
    ("promise.first", preparing, page(first=FAR), b.SLOT_TOO_HIGH),
    ("promise.learned", preparing, page(learned=FAR), b.SLOT_TOO_HIGH),
    ("promise.votes far above what it learned", preparing, page(at(2**21)), b.SLOT_TOO_HIGH),
    ("entries.learned", asking, Entries(1, (), FAR), b.SLOT_TOO_HIGH),
    # Counts and numbers
    ("accept.values none", following, Accept(ITS, 1, ()), b.NO_VALUES),
    ("accepted.count", leading, Accepted(OWN, 0, 65536, 0), b.TOO_MANY),
    ("heartbeat-ack.number", leading, HeartbeatAck(OWN, 2**50, 0), b.NOT_SENT_YET),
    # Values
    ("accept.values a no-op with a text", following, Accept(ITS, 1, (Command("", 0, "x"),)), b.BAD_VALUE),
    ("accept.values a no-op with a number", following, Accept(ITS, 1, (Command("", 1, ""),)), b.BAD_VALUE),
    ("accept.values too long", following, Accept(ITS, 1, (Command("a", 1, "é" * 40_000),)), b.BAD_VALUE),
    ("promise.votes a no-op with a text", preparing, page(at(0, value=Command("", 0, "x"))), b.BAD_VALUE),
    ("promise.votes a ballot of no member", campaigning, page_2(at(0, Ballot(1, 5))), b.NO_MEMBER),
    ("entries a no-op with a text", asking, Entries(1, (Entry(ITS, Command("", 0, "x")),), 2), b.BAD_VALUE),
    ("entries a ballot of nobody", asking, Entries(1, (Entry(Ballot(1, 9), X),), 2), b.NO_MEMBER),
    ("entries a ballot of round 0", asking, Entries(1, (Entry(Ballot(0, 1), X),), 2), b.BAD_PAGE),
    ("accept.values a word that is no mark", following, Accept(ITS, 1, (word("marked 7.2"),)), b.BAD_VALUE),
    ("accept.values an endless mark", following, Accept(ITS, 1, (word("mark " + "7" * 40),)), b.BAD_VALUE),
    ("accept.values an endless trim", following, Accept(ITS, 1, (word("trim " + "7" * 40),)), b.BAD_VALUE),
    ("promise.votes an endless trim", preparing, page(at(0, value=word("trim " + "7" * 40))), b.BAD_VALUE),
    ("entries an endless mark", asking, Entries(1, (Entry(ITS, word("mark " + "7" * 40)),), 2), b.BAD_VALUE),
    ("entries a word that is no trim", asking, Entries(1, (Entry(ITS, word("trim\t7.2")),), 2), b.BAD_VALUE),
    # States
    ("snapshot-ask.upto", following, SnapshotAsk(FAR, ""), b.SLOT_TOO_HIGH),
    ("snapshot.learned", asking, replace(STATE, learned=FAR), b.SLOT_TOO_HIGH),
    ("snapshot.upto no request", asking, replace(STATE, upto=0), b.BAD_PAGE),
    ("snapshot.upto more than it has learned", asking, replace(STATE, upto=10), b.BAD_PAGE),
    ("snapshot.horizon above its slots", asking, replace(STATE, horizon=5), b.BAD_PAGE),
    ("snapshot.after above its sessions", asking, replace(STATE, after="bob@0"), b.BAD_PAGE),
    ("snapshot.after its first session", asking, replace(STATE, after="ada@0"), b.BAD_PAGE),
    ("snapshot.sessions of nobody", asking, replace(STATE, sessions=(row(""),)), b.BAD_PAGE),
    ("snapshot.sessions one twice", asking, replace(STATE, sessions=(row(), row())), b.BAD_PAGE),
    ("snapshot.sessions not in order", asking, replace(STATE, sessions=(row("b@0"), row("a@0"))), b.BAD_PAGE),
    ("snapshot.sessions used later", asking, replace(STATE, sessions=(row(last_slot=5),)), b.BAD_PAGE),
    ("snapshot.sessions few answers", asking, replace(STATE, sessions=(row(answers=8),)), b.BAD_PAGE),
    (
        "snapshot.sessions many answers",
        asking,
        replace(STATE, sessions=(row(answers=8 * WINDOW + 8),)),
        b.BAD_PAGE,
    ),
    ("snapshot.sessions torn answers", asking, replace(STATE, sessions=(row(answers=5),)), b.BAD_PAGE),
    ("snapshot.last not, and no sessions", asking, replace(STATE, sessions=(), last=False), b.BAD_PAGE),
    # Pages
    ("promise.votes a slot twice", preparing, page(at(1), at(1)), b.BAD_PAGE),
    ("promise.votes not in order", preparing, page(at(2), at(1)), b.BAD_PAGE),
    ("promise.votes below its start", preparing, page(at(1), first=2), b.BAD_PAGE),
    ("promise.votes in slots it has learned", preparing, page(at(1), learned=2), b.BAD_PAGE),
    ("promise.votes above its ballot", preparing, page(at(1, Ballot(2, 1))), b.BAD_PAGE),
    ("promise.votes round 0", preparing, page(at(1, Ballot(0, 1))), b.BAD_PAGE),
    ("promise.next without votes", preparing, page(next=7), b.BAD_PAGE),
    ("promise.next leads back", preparing, page(at(3), next=0), b.BAD_PAGE),
    ("promise.next far away", preparing, page(at(3), next=2**21), b.SLOT_TOO_HIGH),
    ("entries more than it has learned", asking, Entries(1, (Entry(ITS, X),), 1), b.BAD_PAGE),
    # What contradicts what is known here
    ("accept.values another at the same ballot", told_once, Accept(ITS, 4, (NOOP, Y)), b.TWO_VALUES),
    ("accept.values another than the chosen", following, Accept(ITS, 3, (Y,)), b.NOT_THE_CHOSEN),
    (
        "accept.values another than the chosen, late in a run",
        following,
        Accept(ITS, 1, (X, NOOP, Y)),
        b.NOT_THE_CHOSEN,
    ),
    ("entries another at the same ballot", asking, Entries(1, (Entry(Ballot(1, 1), Y),), 9), b.TWO_VALUES),
    (
        "entries another than the chosen",
        asking,
        Entries(1, (Entry(ITS, X), Entry(ITS, NOOP), Entry(ITS, Y)), 9),
        b.NOT_THE_CHOSEN,
    ),
]


def test_the_state_that_the_lies_above_are_made_of_is_taken() -> None:
    cluster = asking()
    cluster.inject(LIAR, ME, STATE)
    assert (cluster[ME].status.watermark, cluster[ME].status.log_start) == (5, 5)


def test_a_log_that_was_restored_may_name_replicas_that_are_no_members() -> None:
    """The backup was one of a larger cluster, and who led there still stands beside each value."""
    cluster = asking()
    cluster.inject(LIAR, ME, Entries(1, (Entry(Ballot(1, 5), X),), 2))
    assert cluster[ME].status.watermark == 2


def picture(cluster: Cluster) -> tuple[object, ...]:
    """All that a lie could have moved."""
    core = cluster[ME].replica
    phase1, leader = core.proposer._phase1, core.proposer.leader
    return (
        core.status,
        core.proposer.phase,
        core.proposer.round_seen,
        dict(core.acceptor.votes),
        dict(core.learner.known),
        dict(core.learner.peers),
        core.learner._asked_first,
        core.learner._taking,
        (core.learner.log_start, list(core.learner.checkpoints)),
        (dict(phase1.reported), phase1.learned, dict(phase1.cursors)) if phase1 is not None else None,
        (dict(leader._tally), dict(leader._acked), dict(leader.heard)) if leader is not None else None,
        len(cluster[ME].batches),
        cluster[ME].gate.held,
    )


@pytest.mark.parametrize(
    ("situation", "message", "reason"), [row[1:] for row in LIES], ids=[r[0] for r in LIES]
)
def test_a_lie_is_dropped_under_its_name_and_moves_nothing(
    situation: Situation, message: PeerMessage, reason: str
) -> None:
    cluster = situation()
    drops, before = cluster[ME].drops(), picture(cluster)
    assert cluster.inject(LIAR, ME, message) == []
    assert cluster[ME].drops() == [*drops, reason]
    assert picture(cluster) == before


def test_every_name_of_a_lie_is_in_the_table() -> None:
    """But for who is no member, who says that it is this replica, and who asks too often: see below."""
    elsewhere = {b.STRANGER, b.MYSELF, b.TOO_OFTEN}
    assert {row[3] for row in LIES} | elsewhere == {*b.OBJECTIONS, *b.CONTRADICTIONS}


@pytest.mark.parametrize(("sender", "reason"), [(-1, b.STRANGER), (3, b.STRANGER), (ME, b.MYSELF)])
def test_nobody_speaks_for_this_replica_or_for_nobody(sender: int, reason: str) -> None:
    cluster = following()
    cluster.inject(sender, ME, Heartbeat(Ballot(9, max(sender, 0)), 1, 0))
    assert cluster[ME].drops() == [reason]


def test_an_outbid_leader_that_knows_no_better_is_told_so() -> None:
    """It is no liar: it proposed before a higher ballot chose another value."""
    cluster = following()
    cluster.inject(1, ME, Prepare(Ballot(9, 1), 1, True))
    (nack,) = cluster.inject(LIAR, ME, Accept(Ballot(8, LIAR), 3, (Y,)))
    assert isinstance(nack.message, Nack)


# Many of them


def test_rounds_do_not_climb_to_the_end_of_the_number_range_however_often_a_liar_tries() -> None:
    """Each message a jump as large as is allowed: 2^21 of them would be the end of all elections."""
    cluster = Cluster(3, checked=False)
    core = cluster[ME].replica
    now = cluster.now
    for _ in range(10_000):
        now += 0.001
        high = core.proposer.round_seen + ROUND_JUMP_MAX
        for step in (1, 2, 4, 64, 2**20, 2**31):
            core.receive(LIAR, Prepare(Ballot(high // step, LIAR), 0, True), now)
        core.take(now)
    assert core.status.promised.round < 2 * ROUND_JUMP_MAX
    core.receive(1, Prepare(Ballot(core.status.promised.round + 1, 1), 0, True), now + 1)
    assert core.status.promised.replica == 1  # an honest one can still outbid it


def test_a_replica_that_was_lied_to_takes_any_round_again_an_hour_later() -> None:
    cluster = Cluster(3, checked=False)
    core = cluster[ME].replica
    core.receive(LIAR, Prepare(Ballot(ROUND_JUMP_MAX, LIAR), 0, True), cluster.now)
    core.receive(1, Prepare(Ballot(2 * ROUND_JUMP_MAX, 1), 0, True), cluster.now + 1)
    assert core.status.promised == Ballot(ROUND_JUMP_MAX, LIAR)
    core.receive(1, Prepare(Ballot(2 * ROUND_JUMP_MAX, 1), 0, True), cluster.now + 3600 * 1.2)
    assert core.status.promised == Ballot(2 * ROUND_JUMP_MAX, 1)


@pytest.mark.parametrize("question", [CatchUp(0), Prepare(Ballot(1, 1), 0, False), SnapshotAsk(5, "")])
def test_who_asks_for_pages_without_end_gets_a_few_and_again_in_the_next_turn(question: PeerMessage) -> None:
    cluster = following()
    if isinstance(question, SnapshotAsk):
        cluster = asking()
        cluster.inject(LIAR, ME, STATE)
    core = cluster[ME].replica
    for _ in range(2):
        for _ in range(1000):
            core.receive(1, question, 1.0)
        output = core.take(1.0)
        answers = len(output.sends) + len(output.sends_durable) + len(output.fetches)
        assert 0 < answers <= b.PAGES_A_TURN


def test_only_who_was_asked_is_believed_about_the_state() -> None:
    cluster = asking()
    cluster.inject(1, ME, STATE)
    assert cluster[ME].drops()[-1] == "answers nothing that is asked now"
    assert cluster[ME].status.log_start == 0


def test_a_state_without_end_is_given_up() -> None:
    """Page after page of sessions that nobody has: no more are kept than a table holds."""
    cluster = asking()
    most = Settings().sessions_max
    after = ""
    for number in range(most + 1):
        client = f"c{number:06d}@0"
        cluster.inject(LIAR, ME, replace(STATE, after=after, sessions=(row(client),), last=False))
        after = client
    assert cluster[ME].replica.learner._taking is None
    assert cluster[ME].drops()[-1] == "answers nothing that is asked now"
    assert cluster[ME].status.log_start == 0


def test_only_who_was_asked_is_believed_about_the_log() -> None:
    cluster = asking()
    cluster.inject(1, ME, Entries(1, (Entry(Ballot(1, 1), X),), 9))
    assert cluster[ME].drops()[-1] == "answers nothing that is asked now"
    cluster.inject(LIAR, ME, Entries(1, (Entry(Ballot(1, 1), X),), 9))
    assert cluster[ME].status.watermark == 2


# What cannot be told from the truth


def test_a_liar_may_depose_a_leader_with_a_ballot_of_its_own_and_no_more() -> None:
    """A forced Prepare, a Heartbeat and a Nack are what an honest rival says. They cost an election."""
    for lie in (Prepare(ITS, 0, True), Heartbeat(ITS, 1, 0), Nack(OWN, ITS, None, 0)):
        cluster = leading()
        cluster.inject(LIAR, ME, lie)
        assert not cluster[ME].leads
        cluster.drop()
        cluster.isolate(LIAR)
        cluster.run(10.0)
        assert cluster[ME].leads or cluster[1].leads
        cluster.say(ME if cluster[ME].leads else 1, "bob", "goes on")
        cluster.stabilize()
        assert "goes on" in cluster[ME].texts


def test_a_promise_that_claims_a_long_log_stops_the_one_leader_that_believes_it() -> None:
    cluster = preparing()
    cluster.inject(LIAR, ME, page(learned=2**40))
    assert cluster[ME].leads
    cluster.isolate(LIAR)
    cluster.run(10.0)
    assert cluster[ME].leads or cluster[1].leads
    cluster.say(ME if cluster[ME].leads else 1, "bob", "goes on")
    cluster.stabilize()
    assert "goes on" in cluster[ME].texts
