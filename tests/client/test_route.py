"""Whom a client asks next."""

from __future__ import annotations

import pytest

from paxtui.client.route import Route
from paxtui.config import cluster_file
from paxtui.wire.hello import PROTOCOL_VERSION, Welcome


def welcome(replica: int, leader: int | None) -> Welcome:
    return Welcome(
        version=PROTOCOL_VERSION,
        cluster="",
        name="",
        replica=replica,
        members=(),
        leader=leader,
        applied=0,
    )


@pytest.mark.trio
async def test_a_stale_hint_does_not_keep_a_client_inside_a_minority() -> None:
    """Replica 1 is cut off with replica 0 and still takes it for the leader; replica 0 knows of none."""
    cluster = cluster_file.local(5)
    route = Route(cluster)
    asked: list[int] = []
    while len(asked) < 12:
        replica = route.next().id
        asked.append(replica)
        if replica == 1 and route.detour(welcome(1, 0)):
            continue
        if replica in (0, 1):
            route.refused("not-leader", 0 if replica == 1 else None)
        elif route.detour(welcome(replica, 3)) or replica == 3:
            break
    assert asked[-1] in (2, 3, 4), asked


@pytest.mark.trio
async def test_whoever_the_hints_name_everybody_is_asked_in_the_end() -> None:
    route = Route(cluster_file.local(3))
    asked = set()
    for _ in range(6):
        asked.add(route.next().id)
        route.refused("not-leader", 0)
    assert asked == {0, 1, 2}
