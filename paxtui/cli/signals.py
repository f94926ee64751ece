"""Signals that end a command. SIGTERM and SIGHUP end it as SIGINT does: cleanly, with their own exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Handler = Callable[[int, FrameType | None], Any]

EXIT_SIGNAL = 128
"""A shell's exit code of a command that a signal ended, less the signal's number."""


class _State:
    """Which signal ended this process, and how it is delivered."""

    number: int = signal.SIGINT
    deliver: Handler | None = None
    """Trio's own handler for SIGINT, while SIGINT itself is ignored."""


def install() -> None:
    """Make SIGTERM and SIGHUP end this process in order. A signal that is ignored (nohup) stays ignored."""
    _State.number = signal.SIGINT
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


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
    """How the process was ended, in words."""
    if _State.number == signal.SIGINT:
        return "interrupted"
    return f"ended by {signal.Signals(_State.number).name}"


def exit_code() -> int:
    """The exit code of a process that a signal ended."""
    return EXIT_SIGNAL + _State.number


def let_go() -> None:
    """Let a signal from now on end this process at once: nothing is left to be done in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def begin_line() -> None:
    """Leave the line on which the terminal has echoed ctrl-c."""
    if _State.number == signal.SIGINT and sys.stderr is not None and sys.stderr.isatty():
        print(file=sys.stderr)
