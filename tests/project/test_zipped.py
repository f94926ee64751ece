"""The package in a zip file: everything that is no module comes with it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import paxtui
from paxtui import guide
from paxtui.scenarios.model import builtin
from paxtui.sim.campaign import code_version

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the package but compiled ones."""
    package = Path(paxtui.__file__).parent
    path = tmp_path_factory.mktemp("zipped") / "paxtui.zip"
    with zipfile.ZipFile(path, "w") as file:
        for each in sorted(package.rglob("*")):
            if each.is_file() and "__pycache__" not in each.parts:
                file.write(each, each.relative_to(package.parent))
    return path


def runs(zipped: Path, script: str) -> str:
    """What a script prints that imports the package from the zip file."""
    checked = f"import paxtui; assert {str(zipped)!r} in paxtui.__file__, paxtui.__file__\n{script}"
    done = subprocess.run(
        [sys.executable, "-c", checked],
        env={**os.environ, "PYTHONPATH": str(zipped)},
        cwd=zipped.parent,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SCREEN = """
import asyncio, re
from paxtui.config import cluster_file
from paxtui.console.app import ConsoleApp
from paxtui.console.driver import ClusterDriver
from paxtui.console.options import ConsoleOptions
from paxtui.console.preferences import Preferences
from paxtui.console.theme.styles import Styles

async def main():
    cluster = cluster_file.local(3, (7400, 7401, 7402), name="zipped")
    app = ConsoleApp(ClusterDriver(ConsoleOptions(cluster=cluster)), Styles(), Preferences())
    async with app.run_test(size=(160, 45)):
        print(app.query_one("#links").region.width, app.query_one("#log").region.height)

asyncio.run(main())
"""


def test_the_console_has_its_stylesheet(zipped: Path) -> None:
    here = subprocess.run(
        [sys.executable, "-c", SCREEN], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert runs(zipped, SCREEN) == here


def test_the_guide_and_the_version_are_there(zipped: Path) -> None:
    script = "import sys\nsys.argv = ['paxtui', {word!r}]\nfrom paxtui.cli.main import main\nmain()"
    assert [
        line.split()[0] for line in runs(zipped, script.format(word="guide")).splitlines() if "  " in line
    ] == [*guide.TOPICS]
    assert runs(zipped, script.format(word="--version")) == f"paxtui {paxtui.__version__}\n"


def test_all_scenarios_are_there(zipped: Path) -> None:
    script = "from paxtui.scenarios.model import builtin\nfor each in builtin(): print(each.name)"
    assert runs(zipped, script).split() == [each.name for each in builtin()]


def test_the_digest_of_the_code_is_that_of_the_same_code_elsewhere(zipped: Path) -> None:
    script = "from paxtui.sim.campaign import code_version\nprint(code_version.digest())"
    assert runs(zipped, script).strip() == code_version.digest()


def test_mutants_are_made_and_caught(zipped: Path) -> None:
    script = "import sys\nsys.argv = ['paxtui', 'sim', '--mutants', 'lowest-ballot-wins', '--jobs', '1']\n"
    assert "lowest-ballot-wins" in runs(zipped, f"{script}from paxtui.cli.main import main\nmain()")
