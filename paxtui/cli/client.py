"""``paxtui client``: type a message, see where it went."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import AttachOption, ConfigOption, TimeoutOption

if TYPE_CHECKING:
    from paxtui.client.discover import Named


def client(
    config: ConfigOption = None,
    at: AttachOption = None,
    name: Annotated[str, typer.Option("--name", help="Your name in the log.")] = "client",
    timeout: TimeoutOption = 10.0,
) -> int:
    """The manual client: type a line, it is sent, and its slot, ballot and time are shown when it is applied.

    ctrl-d ends it. Example: paxtui client --name ada
    """
    import trio

    return trio.run(_client, config or at, name, timeout)


async def _client(cluster: Named, name: str, timeout_s: float) -> int:
    import trio

    from paxtui.client import Failed, Unknown, connect

    code = 0
    prompt = f"{name}> " if sys.stdin.isatty() else ""
    async with connect(cluster, name=name) as log:
        while True:
            print(prompt, end="", flush=True)
            # A terminal's read cannot be cancelled; abandoning it is right, as nothing is lost with it.
            line = await trio.to_thread.run_sync(sys.stdin.buffer.readline, abandon_on_cancel=True)
            if not line:
                if prompt:
                    print()
                return code
            text = line.decode(errors="surrogateescape").rstrip("\r\n")
            if not text:
                continue
            try:
                done = await log.append(text, timeout_s=timeout_s)
            except Unknown as error:
                print(f"  ? unknown: {error}")
                code = 3
            except Failed as error:
                print(f"  ! failed: {error}")
                code = max(code, 1)
            else:
                print(f"  ✓ slot {done.slot}  ballot {done.ballot}  {done.ms:.1f} ms  by r{done.replica}")
