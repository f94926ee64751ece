"""Folders that belong to somebody else, cannot be used, or hold logs that do not agree."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.hash_chain import link
from paxtui.core.output import PutEntries, PutState
from paxtui.core.values import Command, Entry
from paxtui.storage.store import Store
from tests.cli.conftest import Run
from tests.ports import free_ports

pytestmark = pytest.mark.processes


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """The file of a cluster that does not run."""
    file = tmp_path / "three.toml"
    file.write_text(cluster_file.to_toml(cluster_file.local(3, free_ports(3), name="three")))
    return file


def write(file: Path, folder: Path, replica: int, texts: list[str]) -> None:
    """A replica's database with these messages applied, whole and sound."""
    cluster = cluster_file.load(file)
    values = [Command("ada~x@0", number, text) for number, text in enumerate(texts)]
    chain = CHAIN_START
    for slot, value in enumerate(values):
        chain = link(chain, slot, value)
    storage = Store.open(
        folder / f"replica-{replica}", cluster=cluster.digest, name=cluster.name, replica=replica
    )
    try:
        entries = tuple(Entry(Ballot(1, 0), value) for value in values)
        storage.commit([[PutEntries(0, entries), PutState(Ballot(1, 0), 1, len(values), chain)]])
    finally:
        storage.close()


def start(paxtui: Run, file: Path, replica: int = 0, *words: object, code: int = 2) -> str:
    """Try to start what cannot start; its one line."""
    done = paxtui("replica", "--id", replica, "--headless", "--config", file, *words)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_a_database_of_another_replica_is_refused_by_both_numbers(
    paxtui: Run, three: Path, tmp_path: Path
) -> None:
    write(three, tmp_path / "data" / "three", 1, ["x"])
    (tmp_path / "data" / "three" / "replica-1").rename(tmp_path / "data" / "three" / "replica-0")
    line = start(paxtui, three)
    assert "replica.db: belongs to replica 1, and this is replica 0" in line


def test_a_folder_where_nothing_can_be_made_is_refused(paxtui: Run, three: Path) -> None:
    line = start(paxtui, three, 0, "--data-dir", "/proc/nothing")
    assert "/proc/nothing" in line
    assert "cannot be used as a data folder" in line


def test_a_message_log_folder_that_is_a_file_is_refused(paxtui: Run, three: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "file is not a folder" in start(paxtui, three, 0, "--log-dir", "file")


@pytest.mark.parametrize("damage", ["empty", "half", "flipped", "no database", "went back"])
def test_a_damaged_database_is_refused_with_the_way_out(
    paxtui: Run, three: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "data" / "three"
    write(three, folder, 0, ["a" * 5000, "b" * 5000])
    path = folder / "replica-0" / "replica.db"
    whole = bytearray(path.read_bytes())
    if damage == "went back":
        shutil.copy(path, tmp_path / "old")
        cluster = cluster_file.load(three)
        storage = Store.open(path.parent, cluster=cluster.digest, name="three", replica=0)
        storage.commit([[PutState(Ballot(9, 0), 9, 2, storage.saved().chain)]])
        storage.close()
        shutil.copy(tmp_path / "old", path)
    elif damage == "flipped":
        whole[100] ^= 0xFF
        path.write_bytes(whole)
    else:
        contents = {"empty": b"", "half": bytes(whole[: len(whole) // 2]), "no database": b"hello" * 1000}
        path.write_bytes(contents[damage])
    line = start(paxtui, three, code=4)
    assert str(path) in line
    assert "move the folder" in line


def test_verify_accepts_logs_of_different_lengths(paxtui: Run, three: Path, tmp_path: Path) -> None:
    for replica, texts in enumerate([["a", "b", "c"], ["a", "b"], []]):
        write(three, tmp_path / "three", replica, texts)
    for words in ([tmp_path / "three"], ["--config", three, "--data-dir", tmp_path]):
        done = paxtui("verify", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "all 3 logs agree; 0 slots are in all of them, 3 in the longest" in done.stdout
    assert paxtui("verify", tmp_path / "three" / "replica-1").returncode == 0


def test_verify_names_the_first_slot_in_which_sound_logs_differ(
    paxtui: Run, three: Path, tmp_path: Path
) -> None:
    for replica, texts in enumerate([["a", "b", "c", "d"], ["a", "b", "X", "d"]]):
        write(three, tmp_path / "three", replica, texts)
    done = paxtui("verify", tmp_path / "three")
    assert done.returncode == 1
    assert "DIFFERENT: slot 2 of replica-1 is not that of replica-0" in done.stdout


def test_verify_names_the_slot_of_a_row_that_was_tampered_with(
    paxtui: Run, three: Path, tmp_path: Path
) -> None:
    for replica in range(2):
        write(three, tmp_path / "three", replica, ["a", "b", "c"])
    with closing(sqlite3.connect(tmp_path / "three" / "replica-1" / "replica.db")) as db, db:
        db.execute("UPDATE log SET text = 'forged' WHERE slot = 1")
    done = paxtui("verify", tmp_path / "three")
    assert done.returncode == 1
    assert "replica-0: 3 slots" in done.stdout
    assert "replica-1: DAMAGED at slot 1: " in done.stdout


def test_tail_reads_a_folder_whose_replica_does_not_run(paxtui: Run, three: Path, tmp_path: Path) -> None:
    write(three, tmp_path, 0, ["one", "two\x1b[2J", "three"])
    done = paxtui("tail", "--offline", tmp_path / "replica-0", "--from", "1")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["       1     1.0  ada: two␛[2J", "       2     1.0  ada: three"]
    as_json = paxtui("tail", "--offline", tmp_path / "replica-0", "--json").stdout.splitlines()
    assert as_json[0] == '{"slot":0,"client":"ada~x@0","request":0,"text":"one"}'
    assert len(as_json) == 3


def test_up_tells_why_a_replica_could_not_start_and_leaves_none_behind(
    paxtui: Run, three: Path, tmp_path: Path
) -> None:
    write(three, tmp_path / "data" / "three", 1, ["x"])
    (tmp_path / "data" / "three" / "replica-1" / "replica.db").write_bytes(b"broken" * 500)
    done = paxtui("up", "--config", three)
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert "replica 1 ended with exit code 4" in line
    assert "replica.db" in line
    assert paxtui("status", "--config", three).returncode == 1
