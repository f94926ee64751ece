"""The list of faults: which act, on what, for how long."""

from __future__ import annotations

import pytest

from paxtui.core import events as e
from paxtui.core.ballot import REPLICAS_MAX, Ballot
from paxtui.core.messages import CatchUp
from paxtui.core.values import NOOP, Entry
from paxtui.replica.faults.registry import FAULTS_MAX, REORDER_S, FaultRegistry
from paxtui.wire import faults as f
from paxtui.wire.telemetry import FaultBegan, FaultEnded

B = Ballot(1, 0)
MESSAGE = CatchUp(7)
OTHER_FAULTS = [
    f.CrashProposer(),
    f.CrashReplica(),
    f.SkipSlot(3),
    f.SkipSlot(None),
    f.SlowDisk(5),
    f.Clock(10),
    f.DiskError(),
    f.FullDisk(),
    f.Pause(1),
]


class NotedRegistry(FaultRegistry):
    """A registry that writes down what begins and ends."""

    def __init__(self, me: int = 0, replicas: int = 3, seed: int = 1) -> None:
        self.begun: list[tuple[f.AnyFault, bool]] = []
        self.ended: list[f.AnyFault] = []
        self.objection: str | None = None
        super().__init__(me, replicas, seed, self._note_begin, self.ended.append)

    def _note_begin(self, fault: f.AnyFault, at_once: bool) -> str | None:
        if self.objection is None:
            self.begun.append((fault, at_once))
        return self.objection

    def put(self, fault: f.AnyFault, *, for_s: float | None = None, when: f.Trigger | None = None) -> int:
        number, reason = self.inject(fault, 0.0, for_s, when)
        assert reason is None
        return number

    def fates(self, to: int, count: int = 1000) -> list[tuple[float, ...] | None]:
        return [self.fate(to, MESSAGE) for _ in range(count)]


def test_without_faults_every_message_arrives_at_once_and_once() -> None:
    assert set(NotedRegistry().fates(1)) == {None}


@pytest.mark.parametrize("percent", [0, 20, 100])
def test_loss_takes_its_share_of_one_direction(percent: float) -> None:
    registry = NotedRegistry()
    registry.put(f.Loss(1, percent))
    lost = registry.fates(1).count(())
    assert lost == registry.lost
    assert abs(lost - 10 * percent) < 50
    assert set(registry.fates(2)) == {None}


def test_a_cut_lets_nothing_through_and_the_other_link_is_whole() -> None:
    registry = NotedRegistry()
    registry.put(f.Cut(2))
    assert set(registry.fates(2)) == {()}
    assert set(registry.fates(1)) == {None}


def test_a_delay_holds_back_by_its_time_and_its_jitter() -> None:
    registry = NotedRegistry()
    registry.put(f.Delay(1, 50, 20))
    delays = [fate[0] for fate in registry.fates(1)]  # type: ignore[index]
    assert 0.05 <= min(delays) < 0.052
    assert 0.068 < max(delays) <= 0.07


def test_a_duplicate_comes_a_little_later_than_the_first() -> None:
    registry = NotedRegistry()
    registry.put(f.Duplicate(1, 100))
    assert set(registry.fates(1)) == {(0.0, REORDER_S / 2)}


def test_reordering_holds_some_messages_back() -> None:
    registry = NotedRegistry()
    registry.put(f.Reorder(1, 30))
    fates = registry.fates(1)
    assert set(fates) == {(0.0,), (REORDER_S,)}
    assert abs(fates.count((REORDER_S,)) - 300) < 60


def test_kinds_on_one_link_add_up_and_the_latest_word_on_a_kind_counts() -> None:
    registry = NotedRegistry()
    registry.put(f.Delay(1, 100))
    registry.put(f.Delay(1, 10))
    registry.put(f.Duplicate(1, 100))
    assert set(registry.fates(1)) == {(0.01, 0.01 + REORDER_S / 2)}
    last = registry.put(f.Loss(1, 100))
    assert set(registry.fates(1)) == {()}
    registry.put(f.Loss(1, 0))
    assert () not in registry.fates(1)
    registry.undo(last)
    assert () not in registry.fates(1)


def test_a_fault_to_everybody_acts_on_every_link() -> None:
    registry = NotedRegistry(me=1)
    registry.put(f.Cut(-1))
    assert registry.fate(0, MESSAGE) == ()
    assert registry.fate(2, MESSAGE) == ()


def test_undoing_the_latest_word_brings_the_earlier_one_back() -> None:
    registry = NotedRegistry()
    registry.put(f.Delay(1, 100))
    later = registry.put(f.Delay(1, 10))
    registry.undo(later)
    assert registry.fate(1, MESSAGE) == (0.1,)


@pytest.mark.parametrize("fault", [f.Loss(1, 30), f.Delay(1, 5, 5), f.Duplicate(1, 30), f.Reorder(1, 30)])
def test_the_fate_of_a_message_depends_on_its_number_alone(fault: f.AnyFault) -> None:
    one, other = NotedRegistry(seed=9), NotedRegistry(seed=9)
    one.put(fault)
    other.put(f.Cut(2))
    other.put(fault)
    mixed = []
    for _ in range(200):
        mixed.append(other.fate(1, MESSAGE))
        other.fate(2, MESSAGE)
    assert one.fates(1, 200) == mixed
    assert NotedRegistry(seed=9).fates(1, 200) != mixed


@pytest.mark.parametrize("to", [0, 3, 8])
def test_there_is_no_link_to_oneself_or_to_nobody(to: int) -> None:
    number, reason = NotedRegistry().inject(f.Cut(to), 0, None, None)
    assert (number, reason) == (0, f"there is no link from replica 0 to {to}")


@pytest.mark.parametrize("fault", OTHER_FAULTS)
def test_a_fault_of_the_process_begins_when_it_is_injected(fault: f.AnyFault) -> None:
    registry = NotedRegistry()
    registry.put(fault)
    assert registry.begun == [(fault, False)]


@pytest.mark.parametrize("fault", OTHER_FAULTS[:-1])
def test_a_fault_of_the_process_ends_when_it_is_undone_and_only_then(fault: f.AnyFault) -> None:
    registry = NotedRegistry()
    number = registry.put(fault)
    assert registry.undo(number + 1) == []
    assert registry.ended == []
    assert registry.undo(number) == [fault]
    assert registry.ended == [fault]
    assert registry.undo(number) == []
    assert len(registry) == 0


def test_a_fault_that_cannot_begin_is_not_listed() -> None:
    registry = NotedRegistry()
    registry.objection = "it is asleep"
    assert registry.inject(f.CrashProposer(), 0, None, None) == (0, "it is asleep")
    assert registry.active_faults(0) == ()


def test_a_pause_is_over_before_anybody_could_list_it() -> None:
    registry = NotedRegistry()
    assert registry.put(f.Pause(1)) > 0
    registry.put(f.Pause(1), when=f.Trigger("voted"))
    assert len(registry) == 1
    registry.on_event(e.Voted(B, 0, (NOOP,)), 0.0)
    assert registry.begun[-1] == (f.Pause(1), True)
    assert len(registry) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f.SlowDisk(5), f.SlowDisk(90)),
        (f.Clock(10), f.Clock(50)),
        (f.CrashProposer(), f.CrashProposer()),
        (f.DiskError(), f.DiskError()),
    ],
)
def test_of_two_equal_faults_one_may_end_and_the_other_goes_on(one: f.AnyFault, other: f.AnyFault) -> None:
    registry = NotedRegistry()
    first, second = registry.put(one), registry.put(other)
    registry.undo(second)
    assert registry.ended == []
    assert registry.begun[-1] == (one, True)
    registry.undo(first)
    assert registry.ended == [one]


def test_heal_ends_everything_at_once() -> None:
    registry = NotedRegistry()
    registry.put(f.Cut(1))
    registry.put(f.SlowDisk(1))
    registry.put(f.CrashReplica(), when=f.Trigger("voted"))
    assert len(registry.undo(None)) == 3
    assert registry.ended == [f.SlowDisk(1)]  # what never began does not end
    assert registry.fate(1, MESSAGE) is None
    assert not registry.watching


def test_a_fault_ends_when_its_time_is_over() -> None:
    registry = NotedRegistry()
    registry.inject(f.Cut(1), 100.0, 5.0, None)
    registry.inject(f.Cut(2), 100.0, None, None)
    assert registry.deadline == 105.0
    assert registry.expire(104.9) == []
    assert registry.expire(105.0) == [f.Cut(1)]
    assert registry.fate(1, MESSAGE) is None
    assert registry.fate(2, MESSAGE) == ()
    assert registry.deadline == float("inf")


def test_the_list_tells_age_and_time_left() -> None:
    registry = NotedRegistry(me=2)
    number, _ = registry.inject(f.Cut(1), 100.0, 5.0, None)
    other, _ = registry.inject(f.SlowDisk(1), 101.0, None, f.Trigger("voted", 3))
    assert registry.active_faults(103.0) == (
        f.ActiveFault(number, 2, f.Cut(1), 3.0, 2.0, None),
        f.ActiveFault(other, 2, f.SlowDisk(1), 2.0, None, f.Trigger("voted", 3)),
    )


def test_numbers_are_unique_over_all_replicas() -> None:
    numbers = []
    for me in range(REPLICAS_MAX):
        registry = NotedRegistry(me, REPLICAS_MAX)
        for _ in range(20):
            numbers.append(registry.put(f.SlowDisk(1)))
            assert (numbers[-1] - 1) % REPLICAS_MAX == me
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) == 1


def test_a_number_is_not_used_again_after_an_undo() -> None:
    registry = NotedRegistry()
    first = registry.put(f.Cut(1))
    registry.undo(first)
    assert registry.put(f.Cut(1)) != first


def test_a_tool_gone_wild_is_stopped() -> None:
    registry = NotedRegistry()
    for _ in range(FAULTS_MAX):
        registry.put(f.Loss(1, 1))
    number, reason = registry.inject(f.Loss(1, 1), 0, None, None)
    assert number == 0
    assert str(FAULTS_MAX) in str(reason)
    registry.undo(None)
    registry.put(f.Loss(1, 1))


@pytest.mark.parametrize(
    ("event", "slots"),
    [
        (e.AcceptSent(B, 3, 2, -1, False), {3, 4}),
        (e.Voted(B, 3, (NOOP, NOOP)), {3, 4}),
        (e.Proposed(B, 3, (NOOP,), "no-op"), {3}),
        (e.Learned(3, (Entry(B, NOOP), Entry(B, NOOP))), {3, 4}),
        (e.ChosenSeen(B, 0, 1), {0}),
        (e.AcceptedReceived(B, 1, 3, 1), {3}),
        (e.SlotSkipped(B, 3), {3}),
        (e.Suppressed(3, "x", 1, 0), {3}),
        (e.RoundTaken(B, False), set()),
        (e.LeaderHeard(B), set()),
    ],
)
def test_a_trigger_waits_for_its_event_and_its_slot(event: e.Event, slots: set[int]) -> None:
    name = str(event.__struct_config__.tag)
    for slot in range(7):
        registry = NotedRegistry()
        registry.put(f.Cut(1), when=f.Trigger(name, slot))
        assert registry.fate(1, MESSAGE) is None
        began = registry.on_event(event, 0.0)
        assert bool(began) == (slot in slots), slot
        assert registry.fate(1, MESSAGE) == (() if slot in slots else None)
    registry = NotedRegistry()
    registry.put(f.CrashReplica(), when=f.Trigger(name))
    assert registry.watching
    assert registry.on_event(e.NackSent(B, 1, B, None), 0.0) == []
    assert registry.begun == []
    assert registry.on_event(event, 0.0) == [f.CrashReplica()]
    assert registry.begun == [(f.CrashReplica(), True)]
    assert not registry.watching
    assert registry.on_event(event, 0.0) == []


def test_an_applied_run_concerns_each_of_its_slots() -> None:
    """The event has first and watermark, and no count."""
    for slot in range(6):
        registry = NotedRegistry()
        registry.put(f.Cut(1), when=f.Trigger("applied-to", slot))
        assert bool(registry.on_event(e.AppliedTo(2, 5, "00"), 0.0)) == (2 <= slot < 5), slot


# Who watches


def test_those_who_watch_are_told_of_each_beginning_and_end() -> None:
    registry = NotedRegistry()
    told: list[FaultBegan | FaultEnded] = []
    registry.on_change = told.append
    cut = registry.put(f.Cut(1), for_s=5)
    waiting = registry.put(f.SlowDisk(1), when=f.Trigger("voted"))
    skip = registry.put(f.SkipSlot(3))
    registry.on_event(e.Voted(B, 0, (NOOP,)), 0.0)
    registry.end_skip(3)
    registry.expire(1e9)
    registry.undo(waiting)
    assert told == [
        FaultBegan(cut, f.Cut(1), False),
        FaultBegan(waiting, f.SlowDisk(1), True),
        FaultBegan(skip, f.SkipSlot(3), False),
        FaultBegan(waiting, f.SlowDisk(1), False),
        FaultEnded(skip, f.SkipSlot(3), "done"),
        FaultEnded(cut, f.Cut(1), "expired"),
        FaultEnded(waiting, f.SlowDisk(1), "undone"),
    ]


def test_losses_are_counted_by_link() -> None:
    registry = NotedRegistry()
    registry.put(f.Cut(1))
    for _ in range(3):
        assert registry.fate(1, MESSAGE) == ()
    assert registry.fate(2, MESSAGE) is None
    assert (registry.lost_to, registry.lost, registry.decided_count(1)) == ({1: 3, 2: 0}, 3, 3)
