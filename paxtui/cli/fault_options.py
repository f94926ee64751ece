"""What the commands of ``paxtui fault`` share: their options, and how a fault begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from paxtui.cli.completers import DURATIONS, complete_events, complete_links, complete_replicas, one_of
from paxtui.cli.options import need_replica, replica_number
from paxtui.cli.signals import run_async

if TYPE_CHECKING:
    from paxtui.client import Operator
    from paxtui.wire.faults import AnyFault, Trigger

T = TypeVar("T")

ForOption = Annotated[
    str,
    typer.Option(
        "--for",
        metavar="TIME",
        help="How long the fault lasts: 500ms, 10s, 5m or forever.",
        autocompletion=one_of(*DURATIONS),
    ),
]
WhenOption = Annotated[
    str | None,
    typer.Option(
        "--when",
        metavar="EVENT",
        help="Wait for an event, such as 'replica 0 accept-sent slot 3'.",
        autocompletion=complete_events,
    ),
]
LinkArgument = Annotated[
    str,
    typer.Argument(
        metavar="LINK",
        help="'r0>r2' (one way), r0-r2 (both ways), 'r0>*' (from r0 to all) or '*>*' (every link).",
        autocompletion=complete_links,
    ),
]
ReplicaArgument = Annotated[
    int,
    typer.Argument(
        metavar="REPLICA", help="0 or r0.", parser=replica_number, autocompletion=complete_replicas
    ),
]
PercentArgument = Annotated[
    float, typer.Argument(metavar="PERCENT", help="The share of the messages, from 0 to 100.")
]


def with_operator(config: Path | None, at: str | None, act: Callable[[Operator], Awaitable[int]]) -> int:
    """Run what an operator of the cluster is to do."""
    from paxtui.client import operator

    async def run() -> int:
        return await act(await operator(config or at, name="fault"))

    return run_async(run)


def on_links(
    link: str,
    fault: Callable[[int], AnyFault],
    config: Path | None,
    at: str | None,
    for_: str,
    when: str | None,
) -> int:
    """Begin a fault on each link that is meant; all are checked before the first begins."""
    from paxtui.words.links import EVERY_REPLICA

    pairs = _links(link)
    limit_s = seconds_of(for_)
    trigger = _trigger(when)

    async def act(operator: Operator) -> int:
        for end in {end for pair in pairs for end in pair} - {EVERY_REPLICA}:
            need_replica("LINK", end, operator.size)
        for sender, to in pairs:
            senders = range(operator.size) if sender == EVERY_REPLICA else [sender]
            for each in senders:
                if each != to:
                    await inject(operator, each, fault(to), limit_s, trigger)
        return 0

    return with_operator(config, at, act)


def at_replica(
    replica: int, fault: AnyFault, config: Path | None, at: str | None, for_: str, when: str | None
) -> int:
    """Begin a fault at a replica."""
    limit_s = seconds_of(for_)
    trigger = _trigger(when)

    async def act(operator: Operator) -> int:
        need_replica("REPLICA", replica, operator.size)
        return await inject(operator, replica, fault, limit_s, trigger)

    return with_operator(config, at, act)


async def inject(
    operator: Operator,
    replica: int,
    fault: AnyFault,
    limit_s: float | None,
    trigger: tuple[int | None, Trigger] | None,
) -> int:
    """Begin one fault, and print its number."""
    from paxtui.cli.guard import EXIT_USAGE, Failure
    from paxtui.wire.faults import describe

    when = None
    if trigger is not None:
        watcher, when = trigger
        if watcher is not None and watcher != replica:
            raise Failure(
                f"--when watches replica {watcher}, but the fault is at replica {replica}; "
                "a replica can only watch itself",
                EXIT_USAGE,
            )
    number = await operator.inject(replica, fault, for_s=limit_s, when=when)
    shown = "" if number is None else f"#{number} "
    print(f"{shown}{describe(replica, fault)}")
    return 0


async def leader(operator: Operator) -> int:
    """Find the replica that leads."""
    from paxtui.cli.guard import Failure

    for sighting in await operator.status():
        status = sighting.report.status if sighting.report is not None else None
        if status is not None and status.role == "leader":
            return sighting.replica
    raise Failure("no replica that can be reached leads")


def _links(text: str) -> list[tuple[int, int]]:
    from paxtui.words.links import link_of_ids

    return parsed("LINK", link_of_ids, text)


def seconds_of(text: str) -> float | None:
    """Read --for; ``None`` is for ever."""
    from paxtui.words.durations import duration_s

    return parsed("--for", duration_s, text)


def _trigger(text: str | None) -> tuple[int | None, Trigger] | None:
    from paxtui.words.triggers import trigger

    return None if text is None else parsed("--when", trigger, text)


def parsed(option: str, parse: Callable[[str], T], text: str) -> T:
    """Parse the value of an option. Raises :class:`ConfigError` with the option's name."""
    from paxtui.config.cluster_file import ConfigError
    from paxtui.words import WordError

    try:
        return parse(text)
    except WordError as error:
        raise ConfigError(f"{option}: {error}") from None
