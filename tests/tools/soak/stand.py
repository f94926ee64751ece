"""The replicas of one epoch: what is done to their processes and links, and what is waited for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from paxtui.client import ClientError, LogEntry, Sighting
from paxtui.client.cluster import LocalCluster, describe
from paxtui.config.folders import replica_folder
from paxtui.wire.faults import AnyFault, Cut
from paxtui.wire.values import Status

PATIENCE_S = 120.0
"""So long that only a mistake, not a busy machine with five replicas on two cores, makes it run out."""

LOOK_S = 0.1

LIMIT_S = 300.0
"""A fault on a link ends by itself after this, should we forget it."""

PAGE_SLOTS = 2048

DISK_ENDS = 4
"""The exit code of a replica whose disk fails."""


class Stuck(Exception):
    """Something that has to come did not."""


class Stand:
    """Does things to replicas, and remembers in which state they ought to be."""

    def __init__(self, replicas: LocalCluster, folder: Path, problems: list[str]) -> None:
        self.replicas = replicas
        self.folder = folder
        self.down: set[int] = set()
        self.paused: set[int] = set()
        self.held: set[int] = set()
        self.problems = problems
        """What is wrong; whoever else finds something adds it here."""

    @property
    def n(self) -> int:
        return self.replicas.cluster.n

    def data(self, replica: int) -> Path:
        """The replica's folder."""
        return replica_folder(self.folder, self.replicas.cluster.name, replica)

    # Processes

    async def kill(self, *targets: int) -> None:
        """SIGKILL, all at the same time."""
        self.down |= set(targets)
        async with trio.open_nursery() as nursery:
            for target in targets:
                if self.replicas.alive(target):
                    nursery.start_soon(self.replicas.kill, target)

    async def stop(self, target: int) -> None:
        """SIGTERM; a replica has to end well."""
        self.down.add(target)
        started = time.monotonic()
        await self.replicas.stop(target)
        code = await self.replicas.ended(target)
        if code:
            took = time.monotonic() - started
            self.problems.append(f"r{target} was told to stop and ended with {code} after {took:.1f} s")

    async def start(self, *targets: int) -> None:
        """Start again what is down."""
        for target in targets:
            await self.replicas.start(target)
            self.down.discard(target)

    async def until_disk_ends(self, target: int) -> None:
        """Wait until a replica stopped because of its disk."""
        with trio.move_on_after(PATIENCE_S):
            code = await self.replicas.ended(target)
            if code != DISK_ENDS:
                raise Stuck(
                    f"r{target} ended with {code}, not {DISK_ENDS}: {self.replicas.last_words(target)}"
                )
            return
        raise Stuck(f"r{target} runs on with a disk that does not")

    def pause(self, *targets: int) -> None:
        for target in targets:
            self.paused.add(target)
            self.replicas.pause(target)

    def proceed(self) -> None:
        """Let all go on that are paused."""
        for target in self.paused:
            self.replicas.proceed(target)
        self.paused.clear()

    def judge_alive(self) -> None:
        """Whoever ought to run has to."""
        for replica in range(self.n):
            if replica not in self.down and not self.replicas.alive(replica):
                self.problems.append(f"r{replica} ended by itself: {self.replicas.last_words(replica)}")
                self.down.add(replica)

    # Links

    async def cut_off(self, *targets: int) -> None:
        """Nothing passes between each target and all others, in either direction."""
        for target in targets:
            await self.mute(target)
            await self.deafen(target)

    async def mute(self, target: int) -> None:
        """Nothing that it says arrives."""
        await self.inject(target, Cut(-1))

    async def deafen(self, target: int) -> None:
        """Nothing arrives there."""
        for other in range(self.n):
            if other != target and other not in self.down | self.paused:
                await self.inject(other, Cut(target))

    async def inject(self, replica: int, fault: AnyFault) -> None:
        """Begin a fault at a replica, which may be too busy at first, or end before it answers."""

        async def act() -> None:
            try:
                await self.replicas.operator.inject(replica, fault, for_s=LIMIT_S)
            except ClientError:
                if self.replicas.alive(replica):
                    raise

        await self.insist(act, f"{fault} at r{replica}")

    async def heal(self) -> None:
        """All faults end, all go on, all run."""
        self.proceed()
        self.judge_alive()
        for replica in range(self.n):
            if self.replicas.alive(replica):
                await self._heal_at(replica)
        await self.start(*sorted(self.down))
        await self.wait(led, "all serve and know one leader")

    async def _heal_at(self, replica: int) -> None:
        """A replica that has just started listens soon; one that has just gone on has much to do."""
        until = trio.current_time() + PATIENCE_S
        while True:
            try:
                await self.replicas.operator.heal_at(replica)
                return
            except ClientError as error:
                if trio.current_time() > until or not self.replicas.alive(replica):
                    raise Stuck(f"r{replica} cannot be healed: {error}") from None
            await trio.sleep(LOOK_S)

    # Waiting

    async def wait(self, condition: Callable[[list[Sighting]], bool], what: str) -> list[Sighting]:
        """Wait for a condition on what all replicas say."""
        sightings: list[Sighting] = []
        with trio.move_on_after(PATIENCE_S):
            while True:
                sightings = await self.replicas.operator.status(timeout_s=5.0)
                if condition(sightings):
                    return sightings
                self.judge_alive()
                if self.problems:
                    raise Stuck(f"given up: {what}")
                await trio.sleep(LOOK_S)
        beliefs = "; ".join(map(describe, sightings))
        raise Stuck(f"after {PATIENCE_S:g} s still not: {what}. {beliefs}")

    async def insist(self, act: Callable[[], Awaitable[object]], what: str) -> None:
        """Do something that a replica may be too busy for at first."""
        last = ""
        with trio.move_on_after(PATIENCE_S):
            while True:
                try:
                    await act()
                    return
                except ClientError as error:
                    last = str(error)
                await trio.sleep(LOOK_S)
        raise Stuck(f"{what}: {last}")

    async def log(self, replica: int, first: int, upto: int) -> list[LogEntry]:
        """What a replica has applied from slot ``first`` to before ``upto``."""
        entries: list[LogEntry] = []

        async def page() -> None:
            following = first + len(entries)
            entries.extend(await self.replicas.operator.page(replica, following, PAGE_SLOTS))

        while first + len(entries) < upto:
            await self.insist(page, f"r{replica} does not show its log")
        return entries

    async def leader(self) -> int:
        """Who leads, as soon as somebody does and a majority knows it."""
        sightings = await self.wait(lambda all_: followed(all_) is not None, "a majority follows a leader")
        leader = followed(sightings)
        assert leader is not None
        return leader

    async def until_held(self, replica: int) -> None:
        """Wait until a replica knows that it has no vote, and until all others say so."""

        def held(sightings: list[Sighting]) -> bool:
            own = status_of(sightings[replica])
            others = [sighting.report for sighting in sightings if sighting.replica != replica]
            return (
                own is not None
                and own.non_voting is not None
                and all(report is not None and replica in dict(report.non_voting_peers) for report in others)
            )

        await self.wait(held, f"r{replica} is a learner without vote, and all know it")
        self.held.add(replica)

    async def until_calm(self) -> list[Sighting]:
        """Wait until all serve and know one leader, and no requests wait for it."""
        return await self.wait(calm, "all serve, know one leader, and no requests wait in its queue")

    async def until_quiet(self) -> list[Sighting]:
        """Wait until all have applied the same and nothing is under way."""
        return await self.wait(quiet, "all replicas have applied the same, and nothing is under way")


def status_of(sighting: Sighting) -> Status | None:
    """What a replica believes, if it told."""
    return sighting.report.status if sighting.report is not None else None


def followed(sightings: list[Sighting]) -> int | None:
    """The leader that knows itself and whom a majority follows."""
    statuses = [status for status in map(status_of, sightings) if status is not None]
    for status in statuses:
        followers = sum(each.leader == status.replica for each in statuses)
        if status.role == "leader" and followers > len(sightings) // 2:
            return status.replica
    return None


def led(sightings: list[Sighting]) -> bool:
    """All serve and know one leader."""
    statuses = [status for status in map(status_of, sightings) if status is not None]
    leaders = {status.leader for status in statuses}
    return len(statuses) == len(sightings) and len(leaders) == 1 and None not in leaders


def calm(sightings: list[Sighting]) -> bool:
    """All serve, know one leader, and nothing is queued."""
    statuses = [status for status in map(status_of, sightings) if status is not None]
    return led(sightings) and not any(status.queued for status in statuses)


def quiet(sightings: list[Sighting]) -> bool:
    """All serve, know one leader and have the same chain; no slot is open and no request waits."""
    statuses = [status for status in map(status_of, sightings) if status is not None]
    return (
        calm(sightings)
        and len({(status.watermark, status.chain) for status in statuses}) == 1
        and not any(status.in_flight or status.holes for status in statuses)
    )
