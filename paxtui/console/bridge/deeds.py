"""Carrying out commands, and knowing how to take them back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import trio
from msgspec import Struct

from paxtui.client.errors import ClientError, Failed
from paxtui.console import commands as c
from paxtui.console.model.cluster import ClusterModel
from paxtui.folders import replica_folder
from paxtui.wire import faults as f

if TYPE_CHECKING:
    from paxtui.client import Operator
    from paxtui.client.cluster import LocalCluster
    from paxtui.console.launch import Launch

FOREIGN_S = 600.0
"""Faults on replicas that somebody else started end by themselves after ten minutes."""

UNDO_MAX = 100


class Standing(Struct):
    """A fault that this console began. A replica forgets its faults when it dies; we do not."""

    replica: int
    fault: f.AnyFault
    number: int | None


class Deeds:
    """What was done here, and how to do more."""

    def __init__(
        self,
        launch: Launch,
        model: ClusterModel,
        operator: Operator,
        replicas: LocalCluster | None,
        nursery: trio.Nursery,
    ) -> None:
        self._launch = launch
        self._model = model
        self._operator = operator
        self._replicas = replicas
        self._nursery = nursery
        self._standing: list[Standing] = []
        self._undo: list[c.Command | list[Standing]] = []
        self._restarted: set[int] = set()
        self._turns = [trio.Lock() for _ in range(launch.cluster.n)]
        """One fault after the other at each replica: the latest word counts."""

    # Processes

    def _ours(self, replica: int) -> LocalCluster:
        if self._replicas is None or replica not in self._launch.ours:
            raise Failed(f"replica {replica} was not started by this console")
        return self._replicas

    def absent(self, replica: int) -> bool:
        """Whether a refused connection means that the process is down: ours may just be starting."""
        return self._replicas is None or replica not in self._launch.ours or not self._replicas.alive(replica)

    def is_meant(self, replica: int, pid: int) -> bool:
        """Whether what answers on a replica's port is our process, if we start that replica."""
        if self._replicas is None or replica not in self._launch.ours:
            return True
        return self._replicas.pid(replica) == pid

    async def start(self, replica: int) -> None:
        """Start one of our replicas."""
        replicas = self._ours(replica)
        await replicas.start(replica)
        self._model.process(replica, "starting", time.monotonic(), pid=replicas.pid(replica))
        self._restarted.add(replica)
        self._nursery.start_soon(self._until_it_ends, replicas, replica)

    async def _until_it_ends(self, replicas: LocalCluster, replica: int) -> None:
        code = await replicas.ended(replica)
        words = "killed" if code == -9 else f"exit code {code}: {replicas.last_words(replica)}"
        self._model.process(replica, "down", time.monotonic(), words=words)
        for standing in self._standing:
            if standing.replica == replica:
                standing.number = None

    def heard(self, replica: int) -> None:
        """The replica serves: let what acted on its links before it died act again."""
        report = self._model.replicas[replica].report
        if replica in self._restarted and report is not None and report.status is not None:
            self._restarted.discard(replica)
            self._nursery.start_soon(self._again, replica)

    async def _again(self, replica: int) -> None:
        for standing in self._standing:
            waits = standing.replica == replica and standing.number is None
            if waits and isinstance(standing.fault, f.LinkFault):
                standing.number = await self._operator.inject(replica, standing.fault)

    # Commands

    async def do(self, command: c.Command) -> str:
        """Carry it out; a line that says what happened. Raises :class:`ClientError`."""
        match command:
            case c.Crash(replica):
                return await self._crash(replica)
            case c.Restart(replica):
                return await self._restart(replica)
            case c.Pause(replica):
                return await self._pause(replica)
            case c.Continue(replica):
                return self._continue(replica)
            case c.Wipe(replica):
                return await self._wipe(replica)
            case c.CrashDeciding(replica):
                return await self._crash_deciding(replica)
            case c.Inject(replica, fault):
                return await self._inject([(replica, fault)], c.words(command))
            case c.RestoreProposer(replica):
                return await self._restore_proposer(replica)
            case c.Faults(faults, name):
                return await self._inject(list(faults), name)
            case c.Cut(links, _):
                return await self._inject([(a, f.Cut(b)) for a, b in links], c.words(command))
            case c.Join(links, _):
                await self._end([(a, b, "cut") for a, b in links])
                return c.words(command)
            case c.Clear((sender, receiver), kind):
                await self._end([(sender, receiver, kind)])
                return c.words(command)
            case c.Elect(replica):
                await self._operator.elect(replica)
                return c.words(command)
            case c.FillHole(slot):
                await self._operator.fill_hole(slot)
                return c.words(command)
            case c.Undo(number):
                return await self._take_back(number)
            case c.Heal():
                return await self._heal()
            case c.Fetch(replica, first, count):
                self._model.page(await self._operator.page(replica, first, count), replica)
                return ""
        raise Failed(f"{c.words(command)} cannot be done here")

    def _remember(self, undo: c.Command | list[Standing]) -> None:
        self._undo.append(undo)
        del self._undo[:-UNDO_MAX]

    async def _crash(self, replica: int) -> str:
        if self._replicas is not None and replica in self._launch.ours:
            if not self._replicas.alive(replica):
                raise Failed(f"replica {replica} is down already")
            await self._replicas.kill(replica)
            self._remember(c.Restart(replica))
        else:
            await self._operator.inject(replica, f.CrashReplica())
        return f"crash r{replica}"

    async def _restart(self, replica: int) -> str:
        replicas = self._ours(replica)
        if replicas.alive(replica):
            await replicas.stop(replica)
        await self.start(replica)
        return f"restart r{replica}"

    async def _pause(self, replica: int) -> str:
        if self._replicas is None or replica not in self._launch.ours:
            await self._operator.inject(replica, f.Pause(c.PAUSE_S))
        else:
            self._replicas.pause(replica)
            self._model.process(replica, "paused", time.monotonic())
            self._remember(c.Continue(replica))
        return f"pause r{replica}"

    def _continue(self, replica: int) -> str:
        self._ours(replica).proceed(replica)
        self._model.process(replica, "up", time.monotonic())
        return f"continue r{replica}"

    async def _wipe(self, replica: int) -> str:
        replicas = self._ours(replica)
        if replicas.alive(replica):
            await replicas.kill(replica)
        folder = replica_folder(replicas.data_dir, self._launch.cluster.name, replica)
        shutil.rmtree(folder, ignore_errors=True)
        self._model.process(replica, "down", time.monotonic(), words="its disk was wiped")
        return f"wipe r{replica}: {folder} is gone"

    # Faults

    async def _crash_deciding(self, replica: int) -> str:
        when = f.Trigger("chosen-seen")
        for_s = None if self._replicas is not None else FOREIGN_S
        number = await self._operator.inject(replica, f.CrashReplica(), for_s=for_s, when=when)
        if number is not None:
            self._remember(c.Undo(number))
        return f"r{replica} dies when it next sees a majority: say something (i)  #{number}"

    async def _inject(self, faults: list[tuple[int, f.AnyFault]], name: str) -> str:
        """Begin faults as one deed. Those of the same kind on the same link give way to the new ones."""
        for_s = None if self._replicas is not None else FOREIGN_S
        begun: list[Standing] = []
        numbers: list[str] = []
        problems: list[str] = []
        for replica, fault in faults:
            standing = Standing(replica, fault, None)
            async with self._turns[replica]:
                before = self._same(replica, fault)
                try:
                    standing.number = await self._operator.inject(replica, fault, for_s=for_s)
                except ClientError as error:
                    if not isinstance(fault, f.LinkFault) or len(faults) == 1:
                        raise
                    problems.append(str(error))  # it acts when the replica is back
                self._standing.append(standing)
                for number in before:
                    await self._undo_number(number)
            if standing.number is not None:
                numbers.append(f"#{standing.number}")
            begun.append(standing)
        if begun and not isinstance(begun[0].fault, f.SkipSlot | f.Pause | f.CrashReplica):
            self._remember(begun)
        later = f"; {len(problems)} wait until their replica is back" if problems else ""
        shown = (
            f"{numbers[0]} to {numbers[-1]}, {len(numbers)} in all" if len(numbers) > 6 else " ".join(numbers)
        )
        return f"{name}  {shown}{later}".rstrip()

    async def _restore_proposer(self, replica: int) -> str:
        async with self._turns[replica]:
            found = self._numbers(replica, lambda each: isinstance(each, f.CrashProposer))
            for number in found:
                await self._undo_number(number)
        if not found:
            raise Failed(f"the proposer of r{replica} is not crashed")
        return f"restore-proposer r{replica}"

    def _same(self, replica: int, fault: f.AnyFault) -> list[int]:
        if not isinstance(fault, f.LinkFault):
            return []
        kind, to = type(fault), fault.to
        return self._numbers(replica, lambda each: isinstance(each, kind) and each.to == to)

    def _numbers(self, replica: int, meant: Callable[[f.AnyFault], bool]) -> list[int]:
        """Faults that act at a replica: those that it lists, and those that it was only just told."""
        report = self._model.replicas[replica].report
        listed = [each.number for each in (report.active if report is not None else ()) if meant(each.fault)]
        ours = [each.number for each in self._standing if each.replica == replica and meant(each.fault)]
        return list(dict.fromkeys([*listed, *(number for number in ours if number is not None)]))

    async def _undo_number(self, number: int) -> None:
        self._standing = [each for each in self._standing if each.number != number]
        try:
            await self._operator.undo(number)
        except ClientError:
            pass  # it ended by itself, or with its replica

    async def _end(self, links: list[tuple[int, int, str]]) -> None:
        """End the faults of a kind on directed links, also those that wait for a dead replica."""
        for sender, receiver, kind in links:
            async with self._turns[sender]:
                numbers = self._numbers(sender, partial(_acts, receiver=receiver, kind=kind))
                self._standing = [
                    each
                    for each in self._standing
                    if not (each.replica == sender and _acts(each.fault, receiver, kind))
                ]
                for number in numbers:
                    await self._undo_number(number)

    async def _take_back(self, number: int | None) -> str:
        if number is not None:
            self._standing = [each for each in self._standing if each.number != number]
            await self._operator.undo(number)
            return f"undo #{number}"
        while self._undo:
            last = self._undo.pop()
            if isinstance(last, c.Command):
                if self._taken_back(last):
                    continue
                return f"undo: {await self.do(last)}"
            acting = [each for each in last if any(each is known for known in self._standing)]
            if not acting:
                continue  # it was undone by its number, or has ended
            for standing in acting:
                self._standing.remove(standing)
                if standing.number is not None:
                    await self._undo_number(standing.number)
            what = "; ".join(f.describe(each.replica, each.fault) for each in acting[:3])
            more = f" and {len(acting) - 3} more" if len(acting) > 3 else ""
            return f"undo: {what}{more}"
        raise Failed("there is nothing to undo")

    def _taken_back(self, undo: c.Command) -> bool:
        """Whether a replica runs again already, so that nothing is left to undo."""
        match undo:
            case c.Restart(replica):
                return self._ours(replica).alive(replica)
            case c.Continue(replica):
                return self._model.replicas[replica].process != "paused"
        return False

    async def _heal(self) -> str:
        self._standing.clear()
        self._undo.clear()
        said = ["heal"]
        if self._replicas is not None:
            for replica in self._launch.ours:
                if self._model.replicas[replica].process == "paused":
                    self._continue(replica)
                    said.append(f"r{replica} goes on")
        await self._operator.heal()
        if self._replicas is not None:
            for replica in self._launch.ours:
                if not self._replicas.alive(replica):
                    await self.start(replica)
                    said.append(f"r{replica} starts")
        return ", ".join(said)


def _acts(fault: f.AnyFault, receiver: int, kind: str) -> bool:
    tag = type(fault).__struct_config__.tag
    return isinstance(fault, f.LinkFault) and tag == kind and fault.to in (-1, receiver)
