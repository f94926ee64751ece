"""Mending a message log whose last line is as long as what is read of the file at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.replica.log.message_log import TAIL_BYTES, MessageLog


@pytest.mark.parametrize("beyond", [-1, 0, 1, 2])
def test_the_only_line_is_found_wherever_the_piece_that_is_read_begins(tmp_path: Path, beyond: int) -> None:
    path = tmp_path / "replica-0.log"
    only = b"0\tada\t".ljust(TAIL_BYTES + beyond - 1, b"x") + b"\n"
    path.write_bytes(only)
    log = MessageLog(path)
    try:
        assert log.repair(1) == 1
    finally:
        log.close()
    assert path.read_bytes() == only
