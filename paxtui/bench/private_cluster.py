"""A cluster of one's own to measure: new, on free ports, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.config import cluster_file
from paxtui.config.cluster_file import ConfigError

READY_S = 60.0


@contextmanager
def private_folder(root: Path) -> Iterator[Path]:
    """Make a new folder below ``root``, which is removed at the end. It is not in the system's folder for
    temporary files, which is often in memory, where a sync costs nothing."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=root))
    except OSError as error:
        raise ConfigError(f"{root}: no folder can be made there: {error.strerror}") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def private_cluster(n: int, folder: Path, arguments: Sequence[str] = ()) -> AsyncIterator[LocalCluster]:
    """Run ``n`` replicas that serve, and take faults."""
    cluster = cluster_file.local(n, cluster_file.free_ports(n), name=f"bench-{n}")
    words = ("--allow-faults", "--warm-up", "all", *arguments)
    async with local_cluster(cluster, folder, arguments=words) as replicas:
        await replicas.start_all()
        await replicas.wait_ready(READY_S)
        yield replicas
