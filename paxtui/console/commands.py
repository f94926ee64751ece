"""What a person can do to the cluster, as values. The driver carries them out; the palette parses them."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from paxtui.wire.faults import AnyFault, describe

PAUSE_S: Final = 600.0
"""For so long a replica of somebody else's cluster is paused at most; one of ours until it is continued."""

Link = tuple[int, int]
"""``(sender, receiver)``."""


class ConsoleCommand(Struct, frozen=True):
    """Base of all commands."""


class CrashCommand(ConsoleCommand, frozen=True):
    """SIGKILL."""

    replica: int


class RestartCommand(ConsoleCommand, frozen=True):
    """Start a replica that is down, or kill it first if it is not."""

    replica: int


class PauseCommand(ConsoleCommand, frozen=True):
    """SIGSTOP: it neither hears nor speaks."""

    replica: int


class ContinueCommand(ConsoleCommand, frozen=True):
    """SIGCONT."""

    replica: int


class WipeCommand(ConsoleCommand, frozen=True):
    """Kill the replica and delete its data folder."""

    replica: int


class InjectCommand(ConsoleCommand, frozen=True):
    """Begin a fault at a replica."""

    replica: int
    fault: AnyFault


class CrashDecidingCommand(ConsoleCommand, frozen=True):
    """Kill the leader at the moment at which it next sees a majority, before it can tell anybody: the votes
    are on other disks, and the next leader has to find them."""

    replica: int


class RestoreProposerCommand(ConsoleCommand, frozen=True):
    """End every crash of the replica's proposer."""

    replica: int


class InjectManyCommand(ConsoleCommand, frozen=True):
    """Begin several faults ``(replica, fault)`` as one command."""

    faults: tuple[tuple[int, AnyFault], ...]
    name: str


class CutCommand(ConsoleCommand, frozen=True):
    """Nothing crosses these directed links; ``name`` says what it is (a preset, ``r0 | r1 r2``)."""

    links: tuple[Link, ...]
    name: str


class JoinCommand(ConsoleCommand, frozen=True):
    """End the cuts on these directed links."""

    links: tuple[Link, ...]
    name: str


class ClearCommand(ConsoleCommand, frozen=True):
    """End all faults of one kind (``loss``, ``delay`` ...) on one directed link."""

    link: Link
    kind: str


class ElectCommand(ConsoleCommand, frozen=True):
    """Make the replica start an election."""

    replica: int


class FillHoleCommand(ConsoleCommand, frozen=True):
    """Make the leader fill a hole with a no-op now."""

    slot: int


class SlowMotionCommand(ConsoleCommand, frozen=True):
    """Stretch the clocks of all replicas and the delay of all links by ``factor``; 1 ends that."""

    factor: float


class UndoCommand(ConsoleCommand, frozen=True):
    """End fault ``number``, or undo the last that was done here."""

    number: int | None = None


class RedoCommand(ConsoleCommand, frozen=True):
    """Do again what was undone last."""


class HealCommand(ConsoleCommand, frozen=True):
    """End all faults; continue what is paused; start what is down, if it is ours."""


class AppendCommand(ConsoleCommand, frozen=True):
    """Append a message to the log, asking replica ``via`` first."""

    text: str
    via: int | None = None


class FetchPageCommand(ConsoleCommand, frozen=True):
    """Read a page of the log from a replica, because somebody looks at it."""

    replica: int
    first: int
    count: int


class CompoundCommand(ConsoleCommand, frozen=True):
    """Several commands at once that one undo undoes together; ``name`` says what they are."""

    commands: tuple[ConsoleCommand, ...]
    name: str


class RecordCommand(ConsoleCommand, frozen=True):
    """Each replica of ours writes its whole record into ``folder``, from its next start on; ``None`` ends
    that."""

    folder: str | None


class WriteObservationsCommand(ConsoleCommand, frozen=True):
    """Write down everything that this console is told; ``None`` ends that."""

    file: str | None


class AttachCommand(ConsoleCommand, frozen=True):
    """Find the cluster at ``HOST:PORT,...``, to look at it in place of this one."""

    at: str


class LookAroundCommand(ConsoleCommand, frozen=True):
    """Ask which other clusters run, because somebody may want to attach to one."""


class RunScenarioCommand(ConsoleCommand, frozen=True):
    """Run a named scenario on a cluster of its own, and look at that meanwhile."""

    name: str


class StopScenarioCommand(ConsoleCommand, frozen=True):
    """Stop it, and go back."""


class LeaveCommand(ConsoleCommand, frozen=True):
    """Let the replicas go on when the console ends."""


HARMLESS: Final = (FetchPageCommand, LookAroundCommand, WriteObservationsCommand, AttachCommand)
"""What a console that is read-only may do; everything else needs it to be armed."""


def words(command: ConsoleCommand) -> str:
    """Return a command in the words of the palette."""
    match command:
        case CrashCommand(replica):
            return f"crash r{replica}"
        case CrashDecidingCommand(replica):
            return f"crash-deciding r{replica}"
        case RestartCommand(replica):
            return f"restart r{replica}"
        case PauseCommand(replica):
            return f"pause r{replica}"
        case ContinueCommand(replica):
            return f"continue r{replica}"
        case WipeCommand(replica):
            return f"wipe r{replica}"
        case InjectCommand(replica, fault):
            return describe(replica, fault)
        case RestoreProposerCommand(replica):
            return f"restore-proposer r{replica}"
        case InjectManyCommand(_, name):
            return name
        case CutCommand(_, name):
            return name if name.startswith("preset ") else f"cut {name}"
        case JoinCommand(_, name):
            return f"join {name}"
        case ClearCommand((sender, receiver), kind):
            return f"{kind} r{sender}>{'*' if receiver < 0 else f'r{receiver}'} 0"
        case ElectCommand(replica):
            return f"elect r{replica}"
        case FillHoleCommand(slot):
            return f"noop {slot}"
        case SlowMotionCommand(factor):
            return "slow-motion off" if factor == 1 else f"slow-motion {factor:g}"
        case UndoCommand(number):
            return "undo" if number is None else f"undo {number}"
        case RedoCommand():
            return "redo"
        case HealCommand():
            return "heal"
        case AppendCommand(text):
            return f"say {text}"
        case CompoundCommand(_, name):
            return name
        case RecordCommand(folder):
            return f"record {folder or 'stop'}"
        case WriteObservationsCommand(file):
            return f"observe {file or 'stop'}"
        case AttachCommand(at):
            return f"attach {at}"
        case RunScenarioCommand(name):
            return f"scenario {name}"
        case StopScenarioCommand():
            return "scenario stop"
        case LeaveCommand():
            return "leave running"
        case _:
            return type(command).__name__.removesuffix("Command").lower()
