"""How far a campaign is: a bar on a terminal, a line now and then elsewhere. Both on standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from paxtui.sim.campaign.summary import Summary
    from paxtui.sim.cluster.simulation import RunResult

LINE_EVERY_S = 30.0
"""Where no bar can be drawn. A campaign that is over sooner says nothing but how it ended."""


class CampaignProgress:
    """Told of each run as it ends."""

    def __init__(self, seeds: int | None, what: str) -> None:
        self._seeds = seeds
        self._bar = None
        self._summary: Summary | None = None
        self._line_at = time.monotonic() + LINE_EVERY_S
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

            from paxtui.stdio.progress_bars import bar

            self._bar = bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[speed]}"),
            )
            self._task = self._bar.add_task(what, total=seeds, speed="")

    def __enter__(self) -> CampaignProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, summary: Summary, _: RunResult) -> None:
        """Count that one more run is done."""
        self._summary = summary
        if self._bar is not None:
            self._bar.update(self._task, completed=summary.runs, speed=speed(summary))
        elif time.monotonic() >= self._line_at:
            self._line_at += LINE_EVERY_S
            of = "" if self._seeds is None else f" of {self._seeds:,}"
            typer.echo(f"{summary.runs:,}{of} seeds, {speed(summary)}, {summary.failed} failed", err=True)

    def known(self) -> str:
        """Return how far it came, in words."""
        if self._summary is None:
            return "no seed has run"
        return f"{self._summary.runs:,} seeds have run, {self._summary.failed} of them failed"


def speed(summary: Summary) -> str:
    """Return ``31.4 seeds/s, 1:42:10 of virtual time``."""
    return (
        f"{summary.runs / max(summary.seconds, 1e-9):.1f} seeds/s, {clock(summary.virtual_s)} of virtual time"
    )


def clock(seconds: float) -> str:
    """Return ``1:02:03``; hours do not turn into days."""
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}"
