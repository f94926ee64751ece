"""A cluster of processes is backed up while it works, and goes on from the backup when all of it is gone."""

from __future__ import annotations

import signal
import subprocess

import pytest

from paxtui.storage import backup
from tests.replica.conditions import until
from tests.replica.processes import PAXTUI, Replicas

pytestmark = pytest.mark.processes


def paxtui(replicas: Replicas, *words: object) -> subprocess.CompletedProcess[str]:
    places = ("--config", replicas.config, "--data-dir", replicas.folder / "data")
    return subprocess.run(
        [*PAXTUI, *map(str, words), *map(str, places)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def stop(replicas: Replicas, replica: int) -> None:
    replicas.signal(replica, signal.SIGTERM)
    assert replicas.wait(replica) == 0


def texts(replicas: Replicas, replica: int) -> list[str]:
    return [entry.text for entry in replicas.log(replica) if entry.client]


def test_a_cluster_goes_on_from_a_backup_and_what_is_left_of_the_old_one_stays_out(three: Replicas) -> None:
    three.start_all()
    three.append("one", "two")
    three.until_equal()
    file = three.folder / "log.backup"
    made = paxtui(three, "backup", file, "--from", 1)
    assert made.returncode == 0, made.stderr
    assert "of cluster real, taken from replica 1" in made.stdout
    three.append("after the backup")
    three.until_equal()
    for replica in range(3):
        three.kill(replica)

    # Two machines are gone; the third one has its disk still.
    assert "is not empty" in paxtui(three, "restore", file).stderr
    old = three.folder / "old"
    (three.folder / "data").rename(old)
    restored = paxtui(three, "restore", file, "--id", 0, "--id", 1)
    assert restored.returncode == 0, restored.stderr
    survivor = three.data(2)
    survivor.parent.mkdir(parents=True, exist_ok=True)
    found = next(old.glob("*/replica-2"))
    found.rename(survivor)

    verified = subprocess.run(
        [*PAXTUI, "verify", str(three.data(0))], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout.count("ok")) == (0, 1), verified.stdout + verified.stderr

    three.start(0, "--warm-up", "majority")
    three.start(1, "--warm-up", "majority")
    three.until_led()
    three.start(2)
    assert three.append("a new life")[0] >= backup.check(file).found.slots
    until(lambda: "the cluster was restored from a backup" in three.words(2), "the old one is told")
    for replica in (0, 1):
        until(
            lambda replica=replica: texts(three, replica) == ["one", "two", "a new life"],  # type: ignore[misc]
            f"r{replica} has it",
        )

    # Once it is restored from the same file, it belongs.
    three.kill(2)
    survivor.rename(three.folder / "survivor")
    again = paxtui(three, "restore", file, "--id", 2)
    assert again.returncode == 0
    assert f"next: paxtui replica --id 2 --headless --config {three.config}" in again.stdout
    three.start(2)
    three.until_equal()
    assert texts(three, 2) == ["one", "two", "a new life"]


def test_a_backup_has_what_was_acknowledged_before_it(three: Replicas) -> None:
    """Without waiting: the others have learned it a moment later, and written that a moment after."""
    three.start_all()
    for number in range(5):
        three.append(f"message {number}")
        file = three.folder / f"{number}.backup"
        made = paxtui(three, "backup", file, "--from", number % 3)
        assert (made.returncode, made.stderr) == (0, "")
        assert backup.check(file).found.slots == number + 1


def test_a_backup_says_what_is_missing_or_that_nobody_could_be_asked(three: Replicas) -> None:
    three.start_all()
    three.append("one")
    three.until_equal()
    stop(three, 2)
    three.append("two", "three")
    for replica in (0, 1):  # before they stop, so that each of them has it on disk
        until(lambda replica=replica: three.until_status(replica).watermark == 3, f"r{replica} has all")  # type: ignore[misc]
    made = paxtui(three, "backup", three.folder / "behind.backup", "--from", 2)
    assert made.returncode == 0
    assert "replica 2 is behind: slots 1 to 2 are learned by others, and not in this backup" in made.stderr
    stop(three, 0)
    stop(three, 1)
    made = paxtui(three, "backup", three.folder / "alone.backup", "--from", 0)
    assert (made.returncode, "no replica says how far it is" in made.stderr) == (0, True)
    assert backup.check(three.folder / "alone.backup").found.slots == 3


def test_a_backup_can_be_verified_and_a_changed_one_is_not_restored(three: Replicas) -> None:
    three.start_all()
    three.append("one", "two")
    three.until_equal()
    file = three.folder / "log.backup"
    assert paxtui(three, "backup", file, "--from", 0).returncode == 0
    verified = subprocess.run([*PAXTUI, "verify", str(file)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout.count("ok")) == (0, 1)
    content = file.read_bytes()
    file.write_bytes(content.replace(b"two", b"tvo"))
    verified = subprocess.run([*PAXTUI, "verify", str(file)], capture_output=True, text=True, check=False)
    assert (verified.returncode, "DAMAGED at slot" in verified.stdout) == (1, True)
    refused = paxtui(three, "restore", file)
    assert refused.returncode == 2
    assert "nothing was restored" in refused.stderr
    assert "Traceback" not in refused.stderr
    missing = paxtui(three, "backup", three.folder / "other", "--from", 7)
    assert (missing.returncode, "there is no replica 7" in missing.stderr) == (2, True)
