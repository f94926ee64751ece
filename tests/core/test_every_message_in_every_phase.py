"""Every message, valid or nonsense, has a defined answer in every role and phase (correctness, invariant 13).

What may come out of the core is an answer, an event, or a :class:`MessageDropped`; the one exception is
:class:`InvariantViolated`, for a lie that the replica can prove. Silence is right for four kinds alone, and
only while they answer what is asked: they are counted, or teach what is known already; and for who asks for a
state where none is on disk: it was offered none, or will ask again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.core.ballot import NUMBER_LIMIT, Ballot
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import MessageDropped
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
from paxtui.core.validation import NOT_ITS_OWN, NOT_MINE
from paxtui.core.values import NOOP, Command, Entry, SessionRow, Vote, checkpoint, trim
from tests.core.cluster import Cluster

ME = 0
SMALL = Settings(
    run_slots=2, window_slots=4, cache_slots=2, ahead_slots=6, session_window=2, snapshot_bytes=1
)


def fresh() -> Cluster:
    return Cluster(3, SMALL, checked=False)


def following() -> Cluster:
    cluster = fresh()
    cluster.lead(1)
    for text in "abcd":
        cluster.say(1, "ada", text)
    cluster.stabilize()
    return cluster


def behind_a_hole() -> Cluster:
    cluster = following()
    cluster.skip(1)
    cluster.say(1, "ada", "above")
    cluster.stabilize()
    cluster.drop()
    return cluster


def asking_for_what_it_missed() -> Cluster:
    cluster = fresh()
    cluster.lead(1)
    cluster.isolate(0)
    for text in "abcd":
        cluster.say(1, "ada", text)
    cluster.stabilize()
    cluster.heal()
    cluster.wake(1)
    cluster.deliver("heartbeat", to=0)
    return cluster


def pre_voting() -> Cluster:
    cluster = following()
    cluster.isolate(0)
    cluster.pre_vote(0)
    cluster.heal()
    return cluster


def preparing() -> Cluster:
    cluster = following()
    cluster.elect(0)
    return cluster


def preparing_with_a_page() -> Cluster:
    cluster = preparing()
    ballot = cluster[ME].replica.proposer._own_ballot
    cluster.inject(1, ME, Promise(ballot, 4, 6, 4, ()))
    return cluster


def leading() -> Cluster:
    cluster = fresh()
    cluster.lead(0)
    return cluster


def leading_under_load() -> Cluster:
    cluster = leading()
    cluster.skip(0)
    for text in "abcdefgh":
        cluster.say(0, "ada", text)
    cluster.read(0, 1)
    cluster.drop()
    return cluster


def leading_and_recovering() -> Cluster:
    cluster = fresh()
    cluster.elect(0)
    vote = Vote(7, Ballot(0, 1), Command("old@0", 1, "x"))
    cluster.inject(1, ME, Promise(Ballot(1, 0), 0, None, 3, (vote,)))
    cluster.read(0, 1)
    return cluster


def crashed() -> Cluster:
    cluster = leading_under_load()
    cluster.crash_proposer(0)
    return cluster


def restarted() -> Cluster:
    cluster = leading_under_load()
    cluster.crash(0)
    cluster.restart(0)
    return cluster


def waiting_for_its_disk() -> Cluster:
    cluster = leading()
    cluster.hold(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    return cluster


def trimmed() -> Cluster:
    cluster = following()
    cluster.checkpoint(1, 7)
    cluster.stabilize()
    cluster.trim(1, 5)
    cluster.stabilize()
    return cluster


def taking_a_state() -> Cluster:
    """It has the first of two pages."""
    cluster = fresh()
    cluster.lead(1)
    cluster.isolate(0)
    for client in ("ada", "bob"):
        cluster.say(1, client, "a")
    cluster.checkpoint(1, 7)
    cluster.stabilize()
    cluster.trim(1, 3)
    cluster.stabilize()
    cluster.heal()
    cluster.wake(1)
    for kind in ("heartbeat", "catch-up", "snapshot"):
        assert cluster.deliver(kind)
    assert cluster[ME].replica.learner._taking is not None
    return cluster


PHASES: list[Callable[[], Cluster]] = [
    fresh,
    following,
    behind_a_hole,
    asking_for_what_it_missed,
    pre_voting,
    preparing,
    preparing_with_a_page,
    leading,
    leading_under_load,
    leading_and_recovering,
    crashed,
    restarted,
    waiting_for_its_disk,
    trimmed,
    taking_a_state,
]

SLOTS = st.one_of(st.integers(0, 9), st.sampled_from([1000, NUMBER_LIMIT - 1]))
BALLOTS = st.builds(
    Ballot,
    st.one_of(st.integers(0, 4), st.sampled_from([2**31, 2**40, NUMBER_LIMIT - 1])),
    st.integers(0, 3),
)
VALUES = st.one_of(
    st.sampled_from([NOOP, checkpoint(5, Ballot(1, 1)), trim(3, Ballot(1, 1))]),
    st.builds(Command, st.sampled_from(["ada@0", "bob@9"]), st.integers(0, 3), st.just("x")),
)
RUNS = st.lists(VALUES, max_size=4).map(tuple)
ENTRIES = st.lists(st.builds(Entry, BALLOTS, VALUES), max_size=4).map(tuple)
VOTES = st.lists(st.builds(Vote, SLOTS, BALLOTS, VALUES), max_size=4).map(tuple)
COUNTS = st.integers(0, 5)
CLIENTS = st.sampled_from(["", "ada@0", "bob@9"])
SESSIONS = st.lists(
    st.builds(SessionRow, CLIENTS, SLOTS, SLOTS, st.sampled_from([b"", bytes(16)])), max_size=2
).map(tuple)
MESSAGES: st.SearchStrategy[PeerMessage] = st.one_of(
    st.builds(PreVote, BALLOTS),
    st.builds(PreVoteReply, BALLOTS, st.booleans(), BALLOTS, SLOTS),
    st.builds(Prepare, BALLOTS, SLOTS, st.booleans()),
    st.builds(Promise, BALLOTS, SLOTS, st.none() | SLOTS, SLOTS, VOTES),
    st.builds(Nack, BALLOTS, BALLOTS, st.none() | BALLOTS, SLOTS),
    st.builds(Accept, BALLOTS, SLOTS, RUNS),
    st.builds(Accepted, BALLOTS, SLOTS, COUNTS, SLOTS),
    st.builds(Chosen, BALLOTS, SLOTS, COUNTS),
    st.builds(Heartbeat, BALLOTS, SLOTS, SLOTS),
    st.builds(HeartbeatAck, BALLOTS, SLOTS, SLOTS),
    st.builds(CatchUp, SLOTS),
    st.builds(Entries, SLOTS, ENTRIES, SLOTS),
    st.builds(SnapshotAsk, SLOTS, CLIENTS),
    st.builds(
        Snapshot,
        SLOTS,
        SLOTS,
        st.sampled_from([bytes(32), b"x" * 32]),
        st.integers(-1, 9),
        CLIENTS,
        SESSIONS,
        st.booleans(),
        SLOTS,
    ),
)


def may_be_silent(cluster: Cluster, message: PeerMessage) -> bool:
    """Whether this message, before it arrives, is one that is only counted."""
    replica = cluster[ME].replica
    proposer, leader = replica.proposer, replica.proposer.leader
    match message:
        case Chosen():
            return True
        case HeartbeatAck(ballot):
            return leader is not None and ballot == leader.ballot
        case PreVoteReply(ballot):
            return proposer.phase.value == "pre-voting" and ballot == proposer._pre_vote
        case Entries(first):
            return first == replica.learner._asked_first
        case SnapshotAsk() if replica.learner.log_start == 0:
            return True  # nothing is removed, so nothing was offered
        case SnapshotAsk() | CatchUp():
            return (
                cluster[ME].disk.log_start < replica.learner.log_start
            )  # the state is on its way to the disk
        case _:
            return False


def receive(cluster: Cluster, sender: int, message: PeerMessage) -> bool:
    """Deliver, and check what must hold of any answer; ``False`` if the replica stopped at a proven lie."""
    node = cluster[ME]
    silent = may_be_silent(cluster, message)
    events, held = len(node.events), len(node.gate.held)
    promised, watermark = node.status.promised, node.status.watermark
    before = node.disk.state.promised
    try:
        answers = cluster.inject(sender, ME, message)
    except InvariantViolated:
        return False
    # An answer may still wait for the disk.
    spoke = bool(answers) or len(node.gate.held) > held
    assert spoke or len(node.events) > events or silent, f"no answer to {message}"
    assert node.status.promised >= promised
    assert node.status.watermark >= watermark
    assert node.disk.state.promised >= before
    if sender not in range(3):
        assert isinstance(node.events[-1], MessageDropped)
        assert not answers
    return True


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@settings(deadline=None, max_examples=60)
@given(
    messages=st.lists(st.tuples(st.integers(-1, 3), MESSAGES, st.integers(0, 9)), min_size=1, max_size=12),
)
def test_no_message_surprises_a_replica(
    phase: Callable[[], Cluster], messages: list[tuple[int, PeerMessage, int]]
) -> None:
    cluster = phase()
    for sender, message, tenths in messages:
        if sender == ME or not receive(cluster, sender, message):
            return
        if tenths > 7:
            cluster.drop()
            cluster.tick(tenths / 10)


OWN = st.integers(0, 3).map(lambda round_: Ballot(round_, ME))
FITTING = st.one_of(
    st.builds(PreVoteReply, OWN, st.booleans(), BALLOTS, SLOTS),
    st.builds(Promise, OWN, st.integers(0, 9), st.none() | st.integers(0, 9), st.integers(0, 9), VOTES),
    st.builds(Nack, OWN, st.builds(Ballot, st.integers(0, 4), st.integers(0, 2)), st.none(), SLOTS),
    st.builds(Accepted, OWN, st.integers(0, 9), COUNTS, st.integers(0, 9)),
    st.builds(HeartbeatAck, OWN, st.integers(0, 3), SLOTS),
    st.builds(Entries, st.integers(0, 5), ENTRIES, st.integers(0, 9)),
    st.builds(CatchUp, st.integers(0, 9)),
    st.builds(SnapshotAsk, st.integers(0, 9), CLIENTS),
    st.builds(
        Snapshot,
        st.integers(1, 9),
        SLOTS,
        st.just(bytes(32)),
        st.just(-1),
        st.sampled_from(["", "ada@0"]),
        st.sampled_from(
            [(), (SessionRow("ada@0", 0, 1, bytes(16)),), (SessionRow("bob@9", 0, 1, bytes(16)),)]
        ),
        st.booleans(),
        st.just(9),
    ),
)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
@settings(deadline=None, max_examples=60)
@given(messages=st.lists(st.tuples(st.integers(1, 2), FITTING), min_size=1, max_size=12))
def test_no_answer_that_fits_the_ballot_surprises_a_replica(
    phase: Callable[[], Cluster], messages: list[tuple[int, PeerMessage]]
) -> None:
    """The same with answers to this replica's own ballots, which get past the first objection."""
    cluster = phase()
    for sender, message in messages:
        if not receive(cluster, sender, message):
            return


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_every_message_that_a_healthy_cluster_sends_may_come_late_in_any_phase(
    phase: Callable[[], Cluster],
) -> None:
    """One of each kind, from another life of the cluster, and twice."""
    other = Cluster(3, SMALL, checked=False)
    other.isolate(2)
    letters: list[Any] = []
    other.listener = lambda _, what: letters.append(what) if hasattr(what, "message") else None
    other.run(1.5)
    for client in ("ada", "bob"):
        other.say(other.leaders[0], client, "x")
    other.checkpoint(other.leaders[0])
    other.run(1.5)
    other.trim(other.leaders[0], 100)
    other.run(1.5)
    other.say(other.leaders[0], "bob", "y")
    other.heal()
    other.run(1.5)
    assert {letter.kind for letter in letters} >= {
        "pre-vote",
        "promise",
        "accepted",
        "entries",
        "heartbeat-ack",
        "snapshot-ask",
        "snapshot",
    }
    cluster = phase()
    kinds: Counter[str] = Counter()
    for letter in letters:
        kinds[letter.kind] += 1
        if kinds[letter.kind] > 12:
            continue
        for _ in range(2):
            if letter.sender != ME and not receive(cluster, letter.sender, letter.message):
                return


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Prepare(Ballot(1, 2), 0, False), NOT_ITS_OWN),
        (Accept(Ballot(1, 0), 0, ()), NOT_ITS_OWN),
        (Heartbeat(Ballot(0, 1), 0, 0), "round 0 is no replica's"),
        (Promise(Ballot(1, 2), 0, None, 0, ()), NOT_MINE),
        (Accepted(Ballot(1, 1), 0, 1, 0), NOT_MINE),
        (Nack(Ballot(1, 0), Ballot(2**50, 1), None, 0), "its round is absurdly high"),
        (PreVote(Ballot(2**50, 1)), "its round is absurdly high"),
    ],
)
def test_a_message_that_cannot_be_meant_is_dropped_with_its_reason(message: PeerMessage, reason: str) -> None:
    cluster = fresh()
    before = cluster[ME].status
    assert cluster.inject(1, ME, message) == []
    assert cluster[ME].drops() == [reason]
    assert cluster[ME].status == before


def test_a_stranger_is_dropped() -> None:
    cluster = fresh()
    assert cluster.inject(3, ME, Prepare(Ballot(1, 3), 0, False)) == []
    assert cluster[ME].drops() == ["its sender is no member"]


def test_a_client_cannot_propose_a_no_op() -> None:
    with pytest.raises(ValueError, match="no-op"):
        leading().propose(ME, NOOP)
