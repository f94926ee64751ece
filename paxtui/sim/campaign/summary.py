"""Findings of a campaign: sums, medians, and whether it tested enough to say anything."""

from __future__ import annotations

import time
from collections import Counter

from paxtui.sim.cluster.coverage import GOALS
from paxtui.sim.cluster.simulation import RunResult
from paxtui.sim.plan.plan import PROFILES
from paxtui.sim.randomness import mixed

FAILURES_KEPT = 100
"""Failures beyond this are counted only: they would say the same."""

VOID_MAX = 0.05
"""A campaign in which more runs than this did too little is itself void."""

VOID_RUNS_MIN = 300
"""In a smaller campaign that share says nothing."""

BIG_OF_ALL = 300
"""Runs of profile ``all`` that reach every goal: the rarest happens in one of fifteen, so that one in a
hundred million such campaigns misses it by chance."""

BIG_OF_EACH = 100
"""Runs of each profile that do so as well."""

MEASURES = (
    "events",
    "messages",
    "crashes",
    "leader changes",
    "slots chosen",
    "requests acknowledged",
    "virtual seconds",
)
"""The measures of which the median over all seeds is reported."""


class Summary:
    """The findings of a campaign."""

    def __init__(self) -> None:
        self.runs = 0
        self.outcomes: Counter[str] = Counter()
        self.goals: Counter[str] = Counter()
        self.void: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.profiles: Counter[str] = Counter()
        self.failures: list[RunResult] = []
        self.events = self.messages = self.slots = 0
        self.appends = self.reads = self.elections = 0
        self.virtual_s = 0.0
        self.slowest: RunResult | None = None
        # By measure, how many runs had which number: as exact as a list, and it grows with the numbers only.
        self._runs_with: dict[str, Counter[int]] = {measure: Counter() for measure in MEASURES}
        self._digest = 0
        self._started = time.monotonic()

    def add(self, result: RunResult) -> None:
        """Count one run."""
        self.runs += 1
        self.outcomes[result.outcome] += 1
        self.goals.update(result.goals)
        self.faults.update(result.faults)
        self.profiles[result.profile] += 1
        if result.void:
            self.void[result.void] += 1
        self.events += result.events
        self.messages += result.messages
        self.slots += result.slots
        self.appends += result.appends
        self.reads += result.reads
        self.elections += result.elections
        self.virtual_s += result.at
        for measure, number in zip(MEASURES, _measured(result), strict=True):
            self._runs_with[measure][number] += 1
        # Independent of the order in which workers come back.
        self._digest ^= mixed(result.seed, result.events, result.messages, result.slots, result.elections)
        if result.outcome != "ok":
            if len(self.failures) < FAILURES_KEPT:
                self.failures.append(result)
        elif self.slowest is None or result.recovery_s > self.slowest.recovery_s:
            self.slowest = result

    @property
    def seconds(self) -> float:
        """Tell how long the campaign has run, in seconds of the wall clock."""
        return time.monotonic() - self._started

    @property
    def digest(self) -> str:
        """Equal for equal campaigns of equal code."""
        return f"{self._digest:016x}"

    @property
    def failed(self) -> int:
        """Return the runs that did not end well."""
        return self.runs - self.outcomes["ok"]

    def median(self, measure: str) -> int:
        """Compute the lower median of one of :data:`MEASURES`; 0 if there were no runs."""
        runs_with = self._runs_with[measure]
        before = 0
        for number in sorted(runs_with):
            before += runs_with[number]
            if 2 * before >= self.runs:
                return number
        return 0

    def never(self) -> list[str]:
        """List the goals that no run reached."""
        return [goal for goal in GOALS if not self.goals[goal]]

    @property
    def big(self) -> bool:
        """Tell whether the campaign is so big that every goal should have been reached."""
        each = min(self.profiles[profile] for profile in PROFILES)
        return self.profiles["all"] >= BIG_OF_ALL or each >= BIG_OF_EACH

    def thin(self) -> list[str]:
        """Return why the campaign tested less than it seems to, in words; empty if it did not."""
        reasons = []
        voids = sum(self.void.values())
        if self.runs >= VOID_RUNS_MIN and voids > VOID_MAX * self.runs:
            reasons.append(f"{voids} of {self.runs} runs are void, more than {VOID_MAX:.0%}")
        if self.big:
            reasons += [f"in {self.runs} runs it never happened: {goal}" for goal in self.never()]
        return reasons

    def worst(self) -> RunResult | None:
        """Find the failure to look at first: safety before crash before liveness, then the lowest seed."""
        order = {"safety": 0, "crash": 1, "liveness": 2}
        return min(self.failures, key=lambda r: (order[r.outcome], r.seed), default=None)


def _measured(result: RunResult) -> tuple[int, ...]:
    """List the measures of a run in the order of :data:`MEASURES`."""
    return (
        result.events,
        result.messages,
        result.crashes,
        result.changes,
        result.slots,
        result.appends + result.reads,
        round(result.at),
    )
