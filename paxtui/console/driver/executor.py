"""Carrying out commands: what each does to processes and faults."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from paxtui.client.errors import ClientError, Failed
from paxtui.client.operator import NotHeard
from paxtui.config.folders import replica_folder
from paxtui.console import commands as c
from paxtui.console.driver.fault_tracker import FaultTracker
from paxtui.console.driver.history import UndoHistory
from paxtui.console.driver.lasting_faults import LastingFaults
from paxtui.console.driver.slow_motion import SlowMotionFaults
from paxtui.console.driver.undo import Change, TrackedFault, begun, ended
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.rows.faults import broken
from paxtui.wire import faults as f

if TYPE_CHECKING:
    from paxtui.client import Operator
    from paxtui.client.cluster import LocalCluster
    from paxtui.console.options import ConsoleOptions

FOREIGN_S = 600.0
"""Faults on replicas that somebody else started end by themselves after ten minutes."""


class Executor:
    """The commands that were carried out on one cluster, and the way to carry out more."""

    def __init__(
        self,
        options: ConsoleOptions,
        model: ClusterModel,
        operator: Operator,
        replicas: LocalCluster | None,
        nursery: trio.Nursery,
    ) -> None:
        self._options = options
        self._model = model
        self._operator = operator
        self._replicas = replicas
        self._nursery = nursery
        self._fault_tracker = FaultTracker(
            model, operator, nursery, for_s=None if replicas is not None else FOREIGN_S
        )
        self._slow_motion = SlowMotionFaults(model, self._fault_tracker)
        self.lasting = LastingFaults(model, self._fault_tracker, self)
        self.paused: set[int] = set()
        """Replicas of somebody else that were paused from here."""
        self.history = UndoHistory(self._fault_tracker, self)
        self._records: Path | None = None
        """Where replicas write their records from their next start on."""

    # Processes

    def _ours(self, replica: int, otherwise: str) -> LocalCluster:
        """Return who runs a replica of ours; of another one it is said what happens ``otherwise``."""
        if self._replicas is None or replica not in self._options.ours:
            raise Failed(f"r{replica} was not started by this console: {otherwise}")
        return self._replicas

    def is_ours(self, replica: int) -> bool:
        """Return whether this console starts and stops that replica."""
        return self._replicas is not None and replica in self._options.ours

    def absent(self, replica: int) -> bool:
        """Return whether a refused connection means that the process is down: ours may just be starting."""
        return (
            self._replicas is None or replica not in self._options.ours or not self._replicas.alive(replica)
        )

    def is_meant(self, replica: int, pid: int) -> bool:
        """Return whether what answers on a replica's port is our process, if we start that replica."""
        if self._replicas is None or replica not in self._options.ours:
            return True
        return self._replicas.pid(replica) == pid

    async def start(self, replica: int) -> None:
        """Start one of our replicas."""
        replicas = self._ours(replica, "only its owner can start it again")
        record = ["--record", str(self._records / f"r{replica}.jsonl")] if self._records is not None else []
        await replicas.start(replica, *record)
        self._model.process(replica, "starting", time.monotonic(), pid=replicas.pid(replica))
        self._nursery.start_soon(self._until_it_ends, replicas, replica)

    async def _until_it_ends(self, replicas: LocalCluster, replica: int) -> None:
        code = await replicas.ended(replica)
        words = "killed" if code == -9 else f"exit code {code}: {replicas.last_words(replica)}"
        self._model.process(replica, "down", time.monotonic(), words=words)
        self._fault_tracker.replica_died(replica)

    def replica_heard(self, replica: int) -> None:
        """Note that the replica serves."""
        self._fault_tracker.replica_heard(replica)

    # Commands

    async def execute(self, command: c.ConsoleCommand) -> str:
        """Carry it out; a line that says what came of it. Raises :class:`ClientError`."""
        match command:
            case c.UndoCommand(None):
                return await self.history.undo()
            case c.RedoCommand():
                return await self.history.redo()
        return await self.history.do(command)

    async def carry_out(self, command: c.ConsoleCommand, change: Change) -> str:
        """Carry it out, and count what changed. Raises :class:`ClientError`."""
        try:
            return await self._dispatch(command, change)
        except NotHeard as error:
            raise self._plainer(getattr(command, "replica", None), error) from None

    async def _dispatch(self, command: c.ConsoleCommand, change: Change) -> str:
        match command:
            case c.CompoundCommand(commands, _):
                return await self._together(commands, change)
            case c.CrashCommand(replica):
                return await self._crash(replica, change)
            case c.RestartCommand(replica):
                return await self._restart(replica)
            case c.PauseCommand(replica):
                return await self._pause(replica, change)
            case c.ContinueCommand(replica):
                return self._continue(replica, change)
            case c.WipeCommand(replica):
                return await self._wipe(replica, change)
            case c.CrashDecidingCommand(replica):
                return await self._crash_deciding(replica, change)
            case c.InjectCommand(replica, fault):
                return await self._inject([(replica, fault)], c.words(command), change)
            case c.RestoreProposerCommand(replica):
                if not await self._fault_tracker.end_kind(replica, f.CrashProposer, change):
                    raise Failed(f"the proposer of r{replica} is not crashed")
                return f"the proposer of r{replica} works again"
            case c.InjectManyCommand(faults, name):
                return await self._inject(list(faults), name, change)
            case c.CutCommand(links, _):
                return await self._inject([(a, f.Cut(b)) for a, b in links], c.words(command), change)
            case c.JoinCommand(links, _):
                await self._fault_tracker.end_links(links, "cut", change)
                return ended(c.words(command), change.ended)
            case c.ClearCommand(link, kind):
                await self._fault_tracker.end_links([link], kind, change)
                return ended(c.words(command), change.ended)
            case c.SlowMotionCommand(factor):
                problems = await self._slow_motion.stretch(factor, change)
                return "; ".join([c.words(command), *problems])
            case c.ElectCommand(replica):
                await self._operator.elect(replica)
                return f"r{replica} starts an election"
            case c.FillHoleCommand(slot):
                await self._operator.fill_hole(slot)
                return f"the leader proposes a no-op in slot {slot}"
            case c.UndoCommand(int(number)):
                await self._fault_tracker.end_number(number, change)
                if change.ended:
                    return f"fault #{number} ended: {change.ended[0].words}"
                return f"fault #{number} ended"
            case c.HealCommand():
                return await self._heal(change)
            case c.RecordCommand(folder):
                return self._record(folder)
            case c.FetchPageCommand(replica, first, count):
                entries = await self._operator.page(replica, first, count)
                self._model.page(entries, replica, time.monotonic())
                return ""
            case _:
                raise Failed(f"{c.words(command)} cannot be done here")

    async def _together(self, commands: tuple[c.ConsoleCommand, ...], change: Change) -> str:
        """Carry all of them out, also if one fails."""
        problems: list[str] = []
        parts = [Change(c.words(command)) for command in commands]

        async def one(command: c.ConsoleCommand, part: Change) -> None:
            try:
                await self.carry_out(command, part)
            except ClientError as error:
                problems.append(f"{part.words}: {error}")

        async with trio.open_nursery() as nursery:
            for command, part in zip(commands, parts, strict=True):
                nursery.start_soon(one, command, part)
        for part in parts:
            change.include(part)
        if len(problems) == len(commands):
            raise Failed("; ".join(dict.fromkeys(problems)))
        return "; ".join([self._begun(change.words, change.begun), *dict.fromkeys(problems)])

    def _begun(self, name: str, tracked_faults: list[TrackedFault]) -> str:
        return begun(name, tracked_faults, self._fault_tracker.listed_numbers(tracked_faults))

    async def _crash(self, replica: int, change: Change) -> str:
        if self.is_ours(replica):
            replicas = self._ours(replica, "")
            if not replicas.alive(replica):
                raise Failed(f"r{replica} is down already")
            await replicas.kill(replica)
            change.back.append(c.RestartCommand(replica))
        else:
            await self._operator.inject(replica, f.CrashReplica())
            change.final = f"r{replica} was not started by this console, which cannot start it again"
            return f"r{replica} was told to end; only its owner can start it again"
        return f"r{replica} killed; r starts it again"

    async def _restart(self, replica: int) -> str:
        replicas = self._ours(replica, "only its owner can start it again")
        ran = replicas.alive(replica)
        if ran:
            await replicas.stop(replica)
        await self.start(replica)
        return f"r{replica} {'stopped and starts again' if ran else 'starts'}"

    async def _pause(self, replica: int, change: Change) -> str:
        if self.is_ours(replica):
            replicas = self._ours(replica, "")
            if not replicas.alive(replica):
                raise Failed(f"r{replica} is down: there is no process to pause; r starts it")
            if self._model.replicas[replica].process == "paused":
                raise Failed(f"r{replica} is paused already; p lets it go on")
            replicas.pause(replica)
            self._model.process(replica, "paused", time.monotonic())
            change.back.append(c.ContinueCommand(replica))
        else:
            await self._operator.inject(replica, f.Pause(c.PAUSE_S))
            self._model.paused(replica, c.PAUSE_S, time.monotonic())
            self.paused.add(replica)
            change.final = (
                f"r{replica} was not started by this console; it goes on by itself within 10 minutes"
            )
            return f"r{replica} paused; it goes on by itself within 10 minutes"
        return f"r{replica} paused; p lets it go on"

    def _continue(self, replica: int, change: Change) -> str:
        replicas = self._ours(replica, "if it was paused, it goes on by itself within 10 minutes")
        if self._model.replicas[replica].process != "paused":
            raise Failed(f"r{replica} is not paused")
        replicas.proceed(replica)
        self._model.process(replica, "up", time.monotonic())
        change.back.append(c.PauseCommand(replica))
        return f"r{replica} goes on"

    def continue_ours(self, change: Change) -> list[int]:
        """Let all replicas of ours go on that are paused; return which."""
        paused = [each.id for each in self._model.replicas if each.process == "paused"]
        found = [id for id in paused if self.is_ours(id)]
        for id in found:
            self._continue(id, change)
        return found

    async def _wipe(self, replica: int, change: Change) -> str:
        replicas = self._ours(replica, "only its owner can wipe its disk")
        if replicas.alive(replica):
            await replicas.kill(replica)
        folder = replica_folder(replicas.data_dir, self._options.cluster.name, replica)
        shutil.rmtree(folder, ignore_errors=True)
        self._model.wiped(replica, time.monotonic())
        change.final = f"{folder} is gone for ever"
        # It starts with nothing, so only a person who knows that may start it.
        self.history.forget(lambda command: command == c.RestartCommand(replica))
        return f"r{replica} killed and wiped: {folder} is gone; r starts it with an empty disk"

    def _record(self, folder: str | None) -> str:
        if folder is None:
            if self._records is None:
                raise Failed("no replica was told to write a record")
            self._records = None
            return "record stop: each replica goes on with its record until its next start"
        if self._replicas is None:
            raise Failed("this console did not start these replicas; `observe FILE` writes what it is told")
        path = Path(os.path.expanduser(folder)).resolve()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(f"{path}: {error.strerror}") from None
        self._records = path
        return f"each replica writes {path}/rN.jsonl from its next start on: `restart all` begins it now"

    # Faults

    async def _crash_deciding(self, replica: int, change: Change) -> str:
        tracked = TrackedFault(replica, f.CrashReplica(), when=f.Trigger("chosen-seen"))
        await self._fault_tracker.begin_fault(tracked, change)
        if self.is_ours(replica):
            change.rescue.append(c.RestartCommand(replica))
        return f"r{replica} dies when it next sees a majority: send a message (i)  #{tracked.number}"

    async def _inject(self, faults: list[tuple[int, f.AnyFault]], name: str, change: Change) -> str:
        """Begin faults as one command."""
        done: list[TrackedFault] = []
        problems: list[str] = []
        for replica, fault in faults:
            tracked = TrackedFault(replica, fault)
            try:
                await self._fault_tracker.begin_fault(tracked, change)
                done.append(tracked)
            except ClientError as error:
                problems.append(str(self._plainer(replica, error)))
        if not done:
            raise Failed("; ".join(dict.fromkeys(problems)))
        if any(isinstance(fault, f.DiskError | f.FullDisk) and self.is_ours(id) for id, fault in faults):
            change.rescue += [c.RestartCommand(replica) for replica, _ in faults]
        if any(isinstance(fault, f.SkipSlot) for _, fault in faults):
            change.final = "the slot was left empty already; S fills the hole"
        return "; ".join([self._begun(name, done), *dict.fromkeys(problems)])

    def _plainer(self, replica: int | None, error: ClientError) -> ClientError:
        """Return an error that says more than the socket's, of a replica that does not answer."""
        process = self._model.replicas[replica].process if replica is not None else ""
        if replica is None or not isinstance(error, NotHeard) or process not in ("down", "paused"):
            return error
        way = {"down": "r starts it", "paused": "p lets it go on"}[process]
        return Failed(f"r{replica} is {process}" + (f"; {way} first" if self.is_ours(replica) else ""))

    def is_so(self, command: c.ConsoleCommand) -> bool:
        """Return whether somebody did already what would take a command back."""
        match command:
            case c.RestartCommand(replica):
                return self._replicas is None or self._replicas.alive(replica)
            case c.CrashCommand(replica):
                return self._replicas is None or not self._replicas.alive(replica)
            case c.ContinueCommand(replica):
                return self._model.replicas[replica].process != "paused"
            case c.PauseCommand(replica):
                return self._model.replicas[replica].process in ("paused", "down")
        return False

    async def _heal(self, change: Change) -> str:
        rows = [row for row in broken(self._model, time.monotonic()) if row.acts]
        left: dict[int, ClientError] = {}
        also = [f"r{id} goes on" for id in self.continue_ours(change)]

        async def one(replica: int) -> None:
            try:
                await self._fault_tracker.heal(replica, change)
            except ClientError as error:
                if not (self.is_ours(replica) and self._model.replicas[replica].process == "down"):
                    left[replica] = error

        async with trio.open_nursery() as nursery:
            for id in range(self._model.n):
                nursery.start_soon(one, id)
        if self._replicas is not None:
            for id in self._options.ours:
                if not self._replicas.alive(id):
                    await self.start(id)
                    change.back.append(c.CrashCommand(id))
                    also.append(f"r{id} started")
        count = len([row for row in rows if row.at.isdisjoint(left)]) or len(change.ended)
        faults = [f"{count} fault{'s' if count > 1 else ''} ended"] if count and change.ended else []
        said = ", ".join([*faults, *also])
        nothing = "heal: nothing could be mended" if left else "heal: nothing was broken"
        return "; ".join([f"healed: {said}" if said else nothing, *self._not_healed(left)])

    def _not_healed(self, left: dict[int, ClientError]) -> list[str]:
        """Return who is not well now, and why."""
        by_process: dict[str, list[str]] = {}
        for id in sorted(left):
            by_process.setdefault(self._model.replicas[id].process, []).append(f"r{id}")
        said: list[str] = []
        for process, names in by_process.items():
            who, one = " ".join(names), len(names) == 1
            it, its = ("it", "its") if one else ("them", "their")
            match process:
                case "down":
                    only = f"only {its} owner can start {it}"
                    said.append(f"{who} {'stays' if one else 'stay'} down: {only}")
                case "paused":
                    goes = "goes on by itself" if one else "go on by themselves"
                    said.append(f"{who} {goes} within 10 minutes, and with that the faults there end")
                case _:
                    said += [str(left[int(name[1:])]) for name in names]
        return said
