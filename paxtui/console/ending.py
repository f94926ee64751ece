"""Signals that end the console, also while its terminal takes nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

END_S: Final = 20.0
"""So long an end in order may take, on a busy machine too. Replicas that do not stop are killed after five
seconds."""

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A ctrl-c that is typed is a key; SIGINT is what another process sends."""


def end_on_signals(
    loop: asyncio.AbstractEventLoop, end: Callable[[], object], within_s: float = END_S
) -> None:
    """Call ``end`` in the loop when the process is told to end; end the process if that takes longer.

    A terminal that takes nothing (ctrl-s, a connection that hangs) blocks the loop in the middle of drawing.
    The interpreter still runs handlers of signals then, but the loop does not run its own. Replicas that this
    process has started notice its end, and stop.
    """

    def told(number: int, _frame: FrameType | None) -> None:
        late = threading.Timer(within_s, os._exit, [128 + number])
        late.daemon = True
        late.start()
        loop.call_soon_threadsafe(end)

    for number in ENDING:
        signal.signal(number, told)
