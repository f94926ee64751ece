"""A console whose terminal takes nothing ends all the same."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

PROGRAM = """
import asyncio, queue, sys
from paxtui.console.ending import end_on_signals

async def main():
    done = asyncio.Event()
    end_on_signals(asyncio.get_running_loop(), done.set, float(sys.argv[2]))
    print("ready", flush=True)
    if sys.argv[1] == "stuck":
        queue.Queue().get()  # as the loop waits for a terminal that takes nothing
    await done.wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize(("state", "within_s", "code"), [("stuck", 0.1, None), ("free", 60, 0)])
def test_a_signal_ends_it_in_order_or_at_last_by_force(
    state: str, within_s: float, code: int | None, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", PROGRAM, state, str(within_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(30) == (128 + number if code is None else code)
