"""Replicas of a configuration as subprocesses: started, watched, killed, stopped.

What the console, ``up``, ``demo`` and ``run`` use. A replica that is started here ends with its parent:
it holds the other end of a pipe, and stops when the pipe closes, however the parent died.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio

from paxtui.client.errors import ClientError
from paxtui.client.operator import Operator, Sighting
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.config.folders import METRICS_VARIABLE, replica_folder
from paxtui.config.tls_files import without_environment

LINES_KEPT = 50
"""The last lines of each replica's log, for the one who asks why it died."""

STAY = b"stay\n"
"""What a replica hears on its standard input when it is to outlive its parent."""

POLL_S = 0.03
"""How often a condition on the replicas' status is looked at."""

STOP_S = 5.0
"""After so long a replica that was told to stop is killed."""

LINE_BYTES_MAX = 1024 * 1024
"""A longer line of a replica's log is passed on in pieces."""

LAST_WORDS_S = 1.0
"""How long the rest of a replica's log is waited for after its end. The kernel has it already, unless another
process holds the pipe."""


class ReplicaDied(ClientError):
    """A replica ended at its start; the message holds what it said last, ``code`` its exit code."""

    def __init__(self, replica: int, code: int, last_words: str) -> None:
        super().__init__(f"replica {replica} ended with exit code {code}: {last_words}")
        self.code = code


class Process:
    """One replica's process, or the memory of its last."""

    def __init__(self) -> None:
        self.handle: trio.Process | None = None
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.ended = trio.Event()
        self.watching = trio.CancelScope()

    @property
    def alive(self) -> bool:
        return self.handle is not None and self.handle.returncode is None


class LocalCluster:
    """The replicas of one configuration on this machine. Made by :func:`local_cluster`."""

    def __init__(
        self,
        cluster: Cluster,
        config_file: Path,
        data_dir: Path,
        log_dir: Path,
        nursery: trio.Nursery,
        *,
        arguments: Sequence[str],
        on_line: Callable[[int, str], None] | None,
    ) -> None:
        self.cluster = cluster
        self.data_dir = data_dir
        self.log_dir = log_dir
        self.operator = Operator(cluster, "supervisor")
        self._config_file = config_file
        self._nursery = nursery
        self._arguments = list(arguments)
        self._on_line = on_line
        self._processes = {replica: Process() for replica in range(cluster.n)}
        self._left = False
        self.line_failure: Exception | None = None
        """What ``on_line`` raised. It is not called again after that, and the replicas go on."""

    async def start(self, replica: int, *arguments: str) -> None:
        """Start one replica, with its own or further arguments. Does not wait until it serves."""
        process = self._processes[replica]
        if process.alive:
            return
        command = [sys.executable, "-m", "paxtui", "replica", "--id", str(replica), "--headless"]
        command += ["--config", str(self._config_file), "--data-dir", str(self.data_dir)]
        command += ["--log-dir", str(self.log_dir), "--stop-with-parent", *self._arguments, *arguments]
        process.ended = trio.Event()
        process.lines.clear()
        process.handle = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=_environment(),
        )
        # Made here and not in the task: leave_running() may be called before the task has begun.
        process.watching = trio.CancelScope(shield=True)
        self._nursery.start_soon(self._watch, replica, process, process.handle)

    async def start_all(self, *arguments: str) -> None:
        """Start all replicas."""
        for replica in range(self.cluster.n):
            await self.start(replica, *arguments)

    async def _watch(self, replica: int, process: Process, handle: trio.Process) -> None:
        """Read the replica's log until it ends.

        Shielded: what stops the replicas after a cancellation waits for their ends to be noticed here.
        """
        with process.watching:
            async with trio.open_nursery() as nursery:
                if handle.stderr is not None:
                    nursery.start_soon(self._read, replica, process, handle.stderr)
                await handle.wait()
                nursery.cancel_scope.deadline = trio.current_time() + LAST_WORDS_S
            process.ended.set()

    async def _read(self, replica: int, process: Process, stderr: trio.abc.ReceiveStream) -> None:
        rest = b""
        with suppress(trio.BrokenResourceError):
            async for chunk in stderr:
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LINE_BYTES_MAX:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._pass_on(replica, process, line)
        if rest:
            self._pass_on(replica, process, rest)

    def _pass_on(self, replica: int, process: Process, line: bytes) -> None:
        text = line.decode(errors="replace")
        process.lines.append(text)
        if self._on_line is None:
            return
        try:
            self._on_line(replica, text)
        except OSError as error:
            self._on_line = None
            self.line_failure = ClientError(f"the logs of the replicas cannot be written: {error}")
        except Exception as error:  # it must not end the task that notices the replica's end
            self._on_line, self.line_failure = None, error

    def alive(self, replica: int) -> bool:
        """Return whether the process runs."""
        return self._processes[replica].alive

    def pid(self, replica: int) -> int | None:
        """Return its process id, while it runs."""
        handle = self._processes[replica].handle
        return handle.pid if handle is not None and handle.returncode is None else None

    def last_words(self, replica: int) -> str:
        """Return what the replica's log said last."""
        lines = self._processes[replica].lines
        return lines[-1] if lines else "it said nothing"

    async def ended(self, replica: int) -> int:
        """Wait until the replica's process has ended; its exit code."""
        process = self._processes[replica]
        await process.ended.wait()
        return process.handle.returncode or 0 if process.handle is not None else 0

    async def kill(self, replica: int) -> None:
        """Send SIGKILL, and wait until it is gone."""
        self._signal(replica, signal.SIGKILL)
        await self._processes[replica].ended.wait()

    def pause(self, replica: int) -> None:
        """Send SIGSTOP: the replica neither hears nor speaks until :meth:`proceed`."""
        self._signal(replica, signal.SIGSTOP)

    def proceed(self, replica: int) -> None:
        """Send SIGCONT."""
        self._signal(replica, signal.SIGCONT)

    def _signal(self, replica: int, number: signal.Signals) -> None:
        pid = self.pid(replica)
        if pid is not None:
            os.kill(pid, number)

    async def stop(self, replica: int) -> None:
        """Tell it to stop; kill it if it does not."""
        process = self._processes[replica]
        if not process.alive:
            return
        self._signal(replica, signal.SIGCONT)
        self._signal(replica, signal.SIGTERM)
        with trio.move_on_after(STOP_S):
            await process.ended.wait()
            return
        await self.kill(replica)

    async def stop_all(self) -> None:
        """Stop all replicas at the same time, unless they were left running."""
        if self._left:
            return
        async with trio.open_nursery() as nursery:
            for replica in range(self.cluster.n):
                nursery.start_soon(self.stop, replica)

    async def leave_running(self) -> None:
        """Let the replicas go on after this program: they are told so, and are not watched any more."""
        for process in self._processes.values():
            if process.alive and process.handle is not None and process.handle.stdin is not None:
                await process.handle.stdin.send_all(STAY)
            process.watching.cancel()
        self._left = True

    async def wait_until(
        self, condition: Callable[[list[Sighting]], bool], timeout_s: float, what: str
    ) -> list[Sighting]:
        """Wait for a condition on all replicas' status; ``what`` says in words what was waited for.

        Raises :class:`ClientError` when it does not come in time.
        """
        sightings: list[Sighting] = []
        with trio.move_on_after(timeout_s):
            while True:
                sightings = await self.operator.status()
                if condition(sightings):
                    return sightings
                await trio.sleep(POLL_S)
        beliefs = "; ".join(describe(sighting) for sighting in sightings)
        raise ClientError(f"after {timeout_s:g} s still not: {what}. {beliefs}")

    async def wait_ready(self, timeout_s: float = 20.0) -> None:
        """Wait until all replicas serve and one leads. Raises :class:`ReplicaDied` as soon as one ends."""
        problem: ClientError | None = None

        async def watch(replica: int) -> None:
            nonlocal problem
            code = await self.ended(replica)
            problem = ReplicaDied(replica, code, self.last_words(replica))
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for replica, process in self._processes.items():
                if process.handle is not None:
                    nursery.start_soon(watch, replica)
            try:
                await self.wait_until(ready, timeout_s, "all replicas serve and know one leader")
            except ClientError as error:
                problem = error
            nursery.cancel_scope.cancel()
        if problem is not None:
            raise problem


def _environment() -> dict[str, str]:
    """Return a replica's environment, without variables of ours: its file says all."""
    return {key: text for key, text in without_environment(os.environ).items() if key != METRICS_VARIABLE}


def ready(sightings: list[Sighting]) -> bool:
    """Wait until all replicas serve and agree on who leads."""
    leaders: set[int | None] = set()
    for sighting in sightings:
        if sighting.report is None or sighting.report.status is None:
            return False
        leaders.add(sighting.report.status.leader)
    return len(leaders) == 1 and None not in leaders


def describe(sighting: Sighting) -> str:
    """Return a replica's belief in a few words, for error messages."""
    if sighting.report is None:
        return f"r{sighting.replica}: {sighting.problem}"
    status = sighting.report.status
    if status is None:
        waiting = " ".join(f"r{peer}" for peer in sighting.report.waiting_for)
        return f"r{sighting.replica}: warming up, waits for {waiting or 'no other'}"
    leader = "no leader" if status.leader is None else f"r{status.leader}"
    return (
        f"r{sighting.replica}: {status.role}, follows {leader}, promised {status.promised}, "
        f"watermark {status.watermark}"
    )


@asynccontextmanager
async def local_cluster(
    cluster: Cluster,
    folder: Path,
    *,
    log_dir: Path | None = None,
    arguments: Sequence[str] = ("--allow-faults", "--warm-up", "all"),
    on_line: Callable[[int, str], None] | None = None,
) -> AsyncIterator[LocalCluster]:
    """Supervise the replicas of ``cluster``, with its data in ``folder``. Whatever still runs at the end is
    stopped.

    ``on_line`` gets each line of a replica's log. It must not block. When it fails, the replicas go on, and
    the failure is raised at the end.
    """
    config_file = replica_folder(folder, cluster.name, 0).with_name("cluster.toml")
    try:
        config_file.parent.mkdir(parents=True, exist_ok=True)
        config_file.write_text(cluster_file.to_toml(cluster), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{config_file}: cannot be written: {error.strerror}") from None
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        supervisor = LocalCluster(
            cluster,
            config_file,
            folder,
            log_dir if log_dir is not None else folder,
            nursery,
            arguments=arguments,
            on_line=on_line,
        )
        try:
            yield supervisor
        except Exception as error:  # the nursery would wrap it in a group
            failure = error
        finally:
            with trio.CancelScope(shield=True):
                await supervisor.stop_all()
            nursery.cancel_scope.cancel()
    failure = failure or supervisor.line_failure
    if failure is not None:
        raise failure
