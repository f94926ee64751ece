"""Closed and open loop against a server that is slow on purpose, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import assume, given
from hypothesis import strategies as st
from trio.testing import MockClock

from paxtui.bench.drivers import Schedule, closed_loop, open_loop
from paxtui.bench.tally import Tally
from paxtui.client.errors import ClientError, Unknown, Unreachable


class Request:
    """Under way until ``ended``, which the server knows beforehand."""

    def __init__(self, started: float, ended: float, failure: ClientError | None = None) -> None:
        self.started = started
        self.ended = ended
        self._failure = failure

    @property
    def done(self) -> bool:
        return trio.current_time() >= self.ended

    async def result(self) -> None:
        await trio.sleep_until(self.ended)
        self.outcome()

    def outcome(self) -> None:
        if self._failure is not None:
            raise self._failure


class Server:
    """Answers after ``service_s(number)``, in order."""

    def __init__(self, service_s: Callable[[int], float]) -> None:
        self._service_s = service_s
        self.begun: list[float] = []
        self.most = 0
        self._last = 0.0
        self._open: list[Request] = []

    async def begin(self) -> Request:
        now = trio.current_time()
        self._last = max(now, self._last) + self._service_s(len(self.begun))
        self.begun.append(now)
        request = Request(now, self._last)
        self._open = [each for each in self._open if not each.done] + [request]
        self.most = max(self.most, len(self._open))
        return request


def measure(drive: Callable[[Tally, trio.Event], Awaitable[object]], begins: float, ends: float) -> Tally:
    """Run a driver from 0 on, count between two moments, and give its last requests 5 s."""
    tally = Tally()

    async def main() -> None:
        tally.begins, tally.ends = begins, ends
        stopped = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drive, tally, stopped)
            await trio.sleep_until(ends)
            tally.stopping = True
            stopped.set()
            nursery.cancel_scope.deadline = ends + 5

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return tally


def open_at(server: Server, rate: float, in_flight: int) -> Callable[[Tally, trio.Event], Awaitable[object]]:
    return lambda tally, stopped: open_loop(server.begin, in_flight, Schedule(0.0, 1 / rate), tally, stopped)


def test_a_stall_counts_for_every_request_that_was_due_meanwhile() -> None:
    """One second without answers in twenty, at 100 a second and one request at a time. Counted from when it
    left, one request of two thousand is slow; in truth one in twenty is."""
    server = Server(lambda number: 1.0 if number == 1000 else 0.001)
    tally = measure(open_at(server, 100, 1), 0, 20)
    assert tally.appends.count == 2000
    assert tally.appends.percentile_s(94) <= 0.0011
    assert 0.75 <= tally.appends.percentile_s(99) <= 0.85
    assert tally.appends.max_s == pytest.approx(1.0, abs=0.002)
    assert tally.overdue == 0


@given(
    st.lists(st.floats(0.001, 0.4), min_size=10, max_size=10),
    st.floats(1.0, 40.0),
    st.integers(1, 4),
)
def test_open_loop_times_are_those_of_a_queue(services: list[float], rate: float, in_flight: int) -> None:
    """The model: a request begins when it is due and one of the ``in_flight`` places is free."""
    assume(abs(3 * rate - round(3 * rate)) > 1e-6)  # else one is due at the very end, by rounding or not
    tally = measure(open_at(Server(lambda n: services[n % 10]), rate, in_flight), 0, 3)
    ends: list[float] = []
    expected: list[float] = []
    overdue = 0
    number = 0
    while (due := number / rate) < 3:
        begin = max(due, ends[number - in_flight]) if number >= in_flight else due
        ends.append(max(begin, ends[-1] if ends else 0.0) + services[number % 10])
        overdue += ends[-1] > 8
        expected.append(min(ends[-1], 8.0) - due)
        number += 1
    assert tally.appends.count == len(expected)
    assert tally.overdue == overdue
    assert tally.appends.max_s == pytest.approx(max(expected), abs=1e-6)
    assert tally.appends.mean_s == pytest.approx(sum(expected) / len(expected), abs=2e-6)


def test_requests_of_an_overloaded_server_are_not_forgotten() -> None:
    """100 a second are due, 10 are answered: after the 5 s of grace most have no answer, and say how long
    they have waited."""
    tally = measure(open_at(Server(lambda number: 0.1), 100, 4), 0, 10)
    assert tally.appends.count == 1000
    assert 845 <= tally.overdue <= 855
    assert tally.counted == pytest.approx(100, abs=2)
    assert tally.appends.percentile_s(50) > 9
    assert tally.appends.max_s < 15


def test_only_what_was_due_between_the_two_moments_counts() -> None:
    server = Server(lambda number: 0.5 if number < 50 else 0.001)
    tally = measure(open_at(server, 10, 256), 30, 35)
    assert tally.appends.count == 50
    assert tally.appends.max_s == pytest.approx(0.001, abs=1e-6)
    assert tally.answered > 300


def test_the_closed_loop_keeps_as_many_under_way_as_it_was_told() -> None:
    server = Server(lambda number: 0.01)
    tally = measure(lambda tally, stopped: closed_loop(server.begin, 8, tally), 1, 11)
    assert server.most == 8
    assert tally.counted == tally.appends.count == pytest.approx(1000, abs=1)
    assert tally.appends.percentile_s(1) == pytest.approx(0.08, rel=0.002)
    assert tally.appends.max_s == pytest.approx(0.08, rel=0.002)


def test_the_closed_loop_waits_for_its_last_answers() -> None:
    server = Server(lambda number: 1.0)
    tally = measure(lambda tally, stopped: closed_loop(server.begin, 3, tally), 0, 4.5)
    assert tally.answered == len(server.begun)
    assert tally.counted == 4
    assert max(server.begun) < 4.5


def test_failures_are_counted_by_their_words_and_have_no_time() -> None:
    async def begin() -> Request:
        now = trio.current_time()
        return Request(now, now + 0.1, Unknown("no answer within 30 s"))

    tally = measure(lambda tally, stopped: closed_loop(begin, 2, tally), 1, 2)
    assert list(tally.failures) == ["Unknown: no answer within 30 s"]
    assert sum(tally.failures.values()) >= 18
    assert tally.appends.count == tally.counted == tally.answered == 0


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_requests_that_cannot_begin_do_not_spin(kind: str) -> None:
    begun = 0

    async def begin() -> Request:
        nonlocal begun
        begun += 1
        raise Unreachable("no process listens there")

    def drive(tally: Tally, stopped: trio.Event) -> Awaitable[object]:
        if kind == "closed":
            return closed_loop(begin, 2, tally)
        return open_loop(begin, 2, Schedule(0.0, 1e-5), tally, stopped)

    tally = measure(drive, 0, 10)
    assert 0 < begun <= 800
    assert tally.failures["Unreachable: no process listens there"] > 0
