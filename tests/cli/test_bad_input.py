"""Bad input: one clear line on standard error that says what, where, and what is allowed; exit code 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from tests.cli.conftest import Run, Up
from tests.ports import free_ports

pytestmark = pytest.mark.processes

TWO = "".join(f'[[replica]]\nid = {n}\nhost = "127.0.0.1"\nport = {7400 + n}\n' for n in (0, 1))

BAD = {
    "missing config": (["status", "--config", "nope.toml"], ["nope.toml", "no such file"]),
    "id out of range": (["replica", "--id", "9", "--headless"], ["--id", "9", "0 to 2"]),
    "negative id": (["replica", "--id", "-1", "--headless"], ["--id", "0 to 2"]),
    "loss above 100": (
        ["replica", "--id", "0", "--headless", "--msg-loss", "101"],
        ["--msg-loss", "0 to 100"],
    ),
    "loss below 0": (["replica", "--id", "0", "--headless", "--msg-loss", "-1"], ["--msg-loss", "0 to 100"]),
    "loss not a number": (["replica", "--id", "0", "--headless", "--msg-loss", "nan"], ["--msg-loss", "nan"]),
    "wait not a number": (["health", "--timeout", "nan"], ["--timeout", "nan is not a number"]),
    "minutes not a number": (["sim", "--minutes", "nan"], ["--minutes", "nan is not a number"]),
    "unknown warm-up": (
        ["replica", "--id", "0", "--headless", "--warm-up", "some"],
        ["--warm-up", "majority"],
    ),
    "unknown level": (
        ["replica", "--id", "0", "--headless", "--log-level", "loud"],
        ["--log-level", "debug"],
    ),
    "bad port": (["replica", "--id", "0", "--headless", "--port", "70000"], ["--port", "65535"]),
    "negative slot": (
        ["replica", "--id", "0", "--headless", "--skip-slot", "-2"],
        ["--skip-slot", "start at 0"],
    ),
    "unknown consistency": (["read", "--consistency", "eventual"], ["--consistency", "linearizable"]),
    "bad link": (["fault", "cut", "0+1"], ["LINK", "r0>r2"]),
    "link to itself": (["fault", "cut", "1>1"], ["LINK", "itself"]),
    "loss of 200": (["fault", "loss", "0>1", "200"], ["PERCENT", "0 to 100"]),
    "bad time": (["fault", "cut", "0>1", "--for", "soon"], ["--for", "10s"]),
    "bad trigger": (["fault", "crash", "0", "--when", "accept-snt"], ["--when", "accept-sent"]),
    "trigger elsewhere": (
        ["fault", "crash", "0", "--when", "replica 1 voted", "--at", "127.0.0.1:1"],
        ["replica 1"],
    ),
    "unknown scenario": (["run", "single-client-singel-req"], ["single-client-single-req"]),
    "scenario loss": (["run", "single-client-single-req", "--msg-loss", "120"], ["--msg-loss", "100"]),
    "f of another size": (
        ["run", "single-client-single-req", "--f", "2", "--config-path", "three.txt"],
        ["three.txt", "f = 1"],
    ),
    "verify nothing": (["verify", "empty"], ["empty", "replica-N"]),
    "tail of nothing": (["tail", "--offline", "empty"], ["empty"]),
    "no such replica in a link": (["fault", "cut", "r0-r9"], ["LINK", "no replica 9; they are r0 r1 r2"]),
    "no such replica to crash": (["fault", "crash", "r9"], ["REPLICA", "no replica 9"]),
    "no such replica to skip at": (["fault", "skip", "9"], ["REPLICA", "no replica 9"]),
    "no such replica to lead": (["elect", "9"], ["REPLICA", "no replica 9; they are r0 r1 r2"]),
    "no such replica to copy": (["backup", "new", "--from", "9"], ["--from", "no replica 9"]),
    "no such replica to restore": (["restore", "three.txt", "--id", "9"], ["--id", "no replica 9"]),
    "a host without a port": (["status", "--at", "localhost"], ["localhost", "HOST:PORT", "localhost:7400"]),
    "no backup": (["restore", "three.txt"], ["three.txt", "is no backup", "paxtui backup FILE --from N"]),
    "verify no backup": (["verify", "three.txt"], ["is no backup"]),
    "verify what is not there": (["verify", "nope"], ["nope: no such folder or file"]),
    "unknown shell": (["completion", "tcsh"], ["'tcsh'", "bash, zsh and fish"]),
    "no history": (["check", "--history", "nope.jsonl"], ["nope.jsonl"]),
}


@pytest.mark.parametrize("name", [name for name in BAD if name != "trigger elsewhere"])
def test_bad_input_gets_one_clear_line(paxtui: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "three.txt").write_text("127.0.0.1 7400\n127.0.0.1 7401\n127.0.0.1 7402\n")
    before = sorted(tmp_path.rglob("*"))
    words, said = BAD[name]
    done = paxtui(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(part in done.stderr for part in said), done.stderr
    assert sorted(tmp_path.rglob("*")) == before


FILES = {
    "empty": ("", ["empty"]),
    "malformed": ("[[replica]\n", ["bad.toml:1"]),
    "even": (TWO, ["2 replicas", "1 or 3"]),
    "duplicate addresses": (
        "127.0.0.1 7400\n127.0.0.1 7400\n127.0.0.1 7402\n",
        ["bad.toml:2", "127.0.0.1:7400"],
    ),
    "port as a word": ("127.0.0.1 http\n", ["bad.toml:1", "65535"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_configuration_names_file_and_line(paxtui: Run, tmp_path: Path, name: str) -> None:
    content, said = FILES[name]
    (tmp_path / "bad.toml").write_text(content)
    done = paxtui("replica", "--id", "0", "--headless", "--config", "bad.toml")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "bad.toml" in done.stderr
    assert all(part in done.stderr for part in said), done.stderr
    assert not (tmp_path / "data").exists()


def one_replica(tmp_path: Path, name: str = "alone") -> tuple[Path, int]:
    """A cluster file of one replica on a free port."""
    (port,) = free_ports(1)
    file = tmp_path / f"{name}.toml"
    file.write_text(cluster_file.to_toml(cluster_file.local(1, [port], name=name)))
    return file, port


def test_a_port_in_use_is_told_with_its_owner_and_nothing_is_created(paxtui: Run, tmp_path: Path) -> None:
    file, port = one_replica(tmp_path)
    with socket.create_server(("127.0.0.1", port)):
        done = paxtui("replica", "--id", "0", "--headless", "--config", file)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} is in use by process " in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_folder_in_use_is_refused(paxtui: Run, up: Up, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(cluster_file.to_toml(cluster_file.local(3, free_ports(3), name="cli")))
    done = paxtui("replica", "--id", "0", "--headless", "--config", other, "--data-dir", up.data)
    assert done.returncode == 2
    assert "in use by process" in done.stderr, done.stderr


def test_a_data_folder_that_cannot_be_written_or_is_no_folder_is_refused(paxtui: Run, tmp_path: Path) -> None:
    file, _ = one_replica(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    done = paxtui("replica", "--id", "0", "--headless", "--config", file, "--data-dir", "file")
    assert done.returncode == 2
    assert "not a folder" in done.stderr


def test_a_damaged_database_is_refused_with_its_name(paxtui: Run, tmp_path: Path) -> None:
    file, _ = one_replica(tmp_path)
    folder = tmp_path / "data" / "alone" / "replica-0"
    folder.mkdir(parents=True)
    (folder / "replica.db").write_bytes(b"this is no database" * 100)
    done = paxtui("replica", "--id", "0", "--headless", "--config", file)
    assert done.returncode == 4
    assert "replica.db" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_database_of_another_cluster_is_refused(paxtui: Run, up: Up, tmp_path: Path) -> None:
    import shutil

    file, _ = one_replica(tmp_path)
    target = tmp_path / "data" / "alone" / "replica-0"
    target.mkdir(parents=True)
    shutil.copy(up.data / "cli" / "replica-1" / "replica.db", target / "replica.db")
    done = paxtui("replica", "--id", "0", "--headless", "--config", file)
    assert done.returncode == 2
    assert "replica.db" in done.stderr
    assert "cluster" in done.stderr


def test_a_client_that_finds_no_replica_says_whom_it_tried_and_for_how_long(
    paxtui: Run, tmp_path: Path
) -> None:
    file, port = one_replica(tmp_path)
    done = paxtui("send", "hello", "--timeout", "0.5", "--config", file)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "0.5 s" in done.stderr
    assert "Traceback" not in done.stderr


def test_empty_and_too_long_messages_are_refused_with_the_limit(paxtui: Run, up: Up) -> None:
    empty = paxtui("send", "", "--config", up.file)
    assert empty.returncode == 1
    assert "65536" in empty.stderr
    long = paxtui("send", "-", "--config", up.file, stdin="ä" * 40000 + "\n")
    assert long.returncode == 1
    assert "80000" in long.stderr


def test_where_nothing_runs_the_next_step_is_named(paxtui: Run, tmp_path: Path) -> None:
    cluster = cluster_file.local(1, free_ports(1), name="one")
    (tmp_path / "one.toml").write_text(cluster_file.to_toml(cluster))
    for words in (["status"], ["send", "hi", "--timeout", "0.5"], ["read", "--timeout", "0.5"]):
        done = paxtui(*words, "--config", "one.toml")
        assert done.returncode == 1
        (line,) = [line for line in (done.stdout + done.stderr).splitlines() if "nothing runs there" in line]
        assert "`paxtui up` starts replicas" in line
    away = paxtui("status", "--at", "localhost.invalid:7400")
    assert away.returncode == 1
    assert "paxtui up" not in away.stderr


def test_underscores_and_old_names_are_understood(paxtui: Run) -> None:
    assert "--msg-loss" in paxtui("replica", "--id", "0", "--msg_loss", "101", "--headless").stderr
    done = paxtui("run", "SINGLE CLIENT SINGLE REQ", "--msg_loss", "101")
    assert done.returncode == 2
    assert "--msg-loss" in done.stderr
