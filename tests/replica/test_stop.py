"""An orderly stop leaves everything that is applied on disk as applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.client import Sighting, connect
from paxtui.client.cluster import local_cluster
from paxtui.config import cluster_file
from paxtui.config.folders import replica_folder
from paxtui.storage.offline import OfflineLog
from tests.ports import free_ports
from tests.replica.conditions import PATIENCE_S

pytestmark = pytest.mark.processes


@pytest.mark.trio
async def test_a_clean_stop_writes_the_last_watermark_and_the_message_log(tmp_path: Path) -> None:
    cluster = cluster_file.local(3, free_ports(3), name="stop")
    async with local_cluster(cluster, tmp_path) as replicas:
        await replicas.start_all()
        await replicas.wait_ready()
        async with connect(cluster, name="ada") as log:
            for number in range(5):
                await log.append(f"message {number}")

        def applied(sightings: list[Sighting]) -> bool:
            reports = [each.report for each in sightings]
            return all(report and report.status and report.status.watermark == 5 for report in reports)

        await replicas.wait_until(applied, PATIENCE_S, "all have applied five slots")
        await replicas.stop_all()
    for replica in range(3):
        with OfflineLog.open(replica_folder(tmp_path, "stop", replica)) as offline:
            assert offline.watermark == 5
        lines = (tmp_path / f"replica-{replica}.log").read_text().splitlines()
        assert lines[-1] == "4\tada\tmessage 4"
