"""``paxtui down``: stop the replicas that were left running here."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_clusters
from paxtui.cli.guard import EXIT_FAILED, EXIT_OK, Failure
from paxtui.cli.options import ConfigOption

if TYPE_CHECKING:
    from paxtui.cli.running import RunningCluster

STOP_S = 10.0
"""After so long a replica that was told to stop is killed; one that stops in order takes a fraction of a
second."""

KILL_S = 5.0
"""How long the end of a process that was killed is waited for."""

LOOK_S = 0.05


def down(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|HOST:PORT,...",
            help="The cluster to stop. Default: the only one that runs here.",
            autocompletion=complete_clusters,
        ),
    ] = None,
    config: ConfigOption = None,
) -> int:
    """Stop the replicas of a cluster that was left running here.

    It sends SIGTERM, waits until each replica has stopped, and kills a replica that has not stopped after
    10 s. Their data stay. It stops only what a console or `paxtui up` of this user has started, and no
    cluster whose console is open. `paxtui clusters` lists them.

    Exit codes: 0 all stopped in order, or nothing runs; 1 not stopped, or not in order; 2 say which.

    Examples:

      paxtui down

      paxtui down local-5
    """
    from paxtui.cli import running
    from paxtui.cli.kept import kept_folder
    from paxtui.config import cluster_file as configuration

    kept = kept_folder()
    found = running.find_running(kept, configuration.find(config))
    if not found and name is None:
        print("nothing runs here")
        return EXIT_OK
    one = _chosen(name, found)
    supervisor = one.known.supervisor
    if supervisor is not None and one.known.note.by == "console":
        raise Failure(f"{one.name} is open in a console, process {supervisor}; quit there to stop it")
    if one.known.note.by is None:
        pids = " ".join(f"r{replica}={pid}" for replica, pid in one.pids.items())
        here = f"; its processes here: {pids}" if pids else ""
        raise Failure(f"{one.name}: it is not known what has started it, so stop it there{here}")
    return _stop(one, supervisor)


def _chosen(name: str | None, found: list[RunningCluster]) -> RunningCluster:
    """Find the cluster that is meant: without a name the only one that was started here and that no console
    shows."""
    from paxtui.cli import running

    if name is not None:
        return running.named(name, found)
    left = [
        each
        for each in found
        if each.known.note.by == "up" or (each.known.note.by is not None and each.known.supervisor is None)
    ]
    return running.only(left or found, "down")


def _stop(one: RunningCluster, supervisor: int | None) -> int:
    """Stop its replicas, or have the program stop them that looks after them; say what became of each."""
    from paxtui.cli.kept import kept_folder
    from paxtui.console.driver import known_clusters

    processes = {f"r{replica}": pid for replica, pid in one.pids.items()}
    if supervisor is not None:
        print(
            f"{one.name}: SIGTERM to `paxtui up`, process {supervisor}, which stops its replicas", flush=True
        )
        _signal(supervisor, signal.SIGTERM)
        processes["paxtui up"] = supervisor
    else:
        print(f"{one.name}: SIGTERM to {' '.join(processes)}", flush=True)
        for pid in processes.values():
            _signal(pid, signal.SIGCONT)
            _signal(pid, signal.SIGTERM)
    killed = _wait(processes, STOP_S, "stopped")
    for name, pid in killed.items():
        print(f"{name:<9}  process {pid} did not stop within {STOP_S:g} s: SIGKILL", flush=True)
        _signal(pid, signal.SIGKILL)
    remaining = _wait(killed, KILL_S, "killed")
    for name, pid in remaining.items():
        print(f"{name:<9}  process {pid} still runs")
    if not remaining:
        known_clusters.remove(kept_folder(), one.cluster)
    silent = [replica for replica in one.answering if f"r{replica}" not in processes]
    for replica in silent:
        print(f"r{replica:<8}  answers, but its process is not known here; stop it where it was started")
    return EXIT_FAILED if killed or silent else EXIT_OK


def _wait(processes: dict[str, int], within_s: float, how: str) -> dict[str, int]:
    """Wait for the end of processes; say of each that it has ended; return those that have not."""
    from paxtui.console.driver import local_processes

    left = dict(processes)
    until = time.monotonic() + within_s
    while left and time.monotonic() < until:
        for name, pid in list(left.items()):
            if not local_processes.exists(pid):
                print(f"{name:<9}  process {pid} {how}", flush=True)
                del left[name]
        if left:
            time.sleep(LOOK_S)
    return left


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has ended by itself
    except PermissionError:
        raise Failure(f"process {pid} belongs to another user") from None
