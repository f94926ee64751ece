"""A sample of :mod:`tests.tools.disks.inject`: the N-th call to the disk fails, at the start and later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.disks import inject

pytestmark = pytest.mark.processes

SAMPLE = [
    ("fsync", 1),  # of the folder
    ("fsync", 2),
    ("fdatasync", 1),
    ("fdatasync", 3),  # the second is of a folder, by SQLite, which does not look at its outcome
    ("fdatasync", 7),
    ("pwrite64", 1),  # of the lock
    ("pwrite64", 7),
    ("pwrite64", 30),
]


@pytest.mark.parametrize(("call", "number"), SAMPLE)
def test_a_replica_whose_disk_fails_stops_with_one_line_and_nothing_is_lost(
    tmp_path: Path, call: str, number: int
) -> None:
    reason = inject.why_not()
    if reason is not None:
        pytest.skip(reason)
    assert inject.check(tmp_path, call, number) == "stopped"


def test_a_disk_that_is_full_at_a_call_is_told_as_such(tmp_path: Path) -> None:
    reason = inject.why_not()
    if reason is not None:
        pytest.skip(reason)
    assert inject.check(tmp_path, "pwrite64", 30, "ENOSPC") == "stopped"
    said = (tmp_path / f"stderr-{inject.VICTIM}").read_text()
    # SQLite's words, or those of the mark: which of them writes as the 30th differs from run to run.
    assert "database or disk is full" in said or "No space left on device" in said
