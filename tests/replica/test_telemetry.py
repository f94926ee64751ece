"""Observers: a snapshot, then every event once; and where that is too much, a gap that is said."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import trio
import trio.testing

from paxtui.core import events as e
from paxtui.core.ballot import NUMBER_LIMIT, REPLICAS_MAX, Ballot
from paxtui.core.messages import Accept, CatchUp
from paxtui.core.values import CLIENT_CHARS_MAX, NOOP, Command, Entry
from paxtui.replica.observability import telemetry as telemetry_module
from paxtui.replica.observability.telemetry import (
    BUFFER_EVENTS,
    FLUSHES_A_SECOND,
    OBSERVER_BYTES_MAX,
    Telemetry,
    Watcher,
)
from paxtui.wire import FRAME_BYTES_MAX, Decoder, FrameReader
from paxtui.wire.faults import Cut
from paxtui.wire.telemetry import (
    DIGEST_CHARS,
    TEXT_CHARS_MAX,
    FaultBegan,
    FaultEnded,
    LearnedView,
    MessageFaulted,
    Observed,
    ObserverAnswer,
    TelemetryDelta,
    TelemetrySnapshot,
    digest,
)
from paxtui.wire.views import FLUSH_VALUES, faulted

B = Ballot(1, 0)
views: Decoder[TelemetrySnapshot | TelemetryDelta] = Decoder(ObserverAnswer)


class Observer:
    """Takes frames, and checks that no event is missing without a word."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.frames: list[bytes] = []
        self.backlog = 0
        self.watcher = telemetry.add_watcher(Watcher(7, self.push, lambda: self.backlog))

    def push(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return True

    def messages(self) -> list[TelemetrySnapshot | TelemetryDelta]:
        reader = FrameReader()
        return [views.decode(body) for frame in self.frames for body in reader.feed(frame)]

    def events(self) -> Iterator[dict[str, object]]:
        """All events; asserts that numbers are gapless but for what is told to be dropped."""
        following = None
        for message in self.messages():
            assert message.id == 7
            if isinstance(message, TelemetrySnapshot):
                assert following is None or message.number == following
                following = message.number
            else:
                assert following is not None
                assert message.first == following + message.dropped
                following = message.first + len(message.events)
                for _, raw in message.events:
                    yield msgspec.json.decode(raw)


@pytest.fixture
def telemetry() -> Telemetry:
    def snapshot(ask: int, number: int) -> TelemetrySnapshot:
        return TelemetrySnapshot(id=ask, number=number, at_s=0.0, wall=0.0, status=None, slots=(), faults=())

    return Telemetry(snapshot)


def heard(round: int) -> e.LeaderHeard:
    return e.LeaderHeard(Ballot(round, 0))


@pytest.mark.trio
async def test_an_observer_gets_a_snapshot_and_then_every_event(telemetry: Telemetry) -> None:
    telemetry.record(0.0, (heard(1), heard(2)))
    observer = Observer(telemetry)
    telemetry.flush()
    for round in range(3, 9):
        telemetry.record(float(round), (heard(round),))
        if round % 2:
            telemetry.flush()
    telemetry.flush()
    first, *deltas = observer.messages()
    assert isinstance(first, TelemetrySnapshot)
    assert first.number == 2  # what happened before was counted, though nobody watched
    assert [delta.first for delta in deltas if isinstance(delta, TelemetryDelta)] == [2, 3, 5, 7]
    assert [event["ballot"] for event in observer.events()] == [[round, 0] for round in range(3, 9)]


@pytest.mark.trio
async def test_no_snapshot_is_made_of_what_the_events_have_not_told_yet() -> None:
    """The core has applied slots, and the turn that tells of them is still to come: a console would see a
    watermark that goes back."""
    untold = True

    def snapshot(ask: int, number: int) -> TelemetrySnapshot:
        assert not untold
        return TelemetrySnapshot(id=ask, number=number, at_s=0.0, wall=0.0, status=None, slots=(), faults=())

    telemetry = Telemetry(snapshot, lambda: untold)
    observer = Observer(telemetry)
    telemetry.flush()
    assert observer.messages() == []
    telemetry.record(1.0, (heard(1),))
    untold = False
    telemetry.flush()
    (first,) = observer.messages()
    assert isinstance(first, TelemetrySnapshot)
    assert first.number == 1
    assert list(observer.events()) == []


@pytest.mark.trio
async def test_all_observers_see_the_same_numbers(telemetry: Telemetry) -> None:
    one = Observer(telemetry)
    telemetry.flush()
    telemetry.record(0.0, (heard(1),))
    telemetry.flush()
    other = Observer(telemetry)
    telemetry.record(0.0, (heard(2),))
    telemetry.flush()
    telemetry.record(0.0, (heard(3),))
    telemetry.flush()
    assert len(list(one.events())) == 3
    assert [event["ballot"] for event in other.events()] == [[3, 0]]
    assert one.messages()[-1] == other.messages()[-1]


@pytest.mark.trio
async def test_while_nobody_watches_nothing_is_kept(telemetry: Telemetry) -> None:
    for _ in range(3 * BUFFER_EVENTS):
        telemetry.record(0.0, (heard(1),))
    observer = Observer(telemetry)
    telemetry.flush()
    (snapshot,) = observer.messages()
    assert isinstance(snapshot, TelemetrySnapshot)
    assert snapshot.number == 3 * BUFFER_EVENTS
    telemetry.remove_watcher(observer.watcher)
    assert not telemetry.watched


@pytest.mark.trio
async def test_what_does_not_fit_the_buffer_is_counted_and_followed_by_a_snapshot(
    telemetry: Telemetry,
) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    telemetry.record(0.0, (heard(1),))
    telemetry.flush()
    telemetry.record(0.0, (heard(2),) * (BUFFER_EVENTS + 100))
    telemetry.flush()
    telemetry.record(0.0, (heard(3),))
    telemetry.flush()
    kinds = [type(message) for message in observer.messages()]
    assert kinds == [TelemetrySnapshot, TelemetryDelta, TelemetryDelta, TelemetrySnapshot, TelemetryDelta]
    gap = observer.messages()[2]
    assert isinstance(gap, TelemetryDelta)
    assert (gap.dropped, gap.events) == (BUFFER_EVENTS + 100, ())
    assert [event["ballot"] for event in observer.events()] == [[1, 0], [3, 0]]


@pytest.mark.trio
async def test_an_observer_that_is_too_slow_gets_a_snapshot_when_it_has_caught_up(
    telemetry: Telemetry,
) -> None:
    slow, quick = Observer(telemetry), Observer(telemetry)
    telemetry.flush()
    slow.backlog = OBSERVER_BYTES_MAX + 1
    for round in range(1, 6):
        telemetry.record(0.0, (heard(round),))
        telemetry.flush()
    assert len(slow.frames) == 1
    slow.backlog = 0
    telemetry.record(0.0, (heard(6),))
    telemetry.flush()
    telemetry.record(0.0, (heard(7),))
    telemetry.flush()
    assert len(list(quick.events())) == 7
    _, gap, snapshot, last = slow.messages()
    assert isinstance(gap, TelemetryDelta)
    assert isinstance(snapshot, TelemetrySnapshot)
    assert gap.dropped == 6
    assert [event["ballot"] for event in slow.events()] == [[7, 0]]
    assert last == quick.messages()[-1]


@pytest.mark.trio
async def test_a_newcomer_has_missed_nothing_that_was_promised_to_it(telemetry: Telemetry) -> None:
    observer = Observer(telemetry)
    telemetry.record(0.0, (heard(1),) * (BUFFER_EVENTS + 1))
    telemetry.flush()
    assert [type(message) for message in observer.messages()] == [TelemetrySnapshot]


@pytest.mark.trio
async def test_acks_of_consecutive_runs_are_joined(telemetry: Telemetry) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    for event in [
        e.AcceptedReceived(B, 1, 0, 2),
        e.AcceptedReceived(B, 1, 2, 3),
        e.AcceptedReceived(B, 2, 5, 1),
        e.AcceptedReceived(B, 2, 7, 1),
        e.AcceptedReceived(Ballot(2, 0), 2, 8, 1),
    ]:
        telemetry.record(0.0, (event,))
    telemetry.flush()
    runs = [(event["sender"], event["first"], event["count"]) for event in observer.events()]
    assert runs == [(1, 0, 5), (2, 5, 1), (2, 7, 1), (2, 8, 1)]


@pytest.mark.trio
async def test_values_are_cut_and_beyond_a_number_left_out(telemetry: Telemetry) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    value = Command("ada", 1, "x" * 500)
    telemetry.record(0.0, (e.Proposed(B, 0, (value, value), "client"),))
    telemetry.record(0.0, (e.Learned(0, (Entry(B, value),) * FLUSH_VALUES),))
    telemetry.record(0.0, (e.Voted(B, 0, (value,) * 3),))
    telemetry.flush()
    proposed, learned, voted = observer.events()
    assert proposed["values"] == [["ada", 1, "x" * (TEXT_CHARS_MAX - 1) + "…"]] * 2
    assert (learned["count"], learned["values"]) == (FLUSH_VALUES, None)
    assert voted == {
        "event": "voted",
        "ballot": [1, 0],
        "first": 0,
        "count": 3,
        "digests": digest(value) * 3,
    }


@pytest.mark.trio
async def test_digests_differ_where_values_do_and_learned_ballots_are_runs(telemetry: Telemetry) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    values = [Command("ada", 1, "x"), Command("ada", 2, "x"), Command("bob", 1, "x"), Command("ada", 1, "y")]
    telemetry.record(0.0, (e.Voted(B, 0, tuple(values)),))
    later = Ballot(2, 1)
    entries = (Entry(B, values[0]), Entry(B, values[1]), Entry(later, values[2]))
    telemetry.record(0.0, (e.Learned(0, entries),))
    telemetry.flush()
    voted, learned = observer.events()
    assert voted["digests"] == "".join(map(digest, values))
    assert len({digest(value) for value in values}) == 4
    assert all(len(digest(value)) == DIGEST_CHARS for value in values)
    assert learned["ballots"] == [[[1, 0], 2], [[2, 1], 1]]
    assert learned["digests"] == "".join(map(digest, values[:3]))


def test_what_a_fault_did_to_a_message_names_its_slots() -> None:
    accept = Accept(B, 4, (NOOP, NOOP))
    assert faulted(2, 7, accept, ()) == MessageFaulted(2, 7, "accept", B, 4, 2, 0, ())
    late = faulted(1, 8, CatchUp(9), (0.05, 0.06))
    assert late == MessageFaulted(1, 8, "catch-up", None, 9, 0, 2, (50.0, 60.0))


@pytest.mark.trio
async def test_every_event_that_is_told_can_be_read_again(telemetry: Telemetry) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    told = (
        e.Elected(B, 0, 3, (0, 1)),
        e.Learned(0, (Entry(B, NOOP),)),
        FaultBegan(1, Cut(2), False),
        FaultEnded(1, Cut(2), "undone"),
        MessageFaulted(2, 7, "accept", B, 4, 2, 0, ()),
    )
    telemetry.record(0.0, told)
    telemetry.flush()
    read = msgspec.json.Decoder(Observed).decode
    seen = [read(raw) for delta in observer.messages()[1:] for _, raw in delta.events]  # type: ignore[union-attr]
    assert seen[0] == told[0]
    assert seen[2:] == list(told[2:])
    assert isinstance(seen[1], LearnedView)


@pytest.mark.trio
async def test_no_flush_is_longer_than_a_frame_whatever_happened(telemetry: Telemetry) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    top, high = NUMBER_LIMIT - 1, Ballot(NUMBER_LIMIT - 1, REPLICAS_MAX - 1)
    client = "\x01" * CLIENT_CHARS_MAX
    value = Command(client, top, "\x01" * 500)
    worst = (
        e.Proposed(high, top, (value,) * FLUSH_VALUES, "client"),
        *[e.Suppressed(top, client, top, top)] * 2000,
        *[e.PromiseReceived(high, 8, top, 65536, False)] * (BUFFER_EVENTS - 2001),
    )
    telemetry.record(1e9, worst)
    telemetry.flush()
    assert max(map(len, observer.frames)) <= FRAME_BYTES_MAX
    assert len(list(observer.events())) == len(worst)


@pytest.mark.trio
async def test_flushes_come_at_most_twenty_times_a_second(
    telemetry: Telemetry, autojump_clock: trio.testing.MockClock
) -> None:
    observer = Observer(telemetry)
    telemetry.flush()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(telemetry.run)
        for _ in range(1000):
            telemetry.record(trio.current_time(), (heard(1),))
            await trio.sleep(0.001)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    assert len(list(observer.events())) == 1000
    assert FLUSHES_A_SECOND - 2 <= len(observer.frames) <= FLUSHES_A_SECOND + 2


@pytest.mark.trio
async def test_while_nothing_happens_nothing_is_sent(
    telemetry: Telemetry, autojump_clock: trio.testing.MockClock
) -> None:
    observer = Observer(telemetry)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(telemetry.run)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert len(observer.frames) == 1


def test_the_limits_leave_room_for_each_other() -> None:
    assert telemetry_module.DELTA_BYTES_MAX + FLUSH_VALUES * 1400 < FRAME_BYTES_MAX
