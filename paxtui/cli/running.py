"""The clusters that run on this machine: the configured one, and those that this user started."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import trio

from paxtui.cli.guard import EXIT_USAGE, Failure
from paxtui.client import Operator, Sighting
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Address, Cluster
from paxtui.console.driver import local_processes
from paxtui.console.driver.known_clusters import KnownCluster, addresses, entries
from paxtui.words.suggestions import did_you_mean


class RunningCluster(NamedTuple):
    """One cluster of which a replica answers, or whose processes run here."""

    known: KnownCluster
    answering: tuple[int, ...]
    """The replicas that answer."""
    pids: dict[int, int]
    """The processes of its replicas, by replica, as far as they are known."""

    @property
    def cluster(self) -> Cluster:
        """Return who its replicas are."""
        return self.known.cluster

    @property
    def name(self) -> str:
        """Return its name."""
        return self.known.cluster.name


def find_running(kept: Path | None, configured: Cluster | None) -> list[RunningCluster]:
    """Find what runs, ``configured`` first; ``kept`` is the folder of what is kept between runs."""
    known = entries(kept)
    if configured is not None:
        noted = [each for each in known if each.cluster.digest == configured.digest]
        known = [KnownCluster(configured, *(each.note for each in noted[:1]))] + [
            each for each in known if each.cluster.digest != configured.digest
        ]
    return trio.run(_look, known)


async def _look(known: Sequence[KnownCluster]) -> list[RunningCluster]:
    """Ask all at the same time."""
    found: dict[int, RunningCluster] = {}

    async def look(number: int, each: KnownCluster) -> None:
        sightings = await Operator(each.cluster, "clusters").status()
        answering = tuple(sighting.replica for sighting in sightings if sighting.report is not None)
        pids = await trio.to_thread.run_sync(_pids, each, sightings)
        if answering or pids:
            found[number] = RunningCluster(each, answering, pids)

    async with trio.open_nursery() as nursery:
        for number, each in enumerate(known):
            nursery.start_soon(look, number, each)
    return [found[number] for number in sorted(found)]


def _pids(known: KnownCluster, sightings: Sequence[Sighting]) -> dict[int, int]:
    """Return the processes of replicas here, from what they say and from what is in their data folders."""
    said = {
        sighting.replica: sighting.report.pid
        for sighting in sightings
        if sighting.report is not None
        and known.cluster.address(sighting.replica).host in ("127.0.0.1", "::1", "localhost")
        and local_processes.is_replica(sighting.report.pid, sighting.replica)
    }
    return dict(sorted((known.pids() | said).items()))


def named(name: str, running: Sequence[RunningCluster]) -> RunningCluster:
    """Find the one cluster that is meant by a name or by addresses. Raises :class:`Failure`."""
    if ":" in name:
        wanted = [Address(0, *each) for each in cluster_file.parse_addresses(name)]
        found = [each for each in running if _has(each.cluster, wanted)]
    else:
        found = [each for each in running if each.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        show_all(found)
        raise Failure(f"{len(found)} clusters are named {name}; say HOST:PORT instead", EXIT_USAGE)
    names = [each.name for each in running]
    if not names:
        raise Failure(NOTHING)
    ones = f"{did_you_mean(name, names)}these run: {', '.join(names)}"
    raise Failure(f'no cluster "{name}" runs here; {ones}; other clusters are HOST:PORT', EXIT_USAGE)


NOTHING = "nothing runs here; `paxtui` or `paxtui up` starts replicas"


def _has(cluster: Cluster, wanted: Sequence[Address]) -> bool:
    mine = {(address.host, address.port) for address in cluster.replicas}
    return all((address.host, address.port) in mine for address in wanted)


def only(running: Sequence[RunningCluster], verb: str) -> RunningCluster:
    """Return the one that runs; if there are several, list them and what to type. Raises :class:`Failure`."""
    if not running:
        raise Failure(NOTHING)
    if len(running) > 1:
        show_all(running, verb)
        raise Failure(f"{len(running)} clusters run here; say which: `paxtui {verb} NAME`", EXIT_USAGE)
    return running[0]


def need_running(cluster: Cluster, kept: Path | None) -> None:
    """Refuse a configuration of which no replica answers, and list what runs instead. ``kept`` is the folder
    of what is kept between runs."""
    found = find_running(kept, cluster)
    if any(each.answering and each.cluster.digest == cluster.digest for each in found):
        return
    others = [each for each in found if each.cluster.digest != cluster.digest]
    show_all(others, "attach")
    way = "attach to a cluster above, or start it" if others else "start it"
    raise Failure(
        f"no replica answers at {addresses(cluster)} ({cluster.name}, {cluster.source}); "
        f"{way} with `paxtui up{_config(cluster)}`"
    )


def _config(cluster: Cluster) -> str:
    return "" if cluster.source == cluster_file.BUILT_IN else f" --config {cluster.source}"


def show_all(running: Sequence[RunningCluster], verb: str = "attach") -> None:
    """List clusters on standard error, each with the command that means it."""
    for each in running:
        print(f"{describe(each)}:  paxtui {verb} {handle(each, running)}", file=sys.stderr)


def handle(one: RunningCluster, running: Sequence[RunningCluster]) -> str:
    """Return what to type for a cluster: its name, or its addresses where others have the same name."""
    same = [each for each in running if each.name == one.name]
    plain = all(char.isalnum() or char in "._-" for char in one.name) and not Path(one.name).exists()
    return one.name if len(same) == 1 and plain else addresses(one.cluster)


def describe(one: RunningCluster) -> str:
    """Say in a few words what runs."""
    n = one.cluster.n
    return f"{one.name}, {len(one.answering)} of {n} {'replica answers' if n == 1 else 'replicas answer'}"
