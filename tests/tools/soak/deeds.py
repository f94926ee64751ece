"""Doing what the plan says, one step after the other, and seeing that the cluster goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import trio

from paxtui.client import ClientError, Sighting, connect
from paxtui.wire.faults import (
    AnyFault,
    Clock,
    CrashProposer,
    Cut,
    Delay,
    DiskError,
    Duplicate,
    FullDisk,
    Loss,
    Reorder,
    SkipSlot,
    SlowDisk,
)
from tests.tools.soak import disks
from tests.tools.soak.disks import SmallDisk
from tests.tools.soak.plan import LEADER, LETHAL, Epoch, Shape, Step
from tests.tools.soak.record import Window
from tests.tools.soak.stand import Stand, Stuck, followed, status_of

PROGRESS_S = 120.0
"""How long the clients may wait for the next acknowledgement while a majority is there."""

FILL_CHARS = 32768

TRIES = 10
TRY_S = 5.0
"""So often, and each time so long, one replica is asked to lead."""

Tell = Callable[[str], None]


class Deeds:
    """Plays the steps of one epoch."""

    def __init__(self, stand: Stand, plan: Epoch, disk: SmallDisk, tell: Tell) -> None:
        self._stand = stand
        self._plan = plan
        self._disk = disk
        self._tell = tell
        self.done: Counter[str] = Counter()
        self.slowest_s = 0.0
        """The longest time from the end of a step to the next acknowledgement."""

    async def step(self, step: Step, window: Window) -> None:
        """One step: begin it, let it last, end it, and wait until clients are served again."""
        targets = await self._resolved(step)
        shown = ", ".join(f"r{target}" for target in targets)
        if LEADER in step.targets:
            shown += " (leader)"
        shape = (
            ""
            if step.shape is None
            else f", {step.shape.kind} {step.shape.amount:g} from r{step.shape.sender}"
        )
        self._tell(f"{step.kind:<15} {shown}{shape}, {step.seconds:g} s{self._note(step)}")
        self.done[step.kind] += 1
        if step.shape is not None:
            await self._stand.inject(step.shape.sender, fault_of(step.shape))
            self.done[step.shape.kind] += 1
        await self._play(step, targets, window)
        await self._stand.heal()
        healed = time.monotonic()
        await self._progress(window, f"after {step.kind} of {shown}")
        self.slowest_s = max(self.slowest_s, time.monotonic() - healed)
        self._stand.judge_alive()

    def _note(self, step: Step) -> str:
        if step.kind.startswith("dark") or step.kind == "kill-all":
            return "  [no majority: nothing may be acknowledged]"
        if step.kind == "full-disk" and not self._disk.mounted:
            return "  [injected]"
        return ""

    async def _resolved(self, step: Step) -> list[int]:
        """The replicas meant; the spared one hands over before the leader is killed."""
        lethal = step.kind in LETHAL
        targets = [each if each != LEADER else await self._leader(lethal) for each in step.targets]
        return list(dict.fromkeys(targets))

    async def _leader(self, to_kill: bool) -> int:
        leader = await self._stand.leader()
        spared = self._plan.spared
        if not to_kill or leader != spared:
            return leader
        heir = next(each for each in range(self._stand.n) if each != spared and each not in self._stand.held)
        await self.hand_over(heir)
        return heir

    async def hand_over(self, replica: int) -> None:
        """Make a replica the leader; on a busy machine another may win at first."""
        for _ in range(TRIES):
            if await self._stand.leader() == replica:
                return
            await self._elect(replica)
            with trio.move_on_after(TRY_S):
                await self._stand.wait(lambda all_: followed(all_) == replica, f"r{replica} leads")
        raise Stuck(f"r{replica} was made to start {TRIES} elections and does not lead")

    async def _elect(self, replica: int) -> None:
        try:
            await self._stand.replicas.operator.elect(replica)
        except ClientError as refused:  # it leads already, has no vote, or was not heard: ask again
            self._tell(f"{'':<15} {refused}")

    async def _progress(self, window: Window, when: str) -> None:
        with trio.move_on_after(PROGRESS_S):
            await window.grows()
            return
        raise Stuck(f"nothing was acknowledged for {PROGRESS_S:g} s {when}")

    async def _last(self, step: Step, window: Window) -> None:
        """Let it last; clients have to be served meanwhile."""
        until = trio.current_time() + step.seconds
        await self._progress(window, f"during {step.kind}")
        await trio.sleep_until(until)

    # What the steps are

    async def _play(self, step: Step, targets: list[int], window: Window) -> None:
        stand = self._stand
        match step.kind:
            case "kill":
                await stand.kill(*targets)
                await self._last(step, window)
            case "restart":
                async with trio.open_nursery() as nursery:
                    for target in targets:
                        nursery.start_soon(stand.stop, target)
                await self._last(step, window)
            case "rolling-restart":
                for target in targets:
                    await stand.stop(target)
                    await stand.start(target)
                    await self._until_serving(target)
            case "pause":
                stand.pause(*targets)
                await self._last(step, window)
            case "cut-off" | "deaf" | "mute" | "cut-link":
                await self._cut(step, targets)
                await self._last(step, window)
            case "shape" | "slow-disk" | "clock" | "crash-proposer" | "elect" | "skip":
                await self._disturb(step, targets[0])
                await self._last(step, window)
            case "disk-error" | "full-disk" | "disk-away" | "disk-lost" | "disk-back":
                await self._disks(step, targets[0], window)
            case "dark-kill" | "dark-pause" | "dark-cut" | "kill-all":
                await self._dark(step, targets, window)

    async def _cut(self, step: Step, targets: list[int]) -> None:
        stand = self._stand
        if step.kind == "cut-link":
            await stand.inject(targets[0], Cut(targets[1]))
            await stand.inject(targets[1], Cut(targets[0]))
            return
        for target in targets:
            if step.kind != "deaf":
                await stand.mute(target)
            if step.kind != "mute":
                await stand.deafen(target)

    async def _disturb(self, step: Step, target: int) -> None:
        operator = self._stand.replicas.operator
        match step.kind:
            case "slow-disk":
                await self._stand.inject(target, SlowDisk(step.amount))
            case "clock":
                await self._stand.inject(target, Clock(step.amount))
            case "crash-proposer":
                await self._stand.inject(target, CrashProposer())
            case "elect":
                await self._elect(target)
            case "skip":
                try:
                    await operator.inject(target, SkipSlot())
                except ClientError as refused:  # it leads no more
                    self._tell(f"{'':<15} {refused}")

    async def _dark(self, step: Step, targets: list[int], window: Window) -> None:
        """Take a majority away: nothing that begins now may end well before it is back."""
        stand = self._stand
        match step.kind:
            case "dark-pause":
                stand.pause(*targets)
            case "dark-cut":
                await stand.cut_off(*targets)
            case _:
                await stand.kill(*targets)
        began = time.monotonic()
        await trio.sleep(step.seconds)
        window.dark.append((began, time.monotonic()))

    async def _until_serving(self, target: int) -> None:
        def serves(sightings: list[Sighting]) -> bool:
            status = status_of(sightings[target])
            return status is not None and status.leader is not None

        await self._stand.wait(serves, f"r{target} serves again")

    # Disks

    async def _disks(self, step: Step, target: int, window: Window) -> None:
        match step.kind:
            case "disk-error":
                await self._stand.inject(target, DiskError())
                await self._disk_ends(target, window)
            case "full-disk":
                await self._full(target, window)
            case "disk-away":
                await self._away(target, window)
            case "disk-lost":
                await self._lost(target)
            case "disk-back":
                await self._back(target)

    async def _disk_ends(self, target: int, window: Window) -> None:
        self._stand.down.add(target)
        await self._stand.until_disk_ends(target)
        await self._progress(window, f"without r{target}")

    async def _full(self, target: int, window: Window) -> None:
        """A disk without room stops its replica; with room again it goes on."""
        if not self._disk.mounted:
            await self._stand.inject(target, FullDisk())
            await self._disk_ends(target, window)
            return
        if not self._disk.fill():
            raise Stuck(f"{self._disk.folder} cannot be made small")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stuff, window)
            await self._disk_ends(target, window)
            nursery.cancel_scope.cancel()
        if not self._disk.make_room():
            raise Stuck(f"{self._disk.folder} cannot be made large again")

    async def _stuff(self, window: Window) -> None:
        """Large messages, until the disk is full."""
        name = f"stuffing-{self.done['full-disk']}"
        async with connect(self._stand.replicas.cluster, name=name) as log:
            number = 0
            while True:
                number += 1
                await window.append(log, name, window.text(name, number, FILL_CHARS), PROGRESS_S)

    async def _away(self, target: int, window: Window) -> None:
        """Another disk has no vote; the newest one, put back, has."""
        stand, folder = self._stand, self._stand.data(target)
        kept = stand.folder / f"away-{target}"
        await stand.kill(target)
        disks.copy(folder, kept)
        disks.empty(folder)
        await stand.start(target)
        await stand.until_held(target)
        await stand.kill(target)
        disks.put_back(kept, folder)
        await stand.start(target)
        stand.held.discard(target)

        def votes(sightings: list[Sighting]) -> bool:
            status = status_of(sightings[target])
            return status is not None and status.non_voting is None

        await stand.wait(votes, f"r{target} has its newest disk again and votes")
        await self._progress(window, f"with the newest disk of r{target}")

    async def _lost(self, target: int) -> None:
        """A disk is gone for good."""
        stand = self._stand
        await stand.kill(target)
        disks.empty(stand.data(target))
        await stand.start(target)
        await stand.until_held(target)

    async def _back(self, target: int) -> None:
        """A disk is copied back from an earlier time, when all others had heard of a later one."""
        stand, folder = self._stand, self._stand.data(target)
        kept = stand.folder / f"old-{target}"
        await stand.kill(target)
        disks.copy(folder, kept)
        old = disks.commits(kept)
        await stand.start(target)
        others = [stand.data(each) for each in range(stand.n) if each != target]
        await stand.wait(
            lambda _: all(disks.commits_known(other, target) > old for other in others),
            f"the others have on disk that r{target} is beyond commit {old}",
        )
        await stand.kill(target)
        disks.put_back(kept, folder)
        await stand.start(target)
        await stand.until_held(target)


def fault_of(shape: Shape) -> AnyFault:
    """The fault on all links from a replica."""
    match shape.kind:
        case "loss":
            return Loss(-1, shape.amount)
        case "delay":
            return Delay(-1, shape.amount, shape.amount)
        case "duplicate":
            return Duplicate(-1, shape.amount)
        case _:
            return Reorder(-1, shape.amount)
