"""Make the N-th system call of a kind fail in a real replica, for every N of a run.

``strace`` returns an error in the place of the call, so the replica sees what it would see of a broken disk.
After each run the same folder is started again on a sound disk, and everything acknowledged must be there.

``python -m tests.tools.disks`` does this for all N of three kinds of call; CI takes a sample.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.replica.conditions import until
from tests.replica.processes import Replicas

CALLS: Final = ("fsync", "fdatasync", "pwrite64")
TEXTS: Final = tuple(f"text {number}" for number in range(8))

VICTIM: Final = 2

CAUSES: Final = {
    "EIO": ("disk I/O error", "Input/output error"),
    "ENOSPC": ("database or disk is full", "No space left on device"),
}
"""How SQLite and the system name an error."""


def why_not() -> str | None:
    """Why calls cannot be made to fail here, if they cannot."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-e", "inject=fsync:error=EIO:when=99", "true"], capture_output=True, text=True
    )
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[:200]}"


class Traced(Replicas):
    """Three replicas, of which one is traced while ``expression`` is set."""

    expression: str | None = None

    def command(self, replica: int, *arguments: str) -> list[str]:
        command = super().command(replica, *arguments)
        if replica != VICTIM or self.expression is None:
            return command
        traced = ["strace", "-f", "-qq", "-o", str(self.trace), "-e", "trace=" + ",".join(CALLS)]
        return [*traced, *self.expression.split(), *command]

    @property
    def trace(self) -> Path:
        return self.folder / "trace"


def session(replicas: Traced) -> list[str]:
    """What a replica does in its first minute: it is created, votes, learns, is stopped. What was
    acknowledged meanwhile."""
    replicas.start_all("--warm-up", "none")
    done: list[str] = []
    for text in TEXTS:
        replicas.append(text)
        done.append(text)
    until(lambda: replicas.leader() is not None, "those who live follow one leader")
    if replicas.alive(VICTIM):
        until(lambda: not replicas.alive(VICTIM) or applied(replicas, VICTIM) >= len(TEXTS), "it has learned")
    return done


def applied(replicas: Replicas, replica: int) -> int:
    status = replicas.status(replica)
    return status.watermark if status is not None else -1


def end(replicas: Traced) -> int:
    """Stop the traced replica in order, if it runs; its exit code."""
    if replicas.alive(VICTIM):
        stop(replicas)
    return replicas.wait(VICTIM)


def stop(replicas: Traced) -> None:
    """Close the standard input that it shares with its tracer: it stops when that ends."""
    stdin = replicas._processes[VICTIM].stdin
    assert stdin is not None
    stdin.close()


def count(folder: Path) -> dict[str, int]:
    """How many calls of each kind a run makes."""
    replicas = Traced(folder, name="counted")
    try:
        replicas.expression = ""
        session(replicas)
        assert end(replicas) == 0, replicas.words(VICTIM)
        calls = replicas.trace.read_text()
        return {call: len(re.findall(rf"\b{call}\(", calls)) for call in CALLS}
    finally:
        replicas.close()


TEXTS_MAX = 60
"""Messages after which a call that has not come is taken for one that does not come."""


def is_struck(replicas: Traced) -> bool:
    """Tell whether the call has failed."""
    return "(INJECTED)" in replicas.trace.read_text()


def check(folder: Path, call: str, number: int, error: str = "EIO") -> str:
    """Let the call ``number`` of a kind fail; what became of it, in a word. Raises ``AssertionError``."""
    replicas = Traced(folder, name="broken")
    try:
        replicas.expression = f"-e inject={call}:error={error}:when={number}"
        done = session(replicas)
        # A replica that lags commits several messages at once, so the call may not have come yet.
        while replicas.alive(VICTIM) and not is_struck(replicas) and len(done) < TEXTS_MAX:
            replicas.append(text := f"one more, {len(done)}")
            done.append(text)
        if is_struck(replicas):
            until(lambda: not replicas.alive(VICTIM), "it stops")
        code = end(replicas)
        words = replicas.words(VICTIM)
        assert "Traceback" not in words, words
        struck = is_struck(replicas)
        if struck:
            errors = [line for line in words.splitlines() if "ERROR: " in line]
            assert code == 4, (code, words)
            assert len(errors) == 1, words
            assert str(replicas.data(VICTIM)) in errors[0], errors
            assert any(cause in errors[0] for cause in CAUSES[error]), errors
        else:
            assert code == 0, words
        replicas.append("two are enough")
        replicas.expression = None
        replicas.start(VICTIM)
        log = [entry.text for entry in replicas.until_equal() if entry.client and entry.repeats is None]
        assert log == [*done, "two are enough"], log
        return "stopped" if struck else "not reached"
    finally:
        replicas.close()


def main() -> None:
    """Every N of every kind of call."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.disks", description=__doc__)
    parser.add_argument("--call", choices=CALLS, action="append", help="only this kind")
    parser.add_argument("--every", type=int, default=1, help="only each so many-th call")
    options = parser.parse_args()
    reason = why_not()
    if reason is not None:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="paxtui-inject-") as name:
        (Path(name) / "count").mkdir()
        calls = count(Path(name) / "count")
        print("calls of a run:", ", ".join(f"{call} {number}" for call, number in calls.items()), flush=True)
        for call in options.call or CALLS:
            outcomes: dict[str, int] = {}
            for number in range(1, calls[call] + 1, options.every):
                folder = Path(name) / f"{call}-{number}"
                folder.mkdir()
                outcome = check(folder, call, number)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                shutil.rmtree(folder)
            print(f"{call}: {outcomes}", flush=True)
