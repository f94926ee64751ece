"""What a scenario file may say: one class a verb, one class a condition.

The class names in kebab case are the words of the file: ``CrashProposer`` is ``do = "crash-proposer"``. An
argument that names replicas takes an id, a symbol (:data:`SYMBOLS`), a name given by ``pick``, or a list.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct, field

from paxtui.core.events import AnyEvent, kebab

Replicas = int | str | list[int | str]
"""Ids, symbols, names given by ``pick``."""

SYMBOLS: Final = {
    "leader": "the replica that leads now, with a majority behind it",
    "follower": "the live replica with the lowest id that does not lead",
    "followers": "all live replicas but the leader",
    "all": "all replicas",
    "live": "all replicas whose process runs and is not paused",
    "dead": "the replicas whose process has ended",
    "paused": "the replicas that are paused",
    "crashed": "the replicas whose proposer was crashed",
    "leader-minority": "f replicas, the leader among them",
    "follower-minority": "f replicas, the leader not among them",
    "leader-majority": "f+1 replicas, the leader among them",
    "random-minority": "f replicas drawn from the seed",
}

TIMEOUT_S: Final = 30.0
"""How long a condition may take: far more than any takes, also with a third of all messages lost."""

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Slot = Annotated[int, Meta(ge=0, lt=2**53)]
Seconds = Annotated[float, Meta(gt=0, le=600)]
Millis = Annotated[float, Meta(ge=0, le=60_000)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Interval = Annotated[list[Millis], Meta(min_length=2, max_length=2)]

EVENTS: Final = tuple(sorted(kebab(event.__name__) for event in get_args(AnyEvent)))
"""What a fault can be armed for."""


# Conditions


class Condition(Struct, frozen=True, tag_field="condition", tag=kebab, forbid_unknown_fields=True):
    """Base. In a file its name stands behind ``until`` (``wait``) or ``that`` (``expect``)."""


class Leader(Condition, frozen=True):
    """One replica leads and a majority follows it."""


class LeaderIs(Condition, frozen=True):
    """``replica`` leads, and a majority follows it."""

    replica: Replicas


class LeaderIsNot(Condition, frozen=True):
    """A majority follows a leader that is none of ``replica``."""

    replica: Replicas


class Role(Condition, frozen=True, rename={"is_": "is"}):
    """``replica`` is in this role."""

    replica: Replicas
    is_: Literal["following", "canvassing", "preparing", "leader", "crashed"]


class Watermark(Condition, frozen=True):
    """These replicas have learned everything below ``at_least``."""

    at_least: Slot
    replicas: Replicas = "live"


class AllEqual(Condition, frozen=True):
    """All live replicas have applied the same log, and know of nothing above it."""


class AppendsDone(Condition, frozen=True):
    """No append waits for its answer, and no load has more to send."""


class Acknowledged(Condition, frozen=True):
    """``more`` appends were acknowledged since this step began."""

    more: Count


class InFlight(Condition, frozen=True):
    """So many appends wait for their answers."""

    at_least: Count = 1


class NoProgress(Condition, frozen=True):
    """For so many heartbeats these replicas learned nothing; with ``live``, an append was waiting all that
    time, and none was acknowledged."""

    beats: Count = 10
    replicas: Replicas = "live"


class Hole(Condition, frozen=True):
    """The leader has left a slot (this one, if named) empty."""

    slot: Slot | None = None


class Filled(Condition, frozen=True):
    """All live replicas have learned ``slot``."""

    slot: Slot


class Lags(Condition, frozen=True):
    """``replica`` has learned so many slots less than the best informed one."""

    replica: Replicas
    by: Count = 1


class Ended(Condition, frozen=True):
    """The process of ``replica`` has ended."""

    replica: Replicas


class Outcomes(Condition, frozen=True):
    """At most so many appends failed, and of so many the outcome is unknown."""

    failed: Annotated[int, Meta(ge=0)] = 0
    unknown: Annotated[int, Meta(ge=0)] = 0


class NoBallotOf(Condition, frozen=True):
    """No append was acknowledged at a ballot of ``replica``."""

    replica: Replicas


AnyCondition = (
    Leader
    | LeaderIs
    | LeaderIsNot
    | Role
    | Watermark
    | AllEqual
    | AppendsDone
    | Acknowledged
    | InFlight
    | NoProgress
    | Hole
    | Filled
    | Lags
    | Ended
    | Outcomes
    | NoBallotOf
)


# Steps


class Step(Struct, frozen=True, tag_field="do", tag=kebab, forbid_unknown_fields=True):
    """Base of all verbs."""


class Append(Step, frozen=True):
    """Clients append messages, each with ``at_once`` in flight and a random pause between two of them.

    With ``background`` the next step begins at once; without ``messages`` such a load goes on until
    ``stop-load``. Without ``background`` the step ends when every append has ended, each of them well.
    """

    clients: Annotated[int, Meta(ge=1, le=64)] = 1
    messages: Count | None = None
    at_once: Annotated[int, Meta(ge=1, le=256)] = 1
    interval_ms: Interval | None = None
    background: bool = False
    timeout_s: Seconds = 60.0


class StopLoad(Step, frozen=True):
    """Background clients send nothing new; wait until what they sent has ended."""

    timeout_s: Seconds = TIMEOUT_S


class Read(Step, frozen=True):
    """One linearizable read of the whole log. Checked at the end against all appends and reads."""

    timeout_s: Seconds = TIMEOUT_S


class Kill(Step, frozen=True):
    """SIGKILL: the process ends, nothing is flushed. ``crash`` is another word for it."""

    replica: Replicas


class Restart(Step, frozen=True):
    """Start processes again on their data; wait until they serve. Faults that acted in them are over."""

    replica: Replicas = "dead"
    timeout_s: Seconds = TIMEOUT_S


class CrashProposer(Step, frozen=True):
    """The proposer role stops; acceptor and learner go on."""

    replica: Replicas


class RestoreProposer(Step, frozen=True):
    """The proposer role works again."""

    replica: Replicas = "crashed"


class Pause(Step, frozen=True):
    """SIGSTOP: the process neither hears nor speaks, and does not know."""

    replica: Replicas


class Continue(Step, frozen=True):
    """SIGCONT."""

    replica: Replicas = "paused"


class Cut(Step, frozen=True, rename={"from_": "from"}):
    """Nothing crosses the links between two sides, both ways. Adds to what is cut."""

    from_: Replicas
    to: Replicas


class OneWay(Step, frozen=True, rename={"from_": "from"}):
    """Nothing crosses from one side to the other; the way back works. Adds to what is cut."""

    from_: Replicas
    to: Replicas


class Isolate(Step, frozen=True):
    """Each of these replicas is cut off from all others. Adds to what is cut."""

    replica: Replicas


class Partition(Step, frozen=True):
    """Only replicas of one group reach each other; whoever is in no group is in one with the others that
    are in none. Takes the place of what was cut."""

    groups: Annotated[list[Replicas], Meta(min_length=1, max_length=9)]


class Chained(Step, frozen=True):
    """The two ends do not reach each other; everybody else reaches all. Takes the place of what was cut."""

    ends: Annotated[list[int | str], Meta(min_length=2, max_length=2)] = field(
        default_factory=lambda: ["leader", "follower"]
    )


class QuorumLoss(Step, frozen=True):
    """Only ``hub`` reaches everybody; the others reach only it. Takes the place of what was cut."""

    hub: Replicas = "follower"


class Constrained(Step, frozen=True):
    """As ``quorum-loss``, and ``down`` reaches nobody. Takes the place of what was cut."""

    hub: Replicas
    down: Replicas


class Ring(Step, frozen=True):
    """Each replica reaches its two neighbours in the ring of ids. Takes the place of what was cut."""


class Bridge(Step, frozen=True):
    """Two halves that only ``replica`` connects. Takes the place of what was cut."""

    replica: Replicas = "leader"


class Loss(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is lost with this probability."""

    percent: Percent
    from_: Replicas = "all"
    to: Replicas = "all"


class Delay(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is held back by ``ms`` and up to ``jitter_ms`` more."""

    ms: Millis
    jitter_ms: Millis = 0.0
    from_: Replicas = "all"
    to: Replicas = "all"


class Duplicate(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is sent twice with this probability."""

    percent: Percent
    from_: Replicas = "all"
    to: Replicas = "all"


class Reorder(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is overtaken by later ones with this probability."""

    percent: Percent
    from_: Replicas = "all"
    to: Replicas = "all"


class SlowDisk(Step, frozen=True):
    """Every commit takes this much longer."""

    replica: Replicas
    ms: Millis


class Arm(Step, frozen=True):
    """When ``replica`` emits the trace event ``when`` (for ``slot``, if named), the fault begins in it. What
    was decided together with the event still leaves, unless the whole process crashes; nothing later does."""

    replica: Replicas
    fault: Literal["crash-proposer", "crash", "slow-disk", "disk-error", "full-disk"]
    when: str
    slot: Slot | None = None
    ms: Millis = 50.0


class Heal(Step, frozen=True):
    """End every fault of this scenario, and go on with what is paused. ``--msg-loss`` stays."""


class Elect(Step, frozen=True):
    """Make ``replica`` lead, asking again when another got in between. ``until = "crashed"``: until the
    proposer fault that was armed there has struck; ``"asked"``: ask once and do not wait."""

    replica: Replicas
    until: Literal["leads", "crashed", "asked"] = "leads"
    timeout_s: Seconds = TIMEOUT_S


class Pick(Step, frozen=True, rename={"as_": "as"}):
    """Give replicas a name that stays with them, whatever becomes of their roles."""

    replica: Replicas
    as_: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,31}$")]


class Wait(Step, frozen=True):
    """Wait until a condition holds. The only thing that a scenario waits for."""

    until: AnyCondition
    timeout_s: Seconds = TIMEOUT_S


class Expect(Step, frozen=True):
    """A condition must hold now."""

    that: AnyCondition


class Repeat(Step, frozen=True):
    """Run ``steps`` so many times."""

    times: Annotated[int, Meta(ge=1, le=1000)]
    steps: tuple[AnyStep, ...]


AnyStep = (
    Append
    | StopLoad
    | Read
    | Kill
    | Restart
    | CrashProposer
    | RestoreProposer
    | Pause
    | Continue
    | Cut
    | OneWay
    | Isolate
    | Partition
    | Chained
    | QuorumLoss
    | Constrained
    | Ring
    | Bridge
    | Loss
    | Delay
    | Duplicate
    | Reorder
    | SlowDisk
    | Arm
    | Heal
    | Elect
    | Pick
    | Wait
    | Expect
    | Repeat
)

VERBS: Final[dict[str, type[Step]]] = {kebab(verb.__name__): verb for verb in get_args(AnyStep)}
CONDITIONS: Final[dict[str, type[Condition]]] = {
    kebab(each.__name__): each for each in get_args(AnyCondition)
}
ALIASES: Final = {"crash": "kill"}
