"""``paxtui check``: judge what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.check_report import tell_history, tell_records
from paxtui.cli.streams import need_stdout

if TYPE_CHECKING:
    from paxtui.records.judge import Judgement
    from paxtui.sim.cluster.linearizable import Op

EXIT_CODES = {"safe": 0, "violated": 1, "unknown": 2}


def check(
    records: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RECORD", help="The records of all replicas of one cluster, or one trace."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history", metavar="FILE", help="A history of what clients saw. `paxtui run --keep` leaves one."
        ),
    ] = None,
    export: Annotated[
        str | None,
        typer.Option(
            "--export", metavar="porcupine|jepsen", help="Print the history in the format of another checker."
        ),
    ] = None,
) -> int:
    """Check the rules of Paxos in what a cluster recorded.

    It also checks whether a history of clients is linearizable.

    Exit codes: 0 safe, 1 violated, 2 bad usage, or unknown because the records lack something.

    `paxtui replica --record FILE` and `paxtui sim --seed N --trace FILE` write records. Name the records of
    all replicas, in any order. A record may cover several starts of its replica.

    A history has one JSON object per line. Its fields are op (append or read), client, request, text, call,
    return, outcome (ok, failed or unknown) and slot; a read has texts. --export prints the history as JSON
    lines for Porcupine, or as EDN list-append for Jepsen and Elle.

    Examples:

      paxtui check r0.jsonl r1.jsonl r2.jsonl

      paxtui check --history run/history.jsonl
    """
    from paxtui.config.cluster_file import ConfigError

    if not records and history is None:
        raise ConfigError("nothing to check: name the records of a cluster, or --history FILE")
    if export is not None:
        need_stdout()
    if export is not None and (history is None or records):
        raise ConfigError("--export: is about a history; give --history FILE, and no records")
    verdicts = set()
    if records:
        verdicts.add(_judge(records))
    if history is not None:
        operations = _load(history)
        if export is not None:
            return _export(operations, export)
        verdicts.add(tell_history(operations))
    return EXIT_CODES[next(verdict for verdict in ("violated", "unknown", "safe") if verdict in verdicts)]


def _judge(paths: list[Path]) -> str:
    from paxtui.config.cluster_file import ConfigError
    from paxtui.records.diagram import SpaceTime
    from paxtui.records.judge import judge
    from paxtui.records.merge import Records
    from paxtui.records.parts import BadRecord

    twice = {path for path in paths if paths.count(path) > 1}
    if twice:
        raise ConfigError(f"{min(twice)}: is named twice")
    try:
        found = Records.open(paths)
        diagram = SpaceTime(found.replicas, answers=True)
        judgement: Judgement = judge(found, lambda step: diagram.part(step.part, found.began))
    except BadRecord as error:
        raise ConfigError(str(error)) from None
    return tell_records(found, judgement, diagram)


def _load(history: Path) -> list[Op]:
    from paxtui.config.cluster_file import ConfigError
    from paxtui.sim.cluster import linearizable

    try:
        return linearizable.load(history)
    except OSError as error:
        raise ConfigError(f"{history}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _export(operations: list[Op], kind: str) -> int:
    from paxtui.config.cluster_file import ConfigError
    from paxtui.sim.cluster import linearizable

    formats = {"porcupine": linearizable.porcupine, "jepsen": linearizable.jepsen}
    if kind not in formats:
        raise ConfigError(f"--export: {kind!r} is not known; porcupine and jepsen are")
    for line in formats[kind](operations):
        print(line)
    return 0
