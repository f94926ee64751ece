"""Reading a data folder without its replica, stopped, running or damaged."""

from __future__ import annotations

import shutil

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.output import PutState, PutSuppressed, PutVotes
from paxtui.core.values import NOOP
from paxtui.storage.errors import StorageRefused
from paxtui.storage.offline import OfflineLog


def test_a_running_replica_can_be_read_and_followed(open_storage, folder, learned):
    storage = open_storage()
    storage.commit([(PutSuppressed(3, 1), *learned(0, 600))])
    with OfflineLog.open(folder) as log:
        assert (log.identity.name, log.identity.replica, log.watermark) == ("demo", 0, 600)
        assert log.chain == storage.saved().chain
        rows = list(log.entries(0, 10_000))
        assert [slot for slot, _, _ in rows] == list(range(600))
        assert [first for _, _, first in rows[:5]] == [None, None, None, 1, None]
        storage.commit([learned(600, 601)])
        assert list(log.entries(600, 10_000)) == []
        log.refresh()
        assert [slot for slot, _, _ in log.entries(600, 10_000)] == [600]


def test_reading_does_not_change_a_stopped_folder_and_needs_no_lock(open_storage, folder, learned):
    storage = open_storage()
    storage.commit([learned(0, 5)])
    storage.close()
    before = (folder / "replica.db").read_bytes()
    with OfflineLog.open(folder) as log:
        assert log.verify().ok
    assert (folder / "replica.db").read_bytes() == before
    assert open_storage().committed_watermark == 5


def test_a_stopped_folder_that_cannot_be_written_can_be_read(
    open_storage, folder, learned, public_folder, as_nobody
):
    storage = open_storage()
    storage.commit([learned(0, 5)])
    storage.close()
    public_folder.chmod(0o755)
    shutil.copy(folder / "replica.db", public_folder / "replica.db")
    public_folder.chmod(0o555)
    with as_nobody(), OfflineLog.open(public_folder) as log:
        assert log.verify().slots == 5


def test_verify_passes_over_a_sound_log(open_storage, folder, learned):
    storage = open_storage()
    storage.commit([learned(0, 700), (PutVotes(Ballot(1, 0), 700, (NOOP,)),)])
    with OfflineLog.open(folder) as log:
        result = log.verify()
    assert (result.ok, result.slots, result.watermark, result.bad_slot) == (True, 700, 700, None)
    assert result.chain == storage.saved().chain


def test_verify_names_the_first_bad_slot(open_storage, folder, learned, flip_bit):
    storage = open_storage()
    storage.commit([learned(0, 700)])
    storage.close()
    for slot in (503, 300):
        flip_bit(folder / "replica.db", b"message %06d" % slot)
    with OfflineLog.open(folder) as log:
        result = log.verify()
        assert (result.ok, result.bad_slot, result.slots) == (False, 300, 300)
        assert "slot 300" in str(result.problem)
        with pytest.raises(StorageRefused, match=r"replica\.db: damaged at slot 300"):
            list(log.entries(0, 700))


def test_verify_sees_a_chain_that_does_not_end_in_the_stored_head(open_storage, folder, learned):
    storage = open_storage()
    storage.commit([learned(0, 5), (PutState(Ballot(1, 0), 1, 5, b"?" * 32),)])
    with OfflineLog.open(folder) as log:
        result = log.verify()
    assert (result.ok, result.bad_slot, result.slots) == (False, None, 5)
    assert "the chain over all slots" in str(result.problem)


def test_verify_sees_a_database_that_went_back_in_time(open_storage, folder, learned, tmp_path):
    storage = open_storage()
    storage.commit([learned(0, 5)])
    storage.close()
    shutil.copy(folder / "replica.db", tmp_path / "old.db")
    storage = open_storage()
    storage.commit([learned(5, 6)])
    storage.close()
    shutil.copy(tmp_path / "old.db", folder / "replica.db")
    with OfflineLog.open(folder) as log:
        assert "went back in time" in str(log.verify().problem)


def test_a_folder_without_a_database_is_refused(tmp_path):
    with pytest.raises(StorageRefused, match=r"replica\.db: there is no such file"):
        OfflineLog.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello world " * 1000])
def test_a_damaged_database_is_refused(tmp_path, content):
    (tmp_path / "replica.db").write_bytes(content)
    with pytest.raises(StorageRefused, match=r"replica\.db"):
        OfflineLog.open(tmp_path)
