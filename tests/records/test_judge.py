"""What records show: nothing wrong in honest ones, and each lie at its very event."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import json

from paxtui.checkers.broken import Invariant
from paxtui.records import judge as judge_module
from paxtui.records.reader import RecordReader
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan_generator import ALL_PROFILES
from tests.records.runs import Lines, changed, judged, places, split, traced

SEEDS = range(4)


# Honest records


@pytest.mark.slow
@pytest.mark.parametrize("profile", [name for name in ALL_PROFILES if name != "canary"])
def test_a_trace_of_the_simulator_is_safe(profile: str) -> None:
    for seed in SEEDS:
        trace, result = traced(seed, profile, messages=seed % 2 == 0)
        assert result.outcome == "ok"
        judgement = judged(trace)
        assert judgement.verdict == "safe", (seed, judgement.broken, judgement.undecided)
        assert not judgement.gaps
        assert judgement.slots == result.slots


@pytest.mark.slow
@pytest.mark.parametrize(
    "profile", ["network", "crash", "disk", "churn", "boost", "lost", "trims", "overtaken"]
)
def test_records_of_each_replica_are_as_safe_as_the_whole_trace(profile: str) -> None:
    """Time alone does not order them: what a replica does at one instant are many events."""
    for seed in SEEDS:
        trace, result = traced(seed, profile)
        judgement = judged(*split(trace, killed=False))
        assert judgement.verdict == "safe", (seed, judgement.broken, judgement.undecided)
        assert judgement.slots == result.slots


@pytest.mark.parametrize("profile", ["crash", "churn", "boost", "lost", "trims"])
def test_a_killed_replica_leaves_a_gap_that_its_next_life_closes(profile: str) -> None:
    gaps = 0
    for seed in SEEDS:
        trace, _ = traced(seed, profile)
        judgement = judged(*split(trace))
        assert judgement.broken is None, (seed, judgement.broken)
        gaps += len(judgement.gaps)
    assert gaps >= 4


def test_replicas_whose_clocks_differ_are_merged_by_cause() -> None:
    trace, result = traced(3, "network")

    def late(fields: dict[str, Any]) -> None:
        if "wall" in fields:
            fields["wall"] += fields["replica"] * 1.0

    records = [[changed(line, late) for line in lines] for lines in split(trace)]
    judgement = judged(*records)
    assert judgement.verdict == "safe", judgement.broken
    assert judgement.slots == result.slots


def test_memory_does_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_module, "SLOTS_KEPT", 4)
    monkeypatch.setattr(judge_module, "FORGET_EVERY", 1)
    for profile in ("crash", "network", "churn", "trims"):
        for seed in SEEDS:
            trace, _ = traced(seed, profile)
            judgement = judged(trace)
            assert judgement.verdict == "safe", (seed, judgement.broken, judgement.undecided)


# Planted bugs: seen from the trace alone


SEEN = {
    "ballots-compared-by-round": Invariant.PROMISES,
    "promise-to-anybody": Invariant.PROMISES,
    "ballot-without-replica": Invariant.ONE_VALUE,
    "votes-forgotten-when-pruned": Invariant.CHOOSABLE,
    "commit-takes-the-local-value": Invariant.LEARNED,
    "holes-passed-over": Invariant.ORDER,
    "minority-of-promises": Invariant.CHOOSABLE,
    "promise-counted-twice": Invariant.CHOOSABLE,
    "promises-kept-for-the-next-ballot": Invariant.CHOOSABLE,
    "first-page-is-enough": Invariant.CHOOSABLE,
    "lowest-ballot-wins": Invariant.CHOOSABLE,
    "last-answer-wins": Invariant.CHOOSABLE,
    "no-op-over-a-reported-value": Invariant.CHOOSABLE,
    "learned-slots-used-again": Invariant.CHOOSABLE,
    "minority-of-votes": Invariant.LEARNED,
    "vote-counted-twice": Invariant.LEARNED,
    "repeated-request-takes-effect-twice": Invariant.ONCE,
    "slot-zero-is-nothing": Invariant.ONCE,
    "state-without-chain": Invariant.ORDER,
    "horizon-forgotten": Invariant.ONCE,
}
"""Those that show in what replicas decide, not only in what they send or write."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEN)
def test_a_planted_bug_is_seen_in_the_trace_of_the_run_that_it_broke(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.installed():
        trace = next(
            trace
            for seed in range(mutant.first, mutant.first + 3 * mutant.seeds)
            for trace, result in [traced(seed, mutant.profile)]
            if result.outcome == "safety"
        )
    judgement = judged(trace)
    assert judgement.verdict == "violated"
    assert judgement.broken is not None
    assert judgement.broken.invariant is SEEN[name], judgement.broken


def test_a_replica_that_lost_its_disk_breaks_nothing_unless_it_takes_part() -> None:
    for seed in range(20):
        trace, result = traced(seed, "lost")
        (_, at), *_ = places([trace], "became-non-voting")
        began = json.decode(trace[at - 1])
        if began.get("event") == "restored" and began["promised"] == [0, 0]:
            break
    else:
        pytest.fail("no disk was lost in any of these runs")
    assert result.faults["disk-lost"]
    assert judged(trace).verdict == "safe"
    me = began["replica"]

    def take_a_round(fields: dict[str, Any]) -> None:
        del fields["reason"]
        fields |= {"event": "round-taken", "ballot": [99, me], "forced": False}

    judgement = judged([*trace[:at], changed(trace[at], take_a_round)])
    assert judgement.broken is not None
    assert judgement.broken.invariant is Invariant.PROMISES
    assert "it starts bound by 0.0; it was bound by" in judgement.broken.what
    (doubt,) = judged(trace[:at]).undecided
    assert doubt.startswith(f"whether replica {me} was without vote before it took part")


# Trimmed logs


def taken(profile: str = "trims") -> tuple[Lines, int]:
    """The trace of a run in which a replica goes on from another one's state, and the line of that."""
    for seed in range(20):
        trace, _ = traced(seed, profile)
        where = places([trace], "snapshot-taken")
        if where:
            return trace, where[-1][1]
    raise AssertionError("no such run")


def another_state(fields: dict[str, Any]) -> None:
    fields["chain"] = "00" * 32


def a_later_state(fields: dict[str, Any]) -> None:
    fields["upto"] += 1000


def an_earlier_state(fields: dict[str, Any]) -> None:
    fields["upto"] = fields["first"]


def after_another_slot(fields: dict[str, Any]) -> None:
    fields["first"] += 1


@pytest.mark.parametrize("forgery", [another_state, a_later_state, an_earlier_state, after_another_slot])
def test_a_forged_state_is_found_where_it_stands(forgery: Callable[[dict[str, Any]], object]) -> None:
    trace, at = taken()
    assert judged(trace).verdict == "safe"
    forged = [*trace[:at], changed(trace[at], forgery), *trace[at + 1 :]]
    judgement = judged(forged)
    assert judgement.broken is not None
    assert judgement.broken.invariant is Invariant.ORDER
    assert judgement.broken.part.place == f"r0:{at + 1}"


def test_a_floor_at_which_nobody_keeps_a_state_is_found() -> None:
    trace, _ = taken()
    (_, at), *_ = places([trace], "trimmed")

    def elsewhere(fields: dict[str, Any]) -> None:
        fields["log_start"] += 1

    judgement = judged([*trace[:at], changed(trace[at], elsewhere), *trace[at + 1 :]])
    assert judgement.broken is not None
    assert "where no replica ever kept a state" in judgement.broken.what
    assert judgement.broken.part.place == f"r0:{at + 1}"


def test_a_state_waits_for_who_had_it_whatever_clocks_say() -> None:
    trace, _ = taken()
    files = split(trace, killed=False)
    behind = {json.decode(line)["replica"] for line in trace if b'"event":"snapshot-taken"' in line}
    assert len(behind) < len(files)

    def later(fields: dict[str, Any]) -> None:
        if "wall" in fields and fields["replica"] not in behind:
            fields["wall"] += 5.0

    judgement = judged(*([changed(line, later) for line in lines] for lines in files))
    assert judgement.verdict == "safe", (judgement.broken, judgement.undecided)


def test_a_record_that_begins_after_a_trim_is_judged_from_there() -> None:
    """What was applied before the records begin is told by what the disks hold."""
    verdicts = set()
    for seed in range(8):
        trace, _ = traced(seed, "trims")
        late = []
        for lines in split(trace):
            begun = [at for at, line in enumerate(lines) if b'"record"' in line]
            late.append(lines[begun[-1] :])
        judgement = judged(*late)
        assert judgement.broken is None, (seed, judgement.broken)
        verdicts.add(judgement.verdict)
    assert "safe" in verdicts


# Forged and damaged records


@pytest.fixture(scope="module")
def trace() -> Lines:
    """Three replicas with crashes, elections and some dozen slots."""
    for seed in range(1, 60):
        trace, result = traced(seed, "crash")
        files = split(trace)
        if len(files) == 3 and result.crashes and result.slots >= 30 and judged(*files).verdict == "safe":
            return trace
    raise AssertionError("no such run")


@pytest.fixture(scope="module")
def records(trace: Lines) -> list[Lines]:
    """The same as three files; who crashed was killed."""
    return split(trace)


Forgery = Callable[[dict[str, Any]], object]


def another_value(fields: dict[str, Any]) -> None:
    fields["values"][0][2] += "!"


def another_entry(fields: dict[str, Any]) -> None:
    fields["entries"][0][1][2] += "!"


def higher_ballot(fields: dict[str, Any]) -> None:
    fields["ballot"][0] += 50


def another_slot(fields: dict[str, Any]) -> None:
    fields["first"] += 1000


def one_more_vote(fields: dict[str, Any]) -> None:
    fields["votes"] += 1


def another_log(fields: dict[str, Any]) -> None:
    fields["chain"] = "00" * 32


FORGED: list[tuple[str, Forgery, set[Invariant]]] = [
    ("voted", another_value, {Invariant.ONE_VALUE}),
    ("voted", higher_ballot, {Invariant.VALIDITY, Invariant.PROMISES}),
    ("voted", another_slot, {Invariant.VALIDITY}),
    ("promised", higher_ballot, {Invariant.PROMISES}),
    ("promised", one_more_vote, {Invariant.CHOOSABLE}),
    ("elected", higher_ballot, {Invariant.CHOOSABLE}),
    ("chosen-seen", another_slot, {Invariant.LEARNED}),
    ("learned", another_entry, {Invariant.LEARNED}),
    ("applied-to", another_log, {Invariant.ORDER}),
    ("restored", one_more_vote, {Invariant.ACKNOWLEDGED}),
]


@pytest.mark.parametrize(("event", "forgery", "rules"), FORGED, ids=lambda x: getattr(x, "__name__", None))
def test_a_forged_event_is_found_where_it_stands(
    event: str, forgery: Forgery, rules: set[Invariant], trace: Lines
) -> None:
    records = split(trace, killed=False)
    where = places(records, event)
    for file, at in random.Random(event).sample(where, min(12, len(where))):
        files = [list(lines) for lines in records]
        files[file][at] = changed(files[file][at], forgery)
        judgement = judged(*files)
        assert judgement.broken is not None, (files[file][at], judgement.undecided)
        assert judgement.broken.invariant in rules, judgement.broken
        assert judgement.broken.part.place == f"r{file}:{at + 1}"


def test_a_changed_proposal_is_found_at_its_first_vote(records: list[Lines]) -> None:
    for file, at in places(records, "proposed")[:12]:
        files = [list(lines) for lines in records]
        files[file][at] = changed(files[file][at], another_value)
        broken = judged(*files).broken
        assert broken is not None
        assert broken.invariant in (Invariant.ONE_VALUE, Invariant.CHOOSABLE)


def test_a_missing_line_is_a_gap_and_never_a_violation(records: list[Lines]) -> None:
    verdicts = set()
    for number in range(80):
        rng = random.Random(number)
        file = rng.randrange(3)
        files = [list(lines) for lines in records]
        del files[file][rng.randrange(1, len(files[file]))]
        judgement = judged(*files)
        assert judgement.broken is None, (number, judgement.broken)
        verdicts.add(judgement.verdict)
    assert verdicts == {"safe", "unknown"}


def test_a_record_that_breaks_off_is_never_a_violation(records: list[Lines]) -> None:
    verdicts = set()
    for number in range(60):
        rng = random.Random(number)
        file = rng.randrange(3)
        files = [list(lines) for lines in records]
        at = rng.randrange(1, len(files[file]))
        files[file][at:] = [files[file][at][: rng.randrange(1, 30)]]
        judgement = judged(*files)
        assert judgement.broken is None, (number, judgement.broken)
        verdicts.add(judgement.verdict)
    assert verdicts == {"safe", "unknown"}


def test_a_missing_replica_matters_where_it_led(records: list[Lines]) -> None:
    led = {file for file, _ in places(records, "elected")}
    for left_out in range(3):
        judgement = judged(*(lines for file, lines in enumerate(records) if file != left_out))
        assert judgement.broken is None, judgement.broken
        assert judgement.silent == [left_out]
        if left_out in led:
            assert judgement.verdict == "unknown"


def test_events_that_were_dropped_are_a_gap_of_that_size(records: list[Lines]) -> None:
    files = [list(lines) for lines in records]
    file, at = places(files, "voted")[4]
    fields = files[file][at].split(b'"event"')[0].rstrip(b",") + b',"dropped":1}\n'
    files[file][at] = fields
    judgement = judged(*files)
    assert judgement.broken is None
    assert [(gap.replica, gap.count) for gap in judgement.gaps if gap.count] == [(file, 1)]


def test_a_record_that_begins_in_the_middle_is_judged_from_there(records: list[Lines]) -> None:
    """Only the last life of each replica: what was decided before is told by what its disk held."""
    late = []
    for lines in records:
        begun = [at for at, line in enumerate(lines) if b'"record"' in line]
        late.append(lines[begun[-1] :])
    judgement = judged(*late)
    assert judgement.broken is None, judgement.broken
    assert judgement.base == max(RecordReader(lines, "r").header.watermark for lines in late)


def test_an_answer_of_a_disk_that_is_lost_meanwhile_was_given_all_the_same() -> None:
    """The vote left, the disk was lost, the replica came back without it, and then the leader counted it."""
    trace, _ = traced(130, "lost")
    judgement = judged(trace)
    assert judgement.verdict == "safe", judgement.broken
