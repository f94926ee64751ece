"""``paxtui bench``: how fast a cluster is, how long answers take, and what a message costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    pass


def bench(
    connections: Annotated[
        int | None,
        typer.Option(
            "--connections", metavar="C", help="Use this many clients, with one session each. Default: 1."
        ),
    ] = None,
    in_flight: Annotated[
        int | None,
        typer.Option("--in-flight", metavar="K", help="Unanswered requests per connection. Default: 256."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="BYTES", help="Size of a message. Default: 100.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", help="Measure for S seconds. Default: 10, or 3 for each row of --suite."
        ),
    ] = None,
    warmup: Annotated[
        float | None,
        typer.Option("--warmup", metavar="S", help="Send for S seconds before that. Default: 1."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="R", help="Send R requests per second, however slow the answers are."),
    ] = None,
    read_ratio: Annotated[
        float | None,
        typer.Option(
            "--read-ratio", metavar="X", help="Share of linearizable reads, from 0 to 1. Default: 0."
        ),
    ] = None,
    bare: Annotated[
        bool,
        typer.Option("--bare", help="Use bare sockets, which cost less than the client library."),
    ] = False,
    n: Annotated[
        int | None, typer.Option("-n", metavar="3|5|7", help="Start this many replicas. Default: 3.")
    ] = None,
    config: ConfigOption = None,
    at: AttachOption = None,
    data_dir: DataDirOption = None,
    suite: Annotated[
        bool,
        typer.Option(
            "--suite", help="Measure a table of loads and compare each with its target. Takes minutes."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Measure throughput, latency and the cost of a message.

    The cost is processor time, bytes on disk and bytes on the network. Without --config or --at, it starts
    new replicas below the data folder and removes them at the end. With one of these options, it measures
    running replicas, and its messages stay in their log. With --rate the load is an open loop: the latency of
    a request counts from the moment when the request was due. ctrl-c ends the measurement early, and what was
    measured by then is reported.

    Examples:

      paxtui bench --connections 16 --in-flight 16 --seconds 30

      paxtui bench --rate 5000 --json | jq .appends.p99_ms

      paxtui bench --suite
    """
    from paxtui.cli.bench_options import BenchOptions
    from paxtui.cli.bench_run import run

    options = BenchOptions(
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
    return run(options, suite=suite)
