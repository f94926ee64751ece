"""``paxtui fault``: break the cluster on purpose, list what is broken, heal it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli import fault_links
from paxtui.cli.completers import complete_replicas
from paxtui.cli.fault_options import (
    ForOption,
    ReplicaArgument,
    WhenOption,
    at_replica,
    inject,
    leader,
    seconds_of,
    with_operator,
)
from paxtui.cli.guard import guarded, printing
from paxtui.cli.options import AttachOption, ConfigOption, JsonOption, need_replica, replica_number

if TYPE_CHECKING:
    from paxtui.client import Operator

PAUSE_S_MAX = 600.0
"""A pause from the command line ends by itself: nobody may be there to continue the replica."""

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

    return with_operator(config, at, act)


app.command()(guarded(fault_links.loss))
app.command()(guarded(fault_links.delay))
app.command()(guarded(fault_links.duplicate))
app.command()(guarded(fault_links.reorder))
app.command()(guarded(fault_links.cut))
app.command()(guarded(fault_links.hold))


@app.command()
@guarded
def crash(
    replica: ReplicaArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    when: WhenOption = None,
) -> int:
    """Kill a replica with SIGKILL.

    Example: paxtui fault crash r0 --when 'replica 0 chosen-seen slot 3'
    """
    from paxtui.wire.faults import CrashReplica

    return at_replica(replica, CrashReplica(), config, at, "forever", when)


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

    Example: paxtui fault crash-proposer r0 --for 5s
    """
    from paxtui.wire.faults import CrashProposer

    return at_replica(replica, CrashProposer(), config, at, for_, when)


@app.command()
@guarded
def pause(
    replica: ReplicaArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10s",
) -> int:
    """Stop a replica with SIGSTOP for a time.

    Example: paxtui fault pause r1 --for 3s
    """
    from paxtui.config.cluster_file import ConfigError
    from paxtui.wire.faults import Pause

    seconds = seconds_of(for_)
    if seconds is None or seconds > PAUSE_S_MAX:
        raise ConfigError(f"--for: a pause must end; at most {PAUSE_S_MAX:g} s are allowed")
    return at_replica(replica, Pause(seconds), config, at, for_, None)


@app.command()
@guarded
def skip(
    replica: Annotated[
        int | None,
        typer.Argument(
            metavar="REPLICA",
            help="0 or r0. Default: the leader.",
            parser=replica_number,
            autocompletion=complete_replicas,
        ),
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
        chosen = (
            await leader(operator) if replica is None else need_replica("REPLICA", replica, operator.size)
        )
        return await inject(operator, chosen, SkipSlot(slot), None, None)

    return with_operator(config, at, act)


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

    Example: paxtui fault slow-disk r2 50
    """
    from paxtui.wire.faults import SlowDisk

    return at_replica(replica, SlowDisk(ms), config, at, for_, None)


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
    """Let a replica's protocol clock run slower or faster.

    With 0 it stands. It always ends by itself.

    Example: paxtui fault clock r1 10
    """
    from paxtui.wire.faults import Clock

    if for_ == "forever":
        raise typer.BadParameter("a clock always ends by itself: 10m, 1h")
    return at_replica(replica, Clock(percent), config, at, for_, when)


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

    Example: paxtui fault disk-error r2 --full
    """
    from paxtui.wire.faults import DiskError, FullDisk

    return at_replica(replica, FullDisk() if full else DiskError(), config, at, "forever", when)


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

    return with_operator(config, at, act)


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

    return with_operator(config, at, act)
