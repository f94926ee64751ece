"""What the console's live safety checks cost: ``python -m tests.tools.measurements.judge``.

Three replicas decide slots in runs, as telemetry tells it. The budget is 5 % of a core at 10,000 slots a
second, which is 5 microseconds a slot for all three replicas together.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Iterator

from msgspec import Struct

from paxtui.console.model.safety.safety import SafetyJudge
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, LearnedView, ProposedView, TelemetrySnapshot, VotedView
from paxtui.wire.values import Ballot

REPLICAS = 3
SLOTS = 300_000
BALLOT = Ballot(1, 0)


def told(first: int, count: int) -> Iterator[tuple[int, Struct]]:
    """What a run of slots makes three replicas tell."""
    marks = "".join(
        hashlib.blake2b(b"%d" % slot, digest_size=DIGEST_CHARS // 2).hexdigest()
        for slot in range(first, first + count)
    )
    chain = hashlib.sha256(b"%d" % (first + count)).hexdigest()
    yield 0, ProposedView(BALLOT, first, count, "client", marks, None)
    yield 0, e.AcceptSent(BALLOT, first, count, -1, False)
    for replica in range(REPLICAS):
        yield replica, VotedView(BALLOT, first, count, marks[:1] + marks[1:])
    for replica in range(REPLICAS):
        yield 0, e.AcceptedReceived(BALLOT, replica, first, count)
    yield 0, e.ChosenSeen(BALLOT, first, count)
    for replica in range(REPLICAS):
        yield replica, LearnedView(first, count, ((BALLOT, count),), marks[:1] + marks[1:], None)
        yield replica, e.AppliedTo(first, first + count, chain)


def measure(count: int) -> tuple[float, SafetyJudge]:
    """Microseconds a slot, in runs of ``count``."""
    judge = SafetyJudge(REPLICAS)
    for replica in range(REPLICAS):
        judge.snapshot(
            replica, TelemetrySnapshot(id=0, number=0, at_s=0.0, wall=0.0, status=None, slots=(), faults=())
        )
        judge.event(replica, e.Restored(Ballot.ZERO, 0, 0, 0))
    judge.event(0, e.RoundTaken(BALLOT, False))
    judge.event(0, e.Elected(BALLOT, 0, 0, (0, 1)))
    spent = 0.0
    for first in range(0, SLOTS, count):
        events = list(told(first, count))
        began = time.perf_counter()
        for replica, event in events:
            judge.event(replica, event)
        spent += time.perf_counter() - began
    return spent / SLOTS * 1e6, judge


def main() -> None:
    """Print the table."""
    print("slots a run   us a slot   of a core at 10,000 slots/s   light")
    for count in (1, 10, 50, 200):
        cost, judge = measure(count)
        print(f"{count:11}   {cost:9.2f}   {cost:26.1f} %   {judge.light.words}; {judge.basis}")
    print(f"memory at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
