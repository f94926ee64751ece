"""What can be taken out of the console: the screen as a picture, the slots as JSON or CSV, the events."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.seen import NO_NUMBER, Seen
from paxtui.console.rows.events import clock

KINDS: Final = ("svg", "json", "csv")


def row_as_json(model: ClusterModel, slot: int, now: float) -> str:
    """Return one slot with everything that is known about it."""
    return msgspec.json.encode(_row(model, slot, now)).decode()


def _row(model: ClusterModel, slot: int, now: float) -> dict[str, Any]:
    facts = slot_facts(model, slot, now)
    value = facts.value
    return {
        "slot": slot,
        "state": facts.state,
        "votes": {
            f"r{id}": {"state": cell.kind, "ballot": str(cell.ballot) if cell.ballot is not None else None}
            for id, cell in enumerate(facts.cells)
        },
        "count": facts.votes,
        "quorum": facts.quorum,
        "ballot": str(facts.ballot) if facts.ballot is not None and facts.ballot.round else None,
        "client": value.client if value is not None else None,
        "request": value.request if value is not None else None,
        "text": value.text if value is not None else None,
    }


def slots(model: ClusterModel, kind: str, now: float) -> str:
    """Return all slots of which the value is known here, and all that are not decided."""
    kept = (slot for slot in model.values.slots if slot >= model.log_start)
    known = sorted(set(kept) | set(range(model.applied, model.end)))
    rows = [_row(model, slot, now) for slot in known]
    if kind == "json":
        return "".join(f"{msgspec.json.encode(row).decode()}\n" for row in rows)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    names = [replica.name for replica in model.replicas]
    writer.writerow(["slot", "state", *names, "count", "quorum", "ballot", "client", "request", "text"])
    for row in rows:
        votes = [
            f"{row['votes'][name]['state']} {row['votes'][name]['ballot'] or ''}".strip() for name in names
        ]
        fields = ("count", "quorum", "ballot", "client", "request", "text")
        writer.writerow([row["slot"], row["state"], *votes, *(row[field] for field in fields)])
    return table.getvalue()


def event_as_json(seen: Seen) -> str:
    """Return one event with everything that was told of it, and what it says."""
    told = {
        "time": seen.wall,
        "by": seen.teller,
        "number": seen.number if seen.number != NO_NUMBER else None,
        "kind": seen.kind,
        "kept": seen.remembered,
        "text": describe(seen, whole=True),
        "event": type(seen.event).__name__,
        "fields": msgspec.to_builtins(seen.event),
    }
    return msgspec.json.encode(told).decode()


def events(found: Iterable[Seen], *, as_json: bool) -> str:
    """Return events, a line each."""
    if as_json:
        return "".join(f"{event_as_json(seen)}\n" for seen in found)
    return "".join(f"{clock(seen.wall)}  {seen.teller}  {describe(seen, whole=True)}\n" for seen in found)


def write(text: str, kind: str, folder: Path) -> Path:
    """Write into a new file of ``folder``; return its path. Raises ``OSError``."""
    stem = time.strftime("paxtui-%Y%m%d-%H%M%S")
    for count in range(100):
        path = folder / (f"{stem}.{kind}" if not count else f"{stem}-{count}.{kind}")
        try:
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "a hundred files of this second are there already", str(folder))
