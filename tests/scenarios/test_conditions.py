"""Conditions, as functions of one look."""

from __future__ import annotations

from paxtui.core.ballot import Ballot
from paxtui.core.replica import Status
from paxtui.scenarios import condition_words as w
from paxtui.scenarios.conditions import Check, Observation, checker, leader_of
from paxtui.words.replicas import Replicas

FIRST = Ballot(1, 0)


def status(
    replica: int,
    *,
    role: str = "following",
    leader: int | None = 0,
    watermark: int = 5,
    ballot: Ballot = FIRST,
    chain: str = "aa",
    holes: tuple[int, ...] = (),
    in_flight: int = 0,
    peers: dict[str, int] | None = None,
) -> Status:
    return Status(
        replica=replica,
        replicas=3,
        role=role,
        promised=ballot,
        ballot=ballot,
        leader=leader,
        watermark=watermark,
        learned_high=watermark,
        accepted_high=watermark,
        lag=0,
        in_flight=in_flight,
        queued=0,
        holes=holes,
        sessions=0,
        chain=chain,
        peers=peers or {},
    )


def look(
    *statuses: Status | None,
    at: float = 0.0,
    live: frozenset[int] = frozenset({0, 1, 2}),
    acknowledged: int = 0,
    waiting: int = 0,
    loads: int = 0,
    unknown: int = 0,
    ballots: frozenset[Ballot] = frozenset(),
) -> Observation:
    return Observation(
        at=at,
        statuses=statuses,
        live=live,
        running=live,
        acknowledged=acknowledged,
        total=acknowledged,
        waiting=waiting,
        loads=loads,
        failed=0,
        unknown=unknown,
        ballots=ballots,
    )


LED = (status(0, role="leader"), status(1), status(2))


def check(condition: w.AnyCondition) -> Check:
    def resolve(who: Replicas) -> tuple[int, ...]:
        if who == "live":
            return (0, 1, 2)
        return tuple(each for each in (who if isinstance(who, list) else [who]) if isinstance(each, int))

    return checker(condition, resolve, 0.1)


def test_a_leader_needs_a_majority_behind_it() -> None:
    assert leader_of(look(*LED)) == 0
    assert leader_of(look(status(0, role="leader"), None, None)) is None
    assert leader_of(look(status(0, role="leader"), status(1, leader=2), None)) is None


def test_of_two_leaders_the_one_with_followers_counts() -> None:
    stale = status(0, role="leader", leader=0)
    fresh = status(1, role="leader", leader=1, ballot=Ballot(2, 1))
    assert leader_of(look(stale, fresh, status(2, leader=1))) == 1


def test_leader_is_and_is_not() -> None:
    assert check(w.LeaderIsCondition(0))(look(*LED)).holds
    assert not check(w.LeaderIsCondition(1))(look(*LED)).holds
    assert check(w.LeaderIsNotCondition([1, 2]))(look(*LED)).holds
    assert not check(w.LeaderIsNotCondition(0))(look(*LED)).holds
    assert not check(w.LeaderIsNotCondition(0))(look(None, None, None)).holds


def test_a_silent_replica_meets_nothing() -> None:
    assert not check(w.WatermarkCondition(0))(look(LED[0], None, LED[2])).holds
    assert not check(w.RoleCondition(1, "following"))(look(LED[0], None, LED[2])).holds


def test_roles_and_watermarks() -> None:
    assert check(w.RoleCondition([1, 2], "following"))(look(*LED)).holds
    assert not check(w.RoleCondition([0, 1], "following"))(look(*LED)).holds
    assert check(w.WatermarkCondition(5))(look(*LED)).holds
    assert not check(w.WatermarkCondition(6))(look(*LED)).holds
    assert check(w.FilledCondition(4))(look(*LED)).holds
    assert not check(w.FilledCondition(5))(look(*LED)).holds


def test_all_equal_means_the_same_chain_and_nothing_above() -> None:
    assert check(w.AllEqualCondition())(look(*LED)).holds
    assert not check(w.AllEqualCondition())(look(LED[0], LED[1], status(2, watermark=4))).holds
    assert not check(w.AllEqualCondition())(look(LED[0], LED[1], status(2, chain="bb"))).holds
    assert not check(w.AllEqualCondition())(look(LED[0], LED[1], status(2, peers={"0": 6}))).holds
    assert not check(w.AllEqualCondition())(look(status(0, role="leader", in_flight=1), LED[1], LED[2])).holds
    assert not check(w.AllEqualCondition())(look(LED[0], None, LED[2])).holds
    assert check(w.AllEqualCondition())(look(LED[0], None, LED[2], live=frozenset({0, 2}))).holds


def test_appends() -> None:
    assert check(w.AppendsDoneCondition())(look(*LED)).holds
    assert not check(w.AppendsDoneCondition())(look(*LED, waiting=1)).holds
    assert not check(w.AppendsDoneCondition())(look(*LED, loads=1)).holds
    assert check(w.AcknowledgedCondition(3))(look(*LED, acknowledged=3)).holds
    assert not check(w.AcknowledgedCondition(4))(look(*LED, acknowledged=3)).holds
    assert check(w.InFlightCondition(2))(look(*LED, waiting=2)).holds
    assert check(w.OutcomesCondition())(look(*LED)).holds
    assert not check(w.OutcomesCondition())(look(*LED, unknown=1)).holds
    assert check(w.NoBallotOfCondition(1))(look(*LED, ballots=frozenset({Ballot(3, 0)}))).holds
    assert not check(w.NoBallotOfCondition(0))(look(*LED, ballots=frozenset({Ballot(3, 0)}))).holds


def test_holes_lags_and_ends() -> None:
    holed = look(status(0, role="leader", holes=(3,)), *LED[1:])
    assert check(w.HoleCondition())(holed).holds
    assert check(w.HoleCondition(3))(holed).holds
    assert not check(w.HoleCondition(4))(holed).holds
    behind = look(LED[0], LED[1], status(2, watermark=2))
    assert check(w.LagsCondition(2, 3))(behind).holds
    assert not check(w.LagsCondition(2, 4))(behind).holds
    assert check(w.EndedCondition(2))(look(*LED, live=frozenset({0, 1}))).holds
    assert not check(w.EndedCondition(1))(look(*LED)).holds


def test_no_progress_needs_time_an_append_and_silence() -> None:
    still = check(w.NoProgressCondition(beats=10))
    assert not still(look(*LED, at=0.0, waiting=1)).holds
    assert not still(look(*LED, at=0.9, waiting=1)).holds
    assert still(look(*LED, at=1.01, waiting=1)).holds


def test_any_progress_begins_the_time_anew() -> None:
    still = check(w.NoProgressCondition(beats=10))
    still(look(*LED, at=0.0, waiting=1))
    still(look(*LED, at=0.9, waiting=1, acknowledged=1))
    assert not still(look(*LED, at=1.5, waiting=1, acknowledged=1)).holds
    assert still(look(*LED, at=2.0, waiting=1, acknowledged=1)).holds
    assert not still(look(*LED, at=3.0)).holds
    assert not still(look(LED[0], None, LED[2], at=4.0, waiting=1)).holds


def test_some_replicas_may_stall_while_the_others_go_on() -> None:
    stalled = check(w.NoProgressCondition(beats=5, replicas=[2]))
    stalled(look(*LED, at=0.0))
    ahead = (status(0, role="leader", watermark=9), status(1, watermark=9), status(2))
    assert stalled(look(*ahead, at=0.6, acknowledged=4)).holds
