"""Readings of replicas and of the machine that they run on, before a load and after it."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence

import trio
from msgspec import Struct, structs

from paxtui.bench import proc, tcp
from paxtui.bench.proc import Usage
from paxtui.client import Operator
from paxtui.config.cluster_file import Cluster

FlowKey = tuple[int, tuple[bytes, int], tuple[bytes, int]]


class ReplicaReading(Struct, frozen=True):
    """One replica at one moment."""

    role: str
    watermark: int
    commits: int
    uptime_s: float
    """By the replica's own clock at its answer: commits and this belong together."""
    pid: int | None
    """``None`` where its process is not on this machine."""
    usage: Usage | None


class Reading(Struct, frozen=True):
    """A reading of all replicas and of this process. A replica that does not answer is left out."""

    at: float
    generator_cpu_s: float
    companions_cpu_s: float
    """Of other processes that take part, such as readers."""
    busy_s: float | None
    """What all programs of this machine have taken of its cores."""
    replicas: dict[int, ReplicaReading]
    flows: dict[FlowKey, int] | None
    """Bytes sent on each connection, by (inode, local, remote)."""


class Wire(Struct, frozen=True):
    """Bytes of payload over TCP between two readings."""

    requests: int
    """From clients to replicas."""
    answers: int
    """From replicas to clients, observers and tails."""
    between: int
    """Between replicas."""


async def read_replicas(cluster: Cluster, operator: Operator) -> dict[int, ReplicaReading]:
    """Ask each replica for its status, and look for its process on this machine if it listens here."""
    found: dict[int, ReplicaReading] = {}
    for sighting in await operator.status():
        report = sighting.report
        if report is None or report.status is None:
            continue
        local = is_here(cluster.address(sighting.replica).host) and proc.is_it(report.pid, report.uptime_s)
        found[sighting.replica] = ReplicaReading(
            role=report.status.role,
            watermark=report.status.watermark,
            commits=report.commits,
            uptime_s=report.uptime_s,
            pid=report.pid if local else None,
            usage=None,
        )
    return found


def read_machine(told: dict[int, ReplicaReading], companions: Sequence[int] = ()) -> Reading:
    """Add what this machine says of their processes, now, and of ``companions``, processes that take part.
    Takes a few milliseconds, and no ``await``."""
    at = trio.current_time()
    replicas = {
        replica: structs.replace(reading, usage=proc.usage(reading.pid) if reading.pid is not None else None)
        for replica, reading in told.items()
    }
    flows = tcp.flows()
    return Reading(
        at=at,
        generator_cpu_s=time.process_time(),
        companions_cpu_s=sum(each.cpu_s for each in map(proc.usage, companions) if each is not None),
        busy_s=proc.busy_s(),
        replicas=replicas,
        flows=None if flows is None else {(flow.inode, *flow.ends): flow.sent_bytes for flow in flows},
    )


def with_words_of(reading: Reading, said: dict[int, ReplicaReading]) -> Reading:
    """Combine the machine's part of ``reading`` with what the replicas said a little later."""
    replicas = {
        replica: structs.replace(new, pid=old.pid, usage=old.usage)
        for replica, new in said.items()
        if (old := reading.replicas.get(replica)) is not None
    }
    return structs.replace(reading, replicas=replicas)


def wire_between(before: Reading, after: Reading) -> Wire | None:
    """Count the bytes that went over the wire, where all replicas are on this machine and it tells."""
    pids = [reading.pid for reading in after.replicas.values()]
    if before.flows is None or after.flows is None or not pids or None in pids:
        return None
    owned: set[int] = set()
    for pid in pids:
        owned |= proc.sockets(pid) if pid is not None else set()
    ends = {(local, remote): inode in owned for inode, local, remote in after.flows}
    sums = {"requests": 0, "answers": 0, "between": 0}
    for key, sent in after.flows.items():
        inode, local, remote = key
        from_replica, to_replica = inode in owned, ends.get((remote, local), False)
        if not (from_replica or to_replica):
            continue
        kind = "requests" if not from_replica else ("between" if to_replica else "answers")
        sums[kind] += sent - before.flows.get(key, 0)
    return Wire(**sums)


def is_here(host: str) -> bool:
    """Tell whether a replica's address is one of this machine's: only those can be bound."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host.lower().removesuffix(".") == "localhost" else host)
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except (ValueError, OSError):
        return False
    return True
