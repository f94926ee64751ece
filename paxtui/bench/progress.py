"""Progress on a terminal, one line that is gone at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from paxtui.bench.measure import MeasurementProgress, ProgressReport


@contextmanager
def progress_line(title: str) -> Iterator[ProgressReport]:
    """Make a function that shows how far a measurement is: on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.progress import BarColumn, TextColumn

    from paxtui.stdio.progress_bars import bar

    columns = TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[words]}")
    # Drawn when told, not by a thread of its own: the generator must not wait for the screen.
    with bar(*columns, auto_refresh=False) as shown:
        task = shown.add_task(title, total=None, words="")

        def report_progress(progress: MeasurementProgress) -> None:
            shown.update(
                task,
                total=progress.of_s or None,
                completed=progress.elapsed_s,
                words=_words(progress),
                refresh=True,
            )

        yield report_progress


def _words(progress: MeasurementProgress) -> str:
    if progress.phase in ("connecting", "stopping"):
        return f"{progress.phase} ..."
    left_s = max(0.0, progress.of_s - progress.elapsed_s)
    return f"{progress.phase}, {left_s:.0f} s left   {progress.rate:,.0f} messages/s"
