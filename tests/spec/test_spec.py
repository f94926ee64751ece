"""The specification holds, runs are behaviours of it, and what breaks an acceptor is told at its event."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from paxtui.core.acceptor import Acceptor
from paxtui.core.durable_state import DurableState
from paxtui.core.messages import Accept, Prepare
from paxtui.core.phase1 import Phase1
from paxtui.core.proposer import Proposer
from paxtui.core.values import NOOP
from paxtui.records.lines import life
from paxtui.records.reader import RecordReader
from paxtui.sim.cluster.disk import SimulatedDisk
from paxtui.sim.cluster.record import JsonLines
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan_generator import generate_plan
from tests.spec import tlc
from tests.spec.traces import STEPS_MAX_ALONE, Seen, Trace, check, convert, merge, read

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(tlc.why_not() is not None, reason=str(tlc.why_not())),
    pytest.mark.timeout(tlc.SECONDS_MAX),
]

STATES = {"MultiPaxos": 15_000, "MCMultiPaxos": 20_000, "MCMultiPaxosSlots": 40_000}
"""At least so many distinct states: a model that shrank by mistake checks little."""

TRACES = [(seed, profile) for seed in range(5) for profile in ("network", "crash", "disk", "boost")]


# The model


@pytest.mark.parametrize("name", STATES)
def test_the_specification_keeps_its_invariants(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = name.removesuffix("Slots")
    done = tlc.run(module, (tlc.HERE / f"{name}.cfg").read_text(), tmp_path)
    assert done.ok, done.output
    generated, distinct = done.states
    with capsys.disabled():
        print(f"\n{name}: {generated:,} states generated, {distinct:,} distinct")
    assert distinct >= STATES[name]


@pytest.mark.parametrize(
    ("operator", "wrong"),
    [
        ("SafeAt", "AnyValueIsSafe"),
        ("SafeAt", "AnyReportIsSafe"),
        ("FirstAllowed", "AnyFirst"),
        ("Quorums", "Minorities"),
        ("Last", "NothingIsHeld"),
    ],
)
def test_a_weaker_specification_breaks_agreement(operator: str, wrong: str, tmp_path: Path) -> None:
    """The invariants can fail: without any one of these rules, two values are chosen in a slot."""
    config = (tlc.HERE / "MCMultiPaxos.cfg").read_text()
    lines = [
        line for line in config.splitlines() if not line.strip().startswith(("PROPERTIES", f"{operator} "))
    ]
    config = "\n".join([*lines, f"CONSTANT {operator} <- {wrong}", ""])
    done = tlc.run("MCMultiPaxos", config, tmp_path)
    assert done.broken == "Agreement", done.output


# Runs of the simulator


def simulated(seed: int, profile: str) -> tuple[list[bytes], int, str]:
    """The lines of a run's trace, how many replicas it has, and how it ended."""
    plan = generate_plan(seed, profile)
    out = io.BytesIO()
    result = Simulation(plan, JsonLines(out, plan)).run()
    return out.getvalue().splitlines(keepends=True), plan.replicas, result.outcome


def test_twenty_traces_of_the_simulator_are_behaviours() -> None:
    traces = []
    for seed, profile in TRACES:
        lines, replicas, _ = simulated(seed, profile)
        name = f"seed {seed}, {profile}"
        traces.append(convert(read(lines, name), name, replicas))
    kinds = Counter(seen.kind for trace in traces for seen in trace.origins)
    restarts = kinds["restored"] - sum(trace.replicas for trace in traces)
    assert restarts >= 20
    assert kinds["elected"] >= 20
    assert kinds["voted"] >= 20 * 50
    assert [str(verdict) for verdict in check(traces) if not verdict.accepted] == []


def test_traces_of_trimmed_logs_are_behaviours_and_no_state_of_open_slots_is() -> None:
    """A state takes the place of slots that are all chosen."""
    traces, forged = [], []
    for seed in (1, 2, 3):
        lines, replicas, _ = simulated(seed, "trims")
        name = f"seed {seed}, trims"
        events = read(lines, name)
        taken = next(at for at, seen in enumerate(events) if seen.kind == "snapshot-taken")
        traces.append(convert(events[: taken + 100], name, replicas, steps_max=STEPS_MAX_ALONE))
        before = events[taken]
        ahead = replace(before, event={**before.event, "upto": before.event["upto"] + 50})
        forged.append(
            convert([*events[:taken], ahead], f"{name}, forged", replicas, steps_max=STEPS_MAX_ALONE)
        )
    assert all(seen.kind == "snapshot-taken" for trace in forged for seen in trace.origins[-1:])
    assert [str(verdict) for verdict in check(traces) if not verdict.accepted] == []
    for verdict in check(forged):
        assert verdict.event is not None
        assert verdict.event.kind == "snapshot-taken"


# Runs of a broken core: each mutant does what a real project did


Break = Callable[[pytest.MonkeyPatch], None]


def votes_below_its_promise(patch: pytest.MonkeyPatch) -> None:
    original = Acceptor.on_accept

    def meek(self: Acceptor, sender: int, message: Accept, *rest: Any) -> None:
        promised = self.promised
        self.promised = min(promised, message.ballot)
        original(self, sender, message, *rest)
        self.promised = max(promised, message.ballot)

    patch.setattr(Acceptor, "on_accept", meek)


def promises_less_than_before(patch: pytest.MonkeyPatch) -> None:
    original = Acceptor.on_prepare

    def fickle(self: Acceptor, sender: int, message: Prepare, *rest: Any) -> None:
        self.promised = min(self.promised, message.ballot)
        original(self, sender, message, *rest)

    patch.setattr(Acceptor, "on_prepare", fickle)


def forgets_its_promise_in_a_crash(patch: pytest.MonkeyPatch) -> None:
    original = SimulatedDisk.open

    def forgetful(self: SimulatedDisk) -> DurableState:
        saved = original(self)
        return replace(
            saved, promised=max((v.ballot for v in saved.votes), default=type(saved.promised).ZERO)
        )

    patch.setattr(SimulatedDisk, "open", forgetful)


def forgets_a_vote_in_a_crash(patch: pytest.MonkeyPatch) -> None:
    original = SimulatedDisk.open

    def forgetful(self: SimulatedDisk) -> DurableState:
        saved = original(self)
        return replace(saved, votes=saved.votes[:-1])

    patch.setattr(SimulatedDisk, "open", forgetful)


def hides_a_vote_in_its_promise(patch: pytest.MonkeyPatch) -> None:
    original = Acceptor._page

    def secretive(self: Acceptor, message: Prepare, learned: int) -> Any:
        kept = dict(self.votes)
        self.votes = dict(list(kept.items())[:-1])
        page = original(self, message, learned)
        self.votes = kept
        return page

    patch.setattr(Acceptor, "_page", secretive)


def proposes_no_ops_over_reported_values(patch: pytest.MonkeyPatch) -> None:
    original = Phase1.adopted

    def blind(self: Phase1) -> Any:
        return dict.fromkeys(original(self), NOOP)

    patch.setattr(Phase1, "adopted", blind)


def takes_the_lowest_reported_ballot(patch: pytest.MonkeyPatch) -> None:
    original = Phase1.add

    def lowest(self: Phase1, sender: int, page: Any) -> bool:
        kept = dict(self.reported)
        counted = original(self, sender, page)
        for slot, (ballot, _) in self.reported.items():
            if slot in kept and kept[slot][0] < ballot:
                self.reported[slot] = kept[slot]
        return counted

    patch.setattr(Phase1, "add", lowest)


def takes_a_round_again_after_a_crash(patch: pytest.MonkeyPatch) -> None:
    original = Proposer.__init__

    def forgetful(self: Proposer, *args: Any) -> None:
        *head, last_round, now = args
        original(self, *head, max(0, last_round - 1), now)  # type: ignore[call-arg]
        self.round_seen = max(0, last_round - 1)

    patch.setattr(Proposer, "__init__", forgetful)


def leads_without_a_majority(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Phase1, "won", property(lambda self: len(self.complete) >= self._replicas // 2))


MUTANTS: dict[Break, tuple[str, tuple[str, ...]]] = {
    votes_below_its_promise: ("voted", ("all", "network")),
    promises_less_than_before: ("promised", ("all", "network")),
    forgets_its_promise_in_a_crash: ("restored", ("crash", "boost")),
    forgets_a_vote_in_a_crash: ("restored", ("crash", "boost")),
    hides_a_vote_in_its_promise: ("promised", ("crash", "boost")),
    proposes_no_ops_over_reported_values: ("proposed", ("boost", "all")),
    takes_the_lowest_reported_ballot: ("proposed", ("boost", "all")),
    takes_a_round_again_after_a_crash: ("round-taken", ("crash", "boost")),
    leads_without_a_majority: ("elected", ("network", "crash")),
}


def failing(profiles: tuple[str, ...]) -> tuple[list[bytes], int]:
    """The trace of the first run that a checker of the simulator stops."""
    for seed in range(200):
        lines, replicas, outcome = simulated(seed, profiles[seed % len(profiles)])
        if outcome == "safety":
            return lines, replicas
    raise AssertionError("no run failed")


def test_a_run_of_a_broken_core_is_rejected_where_it_breaks() -> None:
    """One test, so that TLC starts only once for each size of a cluster."""
    traces = []
    for mutant, (_, profiles) in MUTANTS.items():
        with pytest.MonkeyPatch.context() as patch:
            mutant(patch)
            lines, replicas = failing(profiles)
        traces.append(convert(read(lines), mutant.__name__, replicas, steps_max=3000))
    rejected_at = {verdict.trace.name: verdict.event and verdict.event.kind for verdict in check(traces)}
    assert rejected_at == {mutant.__name__: kind for mutant, (kind, _) in MUTANTS.items()}


# Traces made by hand: three replicas, one line an event


A, B = ["ada@0", 1, "a"], ["bob@0", 1, "b"]


def started(replica: int, promised: list[int], votes: int = 0, watermark: int = 0, taken: int = 0) -> Seen:
    event = {
        "event": "restored",
        "promised": promised,
        "round": taken,
        "watermark": watermark,
        "votes": votes,
    }
    return Seen(0.0, replica, event, "hand", 0)


def said(replica: int, event: str, ballot: list[int], first: int = 0, **fields: Any) -> Seen:
    return Seen(0.0, replica, {"event": event, "ballot": ballot, "first": first, **fields}, "hand", 0)


def promised(replica: int, ballot: list[int], votes: int = 0) -> Seen:
    return said(replica, "promised", ballot, votes=votes, last_page=True)


def elected(ballot: list[int], votes: dict[int, int], first: int = 0) -> list[Seen]:
    """A whole phase 1 in which each of ``votes`` reports so many votes."""
    leader = ballot[1]
    events = [Seen(0.0, leader, {"event": "round-taken", "ballot": ballot, "forced": False}, "hand", 0)]
    for replica, count in votes.items():
        events.append(promised(replica, ballot, count))
        got = said(leader, "promise-received", ballot, sender=replica, votes=count, last_page=True)
        events.append(got)
    return [*events, said(leader, "elected", ballot, first, end=first, quorum=list(votes))]


def proposed(ballot: list[int], value: list[Any], slot: int = 0) -> Seen:
    return said(ballot[1], "proposed", ballot, slot, values=[value], source="client")


def voted(replica: int, ballot: list[int], value: list[Any], slot: int = 0) -> Seen:
    return said(replica, "voted", ballot, slot, values=[value])


def counted(replica: int, ballot: list[int], slot: int = 0) -> Seen:
    return said(ballot[1], "accepted-received", ballot, slot, sender=replica, count=1)


def learned(replica: int, ballot: list[int], value: list[Any], slot: int = 0) -> Seen:
    return Seen(0.0, replica, {"event": "learned", "first": slot, "entries": [[ballot, value]]}, "hand", 0)


def applied(replica: int, watermark: int) -> Seen:
    event = {"event": "applied-to", "first": watermark - 1, "watermark": watermark, "chain": ""}
    return Seen(0.0, replica, event, "hand", 0)


START = [started(replica, [0, 0]) for replica in range(3)]
LED = [*START, *elected([1, 0], {0: 0, 1: 0})]
"""Replica 0 leads at 1.0."""

ALONE = [*LED, proposed([1, 0], A), voted(0, [1, 0], A)]
"""... and only its own vote for A is cast."""

RIVAL = [*ALONE, *elected([2, 1], {1: 0, 2: 0}), proposed([2, 1], B), voted(1, [2, 1], B)]
"""Replica 1 did not hear of that, leads at 2.1 and votes alone for B."""

CHOSEN = [*ALONE, voted(1, [1, 0], A), counted(0, [1, 0]), counted(1, [1, 0])]
APPLIED = [*CHOSEN, learned(0, [1, 0], A), applied(0, 1)]

LAWFUL: dict[str, list[Seen]] = {
    "two rivals, and a third leader that takes the higher vote": [
        *RIVAL,
        *elected([3, 2], {0: 1, 1: 1, 2: 0}),
        proposed([3, 2], B),
        voted(0, [3, 2], B),
    ],
    "a value of the higher ballot that one outside of the quorum reported": [
        *RIVAL,
        *elected([3, 0], {0: 1, 2: 0})[:-1],
        promised(1, [3, 0], 1),
        said(0, "elected", [3, 0], end=1, quorum=[0, 2]),
        proposed([3, 0], B),
    ],
    "a crash takes a vote that nobody counted, and the slot gets another value": [
        *ALONE,
        started(0, [1, 0], taken=1),
        *elected([2, 1], {0: 0, 1: 0}),
        proposed([2, 1], B),
        voted(0, [2, 1], B),
    ],
    "a crash leaves the promise and takes the votes after it": [
        *LED,
        promised(2, [1, 0]),
        proposed([1, 0], A),
        voted(2, [1, 0], A),
        started(2, [1, 0]),
    ],
    "a promise that an Accept raised where no vote was needed": [
        *APPLIED,
        learned(2, [1, 0], A),
        applied(2, 1),
        started(2, [1, 0], watermark=1),
    ],
    "a restart with everything": [*APPLIED, started(0, [1, 0], votes=1, taken=1), learned(2, [1, 0], A)],
}

BROKEN: dict[str, tuple[list[Seen], Seen]] = {
    "a vote below the promise": (RIVAL, voted(1, [1, 0], A)),
    "a promise below the promise": (RIVAL, promised(2, [1, 0])),
    "two values proposed at one ballot": (CHOSEN, proposed([1, 0], B)),
    "a vote for another value than the proposed one": (ALONE, voted(1, [1, 0], B)),
    "a vote for what nobody proposed": (LED, voted(1, [1, 0], A)),
    "a leader that ignores the only vote": ([*ALONE, *elected([2, 2], {0: 1, 2: 0})], proposed([2, 2], B)),
    "a leader that ignores the highest vote": (
        [*RIVAL, *elected([3, 2], {0: 1, 1: 1})],
        proposed([3, 2], A),
    ),
    "a promise that falls in a restart": ([*RIVAL, promised(0, [2, 1], 1)], started(1, [1, 0], votes=1)),
    "a promise that rises in a restart": (LED, started(2, [1, 0])),
    "a counted vote that is gone after a restart": (CHOSEN, started(1, [1, 0])),
    "a counted promise that is gone after a restart": (LED, started(1, [0, 0])),
    "a promise that hides a vote": (
        [*ALONE, elected([2, 2], {})[0]],
        promised(0, [2, 2], 0),
    ),
    "a round taken twice": (RIVAL, elected([1, 0], {})[0]),
    "a leader by a minority": (
        [*START, *elected([1, 0], {0: 0})[:-1]],
        said(0, "elected", [1, 0], end=0, quorum=[0]),
    ),
    "a leader by promises of another ballot": (
        [*LED, *elected([2, 2], {2: 0})[:-1]],
        said(2, "elected", [2, 2], end=0, quorum=[1, 2]),
    ),
    "a leader that begins below a learned slot": (
        [*APPLIED, *elected([2, 1], {0: 0, 1: 1})[:-1]],
        said(1, "elected", [2, 1], end=0, quorum=[0, 1]),
    ),
    "a proposal below where the leader began": (
        [*APPLIED, *elected([2, 1], {0: 0, 1: 1}, first=1)],
        proposed([2, 1], A),
    ),
    "a vote counted that was not cast": (ALONE, counted(1, [1, 0])),
    "votes of two ballots taken for a majority": (
        [*ALONE, *elected([2, 1], {0: 1, 1: 0}), proposed([2, 1], A), voted(1, [2, 1], A)],
        said(1, "chosen-seen", [2, 1], count=1),
    ),
    "a value learned that is not chosen": (RIVAL, learned(2, [2, 1], B)),
    "a watermark above a hole": (LED, applied(2, 1)),
}


def test_lawful_traces_are_accepted_and_broken_ones_rejected_at_the_very_event() -> None:
    """After the broken event comes a lawful one, which must not be blamed."""
    after = elected([9, 2], {})[0]
    traces: list[Trace] = []
    for name, events in LAWFUL.items():
        traces.append(convert(numbered(events), name, 3))
    for name, (events, broken) in BROKEN.items():
        traces.append(convert(numbered([*events, broken, after]), name, 3))
    verdicts = {verdict.trace.name: verdict for verdict in check(traces)}
    assert [str(verdicts[name]) for name in LAWFUL if not verdicts[name].accepted] == []
    rejected_at = {name: event and event.line for name in BROKEN for event in [verdicts[name].event]}
    assert rejected_at == {name: len(events) + 1 for name, (events, _) in BROKEN.items()}


def numbered(events: list[Seen]) -> list[Seen]:
    return [replace(seen, line=line) for line, seen in enumerate(events, 1)]


# Records of real replicas


def recorded(replica: int, events: list[Seen]) -> RecordReader:
    """A record as a replica writes it, at times of a clock of its own."""
    at = 100.0 * replica
    lines = list(life("hand", replica, 3, at, 1000.0, DurableState()))
    for number, seen in enumerate(seen for seen in events if seen.replica == replica):
        fields = {"at": at + seen.line, "replica": replica, "number": number, **seen.event}
        lines.append(json.encode(fields))
    return RecordReader([line + b"\n" for line in lines], f"replica {replica}")


def test_records_of_replicas_are_merged_by_cause_and_accepted() -> None:
    """Replica 1's clock is late by two events, so by time alone its votes come before their proposals."""
    events = numbered(APPLIED)
    late = [replace(seen, line=seen.line - 2) if seen.replica == 1 else seen for seen in events]
    merged, cut = merge([recorded(i, late) for i in range(3)])
    assert not cut
    trace = convert(merged, "records", 3)
    assert len(trace.steps) == len(APPLIED)
    assert check([trace])[0].accepted


def test_a_record_is_cut_where_a_killed_replica_took_the_cause_with_it() -> None:
    events = numbered([seen for seen in APPLIED if seen.replica != 1 or seen.kind != "voted"])
    merged, cut = merge([recorded(i, events) for i in range(3)])
    assert "accepted-received" in cut
    assert check([convert(merged, "records", 3, cut=cut)])[0].accepted
