"""Signals before a replica serves: a container's first process gets none for which it has no handler."""

from __future__ import annotations

import functools
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

pytestmark = pytest.mark.processes

PROGRAM = """
import os, runpy, signal, sys

class SignalBeforeTyper:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.{name})

sys.meta_path.insert(0, SignalBeforeTyper())
runpy.run_module("paxtui", run_name="__main__")
"""

AS_PROCESS_1 = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")


@functools.cache
def namespaces() -> bool:
    """Whether this machine lets us have a process 1."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*AS_PROCESS_1, "true"], capture_output=True, check=False).returncode == 0


def during_imports(
    name: str, words: Sequence[str], prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run ``paxtui WORDS...``, which sends itself a signal when its first large import begins."""
    command = [*prefix, sys.executable, "-c", PROGRAM.format(name=name), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("words", [("replica", "--id", "0", "--headless"), ("up",)], ids=" ".join)
def test_sigterm_during_the_imports_ends_a_server_at_once_and_without_a_word(words: Sequence[str]) -> None:
    done = during_imports("SIGTERM", words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_sigterm_during_the_imports_ends_process_1_of_a_container() -> None:
    if not namespaces():
        pytest.skip("this machine does not let us have a process 1")
    done = during_imports("SIGTERM", ("replica", "--id", "0", "--headless"), AS_PROCESS_1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reload_during_the_imports_changes_nothing() -> None:
    done = during_imports("SIGHUP", ("replica", "--headless", "--help"))
    assert done.returncode == 0
    assert "Run one replica" in done.stdout


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_commands_end_by_the_signal(name: str) -> None:
    """With 0 a script would take it for done."""
    done = during_imports(name, ("send", "x"))
    assert done.returncode == 128 + signal.Signals[name]
