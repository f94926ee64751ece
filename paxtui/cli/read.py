"""``paxtui read``: one page of the log, with a stated consistency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from paxtui.cli.completers import one_of
from paxtui.cli.options import AttachOption, ConfigOption, JsonOption, TimeoutOption
from paxtui.cli.signals import run_async
from paxtui.words.counts import counted

if TYPE_CHECKING:
    from paxtui.client.discover import Named
    from paxtui.wire.requests import Consistency


def read(
    config: ConfigOption = None,
    at: AttachOption = None,
    from_slot: Annotated[int, typer.Option("--from", metavar="N", min=0, help="Begin at slot N.")] = 0,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=2048, help="Read this many slots, at most.")
    ] = 100,
    consistency: Annotated[
        str,
        typer.Option(
            "--consistency",
            metavar="linearizable|local",
            help="A local read may be stale.",
            autocompletion=one_of("linearizable", "local"),
        ),
    ] = "linearizable",
    timeout: TimeoutOption = 10.0,
    as_json: JsonOption = False,
) -> int:
    """Read one page of the log.

    A linearizable read has everything that was acknowledged before it began. A local read has what one
    replica has applied.

    Example: paxtui read --from 0 --limit 10 --consistency local
    """
    from paxtui.config.cluster_file import ConfigError

    if consistency not in ("linearizable", "local"):
        raise ConfigError(f"--consistency: {consistency!r} is not known; linearizable and local are")
    checked = cast("Consistency", consistency)
    return run_async(_read, config or at, from_slot, limit, checked, timeout, as_json)


async def _read(
    cluster: Named, from_slot: int, limit: int, consistency: Consistency, timeout_s: float, as_json: bool
) -> int:
    import sys

    from paxtui.cli.tail import line, tell_removed
    from paxtui.client import connect

    async with connect(cluster, name="read") as log:
        page = await log.read(from_slot, limit, consistency=consistency, timeout_s=timeout_s)
    if page.entries:
        tell_removed(from_slot, page.entries[0].slot)
    for entry in page.entries:
        print(line(entry, as_json))
    stale = " (may be stale)" if consistency == "local" else ""
    print(
        f"{consistency}{stale}: r{page.replica} has applied {counted(page.applied, 'slot')}", file=sys.stderr
    )
    return 0
