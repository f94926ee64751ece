"""What a process does before anything else is imported: its standard descriptors, its first signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress


def prepare(words: Sequence[str]) -> None:
    """Make the process ready for the imports. ``words`` is the command line behind the program's name.

    Importing takes a tenth of a second and more. As the first process of a container, whose signals without a
    handler the kernel drops, a replica would not hear a SIGTERM of that time.
    """
    _open_standard_descriptors()
    headless = list(words[:1]) == ["replica"] and "--headless" in words
    if headless or list(words[:1]) == ["up"]:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if headless and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Reload: there is nothing yet that could be old.
        signal.signal(signal.SIGHUP, lambda *_: None)


def _open_standard_descriptors() -> None:
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
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
