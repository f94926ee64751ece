"""From a :class:`ConsoleOptions` to an exit code: Textual on asyncio, and the driver as Trio's guest on its
loop."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from msgspec import structs

from paxtui.console.ending import end_on_signals
from paxtui.console.farewell import describe_crash, print_lines
from paxtui.console.options import ConsoleOptions

if TYPE_CHECKING:
    from outcome import Outcome

EXIT_FAILED = 1


def run(options: ConsoleOptions) -> int:
    """Show the console until the person leaves; cluster after cluster, if the person attaches to others."""
    # Before Textual is imported: it takes NO_COLOR out of the environment.
    no_color = "NO_COLOR" in os.environ
    return asyncio.run(_main(options, no_color=no_color))


def _theme(options: ConsoleOptions, kept: str | None, *, no_color: bool) -> str:
    from paxtui.console.theme.styles import PALETTES

    if no_color:
        return "no-color"
    named = options.theme or kept
    if named in PALETTES:
        return named
    # Sixteen colours take a quarter of the bytes that true colour takes.
    return "ansi" if "SSH_CONNECTION" in os.environ else "dark"


def few_colours() -> bool:
    """Return whether the terminal says that it has too few colours to tell grounds apart: with 256 of them a
    button has the ground that is around it."""
    from rich.console import Console

    return Console(force_terminal=True).color_system != "truecolor"


def informed(options: ConsoleOptions) -> ConsoleOptions:
    """Return options with the settings that a cluster was started with, if a console of this user did: its
    replicas do not tell them, and its file may not have all of them."""
    from paxtui.console.driver import known_clusters

    if options.ours:
        return options
    for known in known_clusters.known(options.preferences_dir):
        if known.digest == options.cluster.digest:
            cluster = structs.replace(options.cluster, settings=known.settings)
            return structs.replace(options, cluster=cluster, asked=False)
    return options


async def _main(options: ConsoleOptions, *, no_color: bool) -> int:
    words: list[str] = []
    following: ConsoleOptions | None = options
    code = 0
    while following is not None:
        code, following = await _show(informed(following), words, no_color=no_color)
    print_lines(words)
    return code


async def _show(
    options: ConsoleOptions, words: list[str], *, no_color: bool
) -> tuple[int, ConsoleOptions | None]:
    """Show one cluster; return the exit code, and what to look at next. ``words`` gets what is printed in the
    end."""
    from paxtui.console import preferences
    from paxtui.console.app import ConsoleApp
    from paxtui.console.driver import ClusterDriver
    from paxtui.console.driver.replaying import ReplayDriver
    from paxtui.console.theme.styles import Styles

    loop = asyncio.get_running_loop()
    kept = preferences.load(options.preferences_dir)
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    styles = Styles(
        _theme(options, kept.theme, no_color=no_color),
        ascii=options.ascii or not utf8,
        few_colours=few_colours(),
    )
    past = options.past
    driver = ClusterDriver(options) if past is None else ReplayDriver(options, past)
    app = ConsoleApp(driver, styles, kept)
    done: asyncio.Future[Outcome[None]] = loop.create_future()

    def ended(outcome: Outcome[None]) -> None:
        done.set_result(outcome)
        app.call_later(app.exit)

    driver.start(loop, ended)
    end_on_signals(loop, app.terminal_gone)
    try:
        await app.run_async()
    except Exception as error:
        app.broken = app.broken or error
    finally:
        # Whatever happened to the screen: the replicas that we started are stopped, and waited for.
        driver.stop()
        outcome = await done
        preferences.save(options.preferences_dir, kept)
    words += driver.last_words()
    if app.broken is not None:
        print_lines([*words, describe_crash(app.broken, options.preferences_dir)], failed=True)
        words.clear()
    outcome.unwrap()
    if app.broken is not None:
        return EXIT_FAILED, None
    if app.controllers.lifecycle.onward is not None:
        attached = structs.replace(
            options, cluster=app.controllers.lifecycle.onward, asked=True, ours=(), armed=False
        )
        return 0, attached
    return EXIT_FAILED if driver.failure is not None else app.return_code or 0, None
