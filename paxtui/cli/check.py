"""``paxtui check``: judge what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paxtui.sim.linearizable import Op

EXIT_CODES = {"safe": 0, "violated": 1, "unknown": 2}


def check(
    history: Annotated[
        Path,
        typer.Option("--history", metavar="FILE", help="A client history; `paxtui run --keep` leaves one."),
    ],
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="porcupine|jepsen", help="Print it for another checker instead."),
    ] = None,
) -> int:
    """Is a client history linearizable? Exit code 0 safe, 1 violated, 2 unknown.

    A history has one JSON object a line: op (append or read), client, request, text, call, return, outcome
    (ok, failed, unknown), slot, and for reads texts. --export prints it as JSON lines for Porcupine or as
    EDN list-append for Jepsen and Elle.

    Example: paxtui check --history run/history.jsonl
    """
    from paxtui.config import ConfigError
    from paxtui.sim import linearizable

    try:
        operations = linearizable.load(history)
    except OSError as error:
        raise ConfigError(f"{history}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if export is not None:
        return _export(operations, export)
    verdict = linearizable.check(operations)
    print(
        f"{verdict.verdict.upper()}: rests on {verdict.appends} appends ({verdict.unknown} unknown) "
        f"and {verdict.reads} full reads"
    )
    for problem in verdict.problems:
        print(f"  {problem}")
    return EXIT_CODES[verdict.verdict]


def _export(operations: list[Op], kind: str) -> int:
    from paxtui.config import ConfigError
    from paxtui.sim import linearizable

    formats = {"porcupine": linearizable.porcupine, "jepsen": linearizable.jepsen}
    if kind not in formats:
        raise ConfigError(f"--export: {kind!r} is not known; porcupine and jepsen are")
    for line in formats[kind](operations):
        print(line)
    return 0
