"""``paxtui client``: type a message, see where it went."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.guard import EXIT_FAILED, EXIT_OK, EXIT_UNKNOWN, Interrupted, is_interrupt
from paxtui.cli.options import AttachOption, ConfigOption, TimeoutOption
from paxtui.cli.signals import run_async
from paxtui.cli.streams import InputFailed, can_show, need_stdin, stdin_lines

if TYPE_CHECKING:
    from paxtui.client.discover import Named


def client(
    config: ConfigOption = None,
    at: AttachOption = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Your name in the log.")] = "client",
    timeout: TimeoutOption = 10.0,
) -> int:
    """Append the lines that you type, one by one.

    It shows slot, ballot and milliseconds of each line as soon as the line is applied. ctrl-d ends it.

    Example: paxtui client --name ada
    """
    need_stdin()
    return run_async(_client, config or at, name, timeout)


async def _client(cluster: Named, name: str, timeout_s: float) -> int:
    from contextlib import aclosing

    from paxtui.client import Failed, Unknown, connect

    code = EXIT_OK
    prompt = f"{name}> " if sys.stdin.isatty() else ""
    applied = "✓" if can_show("✓") else "ok:"
    async with connect(cluster, name=name) as log, aclosing(stdin_lines()) as lines:
        while True:
            print(prompt, end="", flush=True)
            try:
                text = await anext(lines)
            except StopAsyncIteration:
                break
            except InputFailed as error:
                print(f"paxtui: {error}", file=sys.stderr)
                return max(code, EXIT_FAILED)
            if not text:
                continue
            try:
                done = await log.append(text, timeout_s=timeout_s)
            except Unknown as error:
                print(f"  ? unknown: {error}")
                code = EXIT_UNKNOWN
            except Failed as error:
                print(f"  ! failed: {error}")
                code = max(code, EXIT_FAILED)
            except BaseException as error:
                if is_interrupt(error):
                    raise Interrupted("the outcome of the last message is unknown") from None
                raise
            else:
                where = f"slot {done.slot}  ballot {done.ballot}  {done.ms:.1f} ms  by r{done.replica}"
                print(f"  {applied} {where}")
    if prompt:
        print()
    return code
