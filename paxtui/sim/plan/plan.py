"""The plan of a run: everything that chance decides before it starts, as plain data.

A :class:`PlannedFault` is ``(time, kind, arguments)``. Times are virtual seconds; a fault that lasts
carries its length, so that leaving out any entry leaves a plan that still makes sense.

=================  =====================================  ==============================================
kind               arguments                              effect
=================  =====================================  ==============================================
cut                seconds, from, to                      the directed link loses everything
loss               seconds, from, to, share               ... loses this share of all messages
duplicate          seconds, from, to, share               ... delivers this share twice
tail               seconds, from, to, share, scale_s      ... delays this share by a heavy tail
slow               seconds, from, to, delay_s             ... is this much slower
hold               seconds, from, to                      ... delivers all at once at the end (a burst)
filter             seconds, from, to, type                ... loses all messages of this type
disconnect         replica, peer                          a connection breaks: the replica's host says so
crash              replica, down_s                        what is not on disk is gone; it comes back
crash-all          down_s                                 every replica, at once
crash-at           replica, event, down_s, sends          crash at the replica's next such trace event:
                                                          no (0), all (1) or some (2) of what it then
                                                          wants to send leaves
silence-at         replica, event, seconds                from the replica's next such trace event on,
                                                          for so long, nobody hears it
disk-slow          seconds, replica, commit_s             commits take this long
disk-fail          replica, down_s                        the next commit fails; the replica stops
disk-back          replica, commits, down_s               crash; the database is then so many commits
                                                          older than the last one that was reported
disk-flip          replica, row, place, down_s            crash (but not if ``down_s`` is -1), and a bit
                                                          of a row flips: of the ``state``, or of a
                                                          ``vote``, ``learned`` slot or ``session``, from
                                                          the first one (place 0) to the last one (1)
disk-copied        replica, commits, down_s               the same, with the mark beside it: only the
                                                          others can tell
disk-lost          replica, down_s                        crash; it comes back with an empty disk
without-vote       replica                                the others say that it has no vote any more
pause              seconds, replica                       input queues up, time goes on
clock-jump         replica, seconds                       the clock leaps forward
clock-rate         replica, rate                          the clock runs at this rate
clock              seconds, replica, rate                 ... for so long (0: it stands), then at 1
proposer-crash     seconds, replica                       the proposer role stops, then is restored
skip               replica, ahead                         skip the slot so far ahead (-1: the next one)
elect              replica                                the operator forces an election
fill               replica                                fill all holes of this leader
trim               replica, keep                          keep the state at the next slot; remove what is
                                                          below a state kept before, but for the last
                                                          ``keep`` slots
canary             none                                   the run fails, whatever the replicas do
=================  =====================================  ==============================================

A replica of -1, also at either end of a link, stands for whoever leads at that time. A replica that notices
``disk-back`` or ``disk-flip`` stops, or does not start, and is down for ever; after ``disk-copied``,
``disk-lost`` and ``without-vote`` it is a learner without vote. None is done where together with the broken
ones no majority might be left.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from paxtui.core.settings import Settings

LEADER: Final = -1

CRASHES: Final = frozenset({"crash", "crash-all", "crash-at"})
"""Kinds that end processes. With them in a plan, somebody has to lead anew."""

PROFILES: Final = ("network", "crash", "disk", "churn", "boost", "all")

SPECIAL: Final = (
    "deposed",
    "reads",
    "acks",
    "rounds",
    "duels",
    "canary",
    "calm",
    "damage",
    "lost",
    "trims",
    "overtaken",
    "clocks",
    "steps",
)
"""Profiles for one purpose: most draw situations that chance seldom makes, for mutants that nothing else
finds; ``canary`` fails one seed in a hundred, to show that failures are reported; in ``calm`` nothing is done
to the cluster, so that the number of its messages can be judged."""


class PlannedFault(Struct, frozen=True, array_like=True):
    """One entry of the plan."""

    at: float
    kind: str
    args: tuple[int | float | str, ...]


class PermanentFailure(Struct, frozen=True, array_like=True):
    """A replica that never heals: ``down``, ``deaf`` (hears nobody), ``mute`` or ``isolated``."""

    replica: int
    how: str


class Weather(Struct, frozen=True, kw_only=True):
    """The behaviour of every link without a fault."""

    delay_s: float
    spread_s: float
    loss: float
    duplicate: float
    tail: float
    tail_s: float
    fifo: bool
    """A link keeps the order, as one TCP connection does."""


class PlannedRequest(Struct, frozen=True, array_like=True):
    """One request of a client in the first phase."""

    at: float
    client: int


class Workload(Struct, frozen=True, kw_only=True):
    """The requests of the clients, and their patience."""

    clients: int
    pipeline: int
    """Requests that one client has in flight."""
    operations: int
    """Requests of one client in the first phase."""
    burst: int
    """Requests that start at the same moment."""
    patience_s: float
    """Time without a reply after which the same request goes to another replica."""
    give_up_s: float
    """Time after which a client stops asking: the outcome is unknown to it."""
    reads: float
    twins: float
    """This share of requests goes to two replicas at once."""
    late: float
    """This share comes back long after its end."""
    reopen: float
    """Before this share of requests the client opens a new session."""
    answers_lost: float
    text_chars: int
    last: int = 3
    """Requests of each client once everything has healed."""
    asks: tuple[PlannedRequest, ...] | None = None
    """When which client asks in the first phase; ``None``: spread over it, as ``operations`` and ``burst``
    say. A plan that is being shrunk has a list, from which requests can be left out one by one."""
    invented: float = 0.0
    """With this share of appends comes another one, of a session that no replica issued: it claims a birth in
    the future, and comes again later."""


class Plan(Struct, frozen=True, kw_only=True):
    """A whole run."""

    seed: int
    profile: str
    replicas: int
    settings: Settings
    weather: Weather
    commit_s: tuple[float, ...]
    """Time that each replica's disk takes for a commit."""
    gather_s: float
    """Time for which a host gathers input before it takes what the core decided; 0: after each input."""
    notice_s: float | None
    """Time after which a host tells its core that a peer's process died; ``None``: never."""
    codec: bool
    """Messages are encoded and decoded on their way."""
    workload: Workload
    faults: tuple[PlannedFault, ...]
    heal_at: float
    broken: tuple[PermanentFailure, ...]

    @property
    def core(self) -> tuple[int, ...]:
        """List the replicas that heal."""
        gone = {broken.replica for broken in self.broken}
        return tuple(replica for replica in range(self.replicas) if replica not in gone)


def touched(fault: PlannedFault) -> tuple[int, ...]:
    """List the replicas that a fault names (-1: the leader)."""
    match fault.kind:
        case "cut" | "loss" | "duplicate" | "tail" | "slow" | "hold" | "filter":
            named = fault.args[1:3]
        case "disconnect":
            named = fault.args[:2]
        case "clock" | "disk-slow" | "pause" | "proposer-crash":
            named = fault.args[1:2]
        case "crash-all" | "canary":
            named = ()
        case _:
            named = fault.args[:1]
    return tuple(int(replica) for replica in named)
