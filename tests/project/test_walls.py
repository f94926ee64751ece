"""The walls of pyproject.toml stand: a forbidden import that is planted in a copy breaks a contract."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import paxtui

pytestmark = pytest.mark.processes

PACKAGE: Final = Path(paxtui.__file__).parent
PROJECT: Final = PACKAGE.parent

LAYERS: Final = "each package imports only those below it"
CORE: Final = "trio: what talks to sockets, and the console's driver"
CONSOLE: Final = "trio: in the console, the driver alone"

BROKEN: Final = re.compile(r" BROKEN( \(\d+ ignored imports?\))?$")
"""The end of a contract's line."""


def broken(folder: Path) -> set[str]:
    """Check a copy of the package; names of the contracts that it breaks."""
    command = "from importlinter.cli import lint_imports_command as command; command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert any(line.startswith("Contracts: ") for line in lines), done.stdout + done.stderr
    found = {line.partition(" BROKEN")[0] for line in lines if BROKEN.search(line)}
    assert done.returncode == bool(found)
    return found


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package and of the contracts."""
    folder = tmp_path_factory.mktemp("walls")
    shutil.copytree(PACKAGE, folder / "paxtui", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def test_every_contract_holds(copied: Path) -> None:
    assert broken(copied) == set()


@pytest.mark.parametrize(
    ("module", "line", "contracts"),
    [
        ("core/acceptor.py", "import trio", {CORE}),
        ("core/acceptor.py", "import paxtui.net", {LAYERS}),
        ("core/acceptor.py", "import paxtui.net.tcp", {LAYERS, CORE}),
        ("console/model/state/facts.py", "import trio", {CONSOLE}),
        ("console/model/state/facts.py", "import paxtui.client", {CONSOLE}),
        ("console/planted.py", "import trio", {CONSOLE}),
        ("console/driver/planted.py", "import trio", set()),
        ("planted.py", "import paxtui.core", {LAYERS}),
    ],
    ids=[
        "trio in core",
        "net in core",
        "trio in core by way of net",
        "trio in the console's model",
        "trio in the console by way of the client library",
        "trio in a new module of the console",
        "trio in a new module of the driver",
        "a new package that is in no layer",
    ],
)
def test_what_is_planted_breaks_the_contract_that_forbids_it(
    copied: Path, module: str, line: str, contracts: set[str]
) -> None:
    path = copied / "paxtui" / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        found = broken(copied)  # others may break too: what imports the core has all that the core imports
        assert contracts <= found, found
        assert contracts or not found, found
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")
