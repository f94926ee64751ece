"""The metrics of a replica: read from its own state on request, and nothing is kept for them.

This module alone needs ``prometheus-client``, and is loaded only with ``--metrics``. No name of a metric has
an id of a message, a client or a text in it, and every label has few values, so that strangers cannot make
the series grow.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import trio
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from paxtui import __version__
from paxtui.core.proposer import Phase
from paxtui.core.status import Status
from paxtui.net.tls.credentials import Credentials
from paxtui.replica.metrics import http
from paxtui.replica.ports import StatusView
from paxtui.replica.transport import admission
from paxtui.storage.schema import DATABASE_FILE, WAL_FILE
from paxtui.wire.requests import LinkView, StatusReport

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

PAGE_S: Final = 1.0
"""How long one page answers all requests: a stranger who asks without end costs a replica no more."""

DISK_S: Final = 1.0
"""How long the file system may take to tell sizes. A page without them is better than none."""

LEADER: Final = "leader"
ROLES: Final = (LEADER, *(phase.value for phase in Phase if phase is not Phase.LEADING))

REFUSALS: Final = (
    admission.TOO_MANY,
    admission.TOO_MANY_HERE,
    admission.STRANGERS,
    admission.NO_HELLO,
    admission.CUT_OFF,
    admission.TLS_HERE,
    admission.NO_TLS,
    admission.DISTRUSTED,
    admission.NO_ROLE,
    *admission.HELLOS,
    admission.TOO_SLOW,
    admission.STALLED,
    admission.IDLE,
    admission.RECEIVED,
    admission.QUEUED,
    admission.TOO_MANY_READS,
    admission.BAD_TEXT,
    *http.REFUSALS,
)
"""Told from the start with 0, so that the first one of each is seen as a rise."""

REFUSED: Final = "refused: "
DROPPED: Final = "dropped: "

COUNTED: Final = {
    "received messages": ("messages_received", "Messages of other replicas that were taken in."),
    "sent messages": ("messages_sent", "Messages handed to connections to other replicas."),
    "unsent messages": ("messages_unsent", "Messages to replicas to which there was no connection."),
    "messages beyond peer_bytes": (
        "messages_beyond_peer_bytes",
        "Messages lost because as much as the limit peer_bytes waited for that replica.",
    ),
    "early messages": ("messages_early", "Messages that came before this replica took part."),
    "dropped messages of non-voting replicas": (
        "messages_of_non_voting",
        "Messages dropped because they came from a learner without vote and could count.",
    ),
    "lost by faults": ("messages_lost_by_faults", "Messages that injected faults swallowed."),
    "bad frames": ("bad_frames", "Connections that ended because of what they sent."),
    "turned away": ("turned_away", "Connections without a certificate that this replica accepts."),
    "refused hellos": ("refused_hellos", "Connections that were told why they cannot stay."),
    "refused actions": ("actions_refused", "Actions of operators that this replica did not do."),
    "forbidden requests": ("forbidden_requests", "Requests that a certificate does not allow."),
}
"""Counters of the replica by their names in ``status``, and what they are called here."""

BELIEFS: Final[tuple[tuple[str, str, Callable[[Status], float]], ...]] = (
    ("is_leader", "1 if this replica leads, by its own belief.", lambda s: s.role == LEADER),
    ("has_leader", "1 if it leads, or heard its leader within the election timeout.", lambda s: _led(s)),
    ("leader_id", "Who leads, as far as it has heard; -1 if it never did.", lambda s: _id(s.leader)),
    (
        "ballot_round",
        "Round of the leader's ballot; each election takes a higher one.",
        lambda s: s.ballot.round,
    ),
    ("promised_round", "Round of the highest ballot that it promised.", lambda s: s.promised.round),
    ("watermark_slot", "The first slot that it has not learned.", lambda s: s.watermark),
    ("learned_high_slot", "One above the highest slot that it has learned.", lambda s: s.learned_high),
    ("accepted_high_slot", "One above the highest slot in which it voted.", lambda s: s.accepted_high),
    ("log_start_slot", "Slots below it are removed.", lambda s: s.log_start),
    ("lag_slots", "How many slots it knows to be behind.", lambda s: s.lag),
    (
        "proposals_in_flight",
        "Slots that this leader proposed and that are not chosen yet.",
        lambda s: s.in_flight,
    ),
    ("requests_queued", "Requests that wait until this leader may propose them.", lambda s: s.queued),
    ("holes", "Slots that this leader has to fill before others can be applied.", lambda s: len(s.holes)),
    ("sessions", "Clients whose answers are remembered.", lambda s: s.sessions),
    (
        "non_voting",
        "1 if it is a learner without vote: its disk may have forgotten votes.",
        lambda s: s.non_voting is not None,
    ),
)
"""What a replica that takes part believes: name, help, and where it stands."""


class Sizes:
    """The sizes of files on disk. A file system can be slow, so a thread looks, and touches nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._limiter = trio.CapacityLimiter(1)
        self.files: Mapping[str, int] = {}
        self.free: int | None = None

    async def measure(self) -> None:
        """Take the sizes of now; what cannot be told in time is left out."""
        self.files, self.free = {}, None
        with trio.move_on_after(DISK_S):
            self.files, self.free = await trio.to_thread.run_sync(
                _measure, self._folder, limiter=self._limiter, abandon_on_cancel=True
            )


def _measure(folder: Path) -> tuple[dict[str, int], int | None]:
    sizes = {"database": 0, "wal": 0, "other": 0}
    kinds = {DATABASE_FILE: "database", WAL_FILE: "wal"}
    try:
        with os.scandir(folder) as files:
            for file in files:
                try:
                    sizes[kinds.get(file.name, "other")] += file.stat().st_size
                except FileNotFoundError:  # SQLite removes its own files
                    continue
        disk = os.statvfs(folder)
    except OSError:
        return {}, None
    return sizes, disk.f_bavail * disk.f_frsize


class ReplicaCollector(Collector):
    """The metrics of one replica, as of now."""

    def __init__(
        self,
        host: StatusView,
        report: Callable[[], StatusReport],
        crowd: admission.AdmissionControl,
        sizes: Sizes,
        credentials: Credentials | None,
    ) -> None:
        self._host = host
        self._report = report
        self._admission = crowd
        self._sizes = sizes
        self._credentials = credentials

    def collect(self) -> Iterator[Metric]:
        """See :class:`prometheus_client.registry.Collector`."""
        report = self._report()
        yield self._who(report)
        yield _gauge("uptime_seconds", "How long this process serves.", report.uptime_s)
        rate = self._host.protocol_clock.rate
        yield _gauge(
            "clock_rate", "Seconds of the protocol's clock in a real second; 1 without faults.", rate
        )
        yield _gauge(
            "staged_messages", "Messages that are held until an operator releases them.", report.staged
        )
        yield _gauge("warming_up", "1 until it takes part for the first time.", report.status is None)
        yield _roles(report.status)
        if report.status is not None:
            for name, text, value in BELIEFS:
                yield _gauge(name, text, float(value(report.status)))
        yield _counter(
            "applied_slots", "Slots of the log that it has applied.", self._host.applied_log.watermark
        )
        yield from self._disk(report)
        yield from _counters(report.counters)
        yield from self._connections(report)
        yield from _links(report.links)

    def _who(self, report: StatusReport) -> Metric:
        labels = {
            "replica": str(self._host.me),
            "cluster": self._host.cluster.name,
            "version": __version__,
            "storage": report.storage[:8],
            "security": report.security,
        }
        family = GaugeMetricFamily("paxtui_replica_info", "Which replica this is.", labels=list(labels))
        family.add_metric(list(labels.values()), 1)
        return family

    def _disk(self, report: StatusReport) -> Iterator[Metric]:
        yield _counter("commits", "Transactions on disk since the process began.", report.commits)
        yield _gauge(
            "commit_seconds", "How long a commit took, averaged over the last ten.", self._host.commit_s
        )
        files = GaugeMetricFamily(
            "paxtui_disk_bytes", "Size of the files in the data folder.", labels=["file"]
        )
        for file, size in self._sizes.files.items():
            files.add_metric([file], size)
        yield files
        free = GaugeMetricFamily("paxtui_disk_free_bytes", "What the data folder's file system has left.")
        if self._sizes.free is not None:
            free.add_metric([], self._sizes.free)
        yield free

    def _connections(self, report: StatusReport) -> Iterator[Metric]:
        yield _gauge("connections", "Clients, operators and observers.", self._admission.count)
        yield _gauge("strangers", "Connections that have not been welcomed yet.", self._admission.strangers)
        yield _gauge("faults_active", "Injected faults that act or wait here.", report.faults)
        yield _gauge("peers_non_voting", "Replicas let in without a vote.", len(report.non_voting_peers))
        yield _gauge("refused_by_peers", "Replicas that do not take it in.", len(report.refused_by))
        if self._credentials is not None:
            text = "When the certificate that it shows expires, in seconds since 1970."
            yield _gauge("certificate_expiry_timestamp_seconds", text, self._credentials.until)


def registry_of(collector: Collector) -> CollectorRegistry:
    """Return the replica's metrics and those of its process, and nothing that other libraries registered."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


class MetricsPage:
    """The text of all metrics; one text answers all who ask within :data:`PAGE_S`."""

    def __init__(self, registry: CollectorRegistry, sizes: Sizes) -> None:
        self._registry = registry
        self._sizes = sizes
        self._making = trio.Lock()
        self._made_at = float("-inf")
        self._text = b""

    async def text(self) -> bytes:
        """Return the page, at most :data:`PAGE_S` old."""
        async with self._making:
            if trio.current_time() - self._made_at >= PAGE_S:
                await self._sizes.measure()
                self._text = generate_latest(self._registry)
                self._made_at = trio.current_time()
        return self._text


def _led(status: Status) -> bool:
    return status.leader is not None and status.role in (LEADER, Phase.FOLLOWING.value)


def _id(replica: int | None) -> int:
    return -1 if replica is None else replica


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"paxtui_{name}", text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"paxtui_{name}", text, value=float(value))


def _roles(status: Status | None) -> Metric:
    family = GaugeMetricFamily("paxtui_role", "1 for the role that this replica has.", labels=["role"])
    if status is not None:
        for role in ROLES:
            family.add_metric([role], float(role == status.role))
    return family


def _counters(counters: Mapping[str, int]) -> Iterator[Metric]:
    for key, (name, text) in COUNTED.items():
        yield _counter(name, text, counters.get(key, 0))
    refused = dict.fromkeys(REFUSALS, 0) | _with_prefix(counters, REFUSED)
    yield _by_reason("refused", "Connections and requests refused, by the limit or rule.", refused)
    dropped = _with_prefix(counters, DROPPED)
    yield _by_reason("messages_dropped", "What other replicas said and cannot mean, by why.", dropped)


def _with_prefix(counters: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): n for key, n in counters.items() if key.startswith(prefix)}


def _by_reason(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"paxtui_{name}", text, labels=["reason"])
    for reason, count in counts.items():
        family.add_metric([reason], count)
    return family


def _links(links: tuple[LinkView, ...]) -> Iterator[Metric]:
    up = GaugeMetricFamily("paxtui_link_up", "1 if messages leave for this peer.", labels=["peer"])
    waiting = GaugeMetricFamily(
        "paxtui_link_waiting_bytes", "What waits for the connection to this peer to take it.", labels=["peer"]
    )
    sent = CounterMetricFamily(
        "paxtui_link_messages_sent", "Messages handed to the connection to this peer.", labels=["peer"]
    )
    lost = CounterMetricFamily(
        "paxtui_link_messages_lost", "Messages to this peer that injected faults swallowed.", labels=["peer"]
    )
    for link in links:
        peer = [str(link.to)]
        up.add_metric(peer, float(link.connected))
        waiting.add_metric(peer, link.waiting_bytes)
        sent.add_metric(peer, link.sent)
        lost.add_metric(peer, link.lost)
    yield from (up, waiting, sent, lost)
