"""One run: from the first process to the verdict."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from msgspec import Struct, structs

from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.config.cluster_file import Cluster
from paxtui.scenarios import steps
from paxtui.scenarios.condition_words import TIMEOUT_S, AllEqualCondition, LeaderCondition
from paxtui.scenarios.conditions import names
from paxtui.scenarios.evidence import collect
from paxtui.scenarios.model import Scenario
from paxtui.scenarios.stage import ScenarioFailed, Stage
from paxtui.scenarios.verdict import verify
from paxtui.scenarios.vocabulary import AnyStep, RepeatStep

HISTORY = "history.jsonl"


class ScenarioOptions(Struct, frozen=True, kw_only=True):
    """The options with which a scenario is run."""

    cluster: Cluster
    data_dir: Path
    log_dir: Path
    seed: int
    msg_loss: float = 0.0
    skip_slot: int | None = None


class StepReport(Struct, frozen=True):
    """One step as it happened: seconds since the run began, its number (empty for what every run does),
    what it is, and what came of it."""

    at_s: float
    number: str
    what: str
    outcome: str


class ScenarioResult(Struct, frozen=True, kw_only=True):
    """The result of a run. ``beliefs`` is what the replicas said last, if it failed."""

    scenario: str
    passed: bool
    reason: str
    seed: int
    seconds: float
    replicas: int
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0
    slots: int = 0
    beliefs: tuple[str, ...] = ()


Tell = Callable[[StepReport], None]


async def run(scenario: Scenario, options: ScenarioOptions, tell: Tell) -> ScenarioResult:
    """Run a scenario. Whatever is wrong with the cluster is a :class:`ScenarioResult`, not an exception."""
    scenario.check_replicas(options.cluster.n)
    settings = scenario.settings_over(options.cluster.settings)
    cluster = structs.replace(options.cluster, settings=settings)
    started = trio.current_time()
    journals = Journals(options.data_dir)
    try:
        async with local_cluster(
            cluster,
            options.data_dir,
            log_dir=options.log_dir,
            arguments=_arguments(options),
            on_line=journals.write,
        ) as processes:
            play = ScenarioPlay(scenario, options, processes, tell)
            await play.run()
    finally:
        journals.close()
    return play.result(trio.current_time() - started)


def _arguments(options: ScenarioOptions) -> list[str]:
    arguments = ["--allow-faults", "--warm-up", "all", "--rand-seed", str(options.seed)]
    if options.msg_loss > 0:
        arguments += ["--msg-loss", f"{options.msg_loss:g}"]
    if options.skip_slot is not None:
        arguments += ["--skip-slot", str(options.skip_slot)]
    return arguments


class ScenarioPlay:
    """A scenario on its stage."""

    def __init__(
        self, scenario: Scenario, options: ScenarioOptions, processes: LocalCluster, tell: Tell
    ) -> None:
        self._scenario = scenario
        self._options = options
        self._processes = processes
        self._tell = tell
        self._reason = ""
        self._beliefs: tuple[str, ...] = ()
        self._slots = 0
        self._stage: Stage | None = None

    async def run(self) -> None:
        """Run everything between the first process and the last answer."""
        async with trio.open_nursery() as nursery:
            rng = random.Random(f"{self._options.seed}/{self._scenario.name}")
            scope = nursery.cancel_scope
            stage = self._stage = Stage(self._processes, nursery, rng, lambda why: self._fail(why, scope))
            try:
                await self._start(stage)
                await self._perform(stage, self._scenario.steps, "")
                await self._end(stage)
            except ScenarioFailed as error:
                self._fail(str(error), scope)
            nursery.cancel_scope.cancel()
        stage.history.write(self._options.data_dir / HISTORY)

    def _fail(self, reason: str, scope: trio.CancelScope) -> None:
        if not self._reason and self._stage is not None:
            self._reason = reason
            self._beliefs = tuple(self._stage.beliefs.lines())
        scope.cancel()

    def _note(self, stage: Stage, number: str, what: str, outcome: str) -> None:
        self._tell(StepReport(stage.history.now, number, what, outcome))

    async def _start(self, stage: Stage) -> None:
        await stage.start(range(stage.n))
        found = await stage.wait_for(LeaderCondition(), TIMEOUT_S, "a first leader")
        self._note(stage, "", f"start {stage.n} replicas", found.words)

    async def _perform(self, stage: Stage, todo: Sequence[AnyStep], prefix: str) -> None:
        for index, step in enumerate(todo, start=1):
            number = f"{prefix}{index}"
            if isinstance(step, RepeatStep):
                for time in range(1, step.times + 1):
                    self._note(stage, number, f"repeat {time} of {step.times}", "")
                    await self._perform(stage, step.steps, f"{number}.")
                continue
            try:
                outcome = await steps.perform(stage, step)
            except ScenarioFailed as error:
                raise ScenarioFailed(f"step {number}: {error}") from None
            self._note(stage, number, steps.describe(step), outcome)

    async def _end(self, stage: Stage) -> None:
        """End a scenario as each must: heal, bring all replicas back, compare their logs, and judge."""
        self._note(stage, "", "heal", await steps.heal(stage))
        dead = [replica for replica in range(stage.n) if not stage.cluster.alive(replica)]
        if dead and self._scenario.final == "all":
            await stage.start(dead)
            self._note(stage, "", "restart the dead", f"{names(dead)} serves again")
        self._note(stage, "", "end the load", await steps.stop_loads(stage, TIMEOUT_S))
        found = await stage.wait_for(AllEqualCondition(), TIMEOUT_S, "all live replicas have the same log")
        self._note(stage, "", "wait until all logs are equal", found.words)
        self._note(stage, "", "read", await steps.read(stage, TIMEOUT_S))
        evidence = await collect(stage, self._options.log_dir)
        self._slots = max(map(len, evidence.logs.values()), default=0)
        problems = verify(evidence)
        if problems:
            raise ScenarioFailed("the verdict: " + "; ".join(problems))
        checked = sum(each.outcome == "ok" for each in stage.history.appends)
        self._note(stage, "", "verify", f"{checked} appends, {len(evidence.logs)} equal logs, nothing twice")

    def result(self, seconds: float) -> ScenarioResult:
        """Give the result of the run."""
        appends = self._stage.history.appends if self._stage is not None else []
        outcomes = [each.outcome for each in appends]
        return ScenarioResult(
            scenario=self._scenario.name,
            passed=not self._reason,
            reason=self._reason,
            seed=self._options.seed,
            seconds=seconds,
            replicas=self._options.cluster.n,
            acknowledged=outcomes.count("ok"),
            failed=outcomes.count("failed"),
            unknown=outcomes.count("unknown"),
            slots=self._slots,
            beliefs=self._beliefs,
        )


class Journals:
    """What each replica logs, as ``replica-N.journal`` beside its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, int] = {}

    def write(self, replica: int, line: str) -> None:
        """Add one line."""
        if replica not in self._files:
            path = self._folder / f"replica-{replica}.journal"
            self._files[replica] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(self._files[replica], line.encode() + b"\n")

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            os.close(file)
