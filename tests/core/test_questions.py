"""Whom a learner asks for what it missed, when it asks again, and what it forgets in between."""

from __future__ import annotations

import pytest

from paxtui.core.ballot import Ballot
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
    PreVoteReply,
    Promise,
    Snapshot,
    SnapshotAsk,
)
from paxtui.core.settings import Settings
from paxtui.core.values import Command, Entry, SessionRow
from tests.core.cluster import Cluster

PATIENT = Settings(election_s_min=50.0, election_s_max=60.0, catch_up_pages=1)
"""No replica asks for pre-votes while a test waits, and a question brings one page."""


def tell(cluster: Cluster, who: int, learned: int) -> None:
    """Replica ``who``, which the test plays, tells replica 2 how far it is."""
    cluster.inject(who, 2, PreVoteReply(Ballot(1, 2), False, Ballot.ZERO, learned))


def page(cluster: Cluster, who: int, first: int, count: int, learned: int) -> None:
    """Replica ``who`` answers with ``count`` slots."""
    entries = tuple(Entry(Ballot(1, 0), Command("ada@0", first + n, "x")) for n in range(count))
    cluster.inject(who, 2, Entries(first, entries, learned))


def asked(cluster: Cluster) -> list[tuple[int, int]]:
    """Whom replica 2 has asked for learned slots since the last call, and from which slot on."""
    letters = cluster.flying("catch-up", 2)
    cluster.drop()
    return [(letter.to, letter.message.first) for letter in letters]


def learner(settings: Settings = PATIENT) -> Cluster:
    return Cluster(3, settings, checked=False)


def test_a_replica_that_answered_is_asked_for_the_next_page_whoever_else_knows_more() -> None:
    for first_asked, other in ((0, 1), (1, 0)):
        cluster = learner()
        tell(cluster, first_asked, 6)
        tell(cluster, other, 6)
        assert asked(cluster) == [(first_asked, 0)]
        page(cluster, first_asked, 0, 2, 6)
        assert asked(cluster) == [(first_asked, 2)]
        page(cluster, first_asked, 2, 2, 6)
        assert asked(cluster) == [(first_asked, 4)]


def test_another_replica_is_asked_once_the_one_that_answered_has_no_more() -> None:
    for first_asked, other in ((0, 1), (1, 0)):
        cluster = learner()
        tell(cluster, first_asked, 2)
        tell(cluster, other, 6)
        assert asked(cluster) == [(first_asked, 0)]
        page(cluster, first_asked, 0, 2, 2)
        assert asked(cluster) == [(other, 2)]


def test_a_question_is_asked_again_after_twice_the_resend_time_and_so_is_one_for_the_next_page() -> None:
    cluster = learner(Settings(election_s_min=50.0, election_s_max=60.0, catch_up_pages=3, resend_s=0.5))
    tell(cluster, 0, 6)
    assert asked(cluster) == [(0, 0)]
    cluster.tick(0.99)
    assert asked(cluster) == []
    cluster.tick(0.01)
    assert asked(cluster) == [(0, 0)]
    page(cluster, 0, 0, 2, 6)
    cluster.tick(0.99)
    assert asked(cluster) == []
    cluster.tick(0.01)
    assert asked(cluster) == [(0, 2)]


def test_nothing_is_asked_once_nothing_is_missing() -> None:
    cluster = learner()
    tell(cluster, 0, 2)
    assert asked(cluster) == [(0, 0)]
    page(cluster, 0, 0, 2, 2)
    assert asked(cluster) == []
    assert cluster[2].replica.learner.ask_again_at == float("inf")


def test_a_replica_that_answers_with_slots_is_no_longer_asked_for_its_state() -> None:
    """An empty page says that its state has gone, for example because its disk was replaced."""
    cluster = learner()
    tell(cluster, 0, 6)
    row = SessionRow("ada@0", 0, 1, bytes(8 * cluster.settings.session_window))
    cluster.inject(0, 2, Snapshot(5, 1000, bytes(32), -1, "", (row,), False, 6))
    assert [letter.message for letter in cluster.flying("snapshot-ask", 2, 0)] == [SnapshotAsk(5, "ada@0")]
    page(cluster, 0, 0, 0, 6)
    cluster.drop()
    cluster.wake(2)
    assert [letter.message for letter in cluster.flight] == [CatchUp(0)]


def test_the_lag_is_the_distance_to_the_best_informed_peer() -> None:
    cluster = learner()
    assert cluster[2].status.lag == 0
    tell(cluster, 0, 4)
    tell(cluster, 1, 6)
    assert cluster[2].status.lag == 6
    page(cluster, 0, 0, 2, 4)
    assert cluster[2].status.lag == 4
    page(cluster, 0, 2, 2, 4)
    assert cluster[2].status.lag == 2
    tell(cluster, 1, 0)
    assert cluster[2].status.lag == 0


def test_a_page_that_comes_twice_is_dropped_though_its_sender_is_asked_for_the_next_one() -> None:
    cluster = learner(Settings(election_s_min=50.0, election_s_max=60.0, catch_up_pages=3))
    tell(cluster, 0, 6)
    page(cluster, 0, 0, 2, 6)
    before = cluster[2].drops()
    page(cluster, 0, 0, 2, 6)
    assert cluster[2].drops() == [*before, "answers nothing that is asked now"]
    page(cluster, 0, 2, 2, 6)
    assert cluster[2].status.watermark == 4


def state(cluster: Cluster, after: str = "", client: str = "ada@0") -> Snapshot:
    """A page of the state at slot 5, which is not the last one."""
    row = SessionRow(client, 0, 1, bytes(8 * cluster.settings.session_window))
    return Snapshot(5, 1000, bytes(32), -1, after, (row,), False, 6)


def test_a_page_of_a_state_is_asked_for_three_times_more_and_then_all_of_it_elsewhere() -> None:
    cluster = learner(Settings(election_s_min=50.0, election_s_max=60.0, resend_s=0.5))
    tell(cluster, 0, 6)
    tell(cluster, 1, 6)
    cluster.inject(0, 2, state(cluster))
    for _ in range(4):
        cluster.drop("catch-up")
        (letter,) = cluster.flying("snapshot-ask", 2)
        assert (letter.to, letter.message) == (0, SnapshotAsk(5, "ada@0"))
        cluster.drop()
        cluster.tick(0.99)
        assert cluster.flight == []
        cluster.tick(0.01)
    assert asked(cluster) == [(1, 0)]


@pytest.mark.parametrize("first", [0, 1])
def test_a_state_is_not_asked_for_again_once_its_slots_came_otherwise(first: int) -> None:
    cluster = learner()
    a, b = Command("ada@0", 1, "a"), Command("ada@0", 2, "b")
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (a, b)))
    cluster.inject(0, 2, Chosen(Ballot(1, 0), 0, first))
    tell(cluster, 0, 6)
    assert asked(cluster) == [(0, first)]
    cluster.inject(0, 2, state(cluster))
    cluster.drop()
    cluster.inject(0, 2, Chosen(Ballot(1, 0), first, 1))
    assert cluster[2].status.watermark == first + 1
    cluster.tick(2 * cluster.settings.resend_s)
    assert [letter.message for letter in cluster.flight] == [CatchUp(first + 1)]


OWN = Ballot(1, 0)
TELLING: list[tuple[str, PeerMessage]] = [
    ("preparing", Promise(OWN, 0, None, 6, ())),
    ("preparing", Nack(OWN, OWN, None, 6)),
    ("preparing", PreVoteReply(OWN, False, OWN, 6)),
    ("leading", Accepted(OWN, 0, 0, 6)),
    ("leading", HeartbeatAck(OWN, 0, 6)),
    ("following", Heartbeat(Ballot(2, 1), 1, 6)),
]


@pytest.mark.parametrize(("phase", "message"), TELLING, ids=lambda item: type(item).__name__)
def test_every_message_with_a_watermark_makes_a_replica_ask_for_what_it_lacks(
    phase: str, message: PeerMessage
) -> None:
    cluster = Cluster(3, PATIENT, checked=False)
    if phase == "preparing":
        cluster.elect(0)
    elif phase == "leading":
        cluster.lead(0)
    cluster.drop()
    cluster.inject(1, 0, message)
    assert [(letter.to, letter.message) for letter in cluster.flying("catch-up")] == [(1, CatchUp(0))]


def test_views_get_the_last_slots_that_are_in_memory() -> None:
    cluster = Cluster(3, Settings(cache_slots=4))
    cluster.lead(0)
    for text in "abcdef":
        cluster.say(0, "ada", text)
    cluster.stabilize()
    recent = cluster[0].replica.learner.recent
    assert [(slot, entry.value.text) for slot, entry in recent(2)] == [(4, "e"), (5, "f")]
    assert [slot for slot, _ in recent(100)] == [2, 3, 4, 5]
    assert recent(0) == []


def test_a_state_that_was_given_up_may_be_taken_from_the_same_replica_from_its_beginning_on() -> None:
    cluster = learner()
    tell(cluster, 0, 6)
    cluster.inject(0, 2, state(cluster))
    for _ in range(5):
        cluster.drop("snapshot-ask")
        cluster.drop("catch-up")
        cluster.tick(2 * cluster.settings.resend_s)
    assert asked(cluster) == [(0, 0)]
    cluster.inject(0, 2, state(cluster))
    assert [letter.message for letter in cluster.flight] == [SnapshotAsk(5, "ada@0")]
