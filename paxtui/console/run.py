"""From a :class:`ConsoleOptions` to an exit code: Textual on asyncio, and the bridge as Trio's guest on its
loop."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from msgspec import structs

from paxtui.console.ending import end_on_signals
from paxtui.console.farewell import tell, told_of
from paxtui.console.options import ConsoleOptions

if TYPE_CHECKING:
    from outcome import Outcome

EXIT_FAILED = 1


def run(launch: ConsoleOptions) -> int:
    """Show the console until the person leaves; cluster after cluster, if the person attaches to others."""
    # Before Textual is imported: it takes NO_COLOR out of the environment.
    no_color = "NO_COLOR" in os.environ
    return asyncio.run(_main(launch, no_color=no_color))


def _theme(launch: ConsoleOptions, kept: str | None, *, no_color: bool) -> str:
    from paxtui.console.theme.styles import PALETTES

    if no_color:
        return "no-color"
    named = launch.theme or kept
    if named in PALETTES:
        return named
    # Sixteen colours take a quarter of the bytes that true colour takes.
    return "ansi" if "SSH_CONNECTION" in os.environ else "dark"


def informed(launch: ConsoleOptions) -> ConsoleOptions:
    """With the settings that a cluster was started with, if a console of this user did: its replicas do not
    tell them, and its file may not have all of them."""
    from paxtui.console.driver import known_clusters

    if launch.ours:
        return launch
    for known in known_clusters.known(launch.prefs):
        if known.digest == launch.cluster.digest:
            cluster = structs.replace(launch.cluster, settings=known.settings)
            return structs.replace(launch, cluster=cluster, asked=False)
    return launch


async def _main(launch: ConsoleOptions, *, no_color: bool) -> int:
    words: list[str] = []
    following: ConsoleOptions | None = launch
    code = 0
    while following is not None:
        code, following = await _show(informed(following), words, no_color=no_color)
    tell(words)
    return code


async def _show(
    launch: ConsoleOptions, words: list[str], *, no_color: bool
) -> tuple[int, ConsoleOptions | None]:
    """One cluster: the exit code, and what to look at next. ``words`` gets what is printed in the end."""
    from paxtui.console import preferences
    from paxtui.console.app import ConsoleApp
    from paxtui.console.driver import ClusterDriver
    from paxtui.console.theme.styles import Styles

    loop = asyncio.get_running_loop()
    kept = preferences.load(launch.prefs)
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    look = Styles(_theme(launch, kept.theme, no_color=no_color), ascii=launch.ascii or not utf8)
    bridge = ClusterDriver(launch)
    app = ConsoleApp(bridge, look, kept)
    done: asyncio.Future[Outcome[None]] = loop.create_future()

    def ended(outcome: Outcome[None]) -> None:
        done.set_result(outcome)
        app.call_later(app.exit)

    bridge.start(loop, ended)
    end_on_signals(loop, app.terminal_gone)
    try:
        await app.run_async()
    except Exception as error:
        app.broken = app.broken or error
    finally:
        # Whatever happened to the screen: the replicas that we started are stopped, and waited for.
        bridge.stop()
        outcome = await done
        preferences.save(launch.prefs, kept)
    words += bridge.last_words()
    if app.broken is not None:
        tell([*words, told_of(app.broken, launch.prefs)], failed=True)
        words.clear()
    outcome.unwrap()
    if app.broken is not None:
        return EXIT_FAILED, None
    if app.onward is not None:
        attached = structs.replace(launch, cluster=app.onward, asked=True, ours=(), armed=False)
        return 0, attached
    return EXIT_FAILED if bridge.failure is not None else app.return_code or 0, None
