"""Signals that end a command. SIGTERM and SIGHUP end it as SIGINT does: cleanly, with their own exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from paxtui.stdio.startup import ENDING, EXIT_SIGNAL, kept, leave

P = ParamSpec("P")
T = TypeVar("T")

Handler = Callable[[int, FrameType | None], Any]


class _State:
    """Which signal ended this process, and how it is delivered."""

    ours: bool = False
    """Whether the handlers of this process are ours to set: not in a test that runs a command."""

    number: int = signal.SIGINT
    deliver: Handler | None = None
    """Trio's own handler for SIGINT, while SIGINT itself is ignored."""


def own() -> None:
    """Take the signals of this process: until a command begins, one ends it at once."""
    _State.ours = True
    _handle(leave, leave)


def begin() -> None:
    """Let signals end the command in order from now on: they raise ``KeyboardInterrupt`` where they can."""
    _State.number = signal.SIGINT
    _handle(signal.default_int_handler, _end)


def end() -> None:
    """Let a signal end this process at once: nothing is left to be done in order."""
    _handle(leave, leave)


def _handle(interrupt: Handler, others: Handler) -> None:
    """Set handlers, except for signals that are ignored (nohup), or that a service has handlers for."""
    if _State.ours:
        for number in ENDING:
            if number not in kept and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, interrupt if number == signal.SIGINT else others)


def _end(number: int, frame: FrameType | None) -> None:
    """Do what SIGINT does: Trio's handler raises where the program can take it, and nowhere else."""
    _State.number = number
    deliver = _State.deliver or signal.getsignal(signal.SIGINT)
    if not callable(deliver):
        raise KeyboardInterrupt
    deliver(signal.SIGINT, frame)


def run_async(function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an async function as ``trio.run`` does, and let SIGTERM end it even if SIGINT is ignored.

    A shell ignores SIGINT in what a script starts with ``&``. Trio then installs no handler that raises at
    safe places, so one is installed for its start and kept for the other signals.
    """
    import trio

    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    async def main() -> T:
        if ignored:
            found = signal.getsignal(signal.SIGINT)
            _State.deliver = found if callable(found) else None
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return await function(*args, **kwargs)

    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return trio.run(main)
    finally:
        _State.deliver = None


def words() -> str:
    """Say how the process was ended, in words."""
    if _State.number == signal.SIGINT:
        return "interrupted"
    return f"ended by {signal.Signals(_State.number).name}"


def exit_code() -> int:
    """Return the exit code of a process that a signal ended."""
    return EXIT_SIGNAL + _State.number


def begin_line() -> None:
    """Leave the line on which the terminal has echoed ctrl-c."""
    if _State.number == signal.SIGINT and sys.stderr is not None and sys.stderr.isatty():
        print(file=sys.stderr)
