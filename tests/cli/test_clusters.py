"""`paxtui clusters`, `down`, and `attach` without an address: what was left running here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from paxtui.cli import console, main, named_cluster, running
from paxtui.cli.guard import EXIT_USAGE, Failure
from paxtui.cli.old_folders import find_old
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.console.driver import known_clusters, local_processes
from tests.cli.conftest import Run, serve
from tests.cli.terminals import terminal
from tests.ports import free_ports
from tests.replica.conditions import until

CONSOLE = "console-20260102-030405"


LEAVE = """
import sys, trio
from pathlib import Path
from paxtui.client.cluster import local_cluster
from paxtui.config import cluster_file
from paxtui.console.driver import known_clusters

async def main(file, data, kept):
    cluster = cluster_file.load(file)
    async with local_cluster(cluster, data) as replicas:
        known_clusters.add(kept, cluster, data)
        await replicas.start_all()
        await replicas.wait_ready(60)
        print(replicas.pid(0))
        await replicas.leave_running()
        known_clusters.leave(kept, cluster)

trio.run(main, *map(Path, sys.argv[1:]))
"""
"""What a console does that leaves its replicas running."""


class Left:
    """Clusters that were left running, known in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.kept = self.home / "paxtui"
        self.data = folder / "data"
        nothing = cluster_file.local(1, free_ports(1), name="nothing")
        self.nothing = folder / "nothing.toml"
        self.nothing.write_text(cluster_file.to_toml(nothing))
        self.pids: list[int] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a command gets: it knows these clusters, and none at the ports of the built-in one."""
        return {"XDG_CONFIG_HOME": str(self.home), "PAXTUI_CONFIG": str(self.nothing)}

    def start(self, name: str, *, folder: str = "plain") -> Cluster:
        """Start one replica, and leave it running as a console does."""
        cluster = cluster_file.local(1, free_ports(1), name=name)

        file = self.data.parent / f"{name}.toml"
        file.write_text(cluster_file.to_toml(cluster))
        command = [sys.executable, "-c", LEAVE, str(file), str(self.data / folder), str(self.kept)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        self.pids.append(int(done.stdout))
        return cluster

    def close(self) -> None:
        for pid in self.pids:
            if local_processes.exists(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Left]:
    left = Left(tmp_path)
    monkeypatch.setattr(cluster_file, "LOCAL_PORT", free_ports(1)[0])  # the built-in cluster does not run
    monkeypatch.delenv("PAXTUI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(left.home))
    yield left
    left.close()


@pytest.mark.processes
def test_a_cluster_that_was_left_running_is_listed_and_stopped_by_its_name(left: Left, paxtui: Run) -> None:
    cluster = left.start("ada")
    listed = paxtui("clusters", "--json", **left.environment)
    row = json.loads(listed.stdout)
    assert (row["name"], row["replicas"], row["answering"]) == ("ada", 1, [0])
    assert row["addresses"] == [str(cluster.address(0))]
    assert (row["pids"], row["supervisor"]) == ({"0": left.pids[0]}, None)
    assert row["data_dir"] == str(left.data / "plain")
    text = paxtui("clusters", **left.environment).stdout
    assert "ada, 1 of 1 replica answers" in text
    assert "which has left it running" in text
    assert "paxtui attach ada" in text
    stopped = paxtui("down", "ada", **left.environment)
    assert stopped.returncode == 0, stopped.stderr
    assert stopped.stdout.splitlines() == [
        "ada: SIGTERM to r0",
        f"r0         process {left.pids[0]} stopped",
    ]
    assert not local_processes.exists(left.pids[0])
    again = paxtui("down", **left.environment)
    assert (again.returncode, again.stdout) == (0, "nothing runs here\n")
    assert known_clusters.entries(left.kept) == []


@pytest.mark.processes
def test_a_replica_that_is_paused_is_found_by_its_data_folder_and_stopped(left: Left, paxtui: Run) -> None:
    left.start("ada")
    os.kill(left.pids[0], signal.SIGSTOP)
    row = json.loads(paxtui("clusters", "--json", **left.environment).stdout)
    assert (row["answering"], row["pids"]) == ([], {"0": left.pids[0]})
    assert paxtui("down", **left.environment).returncode == 0
    assert not local_processes.exists(left.pids[0])


@pytest.mark.processes
def test_attach_finds_the_only_cluster_and_names_several(
    left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = left.start("ada")
    found, asked = console._attached(None, None)
    assert (found.digest, asked) == (ada.digest, False)
    bob = left.start("bob")
    with pytest.raises(Failure) as several:
        console._attached(None, None)
    assert several.value.code == EXIT_USAGE
    said = capsys.readouterr().err.splitlines()
    assert sorted(said) == [
        "ada, 1 of 1 replica answers:  paxtui attach ada",
        "bob, 1 of 1 replica answers:  paxtui attach bob",
    ]
    assert console._attached("bob", None)[0].digest == bob.digest
    with pytest.raises(Failure, match="did you mean ada"):
        console._attached("adda", None)
    with terminal("attach", "ada", XDG_CONFIG_HOME=str(left.home)) as shown:
        shown.until_shown("ada")
        shown.until_shown("LIVE|idle")
        shown.press(b"q")
        assert shown.exit_code() == 0
    assert local_processes.exists(left.pids[0])


@pytest.mark.processes
def test_a_command_finds_a_cluster_by_its_name(left: Left, paxtui: Run) -> None:
    left.start("ada")
    old = cluster_file.local(1, free_ports(1), name="ada")
    known_clusters.add(left.kept, old)  # its replicas do not run any more
    sent = paxtui("send", "hello", "--at", "ada", **left.environment)
    assert sent.returncode == 0, sent.stderr
    told = paxtui("status", "--json", "--at", "ada", **left.environment).stdout
    assert json.loads(told)["pid"] == left.pids[0]
    assert "it leads already" in paxtui("elect", "0", "--at", "ada", **left.environment).stderr
    assert paxtui("health", "--at", "ada", "--id", "0", **left.environment).returncode == 0
    unknown = paxtui("fault", "list", "--at", "adda", **left.environment)
    assert (unknown.returncode, unknown.stdout) == (EXIT_USAGE, "")
    assert unknown.stderr.startswith(
        'paxtui: --at: no cluster "adda" is known here; did you mean ada? known: nothing, ada; other clusters'
    )


def at(name: str) -> str | None:
    """What ``--at`` means."""
    return named_cluster.cluster_at(typer.Context(typer.main.get_command(main.app_of(["status"]))), name)


def test_a_name_stands_for_the_file_of_its_cluster_and_addresses_for_themselves(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = cluster_file.local(3, free_ports(3), name="ada")
    known_clusters.add(left.kept, ada)
    assert at("ada") == str(known_clusters.file_of(left.kept, ada))
    assert cluster_file.find(at("ada")).digest == ada.digest
    assert at("127.0.0.1:7400") == "127.0.0.1:7400"
    assert at("local-3") == known_clusters.addresses(cluster_file.local(3))  # the built-in one has no file
    monkeypatch.setenv("PAXTUI_CONFIG", str(left.nothing))
    assert at("nothing") == str(left.nothing)
    with pytest.raises(ConfigError, match="known: nothing, ada; other clusters are HOST:PORT"):
        at("zoe")


def test_two_clusters_of_one_name_are_told_apart_by_their_addresses(
    left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (cluster_file.local(1, free_ports(1), name="twin") for _ in range(2))
    both = [running.RunningCluster(known_clusters.KnownCluster(each), (0,), {}) for each in (one, other)]
    with pytest.raises(Failure, match="2 clusters are named twin"):
        running.named("twin", both)
    assert str(other.address(0)) in capsys.readouterr().err
    assert running.named(str(other.address(0)), both).cluster is other


@pytest.mark.processes
def test_down_tells_up_to_stop_its_replicas(tmp_path: Path, left: Left, paxtui: Run) -> None:
    cluster = cluster_file.local(1, free_ports(1), name="one")
    for up in serve(tmp_path, cluster):
        row = json.loads(paxtui("clusters", "--json", **left.environment).stdout)
        assert (row["started_by"], row["supervisor"]) == ("up", up.process.pid)
        stopped = paxtui("down", "one", **left.environment)
        assert stopped.returncode == 0, stopped.stderr
        assert up.process.wait(60) == 0
        assert f"SIGTERM to `paxtui up`, process {up.process.pid}" in stopped.stdout
    assert known_clusters.entries(left.kept) == []


@pytest.mark.processes
def test_a_cluster_that_a_console_shows_is_not_stopped(left: Left, paxtui: Run) -> None:
    cluster = left.start("ada")
    known = known_clusters.entries(left.kept)[0]
    command = [sys.executable, "-m", "paxtui", "client", "--config", str(left.nothing)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as other:
        until(lambda: local_processes.is_ours(other.pid), "the other process has begun")
        note = known_clusters.StartNote(by="console", supervisor=other.pid, data_dir=known.note.data_dir)
        path = known_clusters.file_of(left.kept, cluster)
        known_clusters._write(path, known_clusters.KnownCluster(cluster, note))
        refused = paxtui("down", "ada", **left.environment)
        other.kill()
    assert refused.returncode == 1
    assert f"ada is open in a console, process {other.pid}" in refused.stderr
    assert local_processes.exists(left.pids[0])


@pytest.mark.processes
def test_what_somebody_else_started_is_listed_and_not_stopped(left: Left, paxtui: Run) -> None:
    cluster = left.start("bob")
    left.nothing.write_text(cluster_file.to_toml(cluster))  # the configured cluster runs, and is not noted
    known_clusters.file_of(left.kept, cluster).unlink()
    listed = paxtui("clusters", **left.environment).stdout
    assert re.search("stop +where it was started", listed)
    for words in (["down"], ["down", "bob"]):
        refused = paxtui(*words, **left.environment)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "bob: it is not known what has started it" in refused.stderr
        assert f"r0={left.pids[0]}" in refused.stderr
    left.start("ada")
    assert paxtui("down", **left.environment).stdout.startswith("ada: SIGTERM")
    assert local_processes.exists(left.pids[0])


@pytest.mark.processes
def test_only_folders_that_nothing_uses_are_removed(left: Left, paxtui: Run) -> None:
    left.start("ada", folder=CONSOLE)
    ended = left.data / "console-20250102-030405-2" / "local-3" / "replica-0"
    ended.mkdir(parents=True)
    (ended / "lock").write_text(f"{os.getpid()}\nreplica 0\n")  # a number that another program has by now
    (ended / "replica.db").write_bytes(b"x" * 250_000)
    others = [left.data / "console-notes", left.data / "plain"]
    for each in others:
        each.mkdir()
    (left.data / "console-20240101-000000").symlink_to(others[0])
    new = left.data / "console-20260102-030406"
    new.mkdir()
    named = paxtui("clusters", "--data-dir", left.data, **left.environment).stdout
    assert "1 folder of earlier consoles" in named
    assert "console-20250102-030405-2  0.3 MB" in named
    cleaned = paxtui("clusters", "--clean", "--data-dir", left.data, **left.environment)
    assert cleaned.returncode == 0, cleaned.stderr
    assert f"kept {left.data / CONSOLE}: process {left.pids[0]} uses it" in cleaned.stdout
    assert f"kept {new}: it was made less than a minute ago" in cleaned.stdout
    assert sorted(path.name for path in left.data.iterdir()) == sorted(
        [CONSOLE, new.name, "console-notes", "plain", "console-20240101-000000"]
    )
    old = time.time() - 100
    os.utime(new, (old, old))
    assert [each.path.name for each in find_old(left.data, left.kept) if each.used_by is None] == [new.name]


@pytest.mark.processes
def test_what_another_process_runs_is_neither_noted_anew_nor_forgotten(left: Left) -> None:
    cluster = cluster_file.local(1, free_ports(1), name="one")
    command = [sys.executable, "-m", "paxtui", "client", "--config", str(left.nothing)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as other:
        until(lambda: local_processes.is_ours(other.pid), "the other process has begun")
        note = known_clusters.StartNote(by="up", supervisor=other.pid)
        path = known_clusters.file_of(left.kept, cluster)
        path.parent.mkdir(parents=True)
        known_clusters._write(path, known_clusters.KnownCluster(cluster, note))
        known_clusters.add(left.kept, cluster, left.data)
        known_clusters.remove(left.kept, cluster)
        assert [each.note for each in known_clusters.entries(left.kept)] == [note]
        other.kill()
    known_clusters.add(left.kept, cluster, left.data)
    assert known_clusters.entries(left.kept)[0].note.supervisor == os.getpid()


def test_a_file_of_an_earlier_release_is_read(left: Left) -> None:
    cluster = cluster_file.local(1, free_ports(1), name="one")
    path = known_clusters.file_of(left.kept, cluster)
    path.parent.mkdir(parents=True)
    path.write_text(cluster_file.to_toml(cluster))
    (entry,) = known_clusters.entries(left.kept)
    assert (entry.cluster.digest, entry.note) == (cluster.digest, known_clusters.StartNote())
    assert (entry.supervisor, entry.pids()) == (None, {})
    assert entry.words == "one, 1 replica"
    known_clusters.add(left.kept, cluster)
    assert known_clusters.entries(left.kept)[0].words == "one, 1 replica, started by a console"
    known_clusters.add(left.kept, cluster, by="up")
    assert known_clusters.entries(left.kept)[0].words == "one, 1 replica, started by `paxtui up`"
