"""What a replica keeps for whoever attaches late: bounded, in order, told in pages that fit a frame."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import trio

from paxtui.client import connection as connection_module
from paxtui.client.watch import watch
from paxtui.core import events as e
from paxtui.core.ballot import Ballot
from paxtui.core.values import Command, Entry
from paxtui.replica.observability import history as history_module
from paxtui.replica.observability.history import EVENTS_KEPT, SECONDS_KEPT, EventHistory, Sample
from paxtui.wire import FRAME_BYTES_MAX
from paxtui.wire.codec import encode
from paxtui.wire.requests import StatusReport
from paxtui.wire.telemetry import GaugeSecond, HistoryPage, MessageFaulted, TelemetrySnapshot
from tests.replica.conditions import eventually
from tests.replica.host import hosted

B = Ballot(3, 0)
ADA = Command("ada", 1, "coffee")

pytestmark = pytest.mark.trio


def a_message(slot: int) -> tuple[e.Event, ...]:
    """All that a leader tells of one message."""
    return (
        e.Proposed(B, slot, (ADA,), "client"),
        e.Voted(B, slot, (ADA,)),
        e.AcceptSent(B, slot, 1, -1, False),
        e.AcceptedReceived(B, 1, slot, 1),
        e.ChosenSeen(B, slot, 1),
        e.Learned(slot, (Entry(B, ADA),)),
        e.AppliedTo(slot, slot + 1, "aa"),
    )


def kept(history: EventHistory) -> list[tuple[int, str]]:
    return [
        (number, msgspec.json.decode(raw)["event"])
        for page in history.pages(0)
        for number, _, raw in page.events
    ]


class Samples:
    """What the replica counts, as the test sets it."""

    def __init__(self) -> None:
        self.now = Sample(0, 0, 0.0)

    def __call__(self) -> Sample:
        return self.now


async def test_what_comes_with_every_message_is_counted_and_not_kept() -> None:
    history = EventHistory(0, Samples())
    for number, event in enumerate(a_message(7)):
        history.take(event, number, 1.0)
    history.take(e.Elected(B, 0, 0, (0, 1)), 7, 1.5)
    history.take(e.LeaderHeard(B), 8, 1.5)
    history.take(e.Proposed(B, 9, (Command("", 0, ""),), "no-op"), 9, 2.0)
    assert kept(history) == [(7, "elected"), (9, "proposed")]


async def test_a_value_that_is_long_is_not_kept_with_its_event() -> None:
    history = EventHistory(0, Samples())
    history.take(e.Proposed(B, 9, (Command("ada", 1, "x" * 1000),) * 300, "adopted"), 0, 2.0)
    ((_, _, raw),) = next(iter(history.pages(0))).events
    assert len(bytes(raw)) < 200


async def test_old_events_leave_by_their_number_and_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    history = EventHistory(0, Samples())
    for number in range(EVENTS_KEPT + 10):
        history.take(e.ElectionTimeout(number), number, float(number))
    assert [number for number, _ in kept(history)] == list(range(10, EVENTS_KEPT + 10))

    monkeypatch.setattr(history_module, "BYTES_KEPT", 1_000)
    history.take(e.BecameNonVoting("x" * 500), EVENTS_KEPT + 10, 1.0)
    numbers = [number for number, _ in kept(history)]
    assert 2 < len(numbers) < 20
    assert numbers == list(range(EVENTS_KEPT + 11 - len(numbers), EVENTS_KEPT + 11))


async def test_pages_fit_a_frame_and_the_last_says_so() -> None:
    history = EventHistory(0, Samples())
    for number in range(EVENTS_KEPT):
        history.take(e.BecameNonVoting("no vote here " * 12), number, 1.0)
    for second in range(SECONDS_KEPT + 50):
        history.end_second(second)
    pages = list(history.pages(4))
    assert len(pages) > 1
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert all(page.id == 4 and len(encode(page)) < FRAME_BYTES_MAX for page in pages)
    assert [row.second for row in pages[-1].gauges] == list(range(50, SECONDS_KEPT + 50))
    assert sum(len(page.events) for page in pages) == len(kept(history))


async def test_gauges_count_each_second_by_itself() -> None:
    samples = Samples()
    history = EventHistory(0, samples)
    history.take(e.Elected(B, 0, 0, (0, 1)), 0, 10.0)
    for event in a_message(7)[:4]:
        history.take(event, 1, 10.2)
    history.take(e.ChosenSeen(B, 7, 3), 2, 10.25)
    history.take(e.AcceptSent(B, 8, 2, 1, True), 3, 10.3)
    history.take(MessageFaulted(1, 1, "accept", B, 7, 1, 0, ()), 4, 10.3)
    history.take(MessageFaulted(1, 2, "accept", B, 7, 1, 1, (5.0,)), 5, 10.3)
    samples.now = Sample(40, 2, 1.5)
    history.end_second(10)
    history.take(e.SteppedDown(B, "pre-empted"), 6, 11.1)
    samples.now = Sample(45, 2, 1.5)
    history.end_second(11)
    assert next(iter(history.pages(0))).gauges == (
        GaugeSecond(10, True, 3, 0, 1, 2, 1, 40, 1.5, 50.0, 50.0),
        GaugeSecond(11, False, 0, 0, 0, 0, 0, 5, None, None, None),
    )


async def test_whoever_attaches_after_an_election_hears_of_it(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0") as r0, r0.dial("observer") as wall:
        await eventually(lambda: r0.host.status is not None and r0.host.status.role == "leader", "it leads")
        snapshot = await wall.ask({"type": "observe", "id": 1})
        page = await wall.ask({"type": "get-history", "id": 2})
        assert (page["type"], page["id"], page["last"]) == ("history", 2, True)
        told = {event["event"]: number for number, _, event in page["events"]}
        assert "elected" in told
        assert all(number < snapshot["number"] for number in told.values())
        assert page["began_s"] <= trio.current_time()


async def test_who_may_not_observe_gets_no_history(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0") as r0, r0.dial("client", name="ada") as raw:
        await raw.say({"type": "get-history", "id": 2})
        assert (await raw.last_words() or {})["type"] == "problem"


@pytest.mark.parametrize("version", [1, 2])
async def test_a_console_asks_once_and_only_who_knows_of_it(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "PROTOCOL_VERSION", version)
    told: list[object] = []
    async with hosted(tmp_path / "r0") as r0, trio.open_nursery() as nursery:
        nursery.start_soon(watch, r0.host.cluster, 0, told.append)
        await eventually(lambda: [type(each) for each in told].count(StatusReport) >= 3, "three reports")
        nursery.cancel_scope.cancel()
    kinds = [type(each) for each in told]
    assert kinds.count(HistoryPage) == version - 1
    if version > 1:
        assert kinds.index(TelemetrySnapshot) < kinds.index(HistoryPage)
