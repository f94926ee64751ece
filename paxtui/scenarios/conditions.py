"""Checks of conditions, as functions of one look at the cluster. A look is what fresh beliefs say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

from msgspec import Struct

from paxtui.core.ballot import Ballot, majority
from paxtui.core.replica import Status
from paxtui.scenarios import condition_words as v
from paxtui.words.replicas import Replicas


class Observation(Struct, frozen=True):
    """The cluster as seen after some moment: ``None`` where a replica has said nothing since."""

    at: float
    statuses: tuple[Status | None, ...]
    live: frozenset[int]
    """Replicas whose process runs and is not paused."""
    running: frozenset[int]
    """Replicas whose process runs."""
    acknowledged: int
    """Appends, since that moment."""
    total: int
    """Appends acknowledged since the run began."""
    waiting: int
    """Appends that wait for their answers."""
    loads: int
    """Loads that have more to send."""
    failed: int
    unknown: int
    ballots: frozenset[Ballot]
    """Ballots at which appends were acknowledged."""


class ConditionResult(Struct, frozen=True):
    """The result of a check: whether the condition holds, and the facts in words."""

    holds: bool
    words: str


Resolve = Callable[[Replicas], tuple[int, ...]]
Check = Callable[[Observation], ConditionResult]


def leader_of(look: Observation) -> int | None:
    """Find the leader that a majority follows, the highest ballot first."""
    leaders = [
        status
        for status in look.statuses
        if status is not None and status.role == "leader" and _followers(look, status.replica)
    ]
    return max(leaders, key=lambda status: status.ballot).replica if leaders else None


def _followers(look: Observation, leader: int) -> bool:
    count = sum(status is not None and status.leader == leader for status in look.statuses)
    return count >= majority(len(look.statuses))


def checker(condition: v.AnyCondition, resolve: Resolve, heartbeat_s: float) -> Check:
    """Make the function that tells whether ``condition`` holds. Symbols mean what they mean now."""
    match condition:
        case v.LeaderCondition():
            return _leader
        case v.LeaderIsCondition(replica=who):
            wanted = resolve(who)
            return lambda look: _leader_among(look, wanted, inside=True)
        case v.LeaderIsNotCondition(replica=who):
            unwanted = resolve(who)
            return lambda look: _leader_among(look, unwanted, inside=False)
        case v.RoleCondition(replica=who, is_=role):
            return _each(resolve(who), lambda status: (status.role == role, f"is {status.role}"))
        case v.WatermarkCondition(at_least=least, replicas=who):
            return _each(
                resolve(who), lambda status: (status.watermark >= least, f"watermark {status.watermark}")
            )
        case v.AllEqualCondition():
            return _all_equal
        case v.AppendsDoneCondition():
            return _appends_done
        case v.AcknowledgedCondition(more=more):
            return lambda look: ConditionResult(
                look.acknowledged >= more, f"{look.acknowledged} acknowledged"
            )
        case v.InFlightCondition(at_least=least):
            return lambda look: ConditionResult(look.waiting >= least, f"{look.waiting} wait for an answer")
        case v.NoProgressCondition(beats=beats, replicas=who):
            everybody = who == "live"
            return Stillness(resolve(who), beats * heartbeat_s, with_appends=everybody)
        case v.HoleCondition(slot=slot):
            return lambda look: _hole(look, slot)
        case v.FilledCondition(slot=slot):
            return _each(
                resolve("live"), lambda status: (status.watermark > slot, f"watermark {status.watermark}")
            )
        case v.LagsCondition(replica=who, by=by):
            behind = resolve(who)
            return lambda look: _lags(look, behind, by)
        case v.EndedCondition(replica=who):
            gone = resolve(who)
            return lambda look: _ended(look, gone)
        case v.OutcomesCondition(failed=failed, unknown=unknown):
            return lambda look: ConditionResult(
                look.failed <= failed and look.unknown <= unknown,
                f"{look.failed} failed, {look.unknown} unknown",
            )
        case v.NoBallotOfCondition(replica=who):
            owners = resolve(who)
            return lambda look: _no_ballot_of(look, owners)
        case _:
            assert_never(condition)


def names(replicas: Iterable[int]) -> str:
    """Name replicas: ``r0 r2``, or ``no replica``."""
    return " ".join(f"r{replica}" for replica in replicas) or "no replica"


def serving(look: Observation, replicas: tuple[int, ...]) -> ConditionResult:
    """Tell whether all of these were heard."""
    silent = [replica for replica in replicas if look.statuses[replica] is None]
    return ConditionResult(not silent, f"{names(silent)} silent" if silent else "all serve")


def _leader(look: Observation) -> ConditionResult:
    leader = leader_of(look)
    if leader is None:
        return ConditionResult(False, "no replica leads with a majority behind it")
    status = look.statuses[leader]
    return ConditionResult(True, f"r{leader} leads" + (f" at {status.ballot}" if status is not None else ""))


def _leader_among(look: Observation, replicas: tuple[int, ...], *, inside: bool) -> ConditionResult:
    found = _leader(look)
    return ConditionResult(found.holds and (leader_of(look) in replicas) is inside, found.words)


def _each(replicas: tuple[int, ...], test: Callable[[Status], tuple[bool, str]]) -> Check:
    def check(look: Observation) -> ConditionResult:
        holds, words = True, []
        for replica in replicas:
            status = look.statuses[replica]
            fine, word = (False, "is silent") if status is None else test(status)
            holds = holds and fine
            words.append(f"r{replica} {word}")
        return ConditionResult(holds, ", ".join(words) or "no replica is there")

    return check


def _all_equal(look: Observation) -> ConditionResult:
    found = [look.statuses[replica] for replica in sorted(look.live)]
    statuses = [status for status in found if status is not None]
    if not statuses or len(statuses) < len(found):
        return ConditionResult(False, "a live replica is silent")
    marks = sorted({status.watermark for status in statuses})
    words = "watermark " + " and ".join(map(str, marks))
    busy = any(status.in_flight or status.queued or status.holes for status in statuses)
    known = max(max(status.learned_high, *status.peers.values(), 0) for status in statuses)
    equal = len(marks) == 1 and len({status.chain for status in statuses}) == 1 and known <= marks[0]
    return ConditionResult(equal and not busy, words + (", the leader has slots in flight" if busy else ""))


def _appends_done(look: Observation) -> ConditionResult:
    words = f"{look.total} acknowledged" + (f", {look.waiting} wait" if look.waiting else "")
    return ConditionResult(look.waiting == 0 and look.loads == 0, words)


def _hole(look: Observation, slot: int | None) -> ConditionResult:
    holes = sorted({hole for status in look.statuses if status is not None for hole in status.holes})
    found = bool(holes) if slot is None else slot in holes
    return ConditionResult(found, f"holes: {', '.join(map(str, holes)) or 'none'}")


def _lags(look: Observation, behind: tuple[int, ...], by: int) -> ConditionResult:
    marks = {status.replica: status.watermark for status in look.statuses if status is not None}
    best = max(marks.values(), default=0)
    lags = [best - marks[replica] if replica in marks else 0 for replica in behind]
    return ConditionResult(min(lags, default=0) >= by, f"{names(behind)} lacks {min(lags, default=0)} slots")


def _ended(look: Observation, gone: tuple[int, ...]) -> ConditionResult:
    left = [replica for replica in gone if replica in look.running]
    return ConditionResult(not left, f"{names(left)} still runs" if left else f"{names(gone)} ended")


def _no_ballot_of(look: Observation, owners: tuple[int, ...]) -> ConditionResult:
    found = sorted(look.ballots)
    words = f"acknowledged at {', '.join(map(str, found)) or 'no ballot'}"
    return ConditionResult(not any(ballot.replica in owners for ballot in found), words)


class Stillness:
    """Nothing moves for a time. The one condition that time alone can prove, so it has a memory."""

    def __init__(self, replicas: tuple[int, ...], for_s: float, *, with_appends: bool) -> None:
        self._replicas = replicas
        self._for_s = for_s
        self._with_appends = with_appends
        self._picture: tuple[object, ...] = ()
        self._since = float("inf")

    def __call__(self, look: Observation) -> ConditionResult:
        marks = []
        for replica in self._replicas:
            status = look.statuses[replica]
            if status is None:
                self._picture = ()
                return ConditionResult(False, f"r{replica} is silent")
            marks.append(status.watermark)
        picture: tuple[object, ...] = (tuple(marks),)
        if self._with_appends:
            if look.waiting == 0:
                self._picture = ()
                return ConditionResult(False, "no append waits for an answer")
            picture = (*picture, look.acknowledged)
        if picture != self._picture:
            self._picture, self._since = picture, look.at
        still_s = look.at - self._since
        waiting = f", {look.waiting} appends unanswered" if self._with_appends else ""
        moved = f"watermarks {' '.join(map(str, marks))} still for {still_s:.1f} s{waiting}"
        return ConditionResult(still_s >= self._for_s, moved)
