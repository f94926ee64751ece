"""The first start waits for others; later ones do not."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from paxtui.replica.warmup import Mode, WarmUp


@pytest.mark.parametrize(
    ("mode", "replicas", "needed"),
    [
        *[("all", 3, 2), ("all", 5, 4), ("all", 1, 0), ("majority", 3, 1), ("majority", 5, 2)],
        *[("majority", 9, 4), ("majority", 1, 0), ("none", 3, 0), ("none", 9, 0)],
    ],
)
def test_so_many_others_must_be_ready(mode: Mode, replicas: int, needed: int) -> None:
    warm_up = WarmUp(0, replicas, mode, first_start=True)
    for peer in range(1, needed + 1):
        assert not warm_up.done
        assert warm_up.missing == tuple(range(peer, replicas))
        warm_up.note_ready(peer)
        assert warm_up.missing == tuple(range(peer, replicas))
        warm_up.note_welcome(peer)
    assert warm_up.done
    assert warm_up.missing == ()


def test_a_replica_that_says_it_twice_counts_once() -> None:
    warm_up = WarmUp(2, 3, "all", first_start=True)
    for _ in range(2):
        warm_up.note_ready(1)
        warm_up.note_welcome(1)
    assert not warm_up.done
    assert warm_up.missing == (0,)


@pytest.mark.parametrize("mode", ["all", "majority", "none"])
def test_only_the_first_start_waits(mode: Mode) -> None:
    assert WarmUp(0, 9, mode, first_start=False).done


@pytest.mark.trio
async def test_whoever_waits_is_told_of_each_new_one(nursery: trio.Nursery) -> None:
    warm_up = WarmUp(0, 3, "all", first_start=True)
    told = []

    async def wait() -> None:
        while not warm_up.done:
            await warm_up.wait_for_change()
            told.append(warm_up.missing)

    nursery.start_soon(wait)
    for said in (warm_up.note_ready, warm_up.note_welcome):
        for peer in (2, 2, 1):
            await trio.testing.wait_all_tasks_blocked()
            said(peer)
    await trio.testing.wait_all_tasks_blocked()
    assert told == [(1, 2), (1, 2), (1,), ()]


def test_who_is_let_in_as_a_learner_waits_for_nobody() -> None:
    warm_up = WarmUp(0, 3, "all", first_start=True)
    warm_up.note_welcome(1, non_voting=True)
    assert warm_up.done
    assert warm_up.missing == ()
