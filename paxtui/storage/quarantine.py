"""A database whose small state is damaged: what it promised is not known any more.

Nothing that an operator could put in its place would bring that back, so the replica does not wait for one:
the damaged files are kept under other names, and an empty database takes their place: a learner without
vote that learns the log again from the others.
"""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import suppress
from pathlib import Path

from paxtui.storage import rows, schema
from paxtui.storage.file_names import keep_as
from paxtui.storage.folder_lock import sync_folder
from paxtui.storage.rollback_guard import MARK_FILE
from paxtui.storage.rows import DamagedRow, Peer, StorageIdentity


def start_anew(folder: Path, identity: StorageIdentity, reason: str) -> Path:
    """Put an empty database without vote in the place of a damaged one; where the damaged one is kept.

    ``identity`` is the new database's. What the old one remembers of other replicas is taken along, as far as
    it can be read. A crash at any point leaves the old database or the new one, never none: a folder without
    any would be a first start, and vote. Raises ``sqlite3.Error`` or ``OSError``.
    """
    path = folder / schema.DATABASE_FILE
    kept = next(
        name
        for number in itertools.count(1)
        if not (name := path.with_name(f"{path.name}.damaged-{number}")).exists()
    )
    peers = _readable_peers(path)
    keep_as(path, kept)
    with suppress(FileNotFoundError):
        (folder / schema.WAL_FILE).rename(f"{kept}-wal")
    schema.create(folder, identity, reason, peers)
    with suppress(FileNotFoundError):
        (folder / MARK_FILE).rename(f"{kept}-mark")
    sync_folder(folder)
    return kept


def _readable_peers(path: Path) -> dict[int, Peer]:
    db = schema.connect_reader(path)
    try:
        return rows.read_peers(db)
    except (sqlite3.Error, DamagedRow):
        return {}
    finally:
        db.close()
