"""Mistakes about exactly once."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.leader_requests import LeaderRequests
from paxtui.core.learner import Learner
from paxtui.core.output import PutSessions
from paxtui.core.sessions import EXPIRED, Session, Sessions, birth
from paxtui.core.values import Command
from paxtui.sim.mutants.mutant import Patch, mutant

ONCE = "exactly once: the session table is replicated state"


@mutant(
    "repeated-request-takes-effect-twice",
    rule=f"{ONCE} (the ancestor executes a retried request again)",
    profile="all",
    caught_by=Invariant.ONCE,
    seeds=20,
)
def repeated_request_takes_effect_twice(patch: Patch) -> None:
    """The table is asked when a request arrives, but not when it is applied."""
    original = Sessions.apply

    def apply(self: Sessions, slot: int, command: Command) -> int | None:
        found = original(self, slot, command)
        return None if found is not None and found >= 0 else found

    patch.replace(Sessions, "apply", apply)


@mutant(
    "slot-zero-is-nothing",
    rule="slot 0 is a slot: `is None`, not falsehood",
    profile="crash",
    caught_by=Invariant.ONCE,
    seeds=60,
)
def slot_zero_is_nothing(patch: Patch) -> None:
    """A request that took effect in slot 0 did not: `if not slot`."""
    original = Session.find
    patch.replace(Session, "find", lambda self, request: original(self, request) or None)


@mutant(
    "evicted-client-starts-anew",
    rule=f"{ONCE}: who is forgotten is refused",
    profile="all",
    caught_by=Invariant.ONCE,
    seeds=30,
)
def evicted_client_starts_anew(patch: Patch) -> None:
    """The table forgets a client, and that it did."""
    original = Sessions._evict

    def evict(self: Sessions) -> None:
        horizon = self.horizon
        original(self)
        self.horizon = horizon

    patch.replace(Sessions, "_evict", evict)


@mutant(
    "window-one-too-short",
    rule=f"{ONCE}: the window is the same for all, and as long as it says",
    profile="disk",
    caught_by=Invariant.ONCE,
    seeds=30,
)
def window_one_too_short(patch: Patch) -> None:
    """The oldest answer of a session's window is called expired: < where <= is meant."""
    original = Session.find

    def find(self: Session, request: int) -> int | None:
        oldest = request == self.top - len(self.answers) + 1
        return EXPIRED if oldest else original(self, request)

    patch.replace(Session, "find", find)


@mutant(
    "checkpoint-leaves-out-a-session",
    rule=f"{ONCE}: it survives restarts",
    profile="crash",
    caught_by=Invariant.ONCE,
    seeds=30,
)
def checkpoint_leaves_out_a_session(patch: Patch) -> None:
    """A checkpoint writes all sessions that changed, but the first."""
    original = Sessions.checkpoint

    def checkpoint(self: Sessions, upto: int) -> PutSessions:
        put = original(self, upto)
        return replace(put, changed=put.changed[1:])

    patch.replace(Sessions, "checkpoint", checkpoint)


@mutant(
    "replay-ends-one-slot-early",
    rule=f"{ONCE}: after a restart the table stands at the watermark",
    profile="disk",
    caught_by=Invariant.ONCE,
    seeds=40,
    first=28,
)
def replay_ends_one_slot_early(patch: Patch) -> None:
    """A restart brings the session table up to the slot before the watermark."""
    original = Learner.__init__

    def start(self: Learner, out: Any, settings: Any, acceptor: Any, saved: Any) -> None:
        original(self, out, settings, acceptor, replace(saved, replay=list(saved.replay)[:-1]))

    patch.replace(Learner, "__init__", start)


BIRTH = "exactly once: no command stands below its session's birth"


@mutant(
    "session-of-the-future-taken",
    rule=f"{BIRTH} (what a client says of itself is checked)",
    profile="all",
    caught_by=Invariant.ONCE,
    seeds=40,
)
def session_of_the_future_taken(patch: Patch) -> None:
    """A leader takes a command of a session that claims to be born in a slot that is not there yet."""
    patch.replace(LeaderRequests, "_born_later", lambda self, client: False)


@mutant(
    "newborn-session-refused",
    rule=f"{BIRTH}: it may stand in the very slot",
    profile="all",
    caught_by=Invariant.LIVENESS,
    seeds=30,
)
def newborn_session_refused(patch: Patch) -> None:
    """A leader refuses the session of a client that connected just now: >= where > is meant."""

    def born_later(self: LeaderRequests, client: str) -> bool:
        leader = self._proposer.leader
        lowest = leader.lowest if leader is not None else 0
        return birth(client) >= max(lowest, self._learner.watermark)

    patch.replace(LeaderRequests, "_born_later", born_later)
