"""What a person can do to the cluster, as values. The bridge carries them out; the palette parses them."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from paxtui.wire.faults import AnyFault, describe

PAUSE_S: Final = 600.0
"""For so long a replica of somebody else's cluster is paused at most; one of ours until it is continued."""

Link = tuple[int, int]
"""``(sender, receiver)``."""


class Command(Struct, frozen=True):
    """Base of all commands."""


class Crash(Command, frozen=True):
    """SIGKILL."""

    replica: int


class Restart(Command, frozen=True):
    """Start a replica that is down, or kill it first if it is not."""

    replica: int


class Pause(Command, frozen=True):
    """SIGSTOP: it neither hears nor speaks."""

    replica: int


class Continue(Command, frozen=True):
    """SIGCONT."""

    replica: int


class Wipe(Command, frozen=True):
    """Kill the replica and delete its data folder."""

    replica: int


class Inject(Command, frozen=True):
    """Begin a fault at a replica."""

    replica: int
    fault: AnyFault


class CrashDeciding(Command, frozen=True):
    """Kill the leader at the moment at which it next sees a majority, before it can tell anybody: the votes
    are on other disks, and the next leader has to find them."""

    replica: int


class RestoreProposer(Command, frozen=True):
    """End every crash of the replica's proposer."""

    replica: int


class Faults(Command, frozen=True):
    """Begin several faults ``(replica, fault)`` as one deed."""

    faults: tuple[tuple[int, AnyFault], ...]
    name: str


class Cut(Command, frozen=True):
    """Nothing crosses these directed links; ``name`` says what it is (a preset, ``r0 | r1 r2``)."""

    links: tuple[Link, ...]
    name: str


class Join(Command, frozen=True):
    """End the cuts on these directed links."""

    links: tuple[Link, ...]
    name: str


class Clear(Command, frozen=True):
    """End all faults of one kind (``loss``, ``delay`` ...) on one directed link."""

    link: Link
    kind: str


class Elect(Command, frozen=True):
    """Make the replica start an election."""

    replica: int


class FillHole(Command, frozen=True):
    """Make the leader fill a hole with a no-op now."""

    slot: int


class Undo(Command, frozen=True):
    """End fault ``number``, or take back the last that was done here."""

    number: int | None = None


class Heal(Command, frozen=True):
    """End all faults; continue what is paused; start what is down, if it is ours."""


class Say(Command, frozen=True):
    """Append a message to the log, asking replica ``via`` first."""

    text: str
    via: int | None = None


class Fetch(Command, frozen=True):
    """Read a page of the log from a replica, because somebody looks at it."""

    replica: int
    first: int
    count: int


class Deed(Command, frozen=True):
    """Several commands at once that one undo takes back together; ``name`` says what they are."""

    commands: tuple[Command, ...]
    name: str


class Record(Command, frozen=True):
    """Each replica of ours writes its whole record into ``folder``, from its next start on; ``None`` ends
    that."""

    folder: str | None


class Observe(Command, frozen=True):
    """Write down everything that this console is told; ``None`` ends that."""

    file: str | None


class Attach(Command, frozen=True):
    """Find the cluster at ``HOST:PORT,...``, to look at it in place of this one."""

    at: str


class LookAround(Command, frozen=True):
    """Ask which other clusters run, because somebody may want to attach to one."""


class RunScenario(Command, frozen=True):
    """Run a named scenario on a cluster of its own, and look at that meanwhile."""

    name: str


class StopScenario(Command, frozen=True):
    """Stop it, and go back."""


class Leave(Command, frozen=True):
    """Let the replicas go on when the console ends."""


HARMLESS: Final = (Fetch, LookAround, Observe, Attach)
"""What a console that is read-only may do; everything else needs it to be armed."""


def words(command: Command) -> str:
    """A command in the words of the palette."""
    match command:
        case Crash(replica):
            return f"crash r{replica}"
        case CrashDeciding(replica):
            return f"crash-deciding r{replica}"
        case Restart(replica):
            return f"restart r{replica}"
        case Pause(replica):
            return f"pause r{replica}"
        case Continue(replica):
            return f"continue r{replica}"
        case Wipe(replica):
            return f"wipe r{replica}"
        case Inject(replica, fault):
            return describe(replica, fault)
        case RestoreProposer(replica):
            return f"restore-proposer r{replica}"
        case Faults(_, name):
            return name
        case Cut(_, name):
            return name if name.startswith("preset ") else f"cut {name}"
        case Join(_, name):
            return f"join {name}"
        case Clear((sender, receiver), kind):
            return f"{kind} r{sender}>r{receiver} 0"
        case Elect(replica):
            return f"elect r{replica}"
        case FillHole(slot):
            return f"noop {slot}"
        case Undo(number):
            return "undo" if number is None else f"undo {number}"
        case Heal():
            return "heal"
        case Say(text):
            return f"say {text}"
        case Deed(_, name):
            return name
        case Record(folder):
            return f"record {folder or 'stop'}"
        case Observe(file):
            return f"observe {file or 'stop'}"
        case Attach(at):
            return f"attach {at}"
        case RunScenario(name):
            return f"scenario {name}"
        case StopScenario():
            return "scenario stop"
        case Leave():
            return "leave running"
        case _:
            return type(command).__name__.lower()
