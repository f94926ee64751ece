"""Words that people type: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.wire.faults import Trigger
from paxtui.words import WordError
from paxtui.words.durations import duration_s
from paxtui.words.links import EVERY_REPLICA, link_of_ids, links
from paxtui.words.numbers import number, percentage, whole
from paxtui.words.replicas import KnownReplicas, replica, replicas
from paxtui.words.suggestions import did_you_mean
from paxtui.words.triggers import trigger

THREE = KnownReplicas(("r0", "r1", "r2"), 1)
NOBODY_LEADS = KnownReplicas(("r0", "r1", "r2"), None)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("0", (0,)), ("R2", (2,)), ("leader", (1,)), ("all", (0, 1, 2)), ("2,0,*", (2, 0, 1))],
)
def test_replicas_have_ids_names_and_roles(word: str, meant: tuple[int, ...]) -> None:
    assert replicas(word, THREE) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0>2", ((0, 2),)),
        ("r0 - r2", ((0, 2), (2, 0))),
        ("r0>*", ((0, 1), (0, 2))),
        ("r0 | r1 r2", ((0, 1), (0, 2), (1, 0), (2, 0))),
        ("r1", ((0, 1), (1, 0), (1, 2), (2, 1))),
    ],
)
def test_links_join_replicas_one_way_both_ways_or_by_sides(text: str, meant: tuple[object, ...]) -> None:
    assert links(text.split(), THREE) == meant


def test_a_replica_alone_may_mean_the_links_on_which_it_sends() -> None:
    assert links(["r1"], THREE, both_directions=False) == ((1, 0), (1, 2))


def test_links_of_ids_need_no_cluster() -> None:
    assert link_of_ids("0>2") == [(0, 2)]
    assert link_of_ids(" r0 - 2") == [(0, 2), (2, 0)]
    assert link_of_ids("*>2") == [(EVERY_REPLICA, 2)]
    assert link_of_ids("*-*") == [(EVERY_REPLICA, EVERY_REPLICA)]


def test_durations_have_a_unit_or_last_for_ever() -> None:
    words = ("500ms", "10s", "1.5m", "1h", "forever")
    assert [duration_s(word) for word in words] == [0.5, 10, 90, 3600, None]


def test_triggers_name_an_event_and_perhaps_a_replica_and_a_slot() -> None:
    assert trigger("accept-sent") == (None, Trigger("accept-sent", None))
    assert trigger("replica 0 accept-sent slot 3") == (0, Trigger("accept-sent", 3))


def test_numbers_may_carry_their_unit() -> None:
    assert (number("50%", "percentage", 0, 100), number("7ms", "delay", 0, 10), whole("#3", "slot")) == (
        50,
        7,
        3,
    )


def test_the_nearest_known_word_is_suggested() -> None:
    assert did_you_mean("leadr", ["leader", "all"]) == "did you mean leader? "
    assert did_you_mean("x", ["leader", "all"]) == ""


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (lambda: replicas("bob", THREE), "'bob' is no replica; r0 r1 r2, leader and all are"),
        (lambda: replicas("r7", THREE), "there is no replica r7; they are r0 r1 r2"),
        (lambda: replica("all", THREE), "'all' is more than one replica; one of r0 r1 r2 is meant here"),
        (lambda: replica("leader", NOBODY_LEADS), "no replica leads; name one of r0 r1 r2"),
        (lambda: links(["r0>"], THREE), "'r0>' is no link; "),
        (lambda: links(["r0>r0"], THREE), "'r0>r0' joins a replica to itself"),
        (lambda: links([], THREE), "which link?"),
        (lambda: links(["r0", "|"], THREE), "a side is empty"),
        (lambda: links(["r0,r1", "|", "leader"], THREE), "r1 stands on two sides of |"),
        (lambda: link_of_ids("0>x"), "'0>x' is no link; "),
        (lambda: link_of_ids("1-1"), "'1-1' joins a replica to itself"),
        (lambda: duration_s("soon"), "'soon' is no time; 500ms, 10s, 5m, 1h and forever are"),
        (lambda: duration_s("25h"), "at most 24h are allowed"),
        (lambda: trigger("accept-snt"), "event 'accept-snt' is not known; did you mean accept-sent?"),
        (lambda: trigger("0 voted 3"), "'0 voted 3' is not `[replica N] EVENT [slot S]`"),
        (lambda: number("x", "percentage", 0, 100), "'x' is no percentage; a number from 0 to 100 is"),
        (lambda: percentage(101), "percentage 101 is out of range; 0 to 100 is allowed"),
        (lambda: whole("-1", "slot"), "'-1' is no slot; a whole number from 0 on is"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(parse: Callable[[], object], said: str) -> None:
    with pytest.raises(WordError) as caught:
        parse()
    assert str(caught.value).startswith(said)
