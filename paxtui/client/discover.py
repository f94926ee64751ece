"""From whatever names a cluster to its list of replicas."""

from __future__ import annotations

from pathlib import Path

from paxtui import config
from paxtui.client.connection import BROKEN, answers, dial
from paxtui.client.errors import ClientError, Unreachable
from paxtui.client.route import words
from paxtui.config import Address, Cluster, ConfigError

Named = Cluster | str | Path | None
"""Whatever names a cluster; see :func:`resolve`."""


async def resolve(cluster: Named) -> Cluster:
    """A cluster, a configuration file, ``HOST:PORT,HOST:PORT,...``, or ``None`` for the default.

    Addresses need not be complete: any replica that answers knows the others.
    """
    if isinstance(cluster, Cluster):
        return cluster
    if isinstance(cluster, str) and ":" in cluster and not Path(cluster).exists():
        return await _ask(config.parse_addresses(cluster))
    return config.find(cluster)


async def _ask(addresses: tuple[tuple[str, int], ...]) -> Cluster:
    problems: list[str] = []
    for host, port in addresses:
        address = Address(0, host, port)
        try:
            async with dial(address, "observer", answers) as link:
                welcome = link.welcome
        except (*BROKEN, ClientError) as error:
            problems.append(f"{address} ({words(error)})")
            continue
        members = config.parse_addresses(",".join(welcome.members))
        replicas = tuple(Address(replica, *member) for replica, member in enumerate(members))
        cluster = Cluster(name=welcome.name, replicas=replicas, source=str(address))
        if cluster.digest != welcome.cluster:
            raise ConfigError(
                f"{address}: the cluster has session limits of its own; name its configuration file instead"
            )
        return cluster
    raise Unreachable(f"no replica answers; tried {', '.join(problems)}")
