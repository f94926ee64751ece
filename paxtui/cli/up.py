"""``paxtui up``: all replicas of a configuration in the foreground."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import ConfigOption, DataDirOption, InsecureOption, LogDirOption
from paxtui.words.counts import counted

if TYPE_CHECKING:
    from pathlib import Path

    import trio

    from paxtui.client import Sighting
    from paxtui.client.cluster import LocalCluster
    from paxtui.config.cluster_file import Cluster
    from paxtui.stdio.line_writer import LineWriter

REDRAW_S = 0.5

WAIT_S = 0.5
"""How often it is said what the replicas wait for, so that it stands there within a second."""

READY_S = 60.0
"""How long replicas may take until all of them serve."""


def up(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    log_dir: LogDirOption = None,
    no_faults: Annotated[bool, typer.Option("--no-faults", help="Refuse faults from operators.")] = False,
    msg_loss: Annotated[
        float,
        typer.Option(
            "--msg-loss", metavar="PERCENT", help="Lose this share of the messages between replicas."
        ),
    ] = 0.0,
    rand_seed: Annotated[
        int | None, typer.Option("--rand-seed", metavar="S", help="Seed for timeouts and faults.")
    ] = None,
    insecure: InsecureOption = False,
) -> int:
    """Run all replicas of the configuration until ctrl-c.

    It shows a line of status for each of them.

    Where the output is no terminal, it is the replicas' logs. The replicas go on when nobody reads it.

    Example: paxtui up --config configs/local-5.toml
    """
    import trio

    from paxtui.cli.replica_options import message_log_folder, percent
    from paxtui.config import cluster_file as configuration
    from paxtui.config.folders import data_root
    from paxtui.stdio.line_writer import take_over

    take_over("stderr")
    out = take_over("stdout", on_failure=_tell_failure)
    cluster = configuration.find(config)
    root = data_root(data_dir)
    logs = message_log_folder(cluster, log_dir)
    arguments = ["--warm-up", cluster.warm_up or "all"]
    if not no_faults:
        arguments.append("--allow-faults")
    if insecure:
        arguments.append("--insecure")
    if percent(msg_loss, "--msg-loss"):
        arguments += ["--msg-loss", f"{msg_loss:g}"]
    if rand_seed is not None:
        arguments += ["--rand-seed", str(rand_seed)]
    return trio.run(_up, cluster, root, logs, arguments, out)


@contextmanager
def _known(cluster: Cluster, root: Path, logs: Path) -> Iterator[None]:
    """Let `paxtui attach`, `clusters` and `down` know of these replicas."""
    from paxtui.cli.kept import kept_folder
    from paxtui.console.driver import known_clusters

    kept = kept_folder()
    known_clusters.add(kept, cluster, root, logs, by="up")
    try:
        yield
    finally:
        known_clusters.remove(kept, cluster)


def _tell_failure(error: OSError) -> None:
    print(
        f"paxtui: standard output cannot be written: {error.strerror}; "
        "the replicas go on without it until ctrl-c or SIGTERM",
        file=sys.stderr,
    )


async def _up(cluster: Cluster, root: Path, logs: Path, arguments: list[str], out: LineWriter) -> int:
    import signal

    import trio

    from paxtui.client.cluster import local_cluster

    def told(replica: int, line: str) -> None:
        if not out.isatty():
            print(line)

    # From here on the signals end the replicas in order, also while they still start.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with (
            local_cluster(cluster, root, log_dir=logs, arguments=arguments, on_line=told) as replicas,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(_until_told_to_stop, signals, nursery.cancel_scope)
            await replicas.start_all()
            count = counted(cluster.n, "replica")
            print(f"{cluster.name}: starts {count}, with data in {root}", flush=True)
            with _known(cluster, root, logs):
                await _wait_ready(replicas, out)
                serve = "serves; ctrl-c stops it" if cluster.n == 1 else "serve; ctrl-c stops them"
                print(f"{cluster.name}: {count} {serve}", flush=True)
                await _show(replicas, out)
    return 0


async def _wait_ready(replicas: LocalCluster, out: LineWriter) -> None:
    """Wait until all replicas serve, and say meanwhile what they wait for."""
    import trio

    frame = RedrawnLines()

    async def tell() -> None:
        told: list[str] = []
        while True:
            await trio.sleep(WAIT_S)
            lines = waiting(await replicas.operator.status(timeout_s=WAIT_S))
            if out.isatty():
                _draw(frame, lines, out)
            elif lines and lines != told:
                print(f"waits: {'; '.join(lines)}", flush=True)
                told = lines

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell)
        await replicas.wait_ready(READY_S)
        nursery.cancel_scope.cancel()
    if out.isatty():
        _draw(frame, [], out)


def waiting(sightings: Sequence[Sighting]) -> list[str]:
    """Say of each replica that does not serve yet what it waits for."""
    lines = []
    for sighting in sightings:
        report, name = sighting.report, f"r{sighting.replica}"
        if report is None:
            lines.append(f"{name} does not answer yet")
        elif report.status is None:
            peers = " ".join(f"r{peer}" for peer in report.waiting_for)
            lines.append(f"{name} waits for {peers}" if peers else f"{name} is about to serve")
        elif report.status.leader is None:
            lines.append(f"{name} knows no leader yet")
    return lines


def _draw(frame: RedrawnLines, lines: Sequence[str], out: LineWriter) -> None:
    """Draw lines over those before, on a terminal that takes them now."""
    with suppress(OSError):  # the terminal may just have gone
        width = os.get_terminal_size(out.fileno()).columns
        if out.idle:
            print(frame.drawn(lines, width), end="", flush=True)


async def _until_told_to_stop(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in signals:
        print("stopping ...", flush=True)
        scope.cancel()
        return


async def _show(replicas: LocalCluster, out: LineWriter) -> None:
    """Keep a status line a replica up to date on a terminal."""
    import signal

    import trio

    from paxtui.cli.status import rows

    frame = RedrawnLines()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_draw_anew_on, signal.SIGCONT, frame)
        while out.isatty():
            lines = rows(await replicas.operator.status())
            # A terminal that takes nothing (ctrl-s) gets the next state later, not every one between.
            _draw(frame, lines, out)
            await trio.sleep(REDRAW_S)
        await trio.sleep_forever()


async def _draw_anew_on(number: int, frame: RedrawnLines) -> None:
    """After ctrl-z and `fg` the lines above are the shell's."""
    import trio

    with trio.open_signal_receiver(number) as signals:
        async for _ in signals:
            frame.forget()


class RedrawnLines:
    """Lines on a terminal that are drawn over those before."""

    def __init__(self) -> None:
        self._cells: list[int] = []

    def forget(self) -> None:
        """Draw the next lines below whatever is there."""
        self._cells = []

    def drawn(self, lines: Sequence[str], width: int) -> str:
        """Return what to write so that ``lines`` stand in the place of those before, on a terminal this
        wide."""
        from rich.cells import cell_len, set_cell_size

        most = max(width - 1, 1)
        # A terminal that became narrower has folded the lines that were as wide as it was.
        rows = sum(max(1, -(-cells // max(width, 1))) for cells in self._cells)
        shown = [line if cell_len(line) <= most else set_cell_size(line, most).rstrip() for line in lines]
        self._cells = [cell_len(line) for line in shown]
        up = f"\x1b[{rows}A" if rows else ""
        return up + "".join(f"\x1b[2K{line}\n" for line in shown) + "\x1b[J"
