"""``paxtui up``: all replicas of a configuration in the foreground."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from paxtui.cli.options import ConfigOption, DataDirOption, InsecureOption, LogDirOption


def up(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    log_dir: LogDirOption = None,
    no_faults: Annotated[bool, typer.Option("--no-faults", help="Refuse injected faults.")] = False,
    msg_loss: Annotated[
        float, typer.Option("--msg-loss", metavar="PERCENT", help="Lose so many messages.")
    ] = 0.0,
    rand_seed: Annotated[int | None, typer.Option("--rand-seed", metavar="S", help="Seed.")] = None,
    insecure: InsecureOption = False,
) -> int:
    """Start all replicas of the configuration, show one status line each, stop them with ctrl-c.

    Example: paxtui up --config configs/local-5.toml
    """
    import trio

    from paxtui import config as configuration
    from paxtui.cli.replica_options import message_log_folder, percent
    from paxtui.folders import data_root

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
    return trio.run(_up, cluster, root, logs, arguments)


async def _up(cluster: object, root: object, logs: object, arguments: list[str]) -> int:
    import signal

    import trio

    from paxtui.client.cluster import local_cluster

    def told(replica: int, line: str) -> None:
        if not sys.stdout.isatty():
            print(line, flush=True)

    async with local_cluster(cluster, root, log_dir=logs, arguments=arguments, on_line=told) as replicas:  # type: ignore[arg-type]
        await replicas.start_all()
        await replicas.wait_ready(60)
        print(f"{replicas.cluster.name}: {replicas.cluster.n} replicas serve; ctrl-c stops them", flush=True)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_show, replicas)
                async for _ in signals:
                    nursery.cancel_scope.cancel()
                    break
        print("stopping ...", flush=True)
    return 0


async def _show(replicas: object) -> None:
    """Keep a status line a replica up to date on a terminal."""
    import shutil

    import trio

    from paxtui.cli.status import rows

    drawn = 0
    width = shutil.get_terminal_size().columns - 1
    while sys.stdout.isatty():
        lines = rows(await replicas.operator.status())  # type: ignore[attr-defined]
        if drawn:
            print(f"\x1b[{drawn}A", end="")
        print("".join(f"\x1b[2K{line[:width]}\n" for line in lines), end="", flush=True)
        drawn = len(lines)
        await trio.sleep(0.5)
    await trio.sleep_forever()
