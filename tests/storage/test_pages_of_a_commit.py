"""The estimate of how much a commit adds to the write-ahead log, by which checkpoints are due."""

from __future__ import annotations

from paxtui.core.output import PutSessions
from paxtui.core.values import SessionRow
from paxtui.storage.batch import WriteBatch


def test_each_session_that_is_stored_or_deleted_counts_as_a_page() -> None:
    gathered = WriteBatch()
    changed = tuple(SessionRow(f"new-{i}", i, 1, b"") for i in range(3))
    gathered.add(PutSessions(10, -1, changed, tuple(f"old-{i}" for i in range(5))))
    assert gathered.pages() == 8
