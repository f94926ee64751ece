"""Whether the log moves, and if not, whether the log must stand still.

Two majorities are told apart. Where no proposer that works reaches a majority in both directions, nothing
can be decided: the log must stand still, and that is no fault of the protocol. Where a majority is heard,
mutually connected, over links and disks that are not badly disturbed, it has to go on: if it does not, it
is stuck. In between (a star, heavy loss, a replica that this console does not hear) it may take its time.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final, Literal, NamedTuple

from paxtui.console.model.liveness.clocks import FOR_EVER, clock_words, stretch, stretch_at
from paxtui.console.model.liveness.tolerance import Tolerance, connected_voters, runs, voters
from paxtui.console.model.state.facts import Facts
from paxtui.console.model.state.replica import ReplicaView

PATIENCE_S: Final = 5.0
"""A connected majority that decides nothing for so long, with something to decide, is stuck."""

MOVED_S: Final = 2.0
"""After the last decision the log counts as moving for so long."""

HOLE_S_UNKNOWN: Final = 30.0
"""Where nobody told the hole timeout, a hole that was left on purpose may stay open for so long."""

SLOW_WAIT_MAX: Final = 5.0
"""However slow the clocks are, what was not decided for so many seconds is said to wait."""

FOLLOWED: Final = 10.0
"""A leader whose clock is slower than this sends no heartbeat within the longest election timeout."""

LOSS_MAX: Final = 30.0
DELAY_MS_MAX: Final = 200.0
"""With more loss (percent) or delay on a link, or a slower disk, progress may take longer than patience."""

Light = Literal["starting", "idle", "moving", "waiting", "electing", "stalled", "STUCK"]


class LivenessVerdict(NamedTuple):
    """The light, and the sentence beside it."""

    light: Light
    words: str


def is_degraded(light: Light, found: Tolerance) -> bool:
    """Return whether the state is between all well and stalled: the log can move, and the cluster bears fewer
    failures than it could. Where that is not known, it is not said."""
    return light not in ("starting", "stalled", "STUCK") and found.spare < found.most and not found.unknown


def connected_majority(model: Facts) -> tuple[int, ...] | None:
    """Return voters that run and reach each other in both directions, if they are a quorum."""
    members = connected_voters(model)
    return members if len(members) >= model.quorum else None


def able_proposers(model: Facts, *, unheard: bool = False) -> list[int]:
    """Return the proposers that work and reach a majority of voters in both directions: nobody else can
    decide anything. With ``unheard`` those of whom nothing is known count as well."""
    able = voters(model)
    if unheard:
        able += [each.id for each in model.replicas if each.process == "unknown"]
    return [
        id
        for id in able
        if not model.replicas[id].proposer_crashed
        and sum(other == id or model.connected(id, other) for other in able) >= model.quorum
    ]


def sound_majority(model: Facts, now: float) -> tuple[int, ...] | None:
    """Return a quorum that has to make progress: heard, connected, hardly disturbed, and one of it may
    lead."""
    able = able_proposers(model)
    # The quickest of them: that others have slow clocks is no reason for these to wait.
    fit = [id for id in voters(model) if _fit(model.replicas[id], now)]
    fit.sort(key=lambda id: stretch_at(model.replicas[id]))
    for members in combinations(fit, model.quorum):
        if any(each in able for each in members) and all(
            _sound(model, one, other) for one in members for other in members if one != other
        ):
            return tuple(sorted(members))
    return None


def _stretch(model: Facts, sound: tuple[int, ...] | None, now: float) -> float:
    """Return how much longer a sound majority may take as its clocks are slow, or that of the leader, unless
    another one follows a leader that is so slow."""
    if sound is None:
        return stretch(model, now)
    found = max(stretch_at(model.replicas[id]) for id in sound)
    leads = 1.0 if model.leader is None else stretch_at(model.replicas[model.leader[0]])
    return max(found, leads) if leads <= FOLLOWED else found


def _fit(replica: ReplicaView, now: float) -> bool:
    return replica.fresh(now) and replica.role != "warm-up" and replica.slow_disk_ms <= DELAY_MS_MAX


def _sound(model: Facts, sender: int, receiver: int) -> bool:
    replica = model.replicas[sender]
    delay, jitter = replica.delay_to(receiver)
    return (
        model.reaches(sender, receiver)
        and replica.loss_to(receiver) <= LOSS_MAX
        and delay + jitter <= DELAY_MS_MAX
    )


class Liveness:
    """The judge of liveness: it remembers when something last moved. :meth:`judge` is called a few times a
    second."""

    def __init__(self) -> None:
        self._mark = (-1, -1)
        self._moved_at = float("-inf")
        self._sound_since: float | None = None
        self._asked_since: float | None = None
        self._slow_at = float("-inf")
        """When a clock of the protocol was last slow: what was to happen by then may happen yet."""
        self._begun = False
        """Whether anybody ever served: later, silence is no start."""
        self._stretch = 1.0
        self.majority: tuple[int, ...] | None = None
        self.verdict = LivenessVerdict("starting", "starting")

    def judge(self, model: Facts, now: float) -> LivenessVerdict:
        """Return what is so at ``now``."""
        mark = (model.applied, model.chosen)
        if mark != self._mark:
            # What was there when this console began to see did not move before its eyes.
            self._mark, self._moved_at = mark, now if self._begun else self._moved_at
        self._begun = self._begun or any(each.role not in ("?", "warm-up") for each in model.replicas)
        self.majority = connected_majority(model)
        sound = sound_majority(model, now)
        if sound is None:
            self._sound_since = None
        elif self._sound_since is None:
            self._sound_since = now
        self._stretch = _stretch(model, sound, now)
        if self._stretch > 1:
            self._slow_at = now
        self.verdict = self._judge(model, sound, now)
        return self.verdict

    def _judge(self, model: Facts, sound: tuple[int, ...] | None, now: float) -> LivenessVerdict:
        if not self._begun:
            return LivenessVerdict("starting", "starting")
        if not able_proposers(model):
            self._asked_since = None
            if able_proposers(model, unheard=True):
                if now - self._moved_at < MOVED_S:
                    return LivenessVerdict("moving", "slots are decided and applied")
                return LivenessVerdict(
                    "waiting", f"{_unheard(model)} are not heard: whether the log moves is not known"
                )
            return LivenessVerdict("stalled", f"{_why_stalled(model)}: the log must stand still")
        leader = model.leader
        trouble = "" if leader is None else model.trouble(leader[0], now)
        leads = leader is not None and trouble not in ("paused", "cut off")
        if leads and model.end <= model.applied and not model.chat.expecting:
            self._asked_since = None
            if now - self._moved_at < MOVED_S:
                return LivenessVerdict("moving", "slots are decided and applied")
            if trouble:
                assert leader is not None
                return LivenessVerdict(
                    "waiting", f"leader r{leader[0]} {trouble}: what was asked of it is not known"
                )
            return LivenessVerdict("idle", "everything that was asked for is applied")
        held_s = _held_open_s(model, now, self._slow_at)
        if self._asked_since is None or held_s > 0:
            self._asked_since = now
        if held_s > 0:
            known = model.holes.timeout_s is not None and held_s < FOR_EVER
            more = f", for another {held_s:.0f} s" if known else ""
            return LivenessVerdict(
                "waiting", f"slot {model.hole} was left empty on purpose{more}; S fills it"
            )
        # It has to move since it was asked to, since it is able to, and since it last did.
        still_s = now - max(self._moved_at, self._asked_since)
        stuck_s = now - max(
            self._moved_at, self._asked_since, now if self._sound_since is None else self._sound_since
        )
        what = "nothing was decided" if leads else "there is no leader"
        absent = "no leader yet" if leader is None else f"leader r{leader[0]} {trouble}"
        if self._stretch == 1:
            stuck_s = min(stuck_s, now - self._slow_at)
        if sound is not None and stuck_s > PATIENCE_S * self._stretch:
            members = " ".join(f"r{each}" for each in sound)
            return LivenessVerdict("STUCK", f"{members} are connected, and {what} for {stuck_s:.0f} s")
        if leader is None and (silent := model.unheard(now)):
            who = " ".join(f"r{each}" for each in silent)
            return LivenessVerdict(
                "waiting",
                f"no replica that is heard leads, and {who} may lead: whether the log moves is not known",
            )
        clocks = clock_words(model, now)
        slowly = f"; {clocks}" if clocks else ""
        if not leads:
            return LivenessVerdict(
                "electing", absent + (f", for {still_s:.0f} s" if still_s > 2 else "") + slowly
            )
        if still_s > min(self._stretch, SLOW_WAIT_MAX):
            disturbed = "" if sound is not None else "; links, disks or reports are disturbed"
            disturbed += slowly
            return LivenessVerdict("waiting", f"nothing was decided for {still_s:.0f} s{disturbed}")
        return LivenessVerdict("moving", "slots are decided and applied")


def _held_open_s(model: Facts, now: float, slow_at: float) -> float:
    """Return how long the leader still leaves the hole open that everything waits for; not above 0 if none
    is. Its clock may be slow, or have been slow until ``slow_at``."""
    skip = model.holes.skipped.get(model.hole) if model.hole is not None else None
    if skip is None or model.leader is None or skip.ballot != model.leader[1]:
        return 0.0
    timeout_s = model.holes.timeout_s if model.holes.timeout_s is not None else HOLE_S_UNKNOWN
    slower = stretch_at(model.replicas[model.leader[0]])
    return timeout_s * slower - (now - (skip.at if slower > 1 else max(skip.at, slow_at)))


def _unheard(model: Facts) -> str:
    return " ".join(replica.name for replica in model.replicas if replica.process == "unknown")


def _why_stalled(model: Facts) -> str:
    running = sum(runs(replica) for replica in model.replicas)
    voting = len(voters(model))
    if voting < model.quorum:
        vote = "" if voting == running else f", {voting} with a vote"
        return f"no majority is connected: {running} of {model.n} run{vote}, {model.quorum} are needed"
    if connected_majority(model) is not None:
        return "no proposer that works reaches a majority"
    return f"no majority is connected: {model.quorum} of {model.n} must reach each other"
