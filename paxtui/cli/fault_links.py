"""``paxtui fault``: what happens to the messages on a link."""

from __future__ import annotations

from typing import Annotated

import typer

from paxtui.cli.completers import complete_staged
from paxtui.cli.fault_options import (
    ForOption,
    LinkArgument,
    PercentArgument,
    WhenOption,
    on_links,
    parsed,
)
from paxtui.cli.options import AttachOption, ConfigOption


def loss(
    link: LinkArgument,
    percent: PercentArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Lose messages on a link.

    Example: paxtui fault loss 'r0>r2' 20
    """
    from paxtui.cli.replica_options import percent as checked
    from paxtui.wire.faults import Loss

    return on_links(link, lambda to: Loss(to, checked(percent, "PERCENT")), config, at, for_, when)


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

    Example: paxtui fault delay 'r0>*' 50 10
    """
    from paxtui.wire.faults import Delay

    return on_links(link, lambda to: Delay(to, ms, jitter), config, at, for_, when)


def duplicate(
    link: LinkArgument,
    percent: PercentArgument,
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

    return on_links(link, lambda to: Duplicate(to, checked(percent, "PERCENT")), config, at, for_, when)


def reorder(
    link: LinkArgument,
    percent: PercentArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Let later messages on a link overtake earlier ones.

    Example: paxtui fault reorder 'r0>r1' 30
    """
    from paxtui.cli.replica_options import percent as checked
    from paxtui.wire.faults import Reorder

    return on_links(link, lambda to: Reorder(to, checked(percent, "PERCENT")), config, at, for_, when)


def hold(
    link: LinkArgument,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only such messages: accept, promise, ... May be repeated.",
            autocompletion=complete_staged,
        ),
    ] = None,
    slot: Annotated[
        int | None, typer.Option("--slot", metavar="SLOT", min=0, help="Only messages about this slot.")
    ] = None,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "1m",
    when: WhenOption = None,
) -> int:
    """Hold messages on a link until they are released.

    `paxtui staged` lists and releases them. When the hold ends, they leave.

    Example: paxtui fault hold 'r0>*' --kind accept
    """
    from paxtui.wire.faults import Hold
    from paxtui.words.steps import messages

    if for_ == "forever":
        raise typer.BadParameter("a hold always ends by itself: 10m, 1h")
    kinds = parsed("--kind", lambda words: messages(words.split()).kinds, " ".join(kind or ()))
    return on_links(link, lambda to: Hold(to, kinds, slot), config, at, for_, when)


def cut(
    link: LinkArgument,
    config: ConfigOption = None,
    at: AttachOption = None,
    for_: ForOption = "10m",
    when: WhenOption = None,
) -> int:
    """Cut a link.

    Examples:

      paxtui fault cut r0-r2

      paxtui fault cut 'r0>r2' --for 30s
    """
    from paxtui.wire.faults import Cut

    return on_links(link, Cut, config, at, for_, when)
