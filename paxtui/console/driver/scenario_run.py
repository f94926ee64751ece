"""A named scenario, run by ``paxtui run`` on a cluster of its own, and watched here meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import trio
from msgspec import Struct

from paxtui.client.errors import ClientError, Failed
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.state.cause_order import HOLD_S
from paxtui.console.model.state.seen import SCENARIO
from paxtui.console.rows.scenario import ScenarioStep, ScenarioView
from paxtui.wire.text import visible

STEPS_SHOWN_MAX: Final = 50
"""Steps that are kept for the screen, the newest: more have no room."""


class Listed(Struct):
    """A line of ``paxtui run --list --json``."""

    name: str
    title: str
    shows: str
    f_min: int


async def listed() -> list[Listed]:
    """Return all named scenarios. Raises :class:`ClientError`."""
    done = await trio.run_process(
        [sys.executable, "-m", "paxtui", "run", "--list", "--json"], capture_stdout=True, check=False
    )
    try:
        return [msgspec.json.decode(line, type=Listed) for line in done.stdout.splitlines()]
    except msgspec.DecodeError as error:
        raise ClientError(f"the scenarios cannot be listed: {error}") from None


class ScenarioRun:
    """One run of a scenario. ``model`` is what its cluster shows; ``verdict`` comes at its end."""

    def __init__(self, scenario: Listed, f: int) -> None:
        self.scenario = scenario
        n = 2 * max(f, scenario.f_min) + 1
        self.cluster: Cluster = cluster_file.local(n, cluster_file.free_ports(n), name=scenario.name)
        self.model = ClusterModel(self.cluster, hold_s=HOLD_S)
        self.verdict: str | None = None
        self.passed = False
        self._steps: list[ScenarioStep] = []

    @property
    def view(self) -> ScenarioView:
        """Return what is shown of it."""
        shown = self._steps[-STEPS_SHOWN_MAX:]
        return ScenarioView(
            self.scenario.name, visible(self.scenario.shows, 300), tuple(shown), self.verdict, self.passed
        )

    async def run(self, tell: Callable[[str], None]) -> None:
        """Run it to its end; cancelling stops it. ``tell`` gets a line for each step."""
        with tempfile.TemporaryDirectory(prefix="paxtui-scenario-") as folder:
            file = Path(folder) / "cluster.toml"
            file.write_text(cluster_file.to_toml(self.cluster), encoding="utf-8")
            command = [sys.executable, "-m", "paxtui", "run", self.scenario.name, "--json"]
            command += ["--config-path", str(file), "--log-dir", folder, "--data-dir", folder]
            process = await trio.lowlevel.open_process(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            try:
                await self._listen(process, tell)
                await process.wait()
            finally:
                if process.returncode is None:
                    process.send_signal(signal.SIGINT)
                with trio.CancelScope(shield=True):
                    await process.wait()
        if self.verdict is None:
            self.verdict = f"it ended with exit code {process.returncode} and without a verdict"

    async def _listen(self, process: trio.Process, tell: Callable[[str], None]) -> None:
        if process.stdout is None:
            raise Failed("the scenario cannot be heard")
        rest = b""
        async for chunk in process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take_line(msgspec.json.decode(line), tell)

    def _take_line(self, told: dict[str, Any], tell: Callable[[str], None]) -> None:
        match told["event"]:
            case "step":
                step = f"step {told['number']}: " if told["number"] else ""
                words = visible(f"{step}{told['what']}  {told['outcome']}".rstrip(), 200)
                self._steps.append(ScenarioStep(float(told["at_s"]), words))
                del self._steps[:-STEPS_SHOWN_MAX]
                self.model.note(words, time.time(), by=SCENARIO)
                tell(words)
            case "end":
                self.passed = bool(told["passed"])
                result = (
                    f"{told['acknowledged']} acknowledged, {told['slots']} slots, {told['seconds']:.1f} s"
                    if self.passed
                    else visible(str(told["reason"]), 200)
                )
                self.verdict = f"{'PASS' if self.passed else 'FAIL'}: {result}"
                self.model.note(self.verdict, time.time(), by=SCENARIO, failed=not self.passed)
            case _:
                pass
