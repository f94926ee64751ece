"""Mistakes about what is chosen, in which order it is applied, and how the others get it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from paxtui.checkers.broken import Invariant
from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.learner import Learner
from paxtui.core.log_server import LogServer
from paxtui.core.messages import CatchUp, Heartbeat, PeerMessage
from paxtui.core.outbox import Outbox
from paxtui.core.output import Applied
from paxtui.core.values import Entry
from paxtui.sim.mutants.mutant import Patch, mutant


@mutant(
    "commit-takes-the-local-value",
    rule="a tally tells the value only to who voted at the same ballot",
    profile="boost",
    caught_by=Invariant.LEARNED,
    seeds=30,
)
def commit_takes_the_local_value(patch: Patch) -> None:
    """A slot that is said to be chosen is taken to hold whatever this replica voted for there."""

    def learn_votes(self: Learner, first: int, upto: int, ballot: Ballot) -> None:
        for slot in range(max(first, self.watermark), min(upto, self._acceptor.high)):
            vote = self._acceptor.votes.get(slot)
            if vote is not None and slot not in self.known:
                self.learn(slot, (Entry(*vote),))

    patch.replace(Learner, "_learn_votes", learn_votes)


@mutant(
    "watermark-too-high",
    rule="a watermark that leaves is not above the replica's own",
    profile="all",
    caught_by=Invariant.LEARNED,
    seeds=3,
)
def watermark_too_high(patch: Patch) -> None:
    """Now and then a heartbeat counts the slot that is just being decided."""
    original = Outbox.send

    def send(self: Outbox, to: int, message: PeerMessage) -> None:
        if isinstance(message, Heartbeat) and message.number % 7 == 0:
            message = replace(message, learned=message.learned + 1)
        original(self, to, message)

    patch.replace(Outbox, "send", send)


@mutant(
    "votes-told-as-learned",
    rule="a value that one acceptor accepted is not chosen",
    profile="all",
    caught_by=Invariant.LEARNED,
    seeds=4,
)
def votes_told_as_learned(patch: Patch) -> None:
    """Who asks for the log gets the accepted values above it as well."""
    original = LogServer.send_entries

    def send_entries(self: LogServer, to: int, first: int, entries: tuple[Entry, ...]) -> None:
        vote = self._learner._acceptor.votes.get(first + len(entries))
        more = () if vote is None or first + len(entries) < self._learner.watermark else (Entry(*vote),)
        original(self, to, first, entries + more)

    patch.replace(LogServer, "send_entries", send_entries)


@mutant(
    "holes-passed-over",
    rule="Paxos Made Simple, 3: a command is executed when all before it are",
    profile="all",
    caught_by=Invariant.ORDER,
    seeds=3,
)
def holes_passed_over(patch: Patch) -> None:
    """Learned slots are applied as they come; a hole is somebody else's trouble."""
    original = Learner.advance

    def advance(self: Learner) -> Applied | None:
        if self.known and self.watermark not in self.known:
            self.watermark = min(self.known)
        return original(self)

    patch.replace(Learner, "advance", advance)


@mutant(
    "chain-starts-anew",
    rule="equal heads at equal watermarks mean equal logs",
    profile="crash",
    caught_by=Invariant.ORDER,
    seeds=4,
)
def chain_starts_anew(patch: Patch) -> None:
    """After a restart the hash chain begins at its beginning, in the middle of the log."""
    original = Learner.__init__

    def start(self: Learner, *args: Any) -> None:
        original(self, *args)
        self.chain = CHAIN_START

    patch.replace(Learner, "__init__", start)


@mutant(
    "row-not-written",
    rule="durability: every slot below the watermark on disk has its chosen value there",
    profile="all",
    caught_by=Invariant.ACKNOWLEDGED,
    seeds=3,
)
def row_not_written(patch: Patch) -> None:
    """What is learned without an own vote is applied, but not written."""
    patch.replace(Learner, "_put", lambda self, end, foreign: foreign.clear())


@mutant(
    "page-too-long",
    rule="a limit on everything: pages",
    profile="all",
    caught_by=Invariant.LIMITS,
    seeds=50,
)
def page_too_long(patch: Patch) -> None:
    """The limit of a page of the log is a number in the code."""
    original = LogServer.on_catch_up

    def on_catch_up(self: LogServer, sender: int, message: CatchUp) -> None:
        settings, self._settings = self._settings, replace(self._settings, run_slots=50)
        original(self, sender, message)
        self._settings = settings

    patch.replace(LogServer, "on_catch_up", on_catch_up)


@mutant(
    "no-catch-up",
    rule="gaps are asked for, from anyone (the ancestor and paxos-rs#76 learn from one broadcast only)",
    profile="network",
    caught_by=Invariant.LIVENESS,
    seeds=3,
)
def no_catch_up(patch: Patch) -> None:
    """What was missed is never asked for."""
    patch.replace(Learner, "_ask", lambda self, peer, now: None)


@mutant(
    "old-slots-unanswerable",
    rule="learned slots stay answerable, however old",
    profile="all",
    caught_by=Invariant.LIVENESS,
    seeds=20,
)
def old_slots_unanswerable(patch: Patch) -> None:
    """Only what is still in memory is sent to who asks for the log."""
    original = LogServer.on_catch_up

    def on_catch_up(self: LogServer, sender: int, message: CatchUp) -> None:
        if message.first >= self._learner.recent_entries.first:
            original(self, sender, message)

    patch.replace(LogServer, "on_catch_up", on_catch_up)
