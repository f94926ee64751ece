"""Memory and file descriptors of processes, and whether they stay."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from paxtui.bench import proc

WARM_UP = 3
"""Samples of a process, a round apart, that do not count: caches, sessions and the queue fill up."""

GROWTH_MB_MAX = 32.0
"""How much the median of the last third of a process's samples may lie above that of the third before. What
may still fill up then are two caches of 8 million characters and a queue of 16 (``core/settings.py``)."""

RESIDENT_MB_MAX = 192.0
"""Somewhat less than twice what a replica of 45 MB has when all that is bounded is full: window and queue 24
million characters, two caches 16, 160 sessions of 512 answers 8, and the same again for objects."""

CONSOLE_MB_MAX = 160.0
"""The console's budget is 150 MB after a million slots (`paxtui guide measurements`). 1 MB is 10**6 bytes."""

DESCRIPTORS_MAX = 12
"""How many more open files a process may have in a quiet moment than in its first: a console, a tail and an
observer may just be connecting again."""


class Sample(Struct, frozen=True):
    """One process at one time."""

    pid: int
    resident_mb: float
    descriptors: int


def sample(pid: int) -> Sample:
    """What a process has now. Raises OSError if it is gone."""
    resident_mb = 0.0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            resident_mb = int(line.split()[1]) / 1024
    return Sample(pid, resident_mb, len(list(Path(f"/proc/{pid}/fd").iterdir())))


class Cores:
    """How much of the machine's processor time programs take that are not ours, from now on."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._began = time.monotonic()
        self._busy_s, self._own_s = proc.busy_s() or 0.0, self._ours_s()

    def _ours_s(self) -> float:
        """This process, its children that have ended, and those that were named."""
        ended = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        running = [used.cpu_s for pid in self._pids if (used := proc.usage(pid)) is not None]
        return sum(each.ru_utime + each.ru_stime for each in ended) + sum(running)

    def strangers(self) -> float:
        """The share of all cores that others had."""
        others_s = (proc.busy_s() or 0.0) - self._busy_s - (self._ours_s() - self._own_s)
        return max(0.0, others_s) / (time.monotonic() - self._began) / (os.cpu_count() or 1)


class Series:
    """All samples of a run, by process."""

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)
        self.highest_mb = 0.0

    def add(self, name: str, taken: Sample, resident_mb_max: float) -> list[str]:
        """Take a sample; what is wrong with this process now."""
        samples = self._samples[name, taken.pid]
        samples.append(taken)
        self.highest_mb = max(self.highest_mb, taken.resident_mb)
        problems: list[str] = []
        if taken.resident_mb > resident_mb_max:
            problems.append(f"{name} has {taken.resident_mb:.0f} MB, allowed are {resident_mb_max:g}")
        grown = growth_mb([each.resident_mb for each in samples])
        if grown > GROWTH_MB_MAX:
            shown = " ".join(f"{each.resident_mb:.0f}" for each in samples)
            problems.append(
                f"{name} grows: {shown} MB, at most {GROWTH_MB_MAX:g} from third to third are allowed"
            )
        more = taken.descriptors - samples[0].descriptors
        if more > DESCRIPTORS_MAX:
            problems.append(f"{name} has {taken.descriptors} open files, {more} more than at first")
        return problems

    def lives(self) -> list[tuple[str, list[Sample]]]:
        """The processes that were seen at least twice, the longest lives first."""
        found = [(name, samples) for (name, _), samples in self._samples.items() if len(samples) > 1]
        return sorted(found, key=lambda life: -len(life[1]))


def growth_mb(resident: list[float]) -> float:
    """The growth of one process's memory after its warm-up; 0 while there are too few samples to tell."""
    third = (len(resident) - WARM_UP) // 2
    if third < 2:
        return 0.0
    return statistics.median(resident[-third:]) - statistics.median(resident[-2 * third : -third])
