"""The ring of a client's last answers: what it remembers, and what it must not mistake for an answer."""

from __future__ import annotations

from paxtui.core.sessions import EXPIRED, Sessions, birth
from paxtui.core.values import Command


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
