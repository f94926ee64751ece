"""Steps of scenario files: one class a verb.

The class names in kebab case are the words of the file: ``CrashProposerStep`` is ``do = "crash-proposer"``.
An argument that names replicas takes an id, a symbol (:mod:`paxtui.words.replicas`), a name given by
``pick``, or a list of them. Conditions are in :mod:`.condition_words`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct, field

from paxtui.core.events import kebab
from paxtui.scenarios.condition_words import TIMEOUT_S, AnyCondition
from paxtui.wire.faults import CLOCK_PERCENT_MAX
from paxtui.words.durations import Interval, Millis, Seconds
from paxtui.words.numbers import Count, Percent, Slot
from paxtui.words.replicas import Replicas

# Steps


def verb_of(name: str) -> str:
    """Turn ``CrashProposerStep`` into ``crash-proposer``."""
    return kebab(name.removesuffix("Step"))


class Step(Struct, frozen=True, tag_field="do", tag=verb_of, forbid_unknown_fields=True):
    """Base of all verbs."""


class AppendStep(Step, frozen=True):
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


class StopLoadStep(Step, frozen=True):
    """Background clients send nothing new; wait until what they sent has ended."""

    timeout_s: Seconds = TIMEOUT_S


class ReadStep(Step, frozen=True):
    """One linearizable read of the whole log. Checked at the end against all appends and reads."""

    timeout_s: Seconds = TIMEOUT_S


class KillStep(Step, frozen=True):
    """SIGKILL: the process ends, nothing is flushed. ``crash`` is another word for it."""

    replica: Replicas


class RestartStep(Step, frozen=True):
    """Start processes again on their data; wait until they serve. Faults that acted in them are over."""

    replica: Replicas = "dead"
    timeout_s: Seconds = TIMEOUT_S


class CrashProposerStep(Step, frozen=True):
    """The proposer role stops; acceptor and learner go on."""

    replica: Replicas


class RestoreProposerStep(Step, frozen=True):
    """The proposer role works again."""

    replica: Replicas = "crashed"


class PauseStep(Step, frozen=True):
    """SIGSTOP: the process neither hears nor speaks, and does not know."""

    replica: Replicas


class ContinueStep(Step, frozen=True):
    """SIGCONT."""

    replica: Replicas = "paused"


class CutStep(Step, frozen=True, rename={"from_": "from"}):
    """Nothing crosses the links between two sides, both ways. Adds to what is cut."""

    from_: Replicas
    to: Replicas


class OneWayStep(Step, frozen=True, rename={"from_": "from"}):
    """Nothing crosses from one side to the other; the way back works. Adds to what is cut."""

    from_: Replicas
    to: Replicas


class IsolateStep(Step, frozen=True):
    """Each of these replicas is cut off from all others. Adds to what is cut."""

    replica: Replicas


class PartitionStep(Step, frozen=True):
    """Only replicas of one group reach each other; whoever is in no group is in one with the others that
    are in none. Takes the place of what was cut."""

    groups: Annotated[list[Replicas], Meta(min_length=1, max_length=9)]


class ChainedStep(Step, frozen=True):
    """The two ends do not reach each other; everybody else reaches all. Takes the place of what was cut."""

    ends: Annotated[list[int | str], Meta(min_length=2, max_length=2)] = field(
        default_factory=lambda: ["leader", "follower"]
    )


class QuorumLossStep(Step, frozen=True):
    """Only ``hub`` reaches everybody; the others reach only it. Takes the place of what was cut."""

    hub: Replicas = "follower"


class ConstrainedStep(Step, frozen=True):
    """As ``quorum-loss``, and ``down`` reaches nobody. Takes the place of what was cut."""

    hub: Replicas
    down: Replicas


class RingStep(Step, frozen=True):
    """Each replica reaches its two neighbours in the ring of ids. Takes the place of what was cut."""


class BridgeStep(Step, frozen=True):
    """Two halves that only ``replica`` connects. Takes the place of what was cut."""

    replica: Replicas = "leader"


class LossStep(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is lost with this probability."""

    percent: Percent
    from_: Replicas = "all"
    to: Replicas = "all"


class DelayStep(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is held back by ``ms`` and up to ``jitter_ms`` more."""

    ms: Millis
    jitter_ms: Millis = 0.0
    from_: Replicas = "all"
    to: Replicas = "all"


class DuplicateStep(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is sent twice with this probability."""

    percent: Percent
    from_: Replicas = "all"
    to: Replicas = "all"


class ReorderStep(Step, frozen=True, rename={"from_": "from"}):
    """Each message on these links is overtaken by later ones with this probability."""

    percent: Percent
    from_: Replicas = "all"
    to: Replicas = "all"


class SlowDiskStep(Step, frozen=True):
    """Every commit takes this much longer."""

    replica: Replicas
    ms: Millis


class ClockStep(Step, frozen=True):
    """The protocol's clock of these replicas runs at this share of real time; 0 stands still."""

    percent: Annotated[float, Meta(ge=0, le=CLOCK_PERCENT_MAX)]
    replica: Replicas = "all"


class ArmStep(Step, frozen=True):
    """When ``replica`` emits the trace event ``when`` (for ``slot``, if named), the fault begins in it. What
    was decided together with the event still leaves, unless the whole process crashes; nothing later does."""

    replica: Replicas
    fault: Literal["crash-proposer", "crash", "slow-disk", "disk-error", "full-disk"]
    when: str
    slot: Slot | None = None
    ms: Millis = 50.0


class HealStep(Step, frozen=True):
    """End every fault of this scenario, and go on with what is paused. ``--msg-loss`` stays."""


class ElectStep(Step, frozen=True):
    """Make ``replica`` lead, asking again when another got in between. ``until = "crashed"``: until the
    proposer fault that was armed there has struck; ``"asked"``: ask once and do not wait."""

    replica: Replicas
    until: Literal["leads", "crashed", "asked"] = "leads"
    timeout_s: Seconds = TIMEOUT_S


class PickStep(Step, frozen=True, rename={"as_": "as"}):
    """Give replicas a name that stays with them, whatever becomes of their roles."""

    replica: Replicas
    as_: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,31}$")]


class WaitStep(Step, frozen=True):
    """Wait until a condition holds. The only thing that a scenario waits for."""

    until: AnyCondition
    timeout_s: Seconds = TIMEOUT_S


class ExpectStep(Step, frozen=True):
    """A condition must hold now."""

    that: AnyCondition


class RepeatStep(Step, frozen=True):
    """Run ``steps`` so many times."""

    times: Annotated[int, Meta(ge=1, le=1000)]
    steps: tuple[AnyStep, ...]


AnyStep = (
    AppendStep
    | StopLoadStep
    | ReadStep
    | KillStep
    | RestartStep
    | CrashProposerStep
    | RestoreProposerStep
    | PauseStep
    | ContinueStep
    | CutStep
    | OneWayStep
    | IsolateStep
    | PartitionStep
    | ChainedStep
    | QuorumLossStep
    | ConstrainedStep
    | RingStep
    | BridgeStep
    | LossStep
    | DelayStep
    | DuplicateStep
    | ReorderStep
    | SlowDiskStep
    | ClockStep
    | ArmStep
    | HealStep
    | ElectStep
    | PickStep
    | WaitStep
    | ExpectStep
    | RepeatStep
)

VERBS: Final[dict[str, type[Step]]] = {verb_of(verb.__name__): verb for verb in get_args(AnyStep)}
ALIASES: Final = {"crash": "kill"}
