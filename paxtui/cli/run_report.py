"""What ``paxtui run`` prints: a line a step as it happens, and how it ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import json, to_builtins
from rich.console import Console
from rich.text import Text

from paxtui.cli.wrapping import TEXT_MIN, width_of_output, wrapped
from paxtui.scenarios.model import Scenario, numbered
from paxtui.scenarios.runner import ScenarioResult, StepReport
from paxtui.scenarios.steps import describe
from paxtui.wire.text import visible
from paxtui.words.counts import counted

WHAT_COLUMNS_MIN = 28
WHAT_COLUMNS_MAX = 45
"""The column of what is done is as wide as the scenario's longest step, within these."""


NAME_COLUMNS = 37
"""The longest name of a scenario that comes with paxtui."""

UNBROKEN = 1_000_000
"""Columns of a line that is not to be broken."""


class Report:
    """Prints for people, or one JSON object a line. Without ``steps`` only how each scenario ended."""

    def __init__(self, *, as_json: bool, steps: bool) -> None:
        self._as_json = as_json
        self._steps = steps
        self._scenario = ""
        self._columns = WHAT_COLUMNS_MIN
        self._console = Console(highlight=False, soft_wrap=True)

    def begin(
        self, scenario: Scenario, replicas: int, seed: int, msg_loss: float, skip_slot: int | None
    ) -> None:
        """Tell that a scenario begins."""
        self._scenario = scenario.name
        longest = max(len(describe(step)) for _, step in numbered(scenario.steps))
        self._columns = min(max(longest + 5, WHAT_COLUMNS_MIN), WHAT_COLUMNS_MAX)
        with_what = {"replicas": replicas, "seed": seed, "msg_loss": msg_loss, "skip_slot": skip_slot}
        if self._as_json:
            self._object({"event": "begin", **with_what})
        elif self._steps:
            words = f"{counted(replicas, 'replica')}, seed {seed}"
            words += f", loss {msg_loss:g} %" if msg_loss else ""
            words += f", slot {skip_slot} skipped" if skip_slot is not None else ""
            self._print((scenario.name, "bold"), (f"  {words}", "dim"))
            self._print((visible(scenario.shows), "dim"), hang=0)

    def note(self, note: StepReport) -> None:
        """Tell that a step has happened."""
        if self._as_json:
            self._object({"event": "step", **to_builtins(note)})
        elif self._steps:
            what = f"{note.number:>4} {note.what}"
            self._print(
                (f"{note.at_s:7.2f} s ", "dim"), f"{what:<{self._columns}} ", (note.outcome, "dim"), hang=15
            )

    def end(self, result: ScenarioResult, command: str, kept: Path | None, logs: Path) -> None:
        """Tell how it ended, and where to look."""
        if self._as_json:
            fields = {**to_builtins(result), "command": command, "log_dir": str(logs)}
            self._object({"event": "end", **fields, "data_dir": str(kept) if kept is not None else None})
            return
        words = f"{counted(result.acknowledged, 'append')}, {counted(result.slots, 'slot')}, "
        words += f"{result.seconds:.1f} s"
        if result.passed:
            self._print(("PASS", "bold green"), f"  {result.scenario:<{NAME_COLUMNS}} ", (words, "dim"))
        else:
            self._print(("FAIL", "bold red"), f"  {result.scenario}: {result.reason}")
            for belief in result.beliefs:
                self._print(f"      {belief}")
            self._print("      again: ", (command, "bold"))
        if kept is not None:
            self._print(f"      data: {kept}, message logs: {logs}")
        elif self._steps:
            self._print((f"      message logs: {logs}", "dim"))

    def skipped(self, scenario: Scenario, reason: str) -> None:
        """Tell that a scenario cannot run on so many replicas."""
        if self._as_json:
            self._object({"event": "skipped", "scenario": scenario.name, "reason": reason})
        else:
            self._print(("SKIP", "yellow"), f"  {reason}")

    def interrupted(self) -> None:
        """Somebody pressed ctrl-c."""
        print("paxtui: interrupted; stopping the replicas", file=sys.stderr, flush=True)

    def summary(self, results: Sequence[ScenarioResult], skipped: Sequence[tuple[str, str]]) -> None:
        """Print a table of all, and how many passed."""
        if self._as_json:
            return
        from rich.table import Table

        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for column in ("scenario", "", "seconds", "appends", "unknown", "slots"):
            table.add_column(column, justify="left" if column in ("scenario", "") else "right", no_wrap=True)
        for each in results:
            verdict = Text("PASS", "green") if each.passed else Text("FAIL", "red")
            numbers = (f"{each.seconds:.1f}", str(each.acknowledged), str(each.unknown), str(each.slots))
            table.add_row(each.scenario, verdict, *numbers)
        for name, _ in skipped:
            table.add_row(name, Text("SKIP", "yellow"), "", "", "", "")
        self._console.print()
        self._console.print(table)
        passed = sum(each.passed for each in results)
        seconds = sum(each.seconds for each in results)
        self._print(f"\n{passed} of {len(results)} passed in {seconds:.0f} s")

    def _object(self, fields: dict[str, object]) -> None:
        print(json.encode({"scenario": self._scenario, **fields}).decode(), flush=True)

    def _print(self, *parts: str | tuple[str, str], hang: int = 6) -> None:
        """Print styled parts, nothing in which is markup; a line that is too wide goes on below, ``hang``
        columns from the left."""
        text = Text.assemble(*parts)
        text.rstrip()
        width = width_of_output()
        if width is None or text.cell_len <= width:
            self._console.print(text)
            return
        first, *rest = text.wrap(self._console, max(width, hang + TEXT_MIN))
        left = Text.assemble(*(part for line in rest for part in (line, " ")))
        left.rstrip()
        self._console.print(first)
        for line in left.wrap(self._console, max(width, hang + TEXT_MIN) - hang) if left else []:
            line.rstrip()
            self._console.print(Text(" " * hang).append_text(line))


def print_list(scenarios: Sequence[Scenario], *, as_json: bool) -> None:
    """Print every scenario with what it shows."""
    console = Console(highlight=False, soft_wrap=True)
    for each in scenarios:
        if as_json:
            row = {"name": each.name, "title": each.title, "shows": each.shows, "f_min": each.f_min}
            print(json.encode(row).decode())
        else:
            needs = f"  (f = {each.f_min} or more)" if each.f_min > 1 else ""
            console.print(Text.assemble((each.name, "bold"), (needs, "dim")))
            for line in wrapped(visible(each.shows), width_of_output() or UNBROKEN, "    "):
                console.print(Text(line))
