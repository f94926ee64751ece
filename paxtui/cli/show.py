"""A progress bar for commands that print a line a message."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MANY = 200
"""A bar for fewer messages would be gone before it is seen."""


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error if there is much to do; yield what advances it by one.

    None where standard output is a terminal, too: there the lines themselves show how far it is.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty() or (total is not None and total < MANY):
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

    from paxtui.stdio.progress_bars import bar

    with bar(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as shown:
        task = shown.add_task(what, total=total)
        yield lambda: shown.advance(task)
