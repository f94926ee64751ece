"""Who is connected to this replica, and the limits that hold for all of them together.

A connection enters as a stranger. It is admitted when its hello was answered with welcome; no limit here can
keep a peer out. Whatever is refused is counted under its own name in ``status``: ``refused: NAME``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

import trio

from paxtui.config.limits import Limits
from paxtui.replica.event_log import EventLog
from paxtui.wire.errors import WireError

TOO_MANY: Final = "connections too many"
TOO_MANY_HERE: Final = "connections too many from one address"
STRANGERS: Final = "strangers too many"
NO_HELLO: Final = "no hello in time"
CUT_OFF: Final = "cut off in a frame"
TLS_HERE: Final = "TLS on a plain port"
NO_TLS: Final = "no certificate shown"
DISTRUSTED: Final = "certificate not trusted"
NO_ROLE: Final = "certificate without a role"
NOT_ITS_ROLE: Final = "hello: not what its certificate says"
OTHER_VERSION: Final = "hello: protocol version"
OTHER_CLUSTER: Final = "hello: another cluster"
NO_SUCH_PEER: Final = "hello: no such replica"
OTHER_ORIGIN: Final = "hello: restored from another backup"
NO_DISK: Final = "hello: no disk named"
BAD_NAME: Final = "hello: name"
NO_SESSION: Final = "hello: session never issued"
NOT_ITS_SESSION: Final = "hello: session of another"
BORN_LATER: Final = "hello: session born later"
TOO_SLOW: Final = "reader too slow"
STALLED: Final = "reader stalled"
IDLE: Final = "idle"
RECEIVED: Final = "unfinished frames too many"
QUEUED: Final = "answers that wait too many"
TOO_MANY_READS: Final = "reads too many"
BAD_TEXT: Final = "text empty or too long"

COMPLAINTS_BACK_A_SECOND: Final = 10.0


HELLOS: Final = (
    NOT_ITS_ROLE,
    OTHER_VERSION,
    OTHER_CLUSTER,
    NO_SUCH_PEER,
    OTHER_ORIGIN,
    NO_DISK,
    BAD_NAME,
    NO_SESSION,
    NOT_ITS_SESSION,
    BORN_LATER,
)
"""What can be wrong with a hello that is in the right form."""


class Objection(NamedTuple):
    """A reason to refuse a connection: the name under which it is counted, and words."""

    kind: str
    words: str


class AdmittedConnection:
    """One connection."""

    __slots__ = ("evicted", "host", "scope", "welcomed")

    def __init__(self, host: str) -> None:
        self.host = host
        self.scope = trio.CancelScope()
        self.welcomed = False
        self.evicted = False


class BufferPool:
    """Bytes that connections hold together. Past the limit the one that holds most has to go: one that only
    happens to be the next must not pay for it."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: dict[Callable[[], None], int] = {}
        self.used = 0

    def set_bytes(self, let_go: Callable[[], None], count: int) -> None:
        """Set how many bytes the connection that ``let_go`` ends holds now."""
        self.used += count - self._held.get(let_go, 0)
        if count:
            self._held[let_go] = count
        else:
            self._held.pop(let_go, None)
        if self.used > self._bytes_max:
            most = max(self._held, key=self._held.__getitem__)
            self.used -= self._held.pop(most)
            most()


class AdmissionControl:
    """All connections of one process."""

    def __init__(self, limits: Limits, counters: Counter[str], event_log: EventLog) -> None:
        self.limits = limits
        self.counters = counters
        self.received = BufferPool(limits.received_bytes)
        self.queued = BufferPool(limits.queued_bytes)
        self.count = 0
        """Admitted connections, without those of peers."""
        self._event_log = event_log
        self._strangers: dict[AdmittedConnection, None] = {}
        self._hosts: Counter[str] = Counter()
        self._complaints = float(limits.complaints)
        self._complained_at = trio.current_time()
        self._silent = 0

    # Coming and going

    def enter(self, host: str) -> AdmittedConnection:
        """Add a connection. If there are too many strangers, the oldest goes."""
        admitted = AdmittedConnection(host)
        if len(self._strangers) >= self.limits.strangers:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.evicted = True
            oldest.scope.cancel()
            self.refuse(STRANGERS)
        self._strangers[admitted] = None
        return admitted

    def objection(self, admitted: AdmittedConnection) -> Objection | None:
        """Return why a stranger whose hello is good, and who is no peer, cannot stay."""
        limits = self.limits
        if self.count >= limits.connections:
            return Objection(
                TOO_MANY, f"{limits.connections} connections are open here already (limit: connections)"
            )
        if self._hosts[admitted.host] >= limits.connections_an_address:
            count = limits.connections_an_address
            return Objection(
                TOO_MANY_HERE,
                f"{count} connections from {admitted.host} are open here already "
                "(limit: connections_an_address)",
            )
        return None

    def welcome(self, admitted: AdmittedConnection, *, peer: bool) -> None:
        """Admit a stranger."""
        self._strangers.pop(admitted, None)
        if not peer:
            admitted.welcomed = True
            self.count += 1
            self._hosts[admitted.host] += 1

    def leave(self, admitted: AdmittedConnection) -> None:
        """Remove a connection that is over."""
        self._strangers.pop(admitted, None)
        if admitted.welcomed:
            self.count -= 1
            self._hosts[admitted.host] -= 1
            if not self._hosts[admitted.host]:
                del self._hosts[admitted.host]

    @property
    def strangers(self) -> int:
        """Return how many have not been welcomed yet."""
        return len(self._strangers)

    # What was refused

    def refuse(self, name: str) -> None:
        """Count a refusal under its name."""
        self.counters[f"refused: {name}"] += 1

    def complain(self, text: str) -> None:
        """Log a line about a stranger, unless there are so many that the log would be full of nothing
        else."""
        now = trio.current_time()
        back = (now - self._complained_at) * COMPLAINTS_BACK_A_SECOND
        self._complaints = min(float(self.limits.complaints), self._complaints + back)
        self._complained_at = now
        if self._complaints < 1:
            self._silent += 1
            return
        self._complaints -= 1
        if self._silent:
            self._event_log.warning("wire", f"{self._silent} lines like the next were left out")
            self._silent = 0
        self._event_log.warning("wire", text)


class IdleTimeouts:
    """The time-outs of a connection that is silent, or takes nothing."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heard_at = self._moved_at = trio.current_time()
        self._sent = 0

    @property
    def interval_s(self) -> float:
        """Return how long to wait before looking again."""
        return min(self._limits.idle_s, self._limits.stalled_s) / 4

    def note_received(self) -> None:
        """Note that something arrived."""
        self._heard_at = trio.current_time()

    def check(self, sent: int, waiting: int, busy: bool) -> WireError | None:
        """Return why to hang up, if so: ``sent`` bytes in all have left, ``waiting`` have not; ``busy`` if
        something is owed or runs."""
        now = trio.current_time()
        if sent != self._sent or not waiting:
            self._sent, self._moved_at = sent, now
        if now - self._moved_at > self._limits.stalled_s:
            return WireError(
                f"you took nothing of what waits for you for {self._limits.stalled_s:g} s", STALLED
            )
        if now - self._heard_at > self._limits.idle_s and not busy and not waiting:
            return WireError(f"you said nothing for {self._limits.idle_s:g} s, and are owed nothing", IDLE)
        return None
