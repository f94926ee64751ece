"""The built wheel, in a bare environment, from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import paxtui
from paxtui import guide
from tests import homes

pytestmark = pytest.mark.processes

PROJECT = Path(__file__).parents[2]


def run(command: list[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of a new environment that has the wheel and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        PROJECT,
    ]
    built = run(build, folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("paxtui-*.whl")
    venv.create(folder / "bare", with_pip=True)
    scripts = folder / "bare" / "bin"
    pip: list[str | Path] = [scripts / "python", "-m", "pip", "install", "--quiet", wheel]
    installed = run(pip, folder, XDG_CONFIG_HOME=homes.CONFIG_OF_THE_USER)
    if installed.returncode != 0 and "No matching distribution" in installed.stderr:
        pytest.skip(f"the dependencies cannot be installed here: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    return scripts


@pytest.mark.timeout(400)
def test_the_demo_runs_from_the_wheel_and_leaves_nothing_behind(bare: Path, tmp_path: Path) -> None:
    empty, home, temporary = (tmp_path / name for name in ("empty", "home", "tmp"))
    for folder in (empty, home, temporary):
        folder.mkdir()
    state = str(home / "state")
    done = run([bare / "paxtui", "demo"], empty, HOME=str(home), TMPDIR=str(temporary), XDG_STATE_HOME=state)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all three logs are equal" in done.stdout
    assert [path for folder in (empty, home, temporary) for path in folder.iterdir()] == []


def test_the_wheel_has_the_scenarios_and_says_that_it_is_typed(bare: Path, tmp_path: Path) -> None:
    listed = run([bare / "paxtui", "run", "--list"], tmp_path)
    assert "leader-killed-mid-stream" in listed.stdout, listed.stderr
    code = "import paxtui, pathlib; print((pathlib.Path(paxtui.__file__).parent / 'py.typed').exists())"
    assert run([bare / "python", "-c", code], tmp_path).stdout.strip() == "True"


def test_the_wheel_has_the_guide_and_its_version(bare: Path, tmp_path: Path) -> None:
    listed = run([bare / "paxtui", "guide"], tmp_path)
    assert [line.split()[0] for line in listed.stdout.partition("\n\n")[0].splitlines()] == list(guide.TOPICS)
    for topic in guide.TOPICS:
        assert run([bare / "paxtui", "guide", topic], tmp_path).stdout == guide.page(topic).text
    assert run([bare / "paxtui", "--version"], tmp_path).stdout == f"paxtui {paxtui.__version__}\n"
    code = "from importlib.metadata import version; print(version('paxtui'))"
    assert run([bare / "python", "-c", code], tmp_path).stdout.strip() == paxtui.__version__


def test_from_any_folder_data_goes_to_the_users_state_folder(bare: Path, tmp_path: Path) -> None:
    code = "import sys; from paxtui.config.folders import data_root; print(data_root())"
    state = tmp_path / "state"
    shown = run([bare / "python", "-c", code], tmp_path, XDG_STATE_HOME=str(state)).stdout.strip()
    assert shown == str(state / "paxtui")
