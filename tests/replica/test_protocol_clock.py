"""The clock of the protocol: it never goes back, makes no jump, and keeps deadlines at any rate."""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import paxtui.replica
from paxtui.core.replica import Replica
from paxtui.replica.protocol_clock import ProtocolClock
from paxtui.wire import faults as f
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, hosted

INFINITY = float("inf")
rates = st.just(0.0) | st.floats(0.001, f.CLOCK_PERCENT_MAX / 100)
steps = st.lists(st.tuples(st.floats(0, 1000), rates), min_size=1, max_size=20)
starts = st.floats(0, 1e6)


class HandClock:
    """Real time, moved by hand."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class ClockThatGoesBack(ProtocolClock):
    """A planted mistake: a change of the rate forgets what went by since the last one."""

    def set_rate(self, rate: float) -> None:
        self._since = self._read_real()
        self._rate = rate


class ClockThatJumps(ProtocolClock):
    """A planted mistake: the new rate counts from the start."""

    def set_rate(self, rate: float) -> None:
        self._rate = rate


class ClockThatIsEarly(ProtocolClock):
    """A planted mistake: deadlines do not know of the rate."""

    def real(self, deadline: float) -> float:
        return self._since + deadline - self._base


def goes_on(make: type[ProtocolClock], start: float, changes: list[tuple[float, float]]) -> None:
    """Fail if the clock goes back, or jumps at a change."""
    real = HandClock(start)
    clock = make(real)
    for seconds, rate in changes:
        before = clock.now()
        real.at += seconds
        after = clock.now()
        assert after >= before
        assert after - before == pytest.approx(seconds * clock.rate, rel=1e-6, abs=1e-6)
        clock.set_rate(rate)
        assert clock.now() == after
        assert clock.rate == rate


def keeps(make: type[ProtocolClock], start: float, rate: float, wait_s: float) -> None:
    """Fail if a deadline is not kept: whoever wakes up at its real time is not early, and hardly late."""
    real = HandClock(start)
    clock = make(real)
    real.at += 1
    clock.set_rate(rate)
    deadline = clock.now() + wait_s
    at = clock.real(deadline)
    if deadline <= clock.now():
        assert at <= real.at
    elif not rate:
        assert at == INFINITY
    else:
        real.at = at
        assert clock.now() >= deadline
        assert clock.now() == pytest.approx(deadline, abs=1e-6)


@given(starts, steps)
def test_it_never_goes_back_and_no_change_makes_a_jump(
    start: float, changes: list[tuple[float, float]]
) -> None:
    goes_on(ProtocolClock, start, changes)


@given(starts, rates, st.floats(0, 1000))
def test_deadlines_are_kept_at_every_rate(start: float, rate: float, wait_s: float) -> None:
    keeps(ProtocolClock, start, rate, wait_s)


@pytest.mark.parametrize("planted", [ClockThatGoesBack, ClockThatJumps])
def test_planted_clocks_that_go_back_or_jump_are_noticed(planted: type[ProtocolClock]) -> None:
    with pytest.raises(AssertionError):
        goes_on(planted, 5.0, [(1.0, 0.5), (2.0, 0.1), (1.0, 1.0)])


@given(starts, rates, st.floats(0, 1000), st.floats(-1000, 1000))
def test_it_is_moved_forward_and_never_back(start: float, rate: float, seconds: float, by_s: float) -> None:
    real = HandClock(start)
    clock = ProtocolClock(real)
    told: list[tuple[float, float]] = []
    clock.set_rate(rate)
    clock.on_change = lambda rate, moved_s: told.append((rate, moved_s))
    real.at += seconds
    before = clock.now()
    moved_s = clock.advance_to(before + by_s)
    assert clock.now() == max(before, before + by_s)
    assert moved_s == max(0.0, (before + by_s) - before)
    assert told == [(rate, moved_s)]
    real.at += 1
    assert clock.now() >= max(before, before + by_s)


def test_a_planted_clock_that_is_early_is_noticed() -> None:
    with pytest.raises(AssertionError):
        keeps(ClockThatIsEarly, 5.0, 0.5, 1.0)


def test_what_has_no_deadline_never_comes_and_what_is_over_is_due() -> None:
    clock = ProtocolClock(HandClock(7.0))
    assert clock.real(INFINITY) == INFINITY
    assert clock.real(6.0) <= 7.0
    clock.set_rate(0)
    assert clock.real(clock.now()) <= 7.0


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="never goes back"):
        ProtocolClock(HandClock()).set_rate(-1)


# What the core is told


TIMED = frozenset(
    name
    for name, method in inspect.getmembers(Replica, inspect.isfunction)
    if "now" in inspect.signature(method).parameters and name != "__init__"
)


def calls_of_the_core(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.expr, ast.FunctionDef]]:
    """Yield calls that give time to a core: the call, the argument, and the function around it."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call):
                continue
            target = call.func
            is_core = isinstance(target, ast.Attribute) and (
                target.attr in TIMED and ast.unparse(target.value) in ("core", "self.core", "self._host.core")
            )
            if is_core or (isinstance(target, ast.Name) and target.id == "Replica"):
                yield call, call.args[-1], function


def on_real_time(source: str) -> list[str]:
    """Return the calls of a core in a module whose time is not the protocol's clock's."""
    wrong: list[str] = []
    for call, time, function in calls_of_the_core(ast.parse(source)):
        said = {ast.unparse(time)}
        if isinstance(time, ast.Name):
            said = {
                ast.unparse(each.value)
                for each in ast.walk(function)
                if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == time.id
            }
        if not said or not all(
            each.endswith("protocol_clock.now()") or each == "self._now()" for each in said
        ):
            wrong.append(ast.unparse(call))
    return wrong


def test_no_call_of_the_core_is_told_real_time() -> None:
    folder = Path(paxtui.replica.__file__).parent
    sources = {path.name: path.read_text() for path in sorted(folder.rglob("*.py"))}
    calls = sum(len(list(calls_of_the_core(ast.parse(source)))) for source in sources.values())
    assert calls >= 17, "the search finds no calls any more"
    assert {name: wrong for name, source in sources.items() if (wrong := on_real_time(source))} == {}


@pytest.mark.parametrize("wrong", ["trio.current_time()", "real", "now"])
def test_one_planted_call_on_real_time_is_noticed(wrong: str) -> None:
    source = (Path(paxtui.replica.__file__).parent / "host.py").read_text()
    right = "self.core.durable(upto, self.protocol_clock.now())"
    assert right in source
    assert on_real_time(source.replace(right, f"self.core.durable(upto, {wrong})"))


# One real replica


async def inject(replica: HostedReplica, percent: float, for_s: float | None = None) -> int:
    async with replica.dial("operator") as raw:
        answer = await raw.ask(
            {"type": "inject", "id": 1, "fault": {"fault": "clock", "percent": percent}, "for_s": for_s}
        )
        assert answer["type"] == "done", answer
        return int(answer["number"])


@pytest.fixture
async def r0(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    async with hosted(tmp_path / "r0") as replica:
        await eventually(
            lambda: replica.host.status is not None and replica.host.status.role == "leader", "it leads"
        )
        yield replica


@pytest.mark.trio
async def test_a_clock_is_set_and_undone_and_the_latest_word_counts(r0: HostedReplica) -> None:
    clock = r0.host.protocol_clock
    await inject(r0, 50)
    stands = await inject(r0, 0)
    at = clock.now()
    assert clock.rate == 0
    async with r0.dial("client") as client:  # the log goes on: only waits are longer
        assert (await client.append(1, "under a clock that stands"))["slot"] >= 0
    assert clock.now() == at
    async with r0.dial("operator") as raw:
        assert (await raw.ask({"type": "undo", "id": 2, "number": stands}))["type"] == "done"
        assert clock.rate == 0.5
        assert (await raw.ask({"type": "undo", "id": 3, "number": None}))["type"] == "done"
    assert clock.rate == 1
    await eventually(lambda: clock.now() > at, "it goes on")


@pytest.mark.trio
async def test_a_clock_ends_by_itself_and_each_renewal_gives_it_its_whole_time_again(
    r0: HostedReplica,
) -> None:
    registry = r0.host.fault_registry
    number = await inject(r0, 10)
    (fault,) = registry.active_faults(0.0)
    assert fault.left_s is not None
    ends = registry.deadline
    async with r0.dial("operator") as raw:
        assert (await raw.ask({"type": "renew", "id": 2, "number": number}))["type"] == "done"
        assert registry.deadline > ends
        answer = await raw.ask({"type": "renew", "id": 3, "number": number + 9})
        assert (answer["type"], "does not act here" in answer["reason"]) == ("failed", True)
    await inject(r0, 20, 0.05)
    await eventually(lambda: r0.host.protocol_clock.rate == 0.1, "the shorter one is over")
