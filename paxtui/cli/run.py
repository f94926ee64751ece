"""``paxtui run``: named scenarios on real processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_scenarios
from paxtui.cli.options import JsonOption
from paxtui.cli.signals import run_async
from paxtui.cli.streams import need_stdout

if TYPE_CHECKING:
    from paxtui.cli.run_report import Report
    from paxtui.scenarios.model import Scenario
    from paxtui.scenarios.runner import ScenarioOptions, ScenarioResult


def run(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE.toml|all", help="The scenario to run.", autocompletion=complete_scenarios
        ),
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List all scenarios and what they show.")] = False,
    f: Annotated[
        int | None,
        typer.Option(
            "--f",
            metavar="F",
            help="Run 2F+1 replicas, which tolerate F failures. Default: 1, or what the scenario needs.",
        ),
    ] = None,
    config_path: Annotated[
        Path | None,
        typer.Option(
            "--config-path", metavar="FILE", help="Cluster file: TOML, or one line `ip port` per replica."
        ),
    ] = None,
    log_dir: Annotated[
        Path | None,
        typer.Option("--log-dir", metavar="DIR", help="Folder for the message logs. Default: logs/run/NAME."),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", metavar="DIR", help="Keep the data in a new folder below this one."),
    ] = None,
    msg_loss: Annotated[
        float,
        typer.Option(
            "--msg-loss", metavar="PERCENT", help="Lose this share of the messages between replicas."
        ),
    ] = 0.0,
    skip_slot: Annotated[
        int | None,
        typer.Option("--skip-slot", metavar="N", help="Make leaders leave slot N empty. It gets a no-op."),
    ] = None,
    rand_seed: Annotated[
        int | None, typer.Option("--rand-seed", metavar="S", help="Seed for pauses, timeouts and losses.")
    ] = None,
    as_json: JsonOption = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data folder.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML.")
    ] = None,
) -> int:
    """Run a scenario on new replicas and check all logs.

    It starts 2F+1 replicas on free ports, with their data in a temporary folder. Exit code 0 if the scenario
    passed, 1 if it failed.

    Examples:

      paxtui run --list

      paxtui run leader-killed-mid-stream --msg-loss 30

      paxtui run "STRESS TEST 0" --f 2 --skip-slot 3 --rand-seed 7

      paxtui run all --junit results.xml
    """
    import random

    from paxtui.cli.replica_options import percent
    from paxtui.cli.run_report import Report, print_list
    from paxtui.config.cluster_file import ConfigError
    from paxtui.scenarios import junit as junit_file
    from paxtui.scenarios.model import builtin, find

    if list_them:
        need_stdout()
        print_list(builtin(), as_json=as_json)
        return 0
    if name is None:
        raise ConfigError("which scenario? `paxtui run --list` names all, `paxtui run all` runs them")
    percent(msg_loss, "--msg-loss")
    if skip_slot is not None and skip_slot < 0:
        raise ConfigError(f"--skip-slot: {skip_slot} is no slot; slots start at 0")
    everything = name.strip().lower() == "all"
    scenarios = builtin() if everything else [find(name)]
    seed = random.SystemRandom().randrange(2**31) if rand_seed is None else rand_seed
    report = Report(as_json=as_json, steps=not everything)
    skipped: list[tuple[str, str]] = []
    results: list[ScenarioResult] = []
    for scenario in scenarios:
        logs = log_dir / scenario.name if everything and log_dir is not None else log_dir
        plan = PlannedScenario(scenario, f, config_path, data_dir, logs, msg_loss, skip_slot, seed, keep)
        reason = plan.unfit() if everything else None
        if reason is not None:
            skipped.append((scenario.name, reason))
            report.skipped(scenario, reason)
            continue
        result = _run(plan, report)
        if result is None:
            return EXIT_INTERRUPTED
        results.append(result)
    if everything:
        report.summary(results, skipped)
    if junit is not None:
        junit_file.write(junit, results, skipped)
    return 0 if all(each.passed for each in results) else 1


EXIT_INTERRUPTED = 130


class PlannedScenario:
    """One scenario with the flags that it is to run with."""

    def __init__(
        self,
        scenario: Scenario,
        f: int | None,
        config_path: Path | None,
        data_dir: Path | None,
        log_dir: Path | None,
        msg_loss: float,
        skip_slot: int | None,
        seed: int,
        keep: bool,
    ) -> None:
        from paxtui.config import cluster_file
        from paxtui.config.cluster_file import ConfigError

        self.scenario = scenario
        self.data_dir = data_dir
        self.log_dir = log_dir
        self.msg_loss = msg_loss
        self.skip_slot = skip_slot
        self.seed = seed
        self.keep = keep
        if config_path is not None:
            self.cluster = cluster_file.load(config_path)
            if f is not None:
                cluster_file.check_f(self.cluster, f)
        else:
            f = max(1, scenario.f_min) if f is None else f
            if not 0 <= f <= 4:
                raise ConfigError(f"--f: {f} is not possible; 0 to 4 are, with 1 to 9 replicas")
            self.cluster = cluster_file.local(2 * f + 1, cluster_file.free_ports(2 * f + 1), name="run")
        self._flags = [f"--f {self.cluster.f}"] if config_path is None else [f"--config-path {config_path}"]

    def unfit(self) -> str | None:
        """Return why the scenario cannot run on so many replicas, if so."""
        from paxtui.config.cluster_file import ConfigError

        try:
            self.scenario.check_replicas(self.cluster.n)
        except ConfigError as error:
            return str(error)
        return None

    @property
    def command(self) -> str:
        """Return what runs it again in the same way."""
        source = self.scenario.source
        name = source if "/" in source or Path(source).is_file() else self.scenario.name
        flags = [*self._flags, f"--rand-seed {self.seed}"]
        flags += [f"--msg-loss {self.msg_loss:g}"] if self.msg_loss else []
        flags += [f"--skip-slot {self.skip_slot}"] if self.skip_slot is not None else []
        return " ".join(["paxtui run", name, *flags])

    def options(self, data_dir: Path, log_dir: Path) -> ScenarioOptions:
        """Return the options with the folders of this run."""
        from paxtui.scenarios.runner import ScenarioOptions

        return ScenarioOptions(
            cluster=self.cluster,
            data_dir=data_dir,
            log_dir=log_dir,
            seed=self.seed,
            msg_loss=self.msg_loss,
            skip_slot=self.skip_slot,
        )


def _run(plan: PlannedScenario, report: Report) -> ScenarioResult | None:
    """Run one scenario; ``None`` if somebody interrupted it."""
    from paxtui.config.folders import data_root, log_root
    from paxtui.scenarios.run_folders import places

    name = plan.scenario.name
    plan.scenario.check_replicas(plan.cluster.n)
    data_dir = data_root(plan.data_dir) if plan.data_dir is not None else None
    log_dir = log_root(plan.log_dir) if plan.log_dir is not None else None
    with places(name, data_dir, log_dir, log_root(None), keep=plan.keep) as folders:
        report.begin(plan.scenario, plan.cluster.n, plan.seed, plan.msg_loss, plan.skip_slot)
        result = run_async(_interruptible, plan, plan.options(folders.data, folders.logs), report)
        if result is not None and not result.passed:
            folders.keep = True
        if result is not None:
            kept = folders.data if folders.keep else None
            report.end(result, plan.command, kept, folders.logs)
    return result


async def _interruptible(
    plan: PlannedScenario, options: ScenarioOptions, report: Report
) -> ScenarioResult | None:
    """Run it, and on ctrl-c or SIGTERM stop the replicas before anything else."""
    import signal

    import trio

    from paxtui.scenarios import runner

    result: ScenarioResult | None = None
    async with trio.open_nursery() as nursery:

        async def wait_for_signal() -> None:
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    report.interrupted()
                    nursery.cancel_scope.cancel()

        nursery.start_soon(wait_for_signal)
        result = await runner.run(plan.scenario, options, report.note)
        nursery.cancel_scope.cancel()
    return result
