"""The counts of one load's drivers, between two moments."""

from __future__ import annotations

from collections import Counter

from paxtui.bench.histogram import Histogram
from paxtui.bench.pending import Pending, ReadReceipt
from paxtui.client.errors import ClientError

FAILURES_MAX = 20
"""Different failures that are told apart; their texts hold times, so there may be many."""

OTHERS = "others"

NEVER = float("inf")


class Tally:
    """The answers that came between ``begins`` and ``ends``, in ``trio.current_time()`` seconds."""

    def __init__(self) -> None:
        self.begins = NEVER
        self.ends = NEVER
        self.stopping = False
        """Set when no request shall begin any more."""
        self.answered = 0
        """All answers, whenever they came."""
        self.counted = 0
        """Those that came in time."""
        self.appends = Histogram()
        self.reads = Histogram()
        self.failures: Counter[str] = Counter()
        self.overdue = 0
        """Open loop: requests that were due in time and had no answer when the load was given up."""

    def count_result(self, pending: Pending, due: float | None = None) -> None:
        """Count a request that is done. With ``due``, its time counts from the moment at which it should
        have left: one that had to wait behind slow ones was slow, too, though it left late. Gil Tene calls
        it coordinated omission when that time is left out."""
        try:
            pending.outcome()
        except ClientError as error:
            self.failed(error)
            return
        since = pending.started if due is None else due
        self.count_answer(pending.ended, since, self._times(pending), by_due=due is not None)

    def count_answer(self, ended: float, since: float, times: Histogram, *, by_due: bool) -> None:
        """Count an answer to what began, or was due, at ``since``. In a closed loop its time counts if the
        answer came in time, in an open loop if it was due in time."""
        self.answered += 1
        in_time = self.begins <= ended < self.ends
        if in_time:
            self.counted += 1
        if self.begins <= since < self.ends if by_due else in_time:
            times.record(ended - since)

    def failed(self, error: ClientError) -> None:
        """Count a request that failed, or whose outcome is unknown."""
        if self.begins < NEVER:
            words = f"{type(error).__name__}: {error}"
            known = words in self.failures or len(self.failures) < FAILURES_MAX
            self.failures[words if known else OTHERS] += 1

    def given_up(self, due: float, now: float, pending: Pending | None = None, count: int = 1) -> None:
        """Count an open-loop request that has no answer, with the time that it has waited so far: less than
        the truth, but far better than leaving it out. One that has not even begun counts as an append."""
        if self.begins <= due < self.ends:
            self.overdue += count
            self._times(pending).record(now - due, count)

    def _times(self, pending: Pending | None) -> Histogram:
        return self.reads if type(pending) is ReadReceipt else self.appends
