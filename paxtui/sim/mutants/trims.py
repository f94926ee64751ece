"""Mistakes about removing old slots, and about going on from another replica's state."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.leader import Leader
from paxtui.core.learner import Learner
from paxtui.core.log_server import LogServer
from paxtui.core.messages import CatchUp, Snapshot
from paxtui.core.output import PutLogStart
from paxtui.core.sessions import Sessions
from paxtui.sim.mutants.mutant import Patch, mutant


@mutant(
    "leader-stays-over-a-state",
    rule="a leader's watermark tells that its own proposals below are chosen",
    profile="overtaken",
    caught_by=Invariant.LEARNED,
    seeds=60,
)
def leader_stays(patch: Patch) -> None:
    """A deposed leader that takes another one's state goes on, and its next heartbeat calls what it had
    proposed below that state chosen."""
    patch.replace(Leader, "unsettled_below", lambda self, upto: False)


@mutant(
    "state-without-sessions",
    rule="the session table is part of the state (Ongaro's dissertation, 6.3)",
    profile="trims",
    caught_by=Invariant.ONCE,
    seeds=10,
)
def state_without_sessions(patch: Patch) -> None:
    """Who goes on from another one's state forgets which requests took effect."""
    original = Learner.install

    def install(self: Learner, page: Snapshot) -> None:
        if self._taking is not None:
            self._taking.rows.clear()
        original(self, page)

    patch.replace(Learner, "install", install)


@mutant(
    "state-of-last-page",
    rule="the session table is part of the state (Ongaro's dissertation, 6.3)",
    profile="trims",
    caught_by=Invariant.ONCE,
    seeds=40,
)
def state_of_last_page(patch: Patch) -> None:
    """Only the last page of the sessions is kept."""
    original = Learner.on_snapshot

    def on_snapshot(self: Learner, sender: int, message: Snapshot, now: float) -> Snapshot | None:
        page = original(self, sender, message, now)
        if self._taking is not None:
            del self._taking.rows[: -len(message.sessions) or None]
        return page

    patch.replace(Learner, "on_snapshot", on_snapshot)


@mutant(
    "state-without-chain",
    rule="the hash chain goes on from where the state ends",
    profile="trims",
    caught_by=Invariant.ORDER,
    seeds=10,
)
def state_without_chain(patch: Patch) -> None:
    """The chain of the old watermark stays."""
    original = Learner.install

    def install(self: Learner, page: Snapshot) -> None:
        original(self, replace(page, chain=self.chain))

    patch.replace(Learner, "install", install)


@mutant(
    "horizon-forgotten",
    rule="which sessions may have been evicted is part of the state",
    profile="trims",
    caught_by=Invariant.ONCE,
    seeds=40,
)
def horizon_forgotten(patch: Patch) -> None:
    """An evicted client's retry counts as new where another one's state was taken."""
    original = Learner.install

    def install(self: Learner, page: Snapshot) -> None:
        original(self, replace(page, horizon=-1))

    patch.replace(Learner, "install", install)


@mutant(
    "stale-state-kept",
    rule="the state at a mark is the one after the mark's own slot",
    profile="trims",
    caught_by=Invariant.ONCE,
    seeds=10,
)
def stale_state_kept(patch: Patch) -> None:
    """A mark keeps the table as it was last written, not as it is."""
    original = Sessions.checkpoint

    def checkpoint(self: Sessions, upto: int) -> Any:
        put = original(self, upto)
        return replace(put, changed=()) if upto % 3 == 0 else put

    patch.replace(Sessions, "checkpoint", checkpoint)


@mutant(
    "trimmed-to-no-state",
    rule="what is removed must be covered by a state that is kept",
    profile="trims",
    caught_by=Invariant.ORDER,
    seeds=10,
)
def trimmed_to_no_state(patch: Patch) -> None:
    """A trim removes everything below the slot that it names, whether or not a state is kept there."""

    def trim_to(self: Learner, log_start: int) -> None:
        log_start = self.watermark
        if log_start > self.log_start:
            self.log_start = log_start
            self._out.writes.append(PutLogStart(log_start))

    patch.replace(Learner, "_trim_to", trim_to)


@mutant(
    "removed-slots-promised",
    rule="whoever asks for slots that are removed must be given the state in their place",
    profile="trims",
    caught_by=Invariant.LIVENESS,
    seeds=20,
)
def removed_slots_promised(patch: Patch) -> None:
    """Nobody looks at the log_start when a replica asks for slots below it."""

    def on_catch_up(self: LogServer, sender: int, message: CatchUp) -> None:
        self._feeding[sender] = self._settings.catch_up_pages
        self._send_missing(sender, message.first)

    patch.replace(LogServer, "on_catch_up", on_catch_up)


@mutant(
    "state-of-the-past",
    rule="a watermark never falls",
    profile="trims",
    caught_by=Invariant.ORDER,
    seeds=400,
    first=180,
)
def state_of_the_past(patch: Patch) -> None:
    """A late page of a state is taken, although what was missing has come by other ways."""
    original = Learner.on_snapshot

    def on_snapshot(self: Learner, sender: int, message: Snapshot, now: float) -> Snapshot | None:
        watermark = self.watermark
        if message.upto <= watermark == self._asked_first and sender in self._asked and message.last:
            self.watermark = message.upto - 1
        try:
            self._asked_first = self.watermark if self._asked_first == watermark else self._asked_first
            return original(self, sender, message, now)
        finally:
            if self._taking is None:
                self.watermark = watermark

    patch.replace(Learner, "on_snapshot", on_snapshot)
