"""``paxtui replica``: one replica in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_replicas, one_of
from paxtui.cli.options import ID_VARIABLE, ConfigOption, DataDirOption, InsecureOption, LogDirOption
from paxtui.config.folders import METRICS_VARIABLE

if TYPE_CHECKING:
    from paxtui.replica.process import ReplicaOptions


def replica(
    id: Annotated[
        int,
        typer.Option(
            "--id",
            metavar="N",
            envvar=ID_VARIABLE,
            help="Which replica of the configuration to run.",
            autocompletion=complete_replicas,
        ),
    ],
    headless: Annotated[
        bool, typer.Option("--headless", help="Print a log instead of showing the console.")
    ] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    log_dir: LogDirOption = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="HOST",
            help="Listen here, such as 0.0.0.0. Others still connect to the file's host.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", help="Listen here. Others still connect to the file's port."),
    ] = None,
    insecure: InsecureOption = False,
    warm_up: Annotated[
        str | None,
        typer.Option(
            "--warm-up",
            metavar="all|majority|none",
            help="Which replicas the very first start waits for.",
            autocompletion=one_of("all", "majority", "none"),
        ),
    ] = None,
    allow_faults: Annotated[
        bool, typer.Option("--allow-faults", help="Let operators inject faults.")
    ] = False,
    msg_loss: Annotated[
        float,
        typer.Option(
            "--msg-loss", metavar="PERCENT", help="Lose this share of the messages to other replicas."
        ),
    ] = 0.0,
    skip_slot: Annotated[
        int | None,
        typer.Option("--skip-slot", metavar="N", help="Leave slot N empty while this replica leads."),
    ] = None,
    rand_seed: Annotated[
        int | None, typer.Option("--rand-seed", metavar="S", help="Seed for timeouts and faults.")
    ] = None,
    log_level: Annotated[
        str,
        typer.Option(
            "--log-level",
            metavar="debug|info|warning|error",
            help="The least important lines that are logged.",
            autocompletion=one_of("debug", "info", "warning", "error"),
        ),
    ] = "info",
    json_log: Annotated[bool, typer.Option("--json-log", help="Print the log as JSON lines.")] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="FILE", help="Append all decisions to this file, for `paxtui check`."
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="[HOST:]PORT",
            envvar=METRICS_VARIABLE,
            help="Serve metrics for Prometheus here; without HOST, to this machine only.",
        ),
    ] = None,
    stop_with_parent: Annotated[bool, typer.Option("--stop-with-parent", hidden=True)] = False,
) -> int:
    """Run one replica, with the console on it or headless.

    Examples:

      paxtui replica --id 0 --headless

      paxtui replica --id 2 --headless --allow-faults --msg-loss 5

      paxtui replica --id 0 --headless --metrics 9464
    """
    from paxtui.cli.replica_options import replica_options
    from paxtui.replica import process
    from paxtui.stdio.line_writer import take_over

    if headless:
        take_over("stderr")

    options = replica_options(
        replica=id,
        config_file=config,
        data_dir=data_dir,
        log_dir=log_dir,
        host=host,
        port=port,
        insecure=insecure,
        warm_up=warm_up,
        allow_faults=allow_faults,
        msg_loss=msg_loss,
        skip_slot=skip_slot,
        rand_seed=rand_seed,
        log_level=log_level,
        json_log=json_log,
        record=record,
        metrics=metrics,
        stop_with_parent=stop_with_parent,
    )
    if headless:
        return process.run(options)
    return _with_console(options, data_dir, record)


def _with_console(options: ReplicaOptions, data_dir: Path | None, record: Path | None) -> int:
    """Run the replica in a process of its own, so that the screen cannot delay it, and the console on it."""
    from paxtui.cli import console
    from paxtui.config.folders import data_root
    from paxtui.wire.faults import Loss, SkipSlot

    console.need_a_terminal()
    arguments = ["--warm-up", options.warm_up, "--log-level", options.log_level]
    if options.faults_allowed:
        arguments.append("--allow-faults")
    if options.insecure:
        arguments.append("--insecure")
    if options.listen is not None:
        arguments += ["--host", options.listen.host, "--port", str(options.listen.port)]
    for fault in options.faults:
        if isinstance(fault, Loss):
            arguments += ["--msg-loss", f"{fault.percent:g}"]
        elif isinstance(fault, SkipSlot) and fault.slot is not None:
            arguments += ["--skip-slot", str(fault.slot)]
    if options.seed is not None:
        arguments += ["--rand-seed", str(options.seed)]
    if options.metrics is not None:
        arguments += ["--metrics", str(options.metrics)]
    if record is not None:
        arguments += ["--record", str(record.absolute())]
    return console.show(
        options.cluster,
        (options.replica,),
        data_dir=data_root(data_dir),
        log_dir=options.log_folder,
        armed=options.faults_allowed,
        arguments=tuple(arguments),
    )
