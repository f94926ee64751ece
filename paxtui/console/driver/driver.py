"""The driver itself: Trio's main task, and the ways in and out of it.

:meth:`ClusterDriver.run` is Trio's main task, in guest mode on Textual's loop. Everything that replicas
tell goes into the model at once; what the person wants comes in by :meth:`ClusterDriver.submit`, which
never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import trio
from msgspec import structs

from paxtui.client import Failed, Log, Operator, Unknown, connect, watch
from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.client.errors import ClientError
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.console import commands as c
from paxtui.console.driver import known_clusters
from paxtui.console.driver.attaching import Attaching
from paxtui.console.driver.executor import Executor
from paxtui.console.driver.lasting_faults import LastingFaults, in_short
from paxtui.console.driver.scenario_run import ScenarioRun, listed
from paxtui.console.driver.taping import Taping
from paxtui.console.driver.telemetry_reader import TelemetryReader
from paxtui.console.farewell import again, places
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.past import Past
from paxtui.console.model.state.cause_order import HOLD_S
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.options import ConsoleOptions, unhurried

if TYPE_CHECKING:
    from outcome import Outcome

COMMANDS_MAX = 1000
"""That may wait: a person cannot type so many, a script could."""

LOOK_S = 0.25
"""How often liveness is judged."""

PAST = "nothing can be said or broken in the past; f5 goes back to now"

SAY_S = 60.0
"""After so long a message without an answer has an unknown outcome."""


class Notice:
    """Something that the person should read now."""

    __slots__ = ("failed", "text")

    def __init__(self, text: str, *, failed: bool = False) -> None:
        self.text = text
        self.failed = failed


class ClusterDriver:
    """One run of the console's other half."""

    hold_s = HOLD_S
    """How long events wait for their causes before they are shown."""

    def __init__(self, options: ConsoleOptions) -> None:
        self.options = options = unhurried(options)
        self.own = ClusterModel(options.cluster, hold_s=self.hold_s)
        if options.asked:
            self.own.holes.timeout_s = None
        self.scenario_run: ScenarioRun | None = None
        """The scenario that is shown in place of one's own cluster."""
        self.strangers: set[int] = set()
        """Ours whose port answers, but for a process that this console did not start."""
        self.scenarios: list[tuple[str, str]] = []
        """Names and what they show, once they are known."""
        self.notices: deque[Notice] = deque(maxlen=20)
        self.failure: str | None = None
        """Why nothing can be shown at all."""
        self.attaching = Attaching(options, self.notify)
        self.leaving = False
        """Whether our replicas are to go on when the console ends."""
        self.ends_faults = False
        """Whether faults that were begun here are to end with the console, also at replicas that go on."""
        self.taping: Taping | None = None
        """The tape of what is told."""
        self.in_past = False
        """Whether a moment is shown that is over: nothing can be broken in it."""
        self._tape_words: list[str] = []
        self._lasting: LastingFaults | None = None
        self._acts_on: list[str] = []
        self._send, self._commands = trio.open_memory_channel[c.ConsoleCommand](COMMANDS_MAX)
        self._scope = trio.CancelScope()
        self._looked_at = 0.0
        self._stage = trio.CancelScope()
        self._executor: Executor | None = None
        self._scenario_executor: Executor | None = None
        self._logs: dict[int | None, Log] = {}
        self._left_pids: list[int] = []

    @property
    def model(self) -> ClusterModel:
        """Return what is shown: one's own cluster, or a scenario's."""
        return self.scenario_run.model if self.scenario_run is not None else self.own

    # From the screen

    def submit(self, command: c.ConsoleCommand) -> None:
        """Carry a command out soon; in the past, only what changes nothing."""
        if self.in_past and not isinstance(command, (*c.HARMLESS, c.LeaveCommand)):
            self.notices.append(Notice(f"not done: {PAST}", failed=True))
        else:
            self.enqueue(command)

    def enqueue(self, command: c.ConsoleCommand) -> None:
        """Let a command wait for its turn."""
        try:
            self._send.send_nowait(command)
        except trio.WouldBlock:
            self.notices.append(Notice("too many commands wait; this one was dropped", failed=True))

    def start(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Outcome[None]], object]) -> None:
        """Run as a guest on the loop that draws; ``ended`` gets the outcome."""
        self.taping = Taping(self.own)
        trio.lowlevel.start_guest_run(
            self.run,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            run_sync_soon_not_threadsafe=loop.call_soon,
            done_callback=ended,
            host_uses_signal_set_wakeup_fd=True,
            restrict_keyboard_interrupt_to_checkpoints=True,
        )

    def stop(self) -> None:
        """End :meth:`run`, and with it the replicas that it started."""
        self._scope.cancel()

    @property
    def now(self) -> float:
        """Return the model's clock."""
        return time.monotonic()

    def poll(self, now: float) -> None:
        """Do what is due a few times a second: judge liveness, fetch what is looked at."""
        model = self.model
        if now - self._looked_at > LOOK_S:
            self._looked_at = now
            model.update_lights(now)
            if self.taping is not None:
                self._look_at_tape(self.taping)
            self.attaching.flush()
        wanted = model.values.take_wanted(model.applied)
        if wanted is not None:
            first, count = wanted
            able = [r for r in model.replicas if r.fresh(now) and r.applied > first]
            if able:
                best = max(able, key=lambda replica: (replica.log_start <= first, replica.applied))
                self.submit(c.FetchPageCommand(best.id, first, count))

    def _look_at_tape(self, taping: Taping) -> None:
        taping.look()
        if taping.problem is not None:
            self.notices.append(Notice(f"no tape is written any more: {taping.problem}", failed=True))
            self.taping = None

    replays = False
    """Whether only a tape is shown, and no cluster."""

    def past(self) -> Past | None:
        """Return all moments until now; nothing where there is no tape of what is shown. Raises
        :class:`~paxtui.tape.step.TapeError`."""
        if self.taping is None or self.model is not self.own:
            return None
        return self.taping.past()

    def scenario_line(self) -> str | None:
        """Return the scenario that is shown, and how it ended."""
        if self.scenario_run is None:
            return None
        words = self.scenario_run.verdict or "it runs"
        return f"{words}   (esc goes back)   {self.scenario_run.scenario.name}"

    @property
    def undo_and_redo(self) -> tuple[str, str]:
        """Return in words what would be undone and what would be done again; empty for nothing."""
        acting = self._scenario_executor or self._executor
        return ("", "") if acting is None else (acting.history.next_undo, acting.history.next_redo)

    def lasting(self, *, ours_go_on: bool) -> list[str]:
        """Return what was begun here and acts on when the console is gone, and for how long."""
        return self._lasting.words(ours_go_on=ours_go_on) if self._lasting is not None else []

    def last_words(self) -> list[str]:
        """Return what to print when the screen is gone."""
        at = known_clusters.addresses(self.options.cluster)
        if self.failure is not None:
            return [f"paxtui: {self.failure}"]
        return [*self._left_words(at), *self._lasting_words(at), *self._tape_words]

    def _lasting_words(self, at: str) -> list[str]:
        if not self._acts_on:
            return []
        acts = in_short(self._acts_on)
        return [f"still acting: {acts}", f"all faults end with: paxtui fault heal --at {at}"]

    def _left_words(self, at: str) -> list[str]:
        cluster = self.options.cluster
        if self.leaving:
            words = [f"{cluster.name} runs on; look at it again with: paxtui attach {at}"]
            if len(self._left_pids) == cluster.n and self.options.preferences_dir is not None:
                words.append(f"its replicas end with: paxtui down {at.partition(',')[0]}")
            elif self._left_pids:
                words.append(f"its replicas end with: kill {' '.join(map(str, self._left_pids))}")
            return [*words, *places(self.options)]
        return [*places(self.options), *again(self.options)]

    # Trio's side

    async def run(self) -> None:
        """Start or attach, then serve until stopped."""
        with self._scope:
            try:
                if self.options.ours:
                    await self._run_ours()
                else:
                    await self._serve(self.options.cluster, None)
            except (ClientError, ConfigError) as error:
                self.failure = str(error)
                await trio.sleep_forever()
            finally:
                self.attaching.close()
                if self.taping is not None and (said := self.taping.close()):
                    self._tape_words = [said]

    async def _run_ours(self) -> None:
        assert self.options.data_dir is not None
        async with local_cluster(
            self.options.cluster,
            self.options.data_dir,
            log_dir=self.options.log_dir,
            arguments=self.options.arguments,
        ) as replicas:
            kept = self.options.preferences_dir if len(self.options.ours) == self.options.cluster.n else None
            known_clusters.add(kept, self.options.cluster, self.options.data_dir, self.options.log_dir)
            try:
                await self._serve(self.options.cluster, replicas)
            finally:
                ended = known_clusters.leave if self.leaving else known_clusters.remove
                ended(kept, self.options.cluster)

    async def _serve(self, cluster: Cluster, replicas: LocalCluster | None) -> None:
        try:
            async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
                executor = Executor(self.options, self.own, Operator(cluster, "console"), replicas, nursery)
                self._executor, self._lasting = executor, executor.lasting
                for replica in range(cluster.n):
                    nursery.start_soon(watch, cluster, replica, self._reader(self.own, replica, executor))
                for replica in self.options.ours:
                    await executor.start(replica)
                nursery.start_soon(self._list_scenarios)
                async for command in self._commands:
                    match command:
                        case _ if self._strange(command):
                            who = " ".join(f"r{id}" for id in sorted(self.strangers))
                            self.announce(
                                f"not done: a process that this console did not start has the port of {who}",
                                failed=True,
                            )
                        case c.AppendCommand():
                            nursery.start_soon(
                                self._append_message, await self._log(stack, command.via), command
                            )
                        case c.RunScenarioCommand():
                            nursery.start_soon(self._run_scenario, command.name)
                        case c.StopScenarioCommand():
                            self._stop_scenario()
                        case c.WriteObservationsCommand(file):
                            self.attaching.observe(file)
                        case c.AttachCommand(at):
                            nursery.start_soon(self.attaching.find, at)
                        case c.LookAroundCommand():
                            nursery.start_soon(self.attaching.look_around)
                        case _:
                            acting = self._scenario_executor or executor
                            nursery.start_soon(self._execute, acting, command)
        finally:
            if self._lasting is not None:
                if self.ends_faults:
                    await self._lasting.end_faults(ours_go_on=self.leaving)
                self._acts_on = self._lasting.words(ours_go_on=self.leaving)
            if self.leaving and replicas is not None:
                pids = (replicas.pid(replica) for replica in self.options.ours)
                self._left_pids = [pid for pid in pids if pid is not None]
                with trio.CancelScope(shield=True):
                    await replicas.leave_running()

    def _strange(self, command: c.ConsoleCommand) -> bool:
        """Return whether it would act on somebody else's replicas."""
        return bool(self.strangers) and self._scenario_executor is None and not _harmless(command)

    def _reader(self, model: ClusterModel, replica: int, executor: Executor) -> Callable[..., None]:
        write = self.attaching.write if model is self.own else None
        return TelemetryReader(model, replica, executor, self.strangers, write).take_telemetry

    async def _execute(self, executor: Executor, command: c.ConsoleCommand) -> None:
        if isinstance(command, c.LeaveCommand):
            self.leaving = True
            return
        try:
            said = await executor.execute(command)
        except ClientError as error:
            said = ""
            self.announce(f"{c.words(command)}: {error}", failed=True)
        if said:
            self.announce(said)

    def announce(self, text: str, *, failed: bool = False) -> None:
        """Tell the person something, also among the events and in a file of observations."""
        self.notify(text, failed=failed)
        self.attaching.write(lambda file: file.write_did(text))

    def notify(self, text: str, *, failed: bool = False) -> None:
        """Tell the person something that is not written into a file of observations: it may be about that
        file."""
        self.model.note(text, time.time(), failed=failed)
        self.notices.append(Notice(text, failed=failed))

    # Scenarios

    async def _list_scenarios(self) -> None:
        """Learn their names before they are asked for; it takes a process, so it comes after the start."""
        await trio.sleep(1.5)
        with contextlib.suppress(ClientError, OSError):
            self.scenarios = [(each.name, each.shows) for each in await listed()]

    async def _run_scenario(self, name: str) -> None:
        try:
            if self.scenario_run is not None:
                raise Failed(f"{self.scenario_run.scenario.name} is on already; `scenario stop` ends it")
            found = [each for each in await listed() if each.name == name]
            if not found:
                raise Failed(f"there is no scenario {name}; `paxtui run --list` names all")
            run = ScenarioRun(found[0], self.options.cluster.n // 2)
            self.announce(f"scenario {name}: {found[0].shows}")
            self.scenario_run = run
            await self._watch_scenario(run)
        except (ClientError, OSError) as error:
            self.announce(f"scenario {name}: {error}", failed=True)
        finally:
            self.scenario_run = self._scenario_executor = None
            self.own.version += 1

    async def _watch_scenario(self, run: ScenarioRun) -> None:
        """Look at its cluster until somebody goes back: the verdict stays on screen until then."""
        self._stage = trio.CancelScope()
        stage = self.options_of(run.cluster)
        with self._stage:
            async with trio.open_nursery() as nursery:
                executor = Executor(stage, run.model, Operator(run.cluster, "console"), None, nursery)
                self._scenario_executor = executor
                for replica in range(run.cluster.n):
                    reader = self._reader(run.model, replica, executor)
                    nursery.start_soon(watch, run.cluster, replica, reader)
                await run.run(lambda words: None)
                self.notices.append(Notice(f"{run.scenario.name}  {run.verdict}", failed=not run.passed))
                run.model.version += 1
                await trio.sleep_forever()

    def options_of(self, cluster: Cluster) -> ConsoleOptions:
        """Return how a cluster is seen that this console did not start itself."""
        return structs.replace(self.options, cluster=cluster, ours=())

    def _stop_scenario(self) -> None:
        if self.scenario_run is None:
            self.announce("no scenario is on", failed=True)
        self._stage.cancel()

    # Chat

    async def _log(self, stack: AsyncExitStack, via: int | None) -> Log:
        if via not in self._logs:
            log = connect(self.options.cluster, name=self.options.name, via=via)
            self._logs[via] = await stack.enter_async_context(log)
        return self._logs[via]

    async def _append_message(self, log: Log, command: c.AppendCommand) -> None:
        chat = self.own.chat
        mine = chat.add_message(command.text, command.via, self.now)
        try:
            receipt = await log.submit(command.text, timeout_s=SAY_S)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._number, log, mine, receipt.request)
                done = await receipt.result()
                nursery.cancel_scope.cancel()
            chat.done(mine, done.slot)
        except* Unknown as group:
            chat.ended(mine, "unknown", str(group.exceptions[0]))
        except* Failed as group:
            chat.ended(mine, "failed", str(group.exceptions[0]))
        except* ClientError as group:
            chat.ended(mine, "failed", str(group.exceptions[0]))
        self.own.version += 1

    async def _number(self, log: Log, mine: SentMessage, request: int) -> None:
        """Tell the book under which number a message travels, as soon as the session exists."""
        self.own.chat.numbered(mine, await log.session(), request)


def _harmless(command: c.ConsoleCommand) -> bool:
    """Return whether it acts on no running replica of the cluster that is shown."""
    if isinstance(command, c.CompoundCommand):
        return all(map(_harmless, command.commands))
    own = (c.RestartCommand, c.RunScenarioCommand, c.StopScenarioCommand, c.LeaveCommand, c.RecordCommand)
    return isinstance(command, (*own, *c.HARMLESS))
