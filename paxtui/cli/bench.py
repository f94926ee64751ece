"""``paxtui bench``: how fast is a cluster, how long do answers take, and what does a message cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    pass


def bench(
    connections: Annotated[
        int | None, typer.Option("--connections", metavar="C", help="Clients, a session each. Default: 1.")
    ] = None,
    in_flight: Annotated[
        int | None,
        typer.Option(
            "--in-flight", metavar="K", help="Unanswered requests a connection keeps. Default: 256."
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="BYTES", help="Bytes a message. Default: 100.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", help="How long to count. Default: 10, and 3 a row of --suite."
        ),
    ] = None,
    warmup: Annotated[
        float | None, typer.Option("--warmup", metavar="S", help="How long not to count yet. Default: 1.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="R", help="Requests due a second, whatever the answers do."),
    ] = None,
    read_ratio: Annotated[
        float | None,
        typer.Option("--read-ratio", metavar="X", help="Share of linearizable reads, 0 to 1. Default: 0."),
    ] = None,
    bare: Annotated[
        bool,
        typer.Option("--bare", help="Bare sockets in place of the client library: the generator costs less."),
    ] = False,
    n: Annotated[
        int | None, typer.Option("-n", metavar="3|5|7", help="So many replicas of its own. Default: 3.")
    ] = None,
    config: ConfigOption = None,
    at: AttachOption = None,
    data_dir: DataDirOption = None,
    suite: Annotated[
        bool, typer.Option("--suite", help="A table of loads, each beside its target; takes minutes.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Throughput, latency and what a message costs: processor time, disk, wire.

    Without --config or --at it starts replicas of its own, below the data folder, and removes them. With
    one of them it measures running replicas, and its messages stay in their log. With --rate the load is
    an open loop: times count from the moment at which each request was due. Ctrl-C ends it early and
    reports what was counted.

    Examples:

      paxtui bench --connections 16 --in-flight 16 --seconds 30

      paxtui bench --rate 5000 --json | jq .appends.p99_ms

      paxtui bench --suite
    """
    from paxtui.cli.bench_run import Wanted, run

    wanted = Wanted(
        connections=connections,
        in_flight=in_flight,
        size=size,
        seconds=seconds,
        warmup_s=warmup,
        rate=rate,
        read_ratio=read_ratio,
        bare=bare,
        n=n,
        cluster=config or at,
        data_dir=data_dir,
        as_json=as_json,
    )
    return run(wanted, suite=suite)
