"""The message budget (invariant 14): no replica repeats itself sooner than its own timer says, and a healthy
cluster sends no more messages than its work needs.

The first holds in every phase and under every fault, since it is judged by the replica's own clock: a
question that is asked again because of its answer, and not because time has passed, goes on at the speed of
the network for as long as the answer stays the same.
"""

from __future__ import annotations

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.events import AcceptSent, CatchUpAsked, Event, PrepareSent
from paxtui.core.output import EVERYONE
from paxtui.core.settings import Settings
from paxtui.sim.cluster.world import World
from paxtui.sim.plan.plan import Plan

HASTY_MAX = 3
"""Repetitions that came too early, one after the other. One is honest: a page that arrives as its timer runs
out is asked for twice. A second one may be, if the clock leaps while the host gathers input."""

ROUND_TRIP = 2
"""A message and its answer."""

A_SLOT = 3
"""Accept, Accepted and Chosen, for each follower, if every slot is proposed by itself."""

AN_ELECTION = 8
"""Pre-vote, Prepare, their answers, and a second attempt, for each follower."""

SPARE = 1.25
"""A factor for messages that arrive in another order, look lost, and are asked for again."""

A_START = 60
"""Messages at the start, until all replicas know each other."""

ELECTIONS_MAX = 12
"""In a healthy cluster: the first one, after some duels at the worst."""


class MessageBudget:
    """A memory of when each replica last asked for the same thing again."""

    def __init__(self, settings: Settings) -> None:
        self._gap_s = settings.resend_s
        self._last: dict[tuple[object, ...], tuple[int, float, int]] = {}

    def catch_up_asked(self, replica: int, life: int, clock_s: float, event: CatchUpAsked) -> None:
        """Count a question for slots from ``first`` on, whichever replica is asked."""
        self._again(replica, life, clock_s, event, ("catch-up", replica, event.first))

    def accept_sent(self, replica: int, life: int, clock_s: float, event: AcceptSent) -> None:
        """Count an Accept that is sent again to one replica."""
        if event.again:
            key = "accept", replica, event.to, event.first, event.ballot
            self._again(replica, life, clock_s, event, key)

    def prepare_sent(self, replica: int, life: int, clock_s: float, event: PrepareSent) -> None:
        """Count a question to one replica for a page of its promise."""
        if event.to != EVERYONE:
            key = "prepare", replica, event.to, event.first, event.ballot
            self._again(replica, life, clock_s, event, key)

    def _again(self, replica: int, life: int, clock_s: float, event: Event, key: tuple[object, ...]) -> None:
        last_life, last_s, hasty = self._last.get(key, (0, 0.0, 0))
        hasty = hasty + 1 if last_life == life and clock_s - last_s < self._gap_s else 0
        self._last[key] = life, clock_s, hasty
        if hasty >= HASTY_MAX:
            raise InvariantBroken(
                Invariant.STORM,
                f"it repeats itself {hasty} times in a row, each time within {self._gap_s:g} s: {event}",
                replica,
            )


def healthy(plan: Plan) -> bool:
    """Tell whether the plan does nothing at all to the cluster, so that every message must have its
    reason."""
    weather = plan.weather
    trip_s = 2 * (weather.delay_s + weather.spread_s) + 1.5 * max(plan.commit_s) + 2 * plan.gather_s
    return (
        not plan.faults
        and not plan.broken
        and weather.loss == weather.duplicate == weather.tail == 0.0
        and trip_s < plan.settings.resend_s
    )


def judge_healthy(world: World) -> None:
    """Check the messages and ballots of a run to which nothing was done against what its slots, reads and
    seconds need."""
    plan = world.plan
    followers = plan.replicas - 1
    slots = world.checkers.logs.upto
    beats = world.now / plan.settings.heartbeat_s + world.reads_asked
    work = A_SLOT * slots + ROUND_TRIP * beats + AN_ELECTION * world.elections
    limit = int(SPARE * followers * work) + A_START
    if world.network.sent > limit:
        raise InvariantBroken(
            Invariant.STORM,
            f"{world.network.sent} messages in a healthy cluster, for {slots} slots, "
            f"{world.reads_asked} reads and {world.now:.1f} s; at most {limit} are honest",
        )
    if world.elections > ELECTIONS_MAX:
        raise InvariantBroken(
            Invariant.STORM, f"{world.elections} ballots in a healthy cluster, in {world.now:.1f} s"
        )
