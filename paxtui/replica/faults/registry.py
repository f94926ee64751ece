"""The faults of one replica: which act, which wait for a trigger, which end when.

Faults act where a message crosses a link and at trace events, never inside the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from paxtui.core.ballot import REPLICAS_MAX
from paxtui.core.events import AppliedTo, Event
from paxtui.core.messages import PeerMessage
from paxtui.wire.fate import DELAY, DUPLICATE, LOSS, REORDER, roll
from paxtui.wire.faults import (
    LEASE_S,
    ActiveFault,
    AnyFault,
    Clock,
    CrashProposer,
    Cut,
    Delay,
    DiskError,
    Duplicate,
    Fault,
    FullDisk,
    Hold,
    LeasedFault,
    LinkFault,
    Loss,
    Pause,
    Reorder,
    SkipSlot,
    SlowDisk,
    Trigger,
)
from paxtui.wire.telemetry import FaultBegan, FaultEnded
from paxtui.wire.views import is_about

FAULTS_MAX = 256
"""Faults that may act or wait at once; more is a tool gone wild."""

REORDER_S = 0.02
"""How long a reordered message is held back: long enough for others to overtake it."""

INFINITY = float("inf")

HELD: Final = (INFINITY,)
"""The fate of a message that is held: one copy, delayed until it is released."""

LastingFault = CrashProposer | Clock | SlowDisk | DiskError | FullDisk
"""Faults that act until they are undone, and of which the latest word counts."""

Begin = Callable[[AnyFault, bool], str | None]
"""``(fault, at_once)``: begin it; the reason if that is impossible. ``at_once`` is false where an operator
waits for an answer, which may leave first."""


class Shape(Struct, frozen=True, gc=False):
    """The effect of the active faults on one directed link."""

    cut: bool = False
    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    holds: tuple[Hold, ...] = ()


STRAIGHT = Shape()


class RegisteredFault:
    """A fault that acts or waits."""

    __slots__ = ("began", "ends", "fault", "for_s", "number", "when")

    def __init__(
        self, number: int, fault: AnyFault, now: float, for_s: float | None, when: Trigger | None
    ) -> None:
        self.number = number
        self.fault = fault
        self.for_s = for_s
        self.when = when
        self.start_clock(now)

    def start_clock(self, now: float) -> None:
        """Start the fault's time: from when it began to wait, and again from when it began to act."""
        self.began = now
        self.ends = INFINITY if self.for_s is None else now + self.for_s


class FaultRegistry:
    """The list of one replica's faults. ``begin`` and ``end`` are called for all but link faults."""

    def __init__(
        self,
        me: int,
        replicas: int,
        seed: int,
        begin: Begin,
        end: Callable[[AnyFault], None],
    ) -> None:
        self._me = me
        self._seed = seed
        self._begin_fault = begin
        self._end_fault = end
        self._entries: dict[int, RegisteredFault] = {}
        self._count = 0
        self._peers = [peer for peer in range(replicas) if peer != me]
        self._shapes = dict.fromkeys(self._peers, STRAIGHT)
        self._decided = dict.fromkeys(self._peers, 0)
        self._straight = True
        self.lost_to = dict.fromkeys(self._peers, 0)
        self.on_change: Callable[[FaultBegan | FaultEnded], None] = _nobody
        """Who is told that a fault began or ended."""
        self.on_hold_ended: Callable[[], None] = _nothing
        """Called when a hold is over, once it holds no more."""

    def inject(
        self, fault: AnyFault, now: float, for_s: float | None, when: Trigger | None
    ) -> tuple[int, str | None]:
        """Begin a fault, or let it wait for ``when``: its number, and the reason if it could not begin."""
        if len(self._entries) >= FAULTS_MAX:
            return 0, f"{FAULTS_MAX} faults act or wait here already"
        if isinstance(fault, LinkFault) and fault.to >= 0 and fault.to not in self._shapes:
            return 0, f"there is no link from replica {self._me} to {fault.to}"
        if isinstance(fault, LeasedFault) and for_s is None:
            for_s = LEASE_S
        number = self._count * REPLICAS_MAX + self._me + 1
        entry = RegisteredFault(number, fault, now, for_s, when)
        if when is None:
            reason = self._start_fault(entry, at_once=False)
            if reason is not None:
                return 0, reason
        self._count += 1
        if when is not None or not isinstance(fault, Pause):  # a pause is over before anybody could list it
            self._entries[number] = entry
        self._reshape()
        self.on_change(FaultBegan(number, fault, when is not None))
        return number, None

    def _start_fault(self, entry: RegisteredFault, *, at_once: bool) -> str | None:
        return None if isinstance(entry.fault, LinkFault) else self._begin_fault(entry.fault, at_once)

    def renew(self, number: int | None, now: float) -> bool:
        """Let a fault that acts, and ends by itself, act for its whole time again; return whether there is
        such a fault. Without a number all holds and the clock are renewed."""
        renewed = False
        for entry in self._entries.values():
            meant = isinstance(entry.fault, LeasedFault) if number is None else entry.number == number
            if meant and entry.for_s is not None and entry.when is None:
                entry.ends = now + entry.for_s
                renewed = True
        return renewed

    def undo(self, number: int | None, how: str = "undone") -> list[AnyFault]:
        """End one fault, or all; return what ended. ``how`` is what those who watch are told."""
        numbers = list(self._entries) if number is None else [number] if number in self._entries else []
        ended = [self._entries.pop(each) for each in numbers]
        self._reshape()
        for entry in ended:
            self.on_change(FaultEnded(entry.number, entry.fault, how))
            if entry.when is None and not isinstance(entry.fault, LinkFault):
                self._stop_fault(entry.fault)
        if any(isinstance(entry.fault, Hold) for entry in ended):
            self.on_hold_ended()
        return [entry.fault for entry in ended]

    def _stop_fault(self, fault: AnyFault) -> None:
        others = [
            each.fault
            for each in self._entries.values()
            if each.when is None and isinstance(fault, LastingFault) and type(each.fault) is type(fault)
        ]
        if others:
            self._begin_fault(others[-1], True)
        else:
            self._end_fault(fault)

    def expire(self, now: float) -> list[AnyFault]:
        """End what has outlived its time."""
        over = [number for number, entry in self._entries.items() if entry.ends <= now]
        return [fault for number in over for fault in self.undo(number, "expired")]

    @property
    def deadline(self) -> float:
        """Return when :meth:`expire` has something to do."""
        return min((entry.ends for entry in self._entries.values()), default=INFINITY)

    @property
    def watching(self) -> bool:
        """Return whether any fault waits for an event."""
        return any(entry.when is not None for entry in self._entries.values())

    def end_skip(self, slot: int) -> None:
        """End the fault that asked for a skip of ``slot``, as it was skipped."""
        for number, entry in list(self._entries.items()):
            if entry.when is None and isinstance(entry.fault, SkipSlot) and entry.fault.slot in (None, slot):
                del self._entries[number]
                self.on_change(FaultEnded(number, entry.fault, "done"))
                return

    def on_event(self, event: Event, now: float) -> list[AnyFault]:
        """Begin the faults that waited for this event; return what began."""
        name = event.__struct_config__.tag
        began: list[AnyFault] = []
        for entry in list(self._entries.values()):
            when = entry.when
            if when is not None and when.event == name and _concerns(event, when.slot):
                entry.when = None
                entry.start_clock(now)
                began.append(entry.fault)
                self.on_change(FaultBegan(entry.number, entry.fault, False))
                self._start_fault(entry, at_once=True)
                if isinstance(entry.fault, Pause):
                    del self._entries[entry.number]
        if began:
            self._reshape()
        return began

    def active_faults(self, now: float) -> tuple[ActiveFault, ...]:
        """Return the faults that act or wait here."""
        return tuple(
            ActiveFault(
                entry.number,
                self._me,
                entry.fault,
                now - entry.began,
                None if entry.ends == INFINITY else entry.ends - now,
                entry.when,
            )
            for entry in self._entries.values()
        )

    @property
    def lost(self) -> int:
        """Return how many messages faults swallowed."""
        return sum(self.lost_to.values())

    def decided_count(self, to: int) -> int:
        """Return how many messages to ``to`` faults have decided about."""
        return self._decided[to]

    def __len__(self) -> int:
        return len(self._entries)

    # Links

    def _reshape(self) -> None:
        for peer in self._peers:
            self._shapes[peer] = self._shape(peer)
        self._straight = all(shape is STRAIGHT for shape in self._shapes.values())

    def _shape(self, peer: int) -> Shape:
        acting: list[Fault] = [
            entry.fault
            for entry in self._entries.values()
            if entry.when is None and isinstance(entry.fault, LinkFault) and entry.fault.to in (-1, peer)
        ]
        if not acting:
            return STRAIGHT
        # The latest word on a kind counts: `loss 10` after `loss 20` makes it 10.
        cut, loss, delay_s, jitter_s, duplicate, reorder = False, 0.0, 0.0, 0.0, 0.0, 0.0
        holds: list[Hold] = []
        for fault in acting:
            match fault:
                case Cut():
                    cut = True
                case Loss(percent=percent):
                    loss = percent / 100
                case Delay(ms=ms, jitter_ms=jitter_ms):
                    delay_s, jitter_s = ms / 1000, jitter_ms / 1000
                case Duplicate(percent=percent):
                    duplicate = percent / 100
                case Reorder(percent=percent):
                    reorder = percent / 100
                case Hold():
                    holds.append(fault)
        return Shape(cut, loss, delay_s, jitter_s, duplicate, reorder, tuple(holds))

    def holds(self, to: int, message: PeerMessage) -> bool:
        """Return whether a message to ``to`` is held now."""
        return any(is_about(message, hold.kinds, hold.slot) for hold in self._shapes[to].holds)

    def fate(self, to: int, message: PeerMessage) -> tuple[float, ...] | None:
        """Decide when a message to ``to`` arrives: ``None`` at once and once, else a delay in seconds for
        each copy; an empty tuple is a loss, and :data:`HELD` waits for a person to decide, before any other
        fault of the link does."""
        if self._straight:
            return None
        shape = self._shapes[to]
        if shape is STRAIGHT:
            return None
        if shape.holds and self.holds(to, message):
            return HELD
        number = self._decided[to]
        self._decided[to] = number + 1
        if shape.cut or roll(self._seed, self._me, to, number, LOSS) < shape.loss:
            self.lost_to[to] += 1
            return ()
        delay_s = shape.delay_s + shape.jitter_s * roll(self._seed, self._me, to, number, DELAY)
        if shape.reorder and roll(self._seed, self._me, to, number, REORDER) < shape.reorder:
            delay_s += REORDER_S
        if shape.duplicate and roll(self._seed, self._me, to, number, DUPLICATE) < shape.duplicate:
            return delay_s, delay_s + REORDER_S / 2
        return (delay_s,)


def _nobody(told: FaultBegan | FaultEnded) -> None:
    """Ignore a change, while no observer is set."""


def _nothing() -> None:
    """Do nothing, while nothing is staged."""


def _concerns(event: Event, slot: int | None) -> bool:
    """Return whether an event is about ``slot``; events about no slot concern none."""
    if slot is None:
        return True
    first = getattr(event, "first", getattr(event, "slot", None))
    if first is None:
        return False
    count = event.watermark - event.first if isinstance(event, AppliedTo) else getattr(event, "count", None)
    if count is None:
        run = getattr(event, "values", getattr(event, "entries", (None,)))
        count = len(run)
    return bool(first <= slot < first + count)
