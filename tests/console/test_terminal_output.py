"""What is written to a slow terminal arrives to its end; one that takes nothing is not waited for."""

from __future__ import annotations

import os
import threading
import time

from paxtui.console.terminal.output import LAST_S, TerminalOutput


def test_a_slow_terminal_gets_the_last_of_what_was_written() -> None:
    """As over a slow line: far more waits than it takes within the time that a stalled one is given."""
    reading, writing = os.pipe()
    output = TerminalOutput(writing, "utf-8", lost=lambda: None, gone=lambda: None)
    got = bytearray()

    def read_slowly() -> None:
        while not got.endswith(b"the end"):
            got.extend(os.read(reading, 16384))
            time.sleep(LAST_S / 5)

    output.write("x" * 200_000)
    output.write("the end")
    reader = threading.Thread(target=read_slowly, daemon=True)
    reader.start()
    output.close()
    reader.join(30)
    assert got.endswith(b"the end")
    os.close(reading)
    os.close(writing)
