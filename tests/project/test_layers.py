"""What a process loads, seen from outside: the layers that import-linter holds, in ``sys.modules``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


def loaded_by(code: str) -> set[str]:
    """Top-level names of all modules that are loaded after ``code`` ran in a new interpreter."""
    program = f"""
import json, sys
try:
    {code}
except SystemExit:
    pass
print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def running(*words: str) -> str:
    """Code that runs a command line in the same interpreter."""
    return f"sys.argv[1:] = {list(words)!r}; from paxtui.cli.main import main; main()"


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["--help"], {"textual", "rich", "trio", "msgspec", "sqlite3"}),
        (["--version"], {"textual", "rich", "trio"}),
        (["sim", "--seeds", "1"], {"textual", "trio", "sqlite3"}),
        (["replica", "--help"], {"textual", "trio"}),
        # An id out of range: everything is loaded that a replica needs, and it ends at once.
        (["replica", "--id", "99", "--headless"], {"textual"}),
    ],
    ids=["help", "version", "sim", "replica-help", "replica"],
)
def test_a_command_loads_only_what_it_needs(words: list[str], absent: set[str]) -> None:
    assert loaded_by(running(*words)) & absent == set()


def test_a_running_replica_process_never_loads_the_screen_libraries() -> None:
    assert loaded_by("import paxtui.replica.process") & {"textual", "rich", "typer"} == set()


def test_the_core_loads_nothing_but_msgspec_from_outside() -> None:
    code = "import paxtui.core.replica, paxtui.sim.cluster.simulation"
    assert loaded_by(code) & {"trio", "textual", "rich", "typer", "sqlite3", "socket"} == set()


def test_the_client_library_loads_neither_the_runtime_nor_a_screen() -> None:
    program = "import sys, paxtui.client; print([m for m in sys.modules if m.startswith('paxtui.replica')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert loaded_by("import paxtui.client") & {"textual", "rich", "typer", "sqlite3"} == set()
