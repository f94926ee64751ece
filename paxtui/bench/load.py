"""The load that is put on a cluster, and the check whether it can be."""

from __future__ import annotations

import math

from msgspec import Struct

from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.wire.values import TEXT_BYTES_MAX

SECONDS_MAX = 86_400.0
RATE_MAX = 10_000_000.0
"""Far above what any machine takes; more is a slip."""

FILES_SPARE = 64
"""Open files of this process beside the connections."""


class Load(Struct, frozen=True, kw_only=True):
    """Connections, what each has under way, and for how long.

    Without a ``rate`` each connection keeps ``in_flight`` requests unanswered (closed loop): the cluster sets
    the pace. With one, requests are due at even distances whatever the answers do (open loop), and
    ``in_flight`` is only how many a connection may have unanswered at once.
    """

    connections: int = 1
    in_flight: int = 256
    size: int = 100
    """Bytes of a message."""
    seconds: float = 10.0
    warmup_s: float = 1.0
    """The load runs for so long before anything is counted."""
    rate: float | None = None
    """Requests a second, over all connections."""
    read_ratio: float = 0.0
    """The share of requests that are linearizable reads of one slot."""

    @property
    def words(self) -> str:
        """Describe the load in a few words."""
        plural = "" if self.connections == 1 else "s"
        text = (
            f"{self.connections} connection{plural} × {self.in_flight} in flight, {self.size}-byte messages"
        )
        if self.read_ratio:
            text += f", {self.read_ratio:.0%} reads"
        return text + (", closed loop" if self.rate is None else f", {self.rate:,.0f}/s open loop")


def check(load: Load, cluster: Cluster, files_max: int) -> None:
    """Refuse, as a :class:`ConfigError`, what could not be measured; ``files_max`` is how many files this
    process may open."""
    window, sessions = cluster.settings.session_window, cluster.settings.sessions_max
    _whole("--connections", load.connections, sessions, "sessions_max, the sessions that replicas remember")
    _whole("--in-flight", load.in_flight, window, "session_window, what a session may have unanswered")
    _whole("--size", load.size, TEXT_BYTES_MAX, "bytes in the longest message")
    if load.connections > files_max - FILES_SPARE:
        raise ConfigError(
            f"--connections: {load.connections} need more open files than the {files_max} that this process "
            "may have; `ulimit -n` raises that"
        )
    _positive("--seconds", load.seconds, SECONDS_MAX)
    if load.rate is not None:
        _positive("--rate", load.rate, RATE_MAX)
    if not 0 <= load.warmup_s <= SECONDS_MAX:
        raise ConfigError(f"--warmup: {load.warmup_s:g} is not allowed; 0 to {SECONDS_MAX:g} seconds are")
    if not 0 <= load.read_ratio <= 1:
        raise ConfigError(f"--read-ratio: {load.read_ratio:g} is no share; 0 (appends only) to 1 are allowed")


def _whole(flag: str, value: int, highest: int, why: str) -> None:
    if not 1 <= value <= highest:
        raise ConfigError(f"{flag}: {value} is not allowed; 1 to {highest} are ({why})")


def _positive(flag: str, value: float, highest: float) -> None:
    if not (math.isfinite(value) and 0 < value <= highest):
        raise ConfigError(f"{flag}: {value:g} is not allowed; more than 0 and at most {highest:,.0f} is")
