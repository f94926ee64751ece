"""The table of loads, each with its target. What is a ratio to etcd is measured here and judged by
``tests/tools/compare``, which runs the same loads on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Literal

import trio
from msgspec import Struct, structs

from paxtui.bench.load import Load
from paxtui.bench.measured import Measured, Times
from paxtui.bench.report import milliseconds
from paxtui.bench.testbed import PIPELINED, Testbed
from paxtui.wire.faults import Loss

Verdict = Literal["met", "missed", "needs etcd figure", "measured"]

TAILS: Final = 4
LOSS_PERCENT: Final = 5.0

P50_LIMITS: Final = 3.0
P99_MS: Final = 25.0
TAILS_SHARE: Final = 0.85
OBSERVER_SHARE: Final = 0.95
LOSS_SHARE: Final = 0.5
DOWN_SHARE: Final = 0.8
CATCH_UP_A_S: Final = 100_000
PIPELINED_A_S: Final = 45_000
"""Where etcd does 5,000/s; elsewhere only the ratio counts."""


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table."""

    load: str
    target: str
    measured: str
    ratio: float | None = None
    """The measured figure by what it is held against."""
    verdict: Verdict
    runs: tuple[Measured, ...] = ()

    @property
    def others_share(self) -> float | None:
        """Compute what other programs took at worst, of one core: where that is much, the row says little."""
        return max((run.others_share for run in self.runs if run.others_share is not None), default=None)


class Suite:
    """A runner of rows on one testbed. ``base`` says how long each measurement takes."""

    def __init__(self, testbed: Testbed, base: Load) -> None:
        self._testbed = testbed
        self._base = base

    def _load(self, connections: int = 1, in_flight: int = 256, rate: float | None = None) -> Load:
        return structs.replace(self._base, connections=connections, in_flight=in_flight, rate=rate)

    async def three(self) -> AsyncIterator[Row]:
        """Measure every load of three replicas."""
        pipelined = await self._testbed.measure("1 × 256", self._load())
        yield _against_etcd("1 × 256", "≥ 10 × etcd at 256 clients; ≥ 45,000/s if that is 5,000/s", pipelined)
        some = await self._testbed.measure("16 × 16", self._load(16, 16))
        yield _against_etcd("16 × 16", "≥ 6 × etcd at 256 clients", some)
        many = await self._testbed.measure("256 × 1", self._load(256, 1))
        yield _against_etcd("256 × 1", "≥ 1.5 × etcd at 256 clients, p99 no worse", many)
        alone = await self._testbed.measure("1 × 1", self._load(1, 1))
        yield _against_etcd("1 × 1", "p50 ≤ 0.6 × etcd's", alone)
        yield _against_limit(alone)
        yield await self._half(pipelined.throughput / 2)
        yield await self._library()
        for row in (self._tails, self._observer, self._lossy):
            yield await row()
        for each in await self.follower_down():
            yield each

    async def _half(self, rate: float) -> Row:
        measured = await self._testbed.measure("half of the maximum", self._load(rate=rate))
        times = measured.appends
        good = times is not None and times.p99_ms < P99_MS and not measured.overdue
        return Row(
            load=f"half of the maximum: {rate:,.0f}/s, 256 in flight",
            target=f"p99 < {P99_MS:.0f} ms",
            measured=_latency(times),
            ratio=None if times is None else round(times.p99_ms / P99_MS, 2),
            verdict="met" if good else "missed",
            runs=(measured,),
        )

    async def _library(self) -> Row:
        """Measure two of these loads with the client library in place of bare connections."""
        pipelined = await self._testbed.measure("1 × 256, client library", self._load(), bare=False)
        alone = await self._testbed.measure("1 × 1, client library", self._load(1, 1), bare=False)
        p50 = milliseconds(alone.appends.p50_ms) if alone.appends is not None else "-"
        return Row(
            load="the client library: 1 × 256, and 1 × 1",
            target="-",
            measured=f"{pipelined.throughput:,.0f}/s; p50 {p50}",
            verdict="measured",
            runs=(pipelined, alone),
        )

    async def _tails(self) -> Row:
        replicas = [number % self._testbed.replicas.cluster.n for number in range(TAILS)]
        behind = 0

        async def read(title: str) -> Measured:
            nonlocal behind
            async with self._testbed.readers("tail", replicas) as summaries:
                measured = await self._testbed.measure(title, self._load())
                await trio.sleep(0.2)
                high = max((await self._testbed.watermarks()).values())
            behind = high - min(summary["next"] or 0 for summary in summaries)
            return measured

        row = await self._disturbed(f"{TAILS} tails", TAILS_SHARE, read)
        return structs.replace(
            row, measured=f"{row.measured}; slowest tail {behind:,} slots behind at the end"
        )

    async def _observer(self) -> Row:
        async def observe(title: str) -> Measured:
            async with self._testbed.readers("observe", list(range(self._testbed.replicas.cluster.n))):
                return await self._testbed.measure(title, self._load())

        return await self._disturbed("one observer of all replicas", OBSERVER_SHARE, observe)

    async def _lossy(self) -> Row:
        async def lose(title: str) -> Measured:
            for replica in range(self._testbed.replicas.cluster.n):
                await self._testbed.operator.inject(replica, Loss(-1, LOSS_PERCENT))
            try:
                return await self._testbed.measure(title, self._load())
            finally:
                with trio.CancelScope(shield=True):
                    await self._testbed.operator.heal()

        return await self._disturbed(f"{LOSS_PERCENT:g} % loss on all links", LOSS_SHARE, lose)

    async def _disturbed(self, name: str, target: float, run: Callable[[str], Awaitable[Measured]]) -> Row:
        """Measure 1 × 256 without it, with it, and without it again: what drifts meanwhile is in both
        halves."""
        before = await self._testbed.measure(f"{name}: without", self._load())
        during = await run(f"{name}: with")
        after = await self._testbed.measure(f"{name}: without again", self._load())
        return shared(name, target, before, during, after)

    async def follower_down(self, messages: int = 0) -> list[Row]:
        """Kill a follower, append ``messages`` without it, or as many as go, and bring it back."""
        testbed = self._testbed
        before = await testbed.measure("all replicas up", self._load())
        victim = (await testbed.leader() + 1) % testbed.replicas.cluster.n
        was = (await testbed.watermarks())[victim]
        await testbed.replicas.kill(victim)
        down = await testbed.measure("one follower down", self._load())
        high = max((await testbed.watermarks()).values())
        if high - was < messages:
            seconds = (messages - high + was) / max(1.0, down.throughput)
            more = structs.replace(self._load(), seconds=seconds, warmup_s=0.0)
            await testbed.measure("more messages without it", more)
        catching, learned, took_s = await self._catch_up(victim)
        after = await testbed.measure("all replicas up again", self._load())
        rate = learned / took_s
        return [
            shared("one follower down", DOWN_SHARE, before, down, after),
            shared("while it catches up", DOWN_SHARE, before, catching, after),
            Row(
                load=f"catch-up of {learned:,} messages",
                target=f"≥ {CATCH_UP_A_S:,}/s",
                measured=f"{rate:,.0f}/s, in {took_s:.1f} s",
                ratio=round(rate / CATCH_UP_A_S, 2),
                verdict="met" if rate >= CATCH_UP_A_S else "missed",
                runs=(catching,),
            ),
        ]

    async def _catch_up(self, victim: int) -> tuple[Measured, int, float]:
        """Measure the load while the replica comes back, what it learned, and how long that took."""
        goal = max((await self._testbed.watermarks()).values())
        done = trio.Event()
        found: list[tuple[int, float]] = []

        async def bring_back() -> None:
            await self._testbed.replicas.start(victim)
            found.append(await self._testbed.caught_up(victim, goal, CATCH_UP_S))
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(bring_back)
            load = structs.replace(self._load(), seconds=CATCH_UP_S, warmup_s=0.0)
            measured = await self._testbed.measure("the follower catches up", load, until=done)
        return measured, *found[0]


CATCH_UP_S: Final = 600.0
"""A replica that takes longer to catch up does not catch up."""


async def of_size(testbed: Testbed, base: Load) -> Row:
    """Measure the first load on more replicas."""
    n = testbed.replicas.cluster.n
    load = structs.replace(base, connections=PIPELINED.connections, in_flight=PIPELINED.in_flight)
    measured = await testbed.measure(f"{n} replicas", load)
    alone = await testbed.measure(f"{n} replicas, 1 × 1", structs.replace(base, connections=1, in_flight=1))
    followers = [cost.cpu_us_a_message for cost in measured.replicas if cost.role != "leader"]
    each = [f"{cost:.0f}" for cost in followers if cost is not None]
    words = f"{_throughput(measured)}; 1 × 1 {_latency(alone.appends)}"
    if each:
        words += f"; µs a message of each follower: {', '.join(each)}"
    return Row(
        load=f"{n} replicas: 1 × 256, and 1 × 1",
        target="-",
        measured=words,
        verdict="measured",
        runs=(measured, alone),
    )


def shared(name: str, target: float, before: Measured, during: Measured, after: Measured) -> Row:
    """Throughput during something by that without it."""
    normal = (before.throughput + after.throughput) / 2
    share = during.throughput / normal if normal else 0.0
    return Row(
        load=f"1 × 256, {name}",
        target=f"≥ {target:.0%} of that without",
        measured=f"{during.throughput:,.0f}/s of {normal:,.0f}/s: {share:.0%}",
        ratio=round(share / target, 2),
        verdict="met" if share >= target else "missed",
        runs=(before, during, after),
    )


def _against_etcd(name: str, target: str, measured: Measured) -> Row:
    ratio = measured.throughput / PIPELINED_A_S if name == "1 × 256" else None
    return Row(
        load=name,
        target=target,
        measured=f"{_throughput(measured)}; {_latency(measured.appends)}",
        ratio=None if ratio is None else round(ratio, 2),
        verdict="needs etcd figure",
        runs=(measured,),
    )


def _against_limit(measured: Measured) -> Row:
    ratio = measured.times_the_limit
    return Row(
        load="1 × 1",
        target=f"p50 ≤ {P50_LIMITS:g} × (2 round trips + 1 fdatasync)",
        measured=f"{_latency(measured.appends)}; the limit is {milliseconds(measured.limit_ms or 0)}",
        ratio=None if ratio is None else round(ratio / P50_LIMITS, 2),
        verdict="met" if ratio is not None and ratio <= P50_LIMITS else "missed",
        runs=(measured,),
    )


def _throughput(measured: Measured) -> str:
    failed = sum(measured.failures.values())
    return f"{measured.throughput:,.0f}/s" + (f" and {failed:,} failures" if failed else "")


def _latency(times: Times | None) -> str:
    return "-" if times is None else f"p50 {milliseconds(times.p50_ms)}, p99 {milliseconds(times.p99_ms)}"
