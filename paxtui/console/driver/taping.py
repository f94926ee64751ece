"""The flight recorder: a tape of all that the console is told, always, and the moments on it.

The tape lies in a folder of its own that goes with the console, unless the person or a red light kept it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from paxtui import __version__
from paxtui.config.cluster_file import Cluster
from paxtui.console.model.analysis.describe import describe
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.past import Keyframe, Keyframes, Past
from paxtui.console.model.state.cause_order import Body
from paxtui.console.model.state.journal import Sink
from paxtui.console.model.state.seen import NO_REPLICA, Aside, Note, Seen
from paxtui.console.model.verdict import UNJUDGED, TapedVerdict
from paxtui.tape.reader import TapeReader
from paxtui.tape.step import EVENT, NOTE, VERDICT, TapeError, TapeStep
from paxtui.tape.writer import TAPE_MB, TapeWriter
from paxtui.wire import events as e
from paxtui.wire.telemetry import FaultBegan, FaultEnded

MARKED: Final = {
    e.Elected: "election",
    e.BecameNonVoting: "alarm",
    FaultBegan: "fault",
    FaultEnded: "fault",
}
"""Events that are marked, and as what."""

FOLDER: Final = "paxtui-tape-"
"""What names of folders of tapes begin with; the id of the process follows."""

_verdict = msgspec.json.Decoder(TapedVerdict).decode


def meta_of(cluster: Cluster) -> dict[str, str]:
    """Return what a tape says of its cluster."""
    return {
        "cluster": cluster.name,
        "replicas": ",".join(f"{each.host}:{each.port}" for each in cluster.replicas),
        "program": __version__,
        "begun": f"{time.time():.3f}",
    }


class Taping:
    """The tape of one model."""

    def __init__(self, model: ClusterModel, megabytes: int = TAPE_MB) -> None:
        self.kept: Path | None = None
        """Where the tape stays when the console is gone."""
        self._model = model
        _remove_orphans()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
        path = self._folder / "console.tape"
        self._writer = TapeWriter(path, meta_of(model.cluster), megabytes)
        self._keyframes = Keyframes()
        self._reader: TapeReader | None = None
        self._past: Past | None = None
        self._verdict = UNJUDGED
        self._found = 0
        model.taped = True
        model.wall_guessed = time.time() - time.monotonic()
        sink: Sink = self.take
        model.journal.sink = sink

    # Writing

    def take(self, seen: Seen, arrived: float, body: Body) -> None:
        """Write what has found its place."""
        event = seen.event
        kind = event.kind if isinstance(event, Aside) else NOTE if isinstance(event, Note) else EVENT
        at_s, told_s, words = body
        self._writer.add(
            TapeStep(
                kind,
                seen.replica,
                seen.number,
                at_s,
                told_s,
                arrived,
                seen.wall,
                seen.corrected,
                bytes(words),
            )
        )
        if type(event) in MARKED:
            self._writer.mark(MARKED[type(event)], _words(seen), seen.wall)
        elif kind == VERDICT:
            self._judged(_verdict(words), seen.wall)
        elif isinstance(event, Note) and event.failed and seen.replica not in NO_REPLICA:
            self._writer.mark("process", event.text, seen.wall)

    def _judged(self, verdict: TapedVerdict, wall: float) -> None:
        before, self._verdict = self._verdict, verdict
        if verdict.found > self._found or (verdict.liveness == "STUCK" != before.liveness):
            self._found = verdict.found
            self._writer.mark("alarm", "; ".join(verdict.problems[-1:]) or verdict.liveness_words, wall)
            self._writer.keep_around(wall)
        if verdict.found and self.kept is None:
            self.keep()

    def look(self) -> None:
        """Do what is due a few times a second: hand over what waits, make a keyframe."""
        self._writer.flush_old()
        if self._keyframes.due(self._writer.end):
            held = self._model.journal.held
            self._keyframes.add(Keyframe(self._writer.end, self._model, held, self._verdict))

    def mark(self, name: str) -> None:
        """Mark this moment; what is around it stays on the tape."""
        wall = time.time()
        self._writer.mark("mark", name, wall)
        self._writer.keep_around(wall)

    @property
    def problem(self) -> str | None:
        """Return why nothing is taped any more."""
        return self._writer.problem

    # Reading

    def past(self) -> Past:
        """Return all moments until now. Raises :class:`TapeError`."""
        self._writer.sync()
        if self._writer.problem is not None:
            raise TapeError(self._writer.problem)
        if self._reader is None or self._past is None:
            self._reader = TapeReader(self._writer.path)
            model = self._model
            self._past = Past(
                self._reader, lambda: ClusterModel(model.cluster), self._keyframes, model.values
            )
        else:
            self._reader.look_again()
        return self._past

    # Keeping

    def keep(self, folder: Path | None = None) -> Path:
        """Keep the tape when the console ends: in ``folder``, by default the current one."""
        if self.kept is None:
            stem = time.strftime("paxtui-%Y%m%d-%H%M%S")
            self.kept = (folder or Path.cwd()) / f"{stem}.tape"
        return self.kept

    def keep_at(self, path: Path) -> None:
        """Keep the tape at ``path`` when it ends."""
        self.kept = path

    def save(self, path: Path) -> int:
        """Copy the tape as it is now into a new file; return how many steps it has. Raises
        :class:`OSError` and :class:`TapeError`."""
        past = self.past()
        if path.exists():
            raise FileExistsError(17, "the file is there already", str(path))
        past.tape.copy_to(path)
        return past.tape.end

    def close(self) -> str | None:
        """End the tape; return where it was kept, or why it could not be, in words; nothing if it is gone."""
        self._model.journal.sink, self._model.taped = None, False
        for held in self._model.journal.rest():
            if held.body is not None:
                self.take(held.seen, held.arrived, held.body)
        if self._reader is not None:
            self._reader.close()
        self._writer.close()
        try:
            if self.kept is not None and self._writer.path.exists():
                shutil.move(self._writer.path, self.kept)
                return f"the tape of it: paxtui replay {self.kept}"
        except OSError as error:
            return f"{self.kept}: the tape could not be kept: {error.strerror}"
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return None


def _words(seen: Seen) -> str:
    return f"r{seen.replica} {describe(seen)}"


def _remove_orphans() -> None:
    """Remove the tapes of consoles that were killed: they could not do it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}[0-9]*-*"):
        pid = folder.name.removeprefix(FOLDER).partition("-")[0]
        if pid.isdecimal() and not _lives(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)  # another user's stays: it may not be removed


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is another user's
    return True
