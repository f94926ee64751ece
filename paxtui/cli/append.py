"""``paxtui send``: append messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption, JsonOption, TimeoutOption

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from paxtui.client import Appended, Failed, Log, Receipt
    from paxtui.client.discover import Named

IN_FLIGHT = 256
"""Lines of standard input that are on their way at once."""

STDIN_BYTES = 64 * 1024
LINE_BYTES_MAX = 1024 * 1024
"""A message is far shorter; a line without an end must not fill the memory."""


def send(
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="Messages; - reads one a line from stdin.")
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    name: Annotated[str, typer.Option("--name", help="As whom to send.")] = "send",
    timeout: TimeoutOption = 10.0,
    as_json: JsonOption = False,
) -> int:
    """Append messages to the log, each once; wait until each is applied.

    Prints a line a message: slot, ballot, milliseconds. Exit code 3 if the outcome of one is unknown.

    Examples:

      paxtui send "hello" "is anybody there?"

      seq 10000 | paxtui send - --json > slots.jsonl
    """
    import trio

    return trio.run(_send, texts, config or at, name, timeout, as_json)


async def _send(texts: list[str], cluster: Named, name: str, timeout_s: float, as_json: bool) -> int:
    import trio

    from paxtui.cli.guard import EXIT_FAILED, EXIT_OK, EXIT_UNKNOWN
    from paxtui.cli.show import progress
    from paxtui.client import Failed, Unknown, connect

    problems: list[tuple[int, str]] = []
    if texts == ["-"]:
        lines, total = _stdin_lines(), _lines_of_a_file()
    else:
        lines, total = _each(texts), len(texts)
    async with connect(cluster, name=name) as log:
        limit = trio.CapacityLimiter(IN_FLIGHT)
        turn = _Turns()

        async def finish(number: int, receipt: Receipt | Failed) -> None:
            shown: str | None = None
            try:
                if isinstance(receipt, Failed):
                    raise receipt
                shown = _line(await receipt.result(), as_json)
            except Unknown as error:
                problems.append((EXIT_UNKNOWN, f"message {number + 1}: {error}"))
            except Failed as error:
                problems.append((EXIT_FAILED, f"message {number + 1}: {error}"))
            finally:
                limit.release_on_behalf_of(number)
            turn.done(number, shown)
            step()

        with progress("sent", total) as step:
            async with trio.open_nursery() as nursery:
                number = 0
                async for text in lines:
                    await limit.acquire_on_behalf_of(number)
                    nursery.start_soon(finish, number, await _submitted(log, text, timeout_s))
                    number += 1
    for _, problem in problems:
        print(f"paxtui: {problem}", file=sys.stderr)
    return max((code for code, _ in problems), default=EXIT_OK)


async def _submitted(log: Log, text: str, timeout_s: float) -> Receipt | Failed:
    """Begin an append here and now, so that messages leave in the order of the lines."""
    from paxtui.client import Failed

    try:
        return await log.submit(text, timeout_s=timeout_s)
    except Failed as error:
        return error


class _Turns:
    """Prints results in the order of the messages, whatever the order of the answers."""

    def __init__(self) -> None:
        self._next = 0
        self._waiting: dict[int, str | None] = {}

    def done(self, number: int, line: str | None) -> None:
        self._waiting[number] = line
        while self._next in self._waiting:
            shown = self._waiting.pop(self._next)
            if shown is not None:
                print(shown)
            self._next += 1


def _line(done: Appended, as_json: bool) -> str:
    if not as_json:
        return f"slot {done.slot}  ballot {done.ballot}  {done.ms:.1f} ms  by r{done.replica}"
    from msgspec import json

    row = {"slot": done.slot, "ballot": str(done.ballot), "ms": round(done.ms, 3), "replica": done.replica}
    return json.encode(row).decode()


async def _each(texts: list[str]) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def _stdin_lines() -> AsyncIterator[str]:
    """Lines of standard input without their ends, each as soon as it is there: a pipe may be slow."""
    import os

    import trio

    from paxtui.cli.guard import Failure

    rest = b""
    # A read of a terminal or a pipe cannot be cancelled; abandoning it is right, as nothing is lost with it.
    while piece := await trio.to_thread.run_sync(
        os.read, sys.stdin.fileno(), STDIN_BYTES, abandon_on_cancel=True
    ):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield _text(line)
        if len(rest) > LINE_BYTES_MAX:
            raise Failure(f"a line of standard input has more than {LINE_BYTES_MAX} bytes")
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    # What is not UTF-8 is refused like any other text that is none, by the message's number.
    return line.removesuffix(b"\r").decode(errors="surrogateescape")


def _lines_of_a_file() -> int | None:
    """How many lines standard input has, if that is known before reading."""
    import os
    import stat

    if not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return None
    with open(os.dup(sys.stdin.fileno()), "rb") as whole:
        start = whole.tell()
        total = sum(1 for _ in whole)
        whole.seek(start)
    return total
