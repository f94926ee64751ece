"""``paxtui noop``: fill a hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption
from paxtui.cli.signals import run_async

if TYPE_CHECKING:
    from paxtui.client.discover import Named


def noop(
    slot: Annotated[int, typer.Argument(metavar="SLOT", min=0, help="The slot that is a hole.")],
    config: ConfigOption = None,
    at: AttachOption = None,
) -> int:
    """Make the leader fill a hole with a no-op now.

    Without this it fills the hole when the hole's timeout is over.

    Example: paxtui noop 1282
    """
    return run_async(_noop, slot, config or at)


async def _noop(slot: int, cluster: Named) -> int:
    from paxtui.client import operator

    asker = await operator(cluster, name="noop")
    await asker.fill_hole(slot)
    print(f"the leader proposes a no-op in slot {slot}")
    return 0
