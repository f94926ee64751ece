"""The cluster as it was at a position of a tape.

A moment is a keyframe, a copy of the facts that was made while they were live, and the steps after it, folded
as they were then. A keyframe was made when some of what had arrived had no place in the order of cause yet:
it says of how many steps of each source that is so, and these are not folded again. Facts do not depend on
the order in which several replicas are heard, so the moment is the same from whichever keyframe it is made.
Values belong to a slot and a ballot and never change, so those that are known later are shown, too.
"""

from __future__ import annotations

import contextlib
import gc
import pickle
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.journal import EVENTS_KEPT, Events
from paxtui.console.model.state.seen import NO_REPLICA, Note, Seen
from paxtui.console.model.state.sent_messages import SentMessages
from paxtui.console.model.state.values import Value, Values
from paxtui.console.model.verdict import UNJUDGED, PastJudge, PastLiveness, TapedVerdict
from paxtui.tape import step as t
from paxtui.tape.reader import TapeReader
from paxtui.tape.step import TapeError, TapeStep
from paxtui.wire.notable import slim
from paxtui.wire.requests import LogEntry, StatusReport
from paxtui.wire.telemetry import Observed, TelemetryDelta, TelemetrySnapshot
from paxtui.wire.values import Ballot

KEYFRAME_EVERY: Final = 4_096
"""Steps between keyframes that are kept: to fold so many takes some 30 ms."""

KEYFRAMES_MAX: Final = 512
"""Two million steps have so many. When there are more, every other one goes."""

NO_FACTS: Final = ("judge", "liveness", "live", "journal", "values", "chat", "remembered")
"""What a model has beside the facts."""

NEAR_EVERY: Final = 512
NEAR_MAX: Final = 16
"""Keyframes around where somebody looks, for steps backwards."""

EVENTS_SHOWN: Final = 2_000
"""Events before the moment that its list has."""

_snapshot = msgspec.json.Decoder(TelemetrySnapshot).decode
_report = msgspec.json.Decoder(StatusReport).decode
_process = msgspec.json.Decoder(tuple[str, int | None, str]).decode
_entries = msgspec.json.Decoder(tuple[LogEntry, ...]).decode
_words = msgspec.json.Decoder(str).decode
_count = msgspec.json.Decoder(int).decode
_note = msgspec.json.Decoder(Note).decode
_verdict = msgspec.json.Decoder(TapedVerdict).decode
_event = msgspec.json.Decoder(Observed).decode


class Keyframe:
    """The facts at a position, packed: thirty kilobytes in place of four hundred. It is made and read by this
    process alone, so it is a pickle; a file, which may be a stranger's, has none."""

    def __init__(
        self, position: int, model: ClusterModel, ahead: Mapping[int, int], verdict: TapedVerdict
    ) -> None:
        self.position = position
        self._packed = zlib.compress(pickle.dumps(_facts_of(model), pickle.HIGHEST_PROTOCOL), 1)
        self.ahead = dict(ahead)
        """By source, how many of its next steps are folded already."""
        self.verdict = verdict

    @property
    def model(self) -> ClusterModel:
        """Return the facts, to fold on with."""
        found: ClusterModel = pickle.loads(zlib.decompress(self._packed))
        return found


def _facts_of(model: ClusterModel) -> ClusterModel:
    """Return a copy with nothing but facts: no events, no values, nobody who judges."""
    other = model.bare()
    for name in NO_FACTS:
        setattr(other, name, None)
    return other


class Keyframes:
    """The keyframes of one tape, in order. There are never many: the distance grows instead."""

    def __init__(self) -> None:
        self.all: list[Keyframe] = []
        self.every = KEYFRAME_EVERY

    def due(self, position: int) -> bool:
        """Return whether it is time for the next one."""
        return not self.all or position - self.all[-1].position >= self.every

    def add(self, keyframe: Keyframe) -> None:
        """Take one, behind all others."""
        self.all.append(keyframe)
        if len(self.all) > KEYFRAMES_MAX:
            del self.all[1::2]
            self.every *= 2


class PastValues(Values):
    """Values as the steps tell them, and where they do not, as they are known now."""

    def __init__(self, known: Values) -> None:
        super().__init__()
        self._later = known
        self.repeated = known.repeated

    def get(self, slot: int, ballot: Ballot | None = None) -> Value | None:
        return super().get(slot, ballot) or self._later.get(slot, ballot)

    def whole(self, slot: int) -> str | None:
        return super().whole(slot) or self._later.whole(slot)

    def want(self, slot: int) -> None:
        self._later.want(slot)

    @property
    def slots(self) -> list[int]:
        return sorted({*super().slots, *self._later.slots})


class PastEvents(Events):
    """The events before a moment."""

    def add(self, seen: Seen, at: float, now: float, body: object = None) -> None:
        pass  # they are put here in the order of the tape


class Past:
    """All moments of one tape."""

    def __init__(
        self, tape: TapeReader, new_model: Callable[[], ClusterModel], keyframes: Keyframes, values: Values
    ) -> None:
        self.tape = tape
        self.values = values
        self._new_model = new_model
        self._keyframes = keyframes
        self._near: dict[int, Keyframe] = {}

    def at(self, position: int) -> ClusterModel:
        """Return the cluster after the steps below ``position``; :attr:`ClusterModel.live` is still to be
        set. Raises :class:`TapeError`."""
        known = [*self._keyframes.all, *self._near.values(), self._empty()]
        # What is missing on the tape cannot be folded: a keyframe after it has it.
        hole = max((end for _, end in self.tape.missing if end <= position), default=0)
        usable = sorted((each for each in known if each.position <= position), key=lambda each: each.position)
        after = [each for each in usable if each.position >= hole]
        for keyframe in reversed(after or usable[-1:]):
            with _garbage_left():
                found = self._folded(keyframe, position)
            if found is not None:
                return found
        raise TapeError(f"{self.tape.path}: nothing is known at #{position}")

    def prepare(self, progress: Callable[[int], object] = lambda position: None) -> None:
        """Make the keyframes of a tape of which there are none, and learn its values: one way through all of
        it. Raises :class:`TapeError`."""
        self._keyframes.all.clear()
        verdict, model, end = UNJUDGED, self._prepared(), 0
        for position, step in self.tape.steps(self.tape.first, self.tape.end):
            if position != end:  # what was known before a hole may not be so after it
                model = self._prepared()
            if position != end or self._keyframes.due(position):
                self._keyframes.add(Keyframe(position, model, {}, verdict))
                progress(position)
            end = position + 1
            if step.kind == t.VERDICT:
                verdict = _decoded(_verdict, step)
            else:
                fold_step(model, step)

    def _prepared(self) -> ClusterModel:
        model = _begun(self._new_model(), self.values)
        model.values = self.values
        return model

    def _empty(self) -> Keyframe:
        return Keyframe(0, self._new_model(), {}, UNJUDGED)

    def _folded(self, keyframe: Keyframe, position: int) -> ClusterModel | None:
        """Fold on from a keyframe; return nothing if it knows more than was so at ``position``."""
        model = _begun(keyframe.model, self.values)
        ahead = Counter(keyframe.ahead)
        verdict = keyframe.verdict
        for at, step in self.tape.steps(keyframe.position, position):
            if at % NEAR_EVERY == 0 and at > keyframe.position and not +ahead:
                self._keep_near(Keyframe(at, model, {}, verdict))
            if ahead[step.source] > 0:
                ahead[step.source] -= 1
                if step.kind == t.VERDICT:
                    verdict = _decoded(_verdict, step)
            elif step.kind == t.VERDICT:
                verdict = _decoded(_verdict, step)
            else:
                fold_step(model, step)
        if +ahead:
            return None
        model.judge, model.liveness = PastJudge(verdict), PastLiveness(verdict)
        model.journal = self._events(position)
        model.version = position
        return model

    def _keep_near(self, keyframe: Keyframe) -> None:
        self._near.pop(keyframe.position, None)
        self._near[keyframe.position] = keyframe
        while len(self._near) > NEAR_MAX:
            del self._near[next(iter(self._near))]

    def _events(self, position: int) -> Events:
        """Return the events before a position."""
        events = PastEvents()
        found = [
            seen
            for at, step in self.tape.steps(max(0, position - EVENTS_SHOWN), position)
            if (seen := seen_of(step)) is not None
        ]
        for seen in found[-EVENTS_KEPT:]:
            events._append(seen)
        events.total = position
        return events


@contextlib.contextmanager
def _garbage_left() -> Iterator[None]:
    """Look for no garbage meanwhile: to fold some thousand steps makes so many objects that all of a large
    console is looked through several times, which takes longer than the folding."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _begun(model: ClusterModel, values: Values) -> ClusterModel:
    """Make the facts of a keyframe a model to fold on with, in which nothing is judged."""
    other = model
    other.judge, other.liveness = PastJudge(UNJUDGED), PastLiveness(UNJUDGED)
    other.remembered = []
    other.values, other.journal, other.chat = PastValues(values), PastEvents(), SentMessages()
    other.taped, other.live = False, other
    other._bookmarked = 0
    return other


def fold_step(model: ClusterModel, step: TapeStep) -> None:
    """Tell a model what it was told then. Raises :class:`TapeError` for what it cannot have been told."""
    id, now, body = step.source, step.arrived, step.body
    if not (0 <= id < model.n):
        if id in NO_REPLICA and step.kind == t.NOTE:
            return
        raise TapeError(f"a step of replica {id}: the cluster has {model.n}")
    match step.kind:
        case t.EVENT:
            pair = (step.at_s, Raw(body))
            _tell(
                step,
                lambda: model.fold(
                    id,
                    TelemetryDelta(id=0, first=step.number, at_s=step.told_s, events=(pair,), dropped=0),
                    now,
                ),
            )
        case t.SNAPSHOT:
            model.fold(id, _decoded(_snapshot, step), now)
        case t.LOST:
            model.fold(id, None, now)
        case t.DROPPED:
            count = _decoded(_count, step)
            model.fold(id, TelemetryDelta(id=0, first=0, at_s=0, events=(), dropped=count), now)
        case t.REPORT:
            model.report(id, _decoded(_report, step), "", now)
        case t.SILENT:
            model.report(id, None, _decoded(_words, step), now)
        case t.PROCESS:
            state, pid, words = _decoded(_process, step)
            model.process(id, state, now, pid=pid, words=words)
        case t.WIPED:
            model.replicas[id].wipe()
        case t.FETCHED:
            model.page(_decoded(_entries, step), id, now)
        case _:
            pass  # what is told of it stands among the events


def seen_of(step: TapeStep) -> Seen | None:
    """Return a step as a list of events shows it; nothing for one that is no event. Raises
    :class:`TapeError`."""
    if step.kind == t.EVENT:
        return Seen(step.wall, step.source, step.number, slim(_decoded(_event, step)), step.corrected)
    if step.kind == t.NOTE:
        return Seen(step.wall, step.source, step.number, _decoded(_note, step), step.corrected)
    return None


def _decoded(decode: Callable[[bytes], Any], step: TapeStep) -> Any:
    return _tell(step, lambda: decode(step.body))


def _tell(step: TapeStep, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise TapeError(f"a {step.kind} of r{step.source}: {error}") from None
