"""Exactly once: a command is (client, request), and the table of answers is replicated state (mistake 12).

The table follows Ongaro's dissertation, 6.3 (a session a client, evicted by a rule that all replicas apply
alike); the horizon of births closes the gap in which an evicted client's retry would take effect twice.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.core.events import SessionEvicted
from paxtui.core.output import Appended, PutSessions, Refused
from paxtui.core.sessions import EXPIRED, Sessions, birth
from paxtui.core.settings import Settings
from paxtui.core.values import Command, SessionRow
from tests.core.cluster import Cluster


def led(limits: Settings | None = None) -> Cluster:
    cluster = Cluster(3, limits)
    cluster.lead(0)
    return cluster


def test_a_repeated_request_gets_its_first_answer_and_takes_effect_once() -> None:
    cluster = led()
    cluster.say(0, "ada", "a", request=1)
    cluster.say(0, "ada", "b", request=2)
    cluster.stabilize()
    cluster.say(0, "ada", "a", request=1)
    cluster.stabilize()
    assert [(reply.request, reply.slot) for reply in cluster[0].answers(Appended)] == [(1, 0), (2, 1), (1, 0)]
    assert list(cluster.logs()) == [["a", "b"]] * 3


def test_a_request_that_is_repeated_while_it_waits_is_proposed_once_and_answered_once() -> None:
    cluster = led()
    for _ in range(3):
        cluster.say(0, "ada", "a", request=1)
    cluster.stabilize()
    assert len(cluster[0].answers(Appended)) == 1
    assert len(cluster[0].log) == 1


def test_two_equal_texts_are_two_messages() -> None:
    """Mistake 12: a legitimate second "Hello" must not be suppressed by its text."""
    cluster = led()
    cluster.say(0, "ada", "hello")
    cluster.say(0, "ada", "hello")
    cluster.say(0, "bob", "hello")
    cluster.stabilize()
    assert list(cluster.logs()) == [["hello"] * 3] * 3


def test_a_request_that_was_chosen_twice_takes_effect_once_on_every_replica() -> None:
    cluster = led()
    cluster.say(0, "ada", "a", request=1)
    cluster.deliver("accept")
    cluster.drop()
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    cluster.say(1, "ada", "a", request=1)
    cluster.run(0.5)
    assert [len(node.log) for node in cluster.nodes] == [2, 2, 2]
    assert [node.suppressed for node in cluster.nodes] == [{1: 0}] * 3
    assert [node.disk.suppressed for node in cluster.nodes] == [{1: 0}] * 3
    assert list(cluster.logs()) == [["a"]] * 3
    assert {reply.slot for reply in cluster[1].answers(Appended)} == {0}


def test_an_answer_survives_a_restart_of_all_replicas() -> None:
    cluster = led()
    cluster.say(0, "ada", "a", request=7)
    cluster.run(1.0)
    for me in range(3):
        cluster.crash(me)
    for me in range(3):
        cluster.restart(me)
    cluster.lead(2)
    cluster.say(2, "ada", "a", request=7)
    assert [reply.slot for reply in cluster[2].answers(Appended)] == [0]


def test_request_numbers_may_come_out_of_order_within_the_window() -> None:
    cluster = led(Settings(session_window=4))
    for request in (3, 1, 2, 0):
        cluster.say(0, "ada", str(request), request=request)
    cluster.stabilize()
    assert cluster[0].texts == ["3", "1", "2", "0"]


def test_a_request_below_the_window_is_refused_as_expired_and_never_takes_effect() -> None:
    """Its answer is forgotten, so nobody can say whether it took effect."""
    cluster = led(Settings(session_window=4))
    cluster.say(0, "ada", "new", request=10)
    cluster.stabilize()
    cluster.say(0, "ada", "late", request=6)
    cluster.stabilize()
    assert [reply.reason for reply in cluster[0].answers(Refused)] == ["expired"]
    assert list(cluster.logs()) == [["new"]] * 3


def test_a_request_that_falls_below_the_window_in_flight_is_refused_and_never_takes_effect() -> None:
    cluster = led(Settings(session_window=4))
    cluster.say(0, "ada", "new", request=10)
    cluster.say(0, "ada", "late", request=6)
    cluster.stabilize()
    assert [reply.reason for reply in cluster[0].answers(Refused)] == ["expired"]
    assert [node.suppressed for node in cluster.nodes] == [{1: EXPIRED}] * 3
    assert list(cluster.logs()) == [["new"]] * 3


def test_a_full_table_evicts_the_client_that_was_silent_the_longest_on_all_replicas() -> None:
    cluster = led(Settings(sessions_max=2))
    for client in ("ada@0", "bob@0", "ada@0", "cyd@0"):
        cluster.say(0, client, client)
    cluster.stabilize()
    for node in cluster.nodes:
        assert [(event.slot, event.client) for event in node.seen(SessionEvicted)] == [(3, "bob@0")]
        assert node.status.sessions == 2
    cluster.assert_agreement()


def test_a_retry_of_an_evicted_client_is_refused_and_not_applied_twice() -> None:
    cluster = led(Settings(sessions_max=2))
    for client in ("ada@0", "bob@0", "cyd@0"):
        cluster.say(0, client, client, request=1)
    cluster.stabilize()
    cluster.say(0, "ada@0", "ada@0", request=1)
    cluster.stabilize()
    assert [reply.reason for reply in cluster[0].answers(Refused)] == ["expired"]
    assert cluster[0].texts.count("ada@0") == 1


def test_a_client_that_was_born_after_the_last_eviction_is_new() -> None:
    cluster = led(Settings(sessions_max=2))
    for client in ("ada@0", "bob@0", "cyd@0", "ada@3", "ada@1"):
        cluster.say(0, client, client, request=1)
        cluster.stabilize()
    assert cluster[0].texts == ["ada@0", "bob@0", "cyd@0", "ada@3"]
    assert cluster[0].replica.learner.sessions.horizon == 1


@pytest.mark.parametrize(
    ("client", "slot"),
    [
        ("ada@17", 17),
        ("ada@x@5", 5),
        ("ada", 0),
        ("ada@", 0),
        ("@9", 9),
        ("ada@-1", 0),
        ("ada@٣", 0),
        ("ada@1_0", 0),
        ("ada@" + "9" * 17, 0),
    ],
)
def test_the_birth_is_read_from_the_end_of_the_id(client: str, slot: int) -> None:
    assert birth(client) == slot


def test_no_ops_leave_the_table_alone() -> None:
    cluster = led()
    cluster.skip(0)
    cluster.say(0, "ada", "a")
    cluster.fill(0, 0)
    cluster.stabilize()
    assert [row[0] for row in cluster[2].replica.learner.sessions.digest_rows()] == ["ada@0"]


class Stored:
    """A table on disk: the last checkpoint and the log above it."""

    def __init__(self) -> None:
        self.rows: dict[str, SessionRow] = {}
        self.upto = 0
        self.horizon = -1

    def put(self, write: PutSessions) -> None:
        for client in write.evicted:
            self.rows.pop(client, None)
        self.rows.update((row.client, row) for row in write.changed)
        self.upto, self.horizon = write.upto, write.horizon


NAMES = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(st.tuples(NAMES, st.integers(0, 9)), st.sampled_from(["checkpoint", "restart", "reborn"])),
    max_size=60,
)


@settings(deadline=None, max_examples=300)
@given(STEPS)
def test_the_table_after_a_replay_from_its_checkpoint_is_the_table_of_one_that_never_stopped(
    steps: list[tuple[int, int] | str],
) -> None:
    """And no (client, request) ever takes effect twice, though the table forgets clients and answers."""
    steady, mortal, stored = Sessions(3, 4), Sessions(3, 4), Stored()
    log: list[Command] = []
    births = dict.fromkeys(range(6), 0)
    effective: set[tuple[str, int]] = set()
    for step in steps:
        if step == "checkpoint":
            stored.put(mortal.checkpoint(len(log)))
        elif step == "restart":
            mortal = Sessions(3, 4)
            mortal.load(stored.rows.values(), stored.horizon)
            for slot in range(stored.upto, len(log)):
                mortal.apply(slot, log[slot])
        elif step == "reborn":
            # Clients ask for new sessions; their ids carry the watermark of that moment.
            births = dict.fromkeys(births, len(log))
        else:
            assert isinstance(step, tuple)
            name, request = step
            command = Command(f"{name}@{births[name]}", request, "")
            before = steady.find(command.client, request)
            found = steady.apply(len(log), command)
            assert found == before == mortal.apply(len(log), command)
            if found is None:
                assert (command.client, request) not in effective
                effective.add((command.client, request))
            elif found != EXPIRED:
                assert log[found] == command
            log.append(command)
        assert mortal.digest_rows() == steady.digest_rows()
        assert (mortal.horizon, len(mortal) <= 3) == (steady.horizon, True)


def test_replicas_that_restart_at_different_times_keep_equal_tables() -> None:
    cluster = Cluster(3, Settings(sessions_max=3, session_window=4, checkpoint_slots=5))
    cluster.lead(0)
    for number in range(40):
        cluster.say(0, f"client-{number * 7 % 5}@{number}", str(number))
        cluster.run(0.05)
        if number % 3 == 2:
            victim = 1 + number % 2
            cluster.crash(victim)
            cluster.restart(victim)
    cluster.run(1.0)
    assert 0 < cluster[1].disk.sessions_upto <= cluster[1].disk.state.watermark
    cluster.assert_agreement()
