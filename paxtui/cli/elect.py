"""``paxtui elect``: make a replica start an election."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_replicas
from paxtui.cli.options import AttachOption, ConfigOption, need_replica, replica_number
from paxtui.cli.signals import run_async

if TYPE_CHECKING:
    from paxtui.client.discover import Named


def elect(
    replica: Annotated[
        int,
        typer.Argument(
            metavar="REPLICA",
            help="The replica that should lead: 1 or r1.",
            parser=replica_number,
            autocompletion=complete_replicas,
        ),
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
) -> int:
    """Make a replica start an election now.

    It does so even if another replica leads. The command prints whether it leads afterwards.

    Example: paxtui elect r1
    """
    return run_async(_elect, replica, config or at)


async def _elect(replica: int, cluster: Named) -> int:
    import trio

    from paxtui.cli.guard import EXIT_FAILED
    from paxtui.client import operator

    asker = await operator(cluster, name="elect")
    await asker.elect(need_replica("REPLICA", replica, asker.size))
    with trio.move_on_after(3):
        while True:
            for sighting in await asker.status():
                status = sighting.report.status if sighting.report is not None else None
                if sighting.replica == replica and status is not None and status.role == "leader":
                    print(f"r{replica} leads at {status.ballot}")
                    return 0
            await trio.sleep(0.02)
    print(f"r{replica} tried, and does not lead after 3 s; see `paxtui status`")
    return EXIT_FAILED
