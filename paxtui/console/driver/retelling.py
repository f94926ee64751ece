"""Records and traces told as a tape: what a console would have seen, had it looked at that run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Raw

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster
from paxtui.console.driver.taping import Taping
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.seen import RUN
from paxtui.core import events as e
from paxtui.records.merge import Records
from paxtui.records.parts import EndPart, EventPart, FaultPart, Gap, Life, Part
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from paxtui.wire.views import slot_view, views

LOOK_S = 0.25
"""How often lights are judged, by the clock of the run."""

FIRST_PORT = 7400

_encode = msgspec.json.Encoder().encode


def cluster_of(records: Records) -> Cluster:
    """Return a cluster of the size of the records; it is at no address."""
    ports = range(FIRST_PORT, FIRST_PORT + records.replicas)
    return cluster_file.local(records.replicas, list(ports), name="recorded")


class Retelling:
    """A console's model that is told records."""

    def __init__(self, records: Records) -> None:
        self.model = ClusterModel(cluster_of(records))
        self.taping = Taping(self.model)
        self._looked = 0.0
        self._began = False

    def tell(self, records: Records, progress: Callable[[int], object] = lambda parts: None) -> None:
        """Tell all parts in the order of cause. Raises :class:`~paxtui.records.parts.BadRecord`."""
        at = 0.0
        for number, ordered in enumerate(records.merged()):
            at = max(at, ordered.part.at)
            if not self._began:  # the clock of the run is that of the day
                self._began, self.model.wall_guessed = True, 0.0
            self._tell(ordered.part, at)
            if at - self._looked >= LOOK_S:
                self._looked = at
                self.model.update_lights(at)
                self.taping.look()
            if number % 1000 == 0:
                progress(number)
        self.model.update_lights(at)

    def _tell(self, part: Part, now: float) -> None:
        model, id = self.model, part.replica
        match part:
            case Life():
                slots = tuple(slot_view(slot, ballot, value, "voted") for slot, ballot, value in part.held)
                snapshot = TelemetrySnapshot(
                    id=0, number=0, at_s=now, wall=now, status=None, slots=slots, faults=()
                )
                model.process(id, "up", now)
                model.fold(id, snapshot, now)
            case EventPart(event=event, number=number):
                if not isinstance(event, e.MessageDropped):
                    ((_, view),) = views([(now, event)])
                    pairs = ((now, Raw(_encode(view))),)
                    model.fold(id, TelemetryDelta(id=0, first=number, at_s=now, events=pairs, dropped=0), now)
            case Gap(count=count):
                model.fold(
                    id, TelemetryDelta(id=0, first=0, at_s=now, events=(), dropped=max(1, count or 1)), now
                )
            case EndPart(why=why):
                model.fold(id, None, now)
                model.process(id, "down", now, words=why)
            case FaultPart(what=what, detail=detail, several=several):
                who = "" if several else f"r{id}: "
                model.note(f"{who}{what} {detail}".strip(), now, by=RUN)
            case _:
                pass  # messages are told by the events of those who take them


def retold(paths: list[Path], progress: Callable[[int], object] = lambda parts: None) -> Path:
    """Make a tape of records in a new file of a temporary folder; return its path. Raises
    :class:`~paxtui.records.parts.BadRecord`."""
    records = Records.open(paths)
    retelling = Retelling(records)
    retelling.tell(records, progress)
    folder = Path(tempfile.mkdtemp(prefix="paxtui-replay-"))
    retelling.taping.keep_at(folder / "records.tape")
    retelling.taping.close()
    return folder / "records.tape"
