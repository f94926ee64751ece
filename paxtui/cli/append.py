"""``paxtui send``: append messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.guard import EXIT_FAILED, EXIT_OK, EXIT_UNKNOWN, Interrupted, hint, is_interrupt
from paxtui.cli.options import AttachOption, ConfigOption, JsonOption, TimeoutOption
from paxtui.cli.signals import run_async
from paxtui.cli.streams import InputFailed, need_stdin, stdin_lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from paxtui.client import AppendResult, Failed, Log, Receipt
    from paxtui.client.discover import Named

IN_FLIGHT = 256
"""Lines of standard input that are on their way at once."""


def send(
    texts: Annotated[
        list[str],
        typer.Argument(metavar="TEXT", help="The messages. - reads one message per line from stdin."),
    ],
    config: ConfigOption = None,
    at: AttachOption = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="The sender's name in the log.")
    ] = "send",
    timeout: TimeoutOption = 10.0,
    as_json: JsonOption = False,
) -> int:
    """Append messages to the log, and wait until they are applied.

    Each message is applied once. For each, it prints a line with slot, ballot and milliseconds. Exit code 1
    if a message failed, so that it will never be in the log; 3 if the outcome of a message is unknown.

    Examples:

      paxtui send "hello" "is anybody there?"

      seq 10000 | paxtui send - --json > slots.jsonl
    """
    if texts == ["-"]:
        need_stdin()
    results = _Results("line" if texts == ["-"] else "message", as_json)
    try:
        run_async(_send, texts, config or at, name, timeout, results)
    except BaseException as error:
        if not is_interrupt(error):
            raise
        results.tell_rest()
        raise Interrupted(results.known()) from None
    return results.exit_code()


async def _send(texts: list[str], cluster: Named, name: str, timeout_s: float, results: _Results) -> None:
    import trio

    from paxtui.cli.show import progress
    from paxtui.client import Failed, Unknown, connect

    if texts == ["-"]:
        lines, total = stdin_lines(), _lines_of_a_file()
    else:
        lines, total = _each(texts), len(texts)
    async with connect(cluster, name=name) as log:
        limit = trio.CapacityLimiter(IN_FLIGHT)

        async def finish(number: int, receipt: Receipt | Failed) -> None:
            try:
                if isinstance(receipt, Failed):
                    raise receipt
                results.acknowledged(number, await receipt.result())
            except Unknown as error:
                results.problem(number, EXIT_UNKNOWN, str(error))
            except Failed as error:
                results.problem(number, EXIT_FAILED, str(error))
            finally:
                limit.release_on_behalf_of(number)
            step()

        with progress("sent", total) as step:
            async with trio.open_nursery() as nursery:
                number = 0
                try:
                    async for text in lines:
                        await limit.acquire_on_behalf_of(number)
                        results.sent(number)
                        nursery.start_soon(finish, number, await _submitted(log, text, timeout_s))
                        number += 1
                except InputFailed as error:  # what was sent before goes on
                    results.input_failed(str(error))


async def _submitted(log: Log, text: str, timeout_s: float) -> Receipt | Failed:
    """Begin an append here and now, so that messages leave in the order of the lines."""
    from paxtui.client import Failed

    try:
        return await log.submit(text, timeout_s=timeout_s)
    except Failed as error:
        return error


class _Results:
    """What became of each message. Prints results in the order of the messages, not of the answers."""

    def __init__(self, noun: str, as_json: bool) -> None:
        self._noun = noun
        self._as_json = as_json
        self._acknowledged = 0
        self._last = -1
        """The last message that was acknowledged."""
        self._open: set[int] = set()
        self._lines: dict[int, str | None] = {}
        """What is not printed yet, since an earlier message is not answered yet."""
        self._next = 0
        self._problems: list[tuple[int, str]] = []

    def sent(self, number: int) -> None:
        """Note that a message is on its way, or will be in a moment."""
        self._open.add(number)

    def acknowledged(self, number: int, done: AppendResult) -> None:
        """Note that a message is in the log."""
        self._acknowledged += 1
        self._last = max(self._last, number)
        self._ended(number, _line(done, self._as_json))

    def problem(self, number: int, code: int, what: str) -> None:
        """Note that a message failed, or that nobody knows."""
        self._problems.append((code, f"message {number + 1}: {what}"))
        self._ended(number, None)

    def input_failed(self, what: str) -> None:
        """Note that there may be messages that were not read."""
        self._problems.append((EXIT_FAILED, what))

    def _ended(self, number: int, line: str | None) -> None:
        self._open.discard(number)
        self._lines[number] = line
        while self._next in self._lines:
            self._print(self._lines.pop(self._next))
            self._next += 1

    def _print(self, line: str | None) -> None:
        if line is not None:
            print(line)

    def tell_rest(self) -> None:
        """Print all that is known, though it is not all."""
        for number in sorted(self._lines):
            self._print(self._lines.pop(number))
        self.exit_code()

    def exit_code(self) -> int:
        """Print the problems; the exit code for the worst of them."""
        for _, problem in self._problems:
            print(f"paxtui: {problem}{hint(str(problem))}", file=sys.stderr)
        return max((code for code, _ in self._problems), default=EXIT_OK)

    def known(self) -> str:
        """Return what is known so far, in words."""
        words = f"{self._acknowledged:,} acknowledged"
        if self._acknowledged:
            words += f", the last was {self._noun} {self._last + 1:,}"
        if self._open:
            words += f"; the outcome of {len(self._open):,} is unknown, the first is {self._noun} "
            words += f"{min(self._open) + 1:,}"
        return words


def _line(done: AppendResult, as_json: bool) -> str:
    if not as_json:
        return f"slot {done.slot}  ballot {done.ballot}  {done.ms:.1f} ms  by r{done.replica}"
    from msgspec import json

    row = {"slot": done.slot, "ballot": str(done.ballot), "ms": round(done.ms, 3), "replica": done.replica}
    return json.encode(row).decode()


async def _each(texts: list[str]) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text


def _lines_of_a_file() -> int | None:
    """Return how many lines standard input has, if that is known before reading."""
    import os
    import stat

    if not stat.S_ISREG(os.fstat(0).st_mode):
        return None
    with open(os.dup(0), "rb") as whole:
        start = whole.tell()
        total = sum(1 for _ in whole)
        whole.seek(start)
    return total
