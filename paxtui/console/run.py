"""From a :class:`Launch` to an exit code: Textual on asyncio, and the bridge as Trio's guest on its loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from paxtui.console.launch import Launch

if TYPE_CHECKING:
    from outcome import Outcome

EXIT_FAILED = 1


def run(launch: Launch) -> int:
    """Show the console until the person leaves."""
    # Before Textual is imported: it takes NO_COLOR out of the environment.
    no_color = "NO_COLOR" in os.environ
    return asyncio.run(_main(launch, no_color=no_color))


def _theme(launch: Launch, kept: str | None, *, no_color: bool) -> str:
    from paxtui.console.look import PALETTES

    if no_color:
        return "no-color"
    named = launch.theme or kept
    if named in PALETTES:
        return named
    # Sixteen colours take a quarter of the bytes that true colour takes.
    return "ansi" if "SSH_CONNECTION" in os.environ else "dark"


async def _main(launch: Launch, *, no_color: bool) -> int:
    from paxtui.console import prefs
    from paxtui.console.app import ConsoleApp
    from paxtui.console.bridge import Bridge
    from paxtui.console.look import Look

    loop = asyncio.get_running_loop()
    kept = prefs.load(launch.prefs)
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    look = Look(_theme(launch, kept.theme, no_color=no_color), ascii=launch.ascii or not utf8)
    bridge = Bridge(launch)
    app = ConsoleApp(bridge, look, kept)
    done: asyncio.Future[Outcome[None]] = loop.create_future()

    def ended(outcome: Outcome[None]) -> None:
        done.set_result(outcome)
        app.call_later(app.exit)

    bridge.start(loop, ended)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit)
    try:
        await app.run_async()
    finally:
        # Whatever happened to the screen: the replicas that we started are stopped, and waited for.
        bridge.stop()
        outcome = await done
        prefs.save(launch.prefs, kept)
    outcome.unwrap()
    for line in bridge.last_words():
        print(line)
    return EXIT_FAILED if bridge.failure is not None else app.return_code or 0
