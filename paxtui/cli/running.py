"""What `paxtui attach` finds without an address: the configured cluster, else what consoles started."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from paxtui.config.cluster_file import Cluster


def need_running(cluster: Cluster, kept: Path | None) -> None:
    """Refuse a configuration of which no replica answers, and list what runs instead. ``kept`` is the folder
    of what consoles keep."""
    import trio

    from paxtui.cli.guard import Failure
    from paxtui.client import answering
    from paxtui.console.driver.known_clusters import addresses, known

    others = [each for each in known(kept) if each.digest != cluster.digest]
    found = trio.run(answering, [cluster, *others])
    if cluster in found:
        return
    for each in found:
        print(f"runs: {each.name}, {each.n} replicas   paxtui attach {addresses(each)}", file=sys.stderr)
    way = "attach to one of those above" if found else "`paxtui` starts replicas"
    where = f"{cluster.name}, {cluster.source}"
    raise Failure(
        f"no replica answers at {addresses(cluster)} ({where}); {way}, "
        "`paxtui attach HOST:PORT` looks at any other cluster"
    )
