"""The safety light: never red without a cause, red for every cause that shows, honest about gaps."""

from __future__ import annotations

import pytest

from paxtui.console.model.safety.checks import NAMES
from paxtui.console.model.safety.records import MARGIN, SLOTS_KEPT
from paxtui.console.model.safety.safety import SafetyJudge
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan_generator import generate_plan
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, LearnedView, ProposedView, TelemetrySnapshot, VotedView
from paxtui.wire.values import Ballot
from tests.console.story import Story
from tests.console.traces import booting, observed
from tests.tools.measurements.judge import BALLOT, told

SEEDS = 20
FEW = 100

VISIBLE = {
    "ballots-compared-by-round": "votes obey",
    "promise-to-anybody": "promises kept",
    "vote-does-not-bind": "votes obey",
    "promise-hides-a-vote": "validity",
    "round-used-again-after-a-restart": "one value a ballot",
    "commit-takes-the-local-value": "agreement",
    "holes-passed-over": "same prefix",
    "chain-starts-anew": "same prefix",
    "minority-of-promises": "validity",
    "own-value-over-a-reported-one": "validity",
    "learned-slots-used-again": "agreement",
    "minority-of-votes": "agreement",
    "repeated-request-takes-effect-twice": "applied once",
}
"""Planted bugs that show in what replicas tell, and a check that sees each."""

FIRST = {"vote-does-not-bind": 44}
"""Where the search begins for what a screen, which sees less than the simulator, rarely shows."""


def started(n: int = 3) -> SafetyJudge:
    """All replicas are heard from their first start on, and replica 0 leads."""
    judge = SafetyJudge(n)
    for replica in range(n):
        judge.snapshot(replica, booting())
        judge.event(replica, e.Restored(Ballot.ZERO, 0, 0, 0))
        judge.storage(replica, f"disk {replica}")
    judge.event(0, e.RoundTaken(BALLOT, False))
    judge.event(0, e.Elected(BALLOT, 0, 0, (0, 1)))
    return judge


def decide(judge: SafetyJudge, first: int, count: int) -> None:
    for replica, event in told(first, count):
        judge.event(replica, event)


def broken(judge: SafetyJudge) -> list[str]:
    return [check.name for check in judge.checks if check.light == "VIOLATED"]


def unknown(judge: SafetyJudge) -> list[str]:
    return [check.name for check in judge.checks if check.light == "UNKNOWN"]


# Truth


@pytest.mark.slow
@pytest.mark.parametrize("lossy", [False, True], ids=["complete", "lossy"])
def test_no_order_of_reports_makes_a_correct_cluster_look_broken(lossy: bool) -> None:
    for seed in range(SEEDS):
        judge, result = observed(generate_plan(seed), seed=seed, lossy=lossy)
        assert result.outcome == "ok"
        assert not judge.problems, f"seed {seed}"
        assert judge.light.words == "SAFE 7/7"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "check"), VISIBLE.items())
def test_planted_bugs_turn_the_light_red(name: str, check: str) -> None:
    mutant = MUTANTS[name]
    with mutant.installed():
        first = FIRST.get(name, mutant.first)
        for seed in range(first, first + max(FEW, 2 * mutant.seeds)):
            judge, _ = observed(generate_plan(seed, mutant.profile), seed=seed, blind=True)
            if check in broken(judge):
                assert judge.light == ("VIOLATED", "VIOLATED")
                return
    pytest.fail(f"{name} was not seen")


def test_two_values_learned_in_a_slot_are_a_conflict_whoever_tells_first() -> None:
    for one, other in ((0, 1), (1, 0)):
        judge = started()
        judge.event(one, LearnedView(0, 3, ((BALLOT, 3),), "a" * 3 * DIGEST_CHARS, None))
        judge.event(
            other,
            LearnedView(
                0, 3, ((Ballot(2, 1), 3),), "a" * DIGEST_CHARS + "b" * DIGEST_CHARS + "a" * DIGEST_CHARS, None
            ),
        )
        assert broken(judge) == ["agreement"]
        assert judge.conflicts == {1}
        assert "slot 1" in judge.problems[0]


def test_two_values_at_one_ballot_are_seen_although_nothing_is_chosen() -> None:
    judge = started()
    judge.event(1, VotedView(BALLOT, 5, 1, "a" * DIGEST_CHARS))
    judge.event(2, VotedView(BALLOT, 5, 1, "b" * DIGEST_CHARS))
    assert broken(judge) == ["one value a ballot"]


def test_a_follower_that_reports_before_its_leader_is_believed() -> None:
    judge = started()
    for replica, event in sorted(told(0, 10), key=lambda each: -each[0]):
        judge.event(replica, event)
    assert judge.light.words == "SAFE 7/7"


# Gaps


def test_before_anybody_is_heard_nothing_is_known() -> None:
    judge = SafetyJudge(3)
    assert judge.light == ("UNKNOWN", "UNKNOWN 0/7")
    assert len(judge.doubts(0.0)) == 3


def test_a_gap_makes_unknown_what_needs_the_replica_and_a_snapshot_ends_it() -> None:
    judge = started()
    decide(judge, 0, 10)
    assert judge.light == ("SAFE", "SAFE 7/7")
    judge.gap(2, 100.0)
    assert judge.light == ("UNKNOWN", "UNKNOWN 2/7")
    assert set(unknown(judge)) == set(NAMES) - {"agreement", "validity"}
    assert judge.doubts(112.0)[0].startswith("r2 tells nothing for 12 s")
    judge.gap(1, 100.0)
    assert judge.light.words == "UNKNOWN 0/7"
    for replica in (1, 2):
        judge.snapshot(replica, status(replica, watermark=10))
    assert judge.light.words == "SAFE 7/7"
    assert "2 gaps" in judge.basis
    assert not judge.doubts(113.0)


def test_a_process_that_is_dead_does_nothing_unseen() -> None:
    judge = started()
    decide(judge, 0, 10)
    judge.gap(2, 100.0)
    judge.down(2, 100.1)
    assert judge.light.words == "SAFE 7/7"
    assert judge.doubts(101.0) == ["r2 is down for 0.9 s: what it holds is checked when it is back."]
    judge.snapshot(2, status(2, watermark=10))
    assert judge.basis.endswith("0 gaps, 1 restart")


def test_a_promise_that_others_counted_must_survive_a_restart() -> None:
    judge = started()
    decide(judge, 0, 10)
    judge.gap(2, 1.0)
    judge.down(2, 1.0)
    judge.snapshot(2, booting())
    judge.event(2, e.Restored(Ballot.ZERO, 0, 10, 0))
    assert set(unknown(judge)) == {"promises kept", "votes obey"}
    judge.storage(2, "disk 2")
    assert broken(judge) == [], "it does no harm as long as it only learns"
    judge.event(2, e.Promised(Ballot(9, 1), 0, 0, True))
    assert broken(judge) == ["promises kept"]


def test_a_disk_that_went_back_in_time_breaks_nothing_if_its_replica_has_no_vote() -> None:
    judge = started()
    decide(judge, 0, 10)
    judge.gap(2, 1.0)
    judge.down(2, 1.0)
    judge.snapshot(2, booting())
    judge.event(2, e.Restored(Ballot.ZERO, 0, 10, 0))
    judge.storage(2, "disk 2")
    judge.event(2, e.BecameNonVoting("its disk went back in time"))
    assert judge.light.words == "SAFE 7/7"
    judge.gap(2, 3.0)
    judge.snapshot(2, status(2, watermark=10, non_voting="its disk went back in time"))
    judge.storage(2, "disk 2")
    assert judge.light.words == "SAFE 7/7"


@pytest.mark.parametrize("early", [False, True])
def test_a_disk_that_was_exchanged_is_no_broken_promise_but_not_safe_either(early: bool) -> None:
    judge = started()
    decide(judge, 0, 10)
    judge.gap(2, 1.0)
    judge.down(2, 1.0)
    judge.snapshot(2, booting())
    if early:
        judge.storage(2, "another disk")
    judge.event(2, e.Restored(Ballot.ZERO, 0, 0, 0))
    judge.storage(2, "another disk")
    assert judge.light == ("UNKNOWN", "UNKNOWN 5/7")
    assert judge.doubts(2.0) == ["r2 has another disk: its promises are gone, and it has no vote."]
    judge.gap(2, 3.0)
    judge.snapshot(2, status(2, watermark=10))
    judge.storage(2, "another disk")
    assert judge.light.words == "SAFE 7/7"


def test_a_promise_that_nobody_counted_may_be_lost_with_the_process() -> None:
    judge = started()
    judge.event(2, e.Promised(Ballot(7, 1), 0, 0, True))
    judge.gap(2, 1.0)
    judge.down(2, 1.0)
    judge.snapshot(2, booting())
    judge.event(2, e.Restored(BALLOT, 1, 0, 0))
    judge.event(2, e.Promised(Ballot(2, 1), 0, 0, True))
    assert judge.light.words == "SAFE 7/7"


def test_a_vote_that_others_counted_must_be_there_after_a_restart() -> None:
    judge = started()
    for replica, event in list(told(0, 10))[:8]:  # proposed, voted, counted; nobody has learned it
        judge.event(replica, event)
    judge.gap(2, 1.0)
    judge.snapshot(2, status(2, watermark=0))
    judge.storage(2, "disk 2")
    judge.event(2, VotedView(BALLOT, 20, 1, "a" * DIGEST_CHARS))
    assert broken(judge) == ["promises kept"]
    assert "its vote in slot 0 at 1.0 was counted, and is gone" in judge.problems[0]


def status(
    replica: int, watermark: int, number: int = 50, non_voting: str | None = None
) -> TelemetrySnapshot:
    """A replica that voted for and applied everything below the watermark."""
    story = Story(3)
    story.numbers[replica] = number
    heads = [event.chain for _, event in told(watermark - 10, 10) if isinstance(event, e.AppliedTo)]
    belief = story.status(
        replica,
        promised=BALLOT,
        watermark=watermark,
        learned_high=watermark,
        accepted_high=watermark,
        chain=heads[0] if watermark else "",
        non_voting=non_voting,
    )
    return TelemetrySnapshot(id=0, number=number, at_s=0.0, wall=0.0, status=belief, slots=(), faults=())


# Attaching, memory, nonsense


def test_a_console_that_attaches_rests_on_what_it_saw_since() -> None:
    judge = SafetyJudge(3)
    for replica in range(3):
        judge.snapshot(replica, status(replica, watermark=5_000_000))
    assert judge.basis == "0 events, 0 gaps, slots from 5,000,000 on"
    decide(judge, 5_000_000, 10)
    assert judge.light.words == "SAFE 7/7"


def test_chains_that_differ_at_one_watermark_are_two_logs() -> None:
    judge = SafetyJudge(3)
    for replica in range(3):
        judge.snapshot(replica, status(replica, watermark=20))
    assert not judge.problems
    judge.event(0, e.AppliedTo(20, 21, "0" * 64))
    judge.event(1, e.AppliedTo(20, 21, "1" * 64))
    assert broken(judge) == ["same prefix"]


def test_memory_does_not_grow_with_the_log_even_if_a_replica_stays_behind() -> None:
    judge = SafetyJudge(3)
    for replica in range(3):
        judge.snapshot(replica, booting())
        judge.event(replica, e.Restored(Ballot.ZERO, 0, 0, 0))
    for first in range(0, 3 * SLOTS_KEPT, 500):
        for replica, event in told(first, 500):
            if replica != 2:
                judge.event(replica, event)
    assert judge.light.words == "SAFE 7/7"
    kept = (
        judge._kept.ballots.log.end - next(judge._kept.ballots.log.within(0, judge._kept.ballots.log.end))[0]
    )
    assert kept <= SLOTS_KEPT + MARGIN
    assert len(judge._kept.logs._heads) <= SLOTS_KEPT


def test_whatever_a_replica_tells_the_judge_stands() -> None:
    judge = started()
    for event in (
        e.AppliedTo(0, 1, "not hex"),
        e.AcceptedReceived(BALLOT, 1, 0, 2**52),
        e.ChosenSeen(BALLOT, 0, 2**52),
        LearnedView(0, 9, (), "", None),
        LearnedView(0, 9, ((BALLOT, 2**52),), "abc", None),
        ProposedView(BALLOT, 3, 1, "who knows", "zz", None),
        e.Suppressed(7, "x", 1, -1),
    ):
        judge.event(0, event)
    judge.snapshot(1, status(1, watermark=10))


def test_a_violation_is_bookmarked_among_the_events() -> None:
    story = Story(3).up()
    story.choose(["one", "two"])
    story.tell(1, LearnedView(0, 1, ((Ballot(9, 1), 1),), "f" * DIGEST_CHARS, None))
    found = [seen for seen in story.model.journal.notable if seen.kind == "you"]
    assert "VIOLATED" in found[-1].event.text  # type: ignore[attr-defined]
    assert found[-1].slot == 0
    assert story.model.judge.light.words == "VIOLATED"
