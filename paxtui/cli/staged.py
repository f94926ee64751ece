"""``paxtui staged`` and ``paxtui tick``: a cluster message by message, and timer by timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_replicas, complete_staged
from paxtui.cli.fault_options import parsed, with_operator
from paxtui.cli.guard import guarded, printing
from paxtui.cli.options import AttachOption, ConfigOption, JsonOption, need_replica, replica_number

if TYPE_CHECKING:
    from paxtui.client import Operator
    from paxtui.wire.requests import ReleaseHow, StagedMessage
    from paxtui.words.steps import ReleaseStep

app = typer.Typer(
    help="List and release the messages that `paxtui fault hold` keeps.\n\n"
    "Replicas must run with --allow-faults.",
    no_args_is_help=True,
)

WhatArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="WHAT...",
        help="Numbers ('#14' or 14), or a link, kinds and 'slot N' in any order, or all.",
        autocompletion=complete_staged,
    ),
]


@app.command("list")
@printing
def list_staged(config: ConfigOption = None, at: AttachOption = None, as_json: JsonOption = False) -> int:
    """List what waits, and each replica's next timer.

    Example: paxtui staged list --json
    """

    async def act(operator: Operator) -> int:
        from msgspec import json

        from paxtui.client import ClientError

        code = 0
        for replica in range(operator.size):
            try:
                listed = await operator.staged(replica)
            except ClientError as error:
                print(f"r{replica}: {error}")
                code = 1
                continue
            if as_json:
                for each in listed.messages:
                    print(json.encode(each).decode())
                continue
            timer = "no timer" if listed.in_s is None else f"{listed.next_timer} in {listed.in_s:.3f} s"
            clock = "" if listed.clock == 1 else f", clock at {listed.clock * 100:g} %"
            more = f", {listed.more} more are not listed" if listed.more else ""
            print(f"r{replica}  {timer}{clock}{more}")
            for each in listed.messages:
                print(f"  {_line(each)}")
        return code

    return with_operator(config, at, act)


def _line(each: StagedMessage) -> str:
    ballot = "-" if each.ballot is None else str(each.ballot)
    slots = "-" if not each.count else str(each.first)
    slots += f"-{each.first + each.count - 1}" if each.count > 1 else ""
    copies = f"  x{each.copies}" if each.copies > 1 else ""
    link = f"r{each.replica}>r{each.to}"
    return f"#{each.number:<5} {link}  {each.kind:<14} {ballot:<6} {slots:<9} {each.age_s:.1f} s{copies}"


@app.command()
@guarded
def deliver(what: WhatArgument, config: ConfigOption = None, at: AttachOption = None) -> int:
    """Let messages leave, past all other faults of their links.

    Examples:

      paxtui staged deliver '#14'

      paxtui staged deliver accept 'r0>r1'
    """
    return _release("deliver", what, config, at)


@app.command()
@guarded
def drop(what: WhatArgument, config: ConfigOption = None, at: AttachOption = None) -> int:
    """Lose messages.

    Example: paxtui staged drop accept 'r0>*'
    """
    return _release("drop", what, config, at)


@app.command()
@guarded
def double(what: WhatArgument, config: ConfigOption = None, at: AttachOption = None) -> int:
    """Let messages leave twice.

    Example: paxtui staged double '#14'
    """
    return _release("double", what, config, at)


def _release(how: ReleaseHow, what: list[str], config: ConfigOption, at: AttachOption) -> int:
    from paxtui.words.steps import release

    meant = parsed("WHAT", lambda words: release(how, words), " ".join(what))

    async def act(operator: Operator) -> int:
        released, unsent = await _carry_out(operator, meant)
        lost = f"; {unsent} unsent, as their receiver is not connected" if unsent else ""
        print(f"{released} released{lost}" if how != "drop" else f"{released} dropped")
        return 1 if unsent or not released else 0

    return with_operator(config, at, act)


async def _carry_out(operator: Operator, meant: ReleaseStep) -> tuple[int, int]:
    """Release what is meant; how many left, and how many were lost."""
    from paxtui.wire.requests import StagedMatch
    from paxtui.words.links import EVERY_REPLICA

    if meant.numbers:
        reply = await operator.release(meant.numbers, meant.how)
        return reply.released, reply.unsent
    for end in {end for link in meant.which.links for end in link} - {EVERY_REPLICA}:
        need_replica("WHAT", end, operator.size)
    released = unsent = 0
    for sender, to in meant.which.links:
        for replica in range(operator.size) if sender == EVERY_REPLICA else [sender]:
            match = StagedMatch(to, meant.which.kinds, meant.which.slot)
            reply = await operator.release_at(replica, match, meant.how)
            released, unsent = released + reply.released, unsent + reply.unsent
    return released, unsent


def tick(
    ms: Annotated[
        float | None,
        typer.Argument(
            metavar="MS", min=0, max=600_000, help="How far, at most. Default: to the next timer."
        ),
    ] = None,
    replica: Annotated[
        int | None,
        typer.Option(
            "--id",
            metavar="REPLICA",
            help="Only this replica: 0 or r0. Default: all.",
            parser=replica_number,
            autocompletion=complete_replicas,
        ),
    ] = None,
    config: ConfigOption = None,
    at: AttachOption = None,
) -> int:
    """Move clocks of the protocol to their next timer.

    A clock never moves over a timer: it stops there, and the timer fires.

    Examples:

      paxtui tick --id r1

      paxtui tick 50
    """

    async def act(operator: Operator) -> int:
        if replica is not None:
            need_replica("--id", replica, operator.size)
        for each in range(operator.size) if replica is None else [replica]:
            ticked = await operator.tick(each, ms)
            fired = "" if ticked.fired is None else f" to its timer: {ticked.fired}"
            print(f"r{each} moved by {ticked.moved_ms:g} ms{fired}")
        return 0

    return with_operator(config, at, act)
