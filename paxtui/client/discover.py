"""From whatever names a cluster to its list of replicas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import trio

from paxtui.client.connection import BROKEN, answers, dial
from paxtui.client.errors import ClientError, Unreachable
from paxtui.client.operator import Operator
from paxtui.client.route import words
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Address, Cluster, ConfigError
from paxtui.config.tls_files import with_environment
from paxtui.net.tls.credentials import of_tool

Named = Cluster | str | Path | None
"""Whatever names a cluster; see :func:`resolve`."""


async def resolve(cluster: Named) -> Cluster:
    """Return a cluster, a configuration file, ``HOST:PORT,HOST:PORT,...``, or ``None`` for the default.

    Addresses need not be complete: any replica that answers knows the others. Certificates that cannot
    serve are a :class:`ConfigError` here, and not in the middle of something.
    """
    if isinstance(cluster, str) and ":" in cluster and not Path(cluster).exists():
        return await _ask(cluster_file.parse_addresses(cluster))
    if isinstance(cluster, str) and not Path(cluster).exists():
        raise ConfigError(f'"{cluster}" is not HOST:PORT, such as localhost:7400, and no file has this name')
    found = cluster if isinstance(cluster, Cluster) else cluster_file.find(cluster)
    if found.tls is not None:
        of_tool(found.tls)
    return found


async def _ask(addresses: tuple[tuple[str, int], ...]) -> Cluster:
    problems: list[str] = []
    tls = with_environment(None)
    for host, port in addresses:
        address = Address(0, host, port)
        try:
            async with dial(address, "observer", answers, tls=tls, replica_known=False) as link:
                welcome = link.welcome
        except (*BROKEN, ClientError) as error:
            problems.append(f"{address} ({words(error)})")
            continue
        members = cluster_file.parse_addresses(",".join(welcome.members))
        replicas = tuple(Address(replica, *member) for replica, member in enumerate(members))
        cluster = Cluster(name=welcome.name, replicas=replicas, source=str(address), tls=tls)
        if cluster.digest != welcome.cluster:
            raise ConfigError(
                f"{address}: the cluster has session limits of its own; name its configuration file instead"
            )
        return cluster
    raise Unreachable(f"no replica answers; tried {', '.join(problems)}")


async def answering(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Return those of which at least one replica answers within a second; all are asked at the same time."""
    answers: dict[int, bool] = {}

    async def ask(number: int, cluster: Cluster) -> None:
        sightings = await Operator(cluster).status()
        answers[number] = any(sighting.report is not None for sighting in sightings)

    async with trio.open_nursery() as nursery:
        for number, cluster in enumerate(clusters):
            nursery.start_soon(ask, number, cluster)
    return [cluster for number, cluster in enumerate(clusters) if answers[number]]
