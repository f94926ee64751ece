"""What reaches the disk when a replica is about to stop, and what it has when it starts again."""

from __future__ import annotations

from paxtui.core.messages import CatchUp
from paxtui.core.output import PutState
from tests.core.cluster import Cluster


def test_a_replica_that_is_about_to_stop_writes_its_watermark() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert cluster[0].status.watermark == 1
    assert cluster[0].disk.state.watermark == 0
    cluster[0].replica.write_watermark()
    cluster.pump(0)
    assert cluster[0].disk.state.watermark == 1


def test_a_replica_that_is_about_to_stop_writes_nothing_twice() -> None:
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    cluster[0].replica.write_watermark()
    cluster.pump(0)
    cluster[0].replica.write_watermark()
    output = cluster[0].replica.take(cluster.now)
    assert not any(isinstance(write, PutState) for write in output.writes)


def test_a_heartbeat_teaches_a_restarted_replica_all_that_it_had_voted_for() -> None:
    """Its votes come from its disk, so nothing is asked for."""
    cluster = Cluster(3)
    cluster.lead(0)
    for text in ("a", "b", "c"):
        cluster.say(0, "ada", text)
    cluster.deliver("accept")
    cluster.crash(2)
    cluster.deliver("accepted")
    cluster.drop()
    cluster.restart(2)
    assert cluster[2].status.accepted_high == 3
    cluster.tick(0.11)
    cluster.deliver("heartbeat", 0, 2)
    assert cluster[2].texts == ["a", "b", "c"]
    assert not [letter for letter in cluster.flight if isinstance(letter.message, CatchUp)]
