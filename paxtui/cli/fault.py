"""``paxtui fault``: break the cluster on purpose, list what is broken, heal it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from paxtui.cli.guard import guarded, printing
from paxtui.cli.options import AttachOption, ConfigOption, JsonOption
from paxtui.cli.signals import run_async

if TYPE_CHECKING:
    from paxtui.client import Operator
    from paxtui.wire.faults import AnyFault, Trigger

T = TypeVar("T")

DEFAULT_LIMIT_S = 600.0
"""Faults injected from the command line end by themselves: nobody may be there to undo them."""

ForOption = Annotated[
    str, typer.Option("--for", metavar="TIME", help="How long the fault lasts: 500ms, 10s, 5m or forever.")
]
WhenOption = Annotated[
    str | None,
    typer.Option(
        "--when", metavar="EVENT", help="Wait for an event, such as 'replica 0 accept-sent slot 3'."
    ),
]
LinkArgument = Annotated[
    str,
    typer.Argument(
        metavar="LINK", help="0>2 (one way), 0-2 (both ways), 0>* (from 0 to all) or *>* (every link)."
    ),
]
ReplicaArgument = Annotated[int, typer.Argument(metavar="N", help="The replica.")]

app = typer.Typer(
    help="Break a cluster on purpose, and heal it.\n\nIts replicas must run with --allow-faults.",
    no_args_is_help=True,
)


@app.command("list")
@printing
def list_faults(config: ConfigOption = None, at: AttachOption = None, as_json: JsonOption = False) -> int:
    """List the faults that act or wait, with their numbers.

    Example: paxtui fault list --json
    """

    async def act(operator: Operator) -> int:
        from msgspec import json, to_builtins

        from paxtui.wire.faults import describe

        for active in await operator.faults():
            if as_json:
                print(json.encode(to_builtins(active)).decode())
                continue
            left = "" if active.left_s is None else f"  {active.left_s:.0f} s left"
            waits = ""
            if active.when is not None:
                slot = "" if active.when.slot is None else f" slot {active.when.slot}"
                waits = f"  waits for {active.when.event}{slot}"
            what = describe(active.replica, active.fault)
            print(f"#{active.number:<4} {what:<32} since {active.age_s:.0f} s{left}{waits}")
        return 0

    return _with_operator(config, at, act)


@app.command()
@guarded
def loss(
    link: LinkArgument,
    percent: Annotated[
        float, typer.Argument(metavar="PERCENT", help="The share of the messages, from 0 to 100.")
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Lose messages on a link.

    Example: paxtui fault loss '0>2' 20
    """
    from paxtui.cli.replica_options import percent as checked
    from paxtui.wire.faults import Loss

    return _on_links(link, lambda to: Loss(to, checked(percent, "PERCENT")), config, at, for_, when)


@app.command()
@guarded
def delay(
    link: LinkArgument,
    ms: Annotated[float, typer.Argument(metavar="MS", min=0, max=600_000, help="The delay in milliseconds.")],
    jitter: Annotated[
        float,
        typer.Argument(
            metavar="JITTER_MS", min=0, max=600_000, help="Add up to this many milliseconds at random."
        ),
    ] = 0.0,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Delay messages on a link.

    Example: paxtui fault delay '0>*' 50 10
    """
    from paxtui.wire.faults import Delay

    return _on_links(link, lambda to: Delay(to, ms, jitter), config, at, for_, when)


@app.command()
@guarded
def duplicate(
    link: LinkArgument,
    percent: Annotated[
        float, typer.Argument(metavar="PERCENT", help="The share of the messages, from 0 to 100.")
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Send messages on a link twice.

    Example: paxtui fault duplicate '*>*' 40
    """
    from paxtui.cli.replica_options import percent as checked
    from paxtui.wire.faults import Duplicate

    return _on_links(link, lambda to: Duplicate(to, checked(percent, "PERCENT")), config, at, for_, when)


@app.command()
@guarded
def reorder(
    link: LinkArgument,
    percent: Annotated[
        float, typer.Argument(metavar="PERCENT", help="The share of the messages, from 0 to 100.")
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Let later messages on a link overtake earlier ones.

    Example: paxtui fault reorder '0>1' 30
    """
    from paxtui.cli.replica_options import percent as checked
    from paxtui.wire.faults import Reorder

    return _on_links(link, lambda to: Reorder(to, checked(percent, "PERCENT")), config, at, for_, when)


@app.command()
@guarded
def cut(
    link: LinkArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Cut a link.

    Examples:

      paxtui fault cut 0-2

      paxtui fault cut '0>2' --for 30s
    """
    from paxtui.wire.faults import Cut

    return _on_links(link, Cut, config, at, for_, when)


@app.command()
@guarded
def crash(
    replica: ReplicaArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    when: WhenOption = None,
) -> int:
    """Kill a replica with SIGKILL.

    Example: paxtui fault crash 0 --when 'replica 0 chosen-seen slot 3'
    """
    from paxtui.wire.faults import CrashReplica

    return _at_replica(replica, CrashReplica(), config, at, "forever", when)


@app.command("crash-proposer")
@guarded
def crash_proposer(
    replica: ReplicaArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Stop the proposer of a replica, and nothing else.

    Example: paxtui fault crash-proposer 0 --for 5s
    """
    from paxtui.wire.faults import CrashProposer

    return _at_replica(replica, CrashProposer(), config, at, for_, when)


@app.command()
@guarded
def pause(
    replica: ReplicaArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10s",
) -> int:
    """Stop a replica with SIGSTOP for a time.

    Example: paxtui fault pause 1 --for 3s
    """
    from paxtui.config.cluster_file import ConfigError
    from paxtui.wire.faults import Pause

    seconds = _seconds(for_)
    if seconds is None or seconds > DEFAULT_LIMIT_S:
        raise ConfigError(f"--for: a pause must end; at most {DEFAULT_LIMIT_S:g} s are allowed")
    return _at_replica(replica, Pause(seconds), config, at, for_, None)


@app.command()
@guarded
def skip(
    replica: Annotated[
        int | None, typer.Argument(metavar="N", help="The replica. Default: the leader.")
    ] = None,
    slot: Annotated[
        int | None, typer.Option("--slot", metavar="SLOT", min=0, help="The slot. Default: the next one.")
    ] = None,
    config: ConfigOption = None,
    at: AttachOption = None,
) -> int:
    """Make the leader leave a slot empty.

    Example: paxtui fault skip
    """
    from paxtui.wire.faults import SkipSlot

    async def act(operator: Operator) -> int:
        chosen = await _leader(operator) if replica is None else replica
        return await _inject(operator, chosen, SkipSlot(slot), None, None)

    return _with_operator(config, at, act)


@app.command("slow-disk")
@guarded
def slow_disk(
    replica: ReplicaArgument,
    ms: Annotated[
        float,
        typer.Argument(metavar="MS", min=0, max=60_000, help="Add this many milliseconds to each commit."),
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
) -> int:
    """Make every commit of a replica slower.

    Example: paxtui fault slow-disk 2 50
    """
    from paxtui.wire.faults import SlowDisk

    return _at_replica(replica, SlowDisk(ms), config, at, for_, None)


@app.command()
@guarded
def clock(
    replica: ReplicaArgument,
    percent: Annotated[
        float,
        typer.Argument(
            metavar="PERCENT", min=0, max=400, help="The clock's share of real time; 0 stands still."
        ),
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "1m",
    when: WhenOption = None,
) -> int:
    """Let the clock of a replica's protocol run slower or faster, or stand.

    It always ends by itself. Example: paxtui fault clock 1 10
    """
    from paxtui.wire.faults import Clock

    if for_ == "forever":
        raise typer.BadParameter("a clock always ends by itself: 10m, 1h")
    return _at_replica(replica, Clock(percent), config, at, for_, when)


@app.command("disk-error")
@guarded
def disk_error(
    replica: ReplicaArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    full: Annotated[bool, typer.Option("--full", help="Fail as a full disk does.")] = False,
    when: WhenOption = None,
) -> int:
    """Make the next commit of a replica fail; the replica stops.

    Example: paxtui fault disk-error 2 --full
    """
    from paxtui.wire.faults import DiskError, FullDisk

    return _at_replica(replica, FullDisk() if full else DiskError(), config, at, "forever", when)


@app.command()
@guarded
def undo(
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="The number that `paxtui fault list` shows.")
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
) -> int:
    """End one fault.

    Example: paxtui fault undo 3
    """

    async def act(operator: Operator) -> int:
        await operator.undo(number)
        print(f"fault {number} ended")
        return 0

    return _with_operator(config, at, act)


@app.command()
@guarded
def heal(config: ConfigOption = None, at: AttachOption = None) -> int:
    """End all faults of all replicas.

    Example: paxtui fault heal
    """

    async def act(operator: Operator) -> int:
        problems = await operator.heal()
        for problem in problems:
            print(problem)
        print("all faults ended" if not problems else "all other faults ended")
        return 1 if problems else 0

    return _with_operator(config, at, act)


def _with_operator(config: Path | None, at: str | None, act: Callable[[Operator], Awaitable[int]]) -> int:

    from paxtui.client import operator

    async def run() -> int:
        return await act(await operator(config or at, name="fault"))

    return run_async(run)


def _on_links(
    link: str,
    fault: Callable[[int], AnyFault],
    config: Path | None,
    at: str | None,
    for_: str,
    when: str | None,
) -> int:
    from paxtui.words.links import EVERY_REPLICA

    pairs = _links(link)
    limit_s = _seconds(for_)
    trigger = _trigger(when)

    async def act(operator: Operator) -> int:
        for sender, to in pairs:
            senders = range(operator.size) if sender == EVERY_REPLICA else [sender]
            for each in senders:
                if each != to:
                    await _inject(operator, each, fault(to), limit_s, trigger)
        return 0

    return _with_operator(config, at, act)


def _at_replica(
    replica: int, fault: AnyFault, config: Path | None, at: str | None, for_: str, when: str | None
) -> int:
    limit_s = _seconds(for_)
    trigger = _trigger(when)

    async def act(operator: Operator) -> int:
        return await _inject(operator, replica, fault, limit_s, trigger)

    return _with_operator(config, at, act)


async def _inject(
    operator: Operator,
    replica: int,
    fault: AnyFault,
    limit_s: float | None,
    trigger: tuple[int | None, Trigger] | None,
) -> int:
    from paxtui.cli.guard import Failure
    from paxtui.wire.faults import describe

    when = None
    if trigger is not None:
        watcher, when = trigger
        if watcher is not None and watcher != replica:
            raise Failure(
                f"--when watches replica {watcher}, but the fault is at replica {replica}; "
                "a replica can only watch itself",
                2,
            )
    number = await operator.inject(replica, fault, for_s=limit_s, when=when)
    shown = "" if number is None else f"#{number} "
    print(f"{shown}{describe(replica, fault)}")
    return 0


async def _leader(operator: Operator) -> int:
    from paxtui.cli.guard import Failure

    for sighting in await operator.status():
        status = sighting.report.status if sighting.report is not None else None
        if status is not None and status.role == "leader":
            return sighting.replica
    raise Failure("no replica that can be reached leads")


def _links(text: str) -> list[tuple[int, int]]:
    from paxtui.words.links import link_of_ids

    return _parsed("LINK", link_of_ids, text)


def _seconds(text: str) -> float | None:
    from paxtui.words.durations import duration_s

    return _parsed("--for", duration_s, text)


def _trigger(text: str | None) -> tuple[int | None, Trigger] | None:
    from paxtui.words.triggers import trigger

    return None if text is None else _parsed("--when", trigger, text)


def _parsed(option: str, parse: Callable[[str], T], text: str) -> T:
    """Parse the value of an option. Raises :class:`ConfigError` with the option's name."""
    from paxtui.config.cluster_file import ConfigError
    from paxtui.words import WordError

    try:
        return parse(text)
    except WordError as error:
        raise ConfigError(f"{option}: {error}") from None
