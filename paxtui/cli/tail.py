"""``paxtui tail``: the log as it is applied, or as it lies on disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.guard import EXIT_OK, Interrupted, is_interrupt
from paxtui.cli.options import AttachOption, ConfigOption, JsonOption
from paxtui.cli.signals import run_async
from paxtui.cli.streams import can_show

if TYPE_CHECKING:
    from paxtui.client.discover import Named
    from paxtui.wire.requests import LogEntry


def tail(
    config: ConfigOption = None,
    at: AttachOption = None,
    from_slot: Annotated[int, typer.Option("--from", metavar="N", min=0, help="Begin at slot N.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing as the log grows.")] = False,
    as_json: JsonOption = False,
    every: Annotated[
        bool, typer.Option("--all", help="Print no-ops, checkpoints, trims and repeats, too.")
    ] = False,
    offline: Annotated[
        Path | None,
        typer.Option(
            "--offline", metavar="DATA_DIR", help="Read the data folder of a replica, which may be running."
        ),
    ] = None,
) -> int:
    """Print the applied messages in order, each once.

    Examples:

      paxtui tail --from 1000 --follow

      paxtui tail --json | jq -r .text

      paxtui tail --offline logs/local-3/replica-0
    """
    printed = _Printed(as_json, every, flush=follow)
    try:
        if offline is not None:
            _offline(offline, from_slot, printed)
        else:
            run_async(_tail, config or at, from_slot, follow, printed)
    except BaseException as error:
        if is_interrupt(error):
            raise Interrupted(printed.known()) from None
        raise
    return EXIT_OK


class _Printed:
    """Prints entries, and knows which was the last."""

    def __init__(self, as_json: bool, every: bool, *, flush: bool) -> None:
        self._as_json = as_json
        self._every = every
        self._flush = flush
        self._last: int | None = None

    def entry(self, entry: LogEntry) -> None:
        """Print an entry, if it is wanted."""
        if self._every or entry.is_message:
            print(line(entry, self._as_json), flush=self._flush)
            self._last = entry.slot

    def known(self) -> str:
        """Return how far it came, in words."""
        if self._last is None:
            return "nothing was printed"
        return f"the last was slot {self._last}; --from {self._last + 1} goes on"


async def _tail(cluster: Named, from_slot: int, follow: bool, printed: _Printed) -> None:
    from paxtui.client import connect

    async with connect(cluster, name="tail") as log:
        following = from_slot
        async for entry in log.tail(from_slot, follow=follow):
            tell_removed(following, entry.slot)
            following = entry.slot + 1
            printed.entry(entry)


def _offline(folder: Path, from_slot: int, printed: _Printed) -> None:
    from paxtui.storage.offline import OfflineLog
    from paxtui.wire.requests import LogEntry

    with OfflineLog.open(folder) as log:
        following = from_slot
        for slot, entry, repeats in log.entries(from_slot, log.watermark):
            tell_removed(following, slot)
            following = slot + 1
            value = entry.value
            printed.entry(LogEntry(slot, entry.ballot, value.client, value.request, value.text, repeats))


def tell_removed(following: int, slot: int) -> None:
    """Say on stderr that the log goes on at ``slot`` where ``following`` was wanted."""
    if slot > following:
        what = f"slot {following} is" if slot == following + 1 else f"slots {following} to {slot - 1} are"
        print(f"{what} removed; the log goes on at slot {slot}", file=sys.stderr, flush=True)


def line(entry: LogEntry, as_json: bool) -> str:
    """Write one entry for a script or for a person."""
    from paxtui.wire.text import client_name, cluster_words, visible

    if as_json:
        from msgspec import json

        row: dict[str, object] = {"slot": entry.slot, "client": entry.client, "request": entry.request}
        row["text"] = entry.text
        if not entry.client:
            row["noop"] = True
            words = cluster_words(entry.request, entry.text)
            if words != "no-op":
                row["own"] = words
        if entry.repeats is not None:
            row["repeats"] = entry.repeats
        return json.encode(row).decode()
    if not entry.client:
        words = cluster_words(entry.request, entry.text)
        noop = "◆" if can_show("◆") else "*"
        return f"{entry.slot:>8}  {entry.ballot!s:>6}  {noop} {words}"
    note = "" if entry.repeats is None else f"  (repeats slot {entry.repeats}: no effect)"
    return f"{entry.slot:>8}  {entry.ballot!s:>6}  {client_name(entry.client)}: {visible(entry.text)}{note}"
