"""The ring of a client's last answers: what it remembers, and what it must not mistake for an answer."""

from __future__ import annotations

from paxtui.core.sessions import EXPIRED, Sessions, birth
from paxtui.core.settings import Settings
from paxtui.core.values import Command
from tests.core.cluster import Cluster


def applied(sessions: Sessions, *requests: int, first_slot: int = 0) -> None:
    """One client's requests take effect in consecutive slots."""
    for slot, request in enumerate(requests, first_slot):
        assert sessions.apply(slot, Command("ada@0", request, "x")) is None


def test_a_number_that_was_passed_over_is_new_though_its_cell_held_an_older_answer() -> None:
    """Else a message would be lost: its client would be told the slot of another one."""
    sessions = Sessions(4, 4)
    applied(sessions, 0, 1, 2, 3)
    applied(sessions, 7, first_slot=4)
    assert [sessions.find("ada@0", request) for request in (3, 4, 5, 6, 7)] == [EXPIRED, None, None, None, 4]
    applied(sessions, 4, 6, 5, first_slot=5)
    assert [sessions.find("ada@0", request) for request in (4, 5, 6, 7)] == [5, 7, 6, 4]


def test_a_jump_further_than_the_ring_forgets_all_of_it() -> None:
    sessions = Sessions(4, 4)
    applied(sessions, 0, 1, 2, 3, 100)
    assert [sessions.find("ada@0", request) for request in (96, 97, 98, 99, 100, 101)] == [
        EXPIRED,
        None,
        None,
        None,
        4,
        None,
    ]


def test_a_birth_has_at_most_sixteen_digits_as_every_slot_has() -> None:
    assert birth("ada@" + "1" * 16) == int("1" * 16)
    assert birth("ada@" + "1" * 17) == 0


def test_an_expired_request_is_stored_as_a_repetition_of_slot_minus_1() -> None:
    """Disks hold this number, so it can never be another one."""
    cluster = Cluster(3, Settings(session_window=4))
    cluster.lead(0)
    cluster.say(0, "ada", "new", request=10)
    cluster.say(0, "ada", "late", request=6)
    cluster.run(0.3)
    assert [node.disk.suppressed for node in cluster.nodes] == [{1: -1}] * 3
