"""How the commands tell of a replica through which a person steps."""

from __future__ import annotations

from paxtui.wire.faults import Hold
from paxtui.wire.requests import StatusReport
from paxtui.words.counts import counted


def clock_words(report: StatusReport) -> str | None:
    """Return how its protocol's clock runs; ``None`` if as usual."""
    if report.clock == 1:
        return None
    return f"its clock runs at {report.clock * 100:g} %" if report.clock else "its clock stands"


def held_words(report: StatusReport) -> str | None:
    """Return how many messages it holds; ``None`` if nothing is held there."""
    holds = any(isinstance(each.fault, Hold) and each.when is None for each in report.active)
    return f"{counted(report.staged, 'message')} held" if holds or report.staged else None


def why_not_ready(report: StatusReport) -> str | None:
    """Return why it serves nobody while a person steps through it; ``None`` if it does."""
    clock = clock_words(report) if not report.clock else None
    return ", ".join(words for words in (clock, held_words(report)) if words is not None) or None
