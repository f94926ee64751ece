"""Records of real replicas that were killed while they worked, as ``paxtui check`` judges them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trio
from msgspec import json

from paxtui.client import Log
from paxtui.client.errors import ClientError
from tests.replica.processes import Replicas

ROUNDS = 4
TEXTS = 40

pytestmark = pytest.mark.processes


class Recorded(Replicas):
    """Three replicas that write records."""

    def record(self, replica: int) -> Path:
        return self.folder / f"r{replica}.jsonl"

    def start(self, replica: int, *arguments: str) -> None:
        super().start(replica, "--allow-faults", "--record", str(self.record(replica)), *arguments)


async def load(log: Log) -> None:
    async def append(number: int) -> None:
        try:
            await log.append(f"text {number}", timeout_s=20)
        except ClientError:
            pass  # what it asked for may have happened, or not

    async with trio.open_nursery() as nursery:
        for number in range(TEXTS):
            nursery.start_soon(append, number)
            await trio.sleep(0.002)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Under load, whoever leads is killed, again and again; in the end all stop in order."""
    replicas = Recorded(tmp_path_factory.mktemp("records"))
    try:
        replicas.start_all()
        for _ in range(ROUNDS):
            leader = replicas.until_led()
            clients = threading.Thread(target=replicas.with_log, args=(load,))
            clients.start()
            replicas.kill(leader)
            replicas.wait_for_two()
            replicas.start(leader)
            clients.join()
        replicas.until_led()
        replicas.append("the last one")
        replicas.until_equal()
        for replica in range(3):
            replicas.signal(replica, signal.SIGTERM)
            assert replicas.wait(replica) == 0
    finally:
        replicas.close()
    return [replicas.record(replica) for replica in range(3)]


def check(*paths: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "paxtui", "check", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_records_of_killed_leaders_show_nothing_wrong(records: list[Path]) -> None:
    code, output = check(*records)
    assert code in (0, 2), output  # 2: a process took something with it that mattered
    assert "VIOLATED" not in output
    assert f"3 of 3 replicas, {3 + ROUNDS} lives" in output
    assert output.count("its process ended without a word") == ROUNDS
    elections = int(output.split(" election")[0].split()[-1])
    assert elections >= ROUNDS


def test_a_forged_vote_in_them_is_found_where_it_stands(records: list[Path], tmp_path: Path) -> None:
    lines = records[1].read_bytes().splitlines(keepends=True)
    at = max(at for at, line in enumerate(lines) if b'"voted"' in line)
    vote = json.decode(lines[at])
    vote["values"][0][2] = "another text"
    lines[at] = json.encode(vote) + b"\n"
    forged = tmp_path / "r1.jsonl"
    forged.write_bytes(b"".join(lines))
    code, output = check(records[0], forged, records[2])
    assert code == 1, output
    assert "VIOLATED: 1 (one value a ballot)" in output
    assert f"  at {forged}:{at + 1}, replica 1" in output


def test_without_the_record_of_a_leader_nothing_is_sure(records: list[Path]) -> None:
    led = next(i for i, path in enumerate(records) if b'"elected"' in path.read_bytes())
    code, output = check(*(path for i, path in enumerate(records) if i != led))
    assert code == 2, output
    assert f"no record of replica {led}" in output
