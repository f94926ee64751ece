"""Progress bars on standard error. What a command prints meanwhile stays where it is sent."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress, ProgressColumn


class _Screen(Console):
    """A terminal whose cursor is always shown: a signal may stop or kill this process at any moment."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


def bar(*columns: ProgressColumn, auto_refresh: bool = True) -> Progress:
    """Make a bar that is gone at its end. Rich would take standard output for itself: it must not."""
    return Progress(
        *columns,
        console=_Screen(stderr=True),
        transient=True,
        auto_refresh=auto_refresh,
        redirect_stdout=False,
        redirect_stderr=False,
    )
