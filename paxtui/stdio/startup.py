"""What a process does before anything else is imported: its standard descriptors, its first signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

Handler = Callable[[int, FrameType | None], object]

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

EXIT_SIGNAL: Final = 128
"""A shell's exit code of a command that a signal ended, less the signal's number."""

kept: set[int] = set()
"""Signals of a service, which a command's own handlers leave alone: to be told to stop is no failure."""


def prepare(words: Sequence[str]) -> None:
    """Make the process ready for the imports. ``words`` is the command line behind the program's name.

    Importing takes a tenth of a second and more. A signal of that time ends the process at once and without a
    traceback. As the first process of a container, whose signals without a handler the kernel drops, it would
    not hear a SIGTERM at all.
    """
    open_standard_descriptors()
    headless = list(words[:1]) == ["replica"] and "--headless" in words
    for number in ENDING:
        _handle(number, leave)
    if headless or list(words[:1]) == ["up"]:
        _keep(signal.SIGTERM, lambda *_: os._exit(0))
    if headless:
        # Reload: there is nothing yet that could be old.
        _keep(signal.SIGHUP, lambda *_: None)


def leave(number: int, _: FrameType | None) -> None:
    """Handle a signal by ending the process at once."""
    os._exit(EXIT_SIGNAL + number)


def _keep(number: int, handler: Handler) -> None:
    _handle(number, handler)
    kept.add(number)


def _handle(number: int, handler: Handler) -> None:
    """Set a handler, except for a signal that is ignored (nohup)."""
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, handler)


def open_standard_descriptors() -> None:
    """Open /dev/null where a standard stream is closed (``2>&-``).

    Otherwise the next file that is opened, such as the database, would get its number, and what is written to
    standard error would go there.
    """
    for descriptor in range(3):
        with suppress(OSError):
            os.fstat(descriptor)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        os.set_inheritable(descriptor, True)
