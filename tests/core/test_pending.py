"""A host takes an output when something is pending, so whatever waits must say so, and nothing else may."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.events import BecameNonVoting
from paxtui.core.messages import PreVote
from paxtui.core.outbox import Outbox
from paxtui.core.output import EVERYONE, Applied, Fetch, PutNonVoting, ReadRefused
from tests.core.cluster import Cluster

ASK = PreVote(Ballot(1, 0))


def urge(out: Outbox) -> None:
    out.urgent = True


WAITING: dict[str, Callable[[Outbox], None]] = {
    "an event": lambda out: out.event(BecameNonVoting("why")),
    "a message": lambda out: out.send(1, ASK),
    "a message to all": lambda out: out.send(EVERYONE, ASK),
    "a message that waits for the disk": lambda out: out.send_durable(1, ASK),
    "a message to oneself that waits for the disk": lambda out: out.send_durable(0, ASK),
    "a write": lambda out: out.writes.append(PutNonVoting("why")),
    "a reply": lambda out: out.replies.append(ReadRefused(1, "busy", None)),
    "the small state": urge,
    "applied slots": lambda out: out.applied.append(Applied(0, (), {})),
    "a page to be read": lambda out: out.fetches.append(Fetch(1, 0, 1, 1)),
}


@pytest.mark.parametrize("add", WAITING.values(), ids=WAITING)
def test_each_thing_that_waits_is_pending_on_its_own(add: Callable[[Outbox], None]) -> None:
    out = Outbox(0)
    assert not out.pending
    add(out)
    assert out.pending


def test_messages_and_events_are_handed_over_once() -> None:
    out = Outbox(0)
    out.event(BecameNonVoting("why"))
    out.send(1, ASK)
    out.send_durable(1, ASK)
    assert [len(part) for part in out.drain()] == [1, 1, 1]
    assert [len(part) for part in out.drain()] == [0, 0, 0]
    assert not out.pending


def test_a_replica_with_nothing_to_say_has_nothing_pending_and_a_leader_has_once_it_is_asked() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    assert [node.replica.pending for node in cluster.nodes] == [False, False, False]
    assert cluster[0].replica.take(cluster.now).sends == ()
    cluster[0].replica.read(7, cluster.now)
    assert cluster[0].replica.pending
    cluster.pump(0)
    assert not cluster[0].replica.pending
