"""The checkers of an observer that sees everything: events, messages, disks and clients, as in the simulator.

Facts go in, :class:`InvariantBroken` comes out. An observer that has only the trace events of a real cluster,
perhaps not all of them, uses a
:class:`~paxtui.checkers.partial_observer.PartialObserver`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.ghost_state import GhostState
from paxtui.checkers.limits import LimitsChecker
from paxtui.checkers.logs import Logs
from paxtui.checkers.requests import Requests
from paxtui.core.events import (
    AppliedTo,
    ChosenSeen,
    Elected,
    Event,
    Learned,
    Promised,
    Proposed,
    Restored,
    RoundTaken,
    SnapshotTaken,
    Voted,
)
from paxtui.core.messages import (
    Accept,
    Accepted,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Snapshot,
)
from paxtui.core.output import (
    Appended,
    Applied,
    PutCheckpoint,
    PutLogStart,
    PutSnapshot,
    PutState,
    PutVotes,
    ReadReady,
    Refused,
    Reply,
    Write,
)
from paxtui.core.settings import Settings
from paxtui.core.values import Command, Entry

Look = Callable[[int, Any], None]
"""Told of a replica and of what it decided or said."""


_COUNTS = (
    *(Accept, Accepted, PreVote, PreVoteReply, Chosen),
    *(Heartbeat, HeartbeatAck, Nack, Prepare, Promise),
)
"""Messages that only a replica with a vote may send."""


class FullObserver:
    """The ghost state of a whole cluster, and every rule about it."""

    def __init__(self, replicas: int, settings: Settings) -> None:
        self.ghost = GhostState(replicas)
        self.logs = Logs(replicas, self.ghost.chosen)
        self.requests = Requests(replicas, settings.sessions_max, settings.session_window)
        self.limits = LimitsChecker(settings)
        self._non_voting: set[int] = set()
        ghost = self.ghost
        self.on_event: dict[type[Event], Look] = {
            AppliedTo: self._applied_to,
            ChosenSeen: self._chosen_seen,
            Elected: self._elected,
            Learned: self._learned,
            Promised: self._promised,
            Proposed: self._proposed,
            Restored: self._restored,
            RoundTaken: self._round_taken,
            SnapshotTaken: self._snapshot_taken,
            Voted: self._voted,
        }
        """By class, who looks at a trace event. Most concern no checker."""
        self.on_message: dict[type[PeerMessage], Look] = {
            Accept: self._accept,
            Accepted: self._accepted,
            PreVoteReply: self._learned_told,
            Chosen: self._chosen_seen,
            Entries: self._entries,
            Heartbeat: self._learned_told,
            HeartbeatAck: self._ack,
            Nack: self._learned_told,
            Prepare: ghost.prepare_sent,
            Promise: self._promise,
            Snapshot: self._snapshot,
        }
        """By class, who looks at a message as it leaves."""

    # What replicas decide

    def events(self, replica: int, events: Iterable[Event]) -> None:
        """Trace events of one replica, in order."""
        for event in events:
            check = self.on_event.get(type(event))
            if check is not None:
                check(replica, event)

    def _restored(self, replica: int, event: Restored) -> None:
        self.ghost.restored(replica, event.promised)
        self.logs.restored(replica, event.watermark)

    def _applied_to(self, replica: int, event: AppliedTo) -> None:
        self.logs.applied_to(replica, event.first, event.watermark, event.chain)

    def _snapshot_taken(self, replica: int, event: SnapshotTaken) -> None:
        self.logs.snapshot_taken(replica, event.first, event.upto, event.chain)
        self.requests.snapshot_taken(replica, event.upto)

    def _chosen_seen(self, replica: int, event: ChosenSeen | Chosen) -> None:
        self.ghost.chosen_seen(replica, event.ballot, event.first, event.count)

    def _elected(self, replica: int, event: Elected) -> None:
        self.ghost.elected(replica, event.ballot, event.first, event.quorum)

    def _learned(self, replica: int, event: Learned) -> None:
        self.ghost.learned(replica, event.first, [entry.value for entry in event.entries])

    def _promised(self, replica: int, event: Promised) -> None:
        self.ghost.promise_made(replica, event.ballot)

    def _round_taken(self, replica: int, event: RoundTaken) -> None:
        self.ghost.round_taken(replica, event.ballot)

    def _proposed(self, replica: int, event: Proposed) -> None:
        self.ghost.proposed(replica, event.ballot, event.first, event.values)
        self.requests.proposed(replica, event.values)
        self.limits.window(replica, event.first + len(event.values), self.logs.watermarks[replica])

    def _voted(self, replica: int, event: Voted) -> None:
        self.ghost.vote_cast(replica, event.ballot)
        self.limits.ahead(replica, event.first + len(event.values), self.logs.watermarks[replica])

    # What replicas say

    def sent(self, replica: int, message: PeerMessage) -> None:
        """Check a message that leaves a replica; whether it arrives does not matter."""
        check = self.on_message.get(type(message))
        if check is not None:
            check(replica, message)

    def _learned_told(self, replica: int, message: PreVoteReply | Nack | Heartbeat) -> None:
        self.logs.check_reported(replica, message.learned)

    def _ack(self, replica: int, message: HeartbeatAck) -> None:
        self.logs.check_reported(replica, message.learned)
        self.ghost.ack_sent(replica, message)

    def _accept(self, replica: int, message: Accept) -> None:
        self.ghost.accept_sent(replica, message)
        self.limits.run(replica, message.values)

    def _accepted(self, replica: int, message: Accepted) -> None:
        self.logs.check_reported(replica, message.learned)
        self.ghost.accepted_sent(replica, message)

    def _promise(self, replica: int, message: Promise) -> None:
        self.logs.check_reported_durable(replica, message.learned)
        self.ghost.promise_sent(replica, message)
        self.limits.run(replica, [vote.value for vote in message.votes])

    def _entries(self, replica: int, message: Entries) -> None:
        self.logs.check_reported(replica, message.learned)
        self.logs.entries(replica, message.first, message.entries)
        self.limits.run(replica, [entry.value for entry in message.entries])

    def _snapshot(self, replica: int, message: Snapshot) -> None:
        self.logs.check_reported(replica, message.learned)
        self.logs.head_told(replica, message.upto, message.chain)
        self.requests.state_told(replica, message.upto, message.horizon, message.sessions)

    # What their disks hold

    def committed(self, replica: int, write: Write, rows: dict[int, Entry]) -> None:
        """Check one write of a transaction that is on disk; ``rows`` is the log table after it."""
        if type(write) is PutState:
            self.ghost.put_state(replica, write.promised, write.round)
            self.logs.put_state(replica, write.watermark, write.chain, rows)
        elif type(write) is PutVotes:
            self.ghost.put_votes(replica, write.ballot, write.first, write.values)
        elif type(write) is PutLogStart:
            self.logs.put_floor(replica, write.log_start, rows)
            self.requests.trimmed(replica, write.log_start)
        elif type(write) is PutCheckpoint:
            self.requests.kept(replica, write.checkpoint.upto, write.horizon)
        elif type(write) is PutSnapshot:
            self.logs.put_snapshot(replica, write.checkpoint.upto, write.emptied, rows)
            self.requests.state_stored(replica, write)

    # Who has no vote

    def lost(self, replica: int) -> None:
        """Note that a replica's disk has forgotten something; from now on it must not vote."""
        self.ghost.lost(replica)
        self.logs.lost(replica)
        self.became_non_voting(replica)

    def became_non_voting(self, replica: int) -> None:
        """Forbid everything that could count as a vote or a lead to leave a replica (invariant 2)."""
        if not self._non_voting:
            for kind in _COUNTS:
                self.on_message[kind] = self._guarded(self.on_message.get(kind))
        self._non_voting.add(replica)

    def _guarded(self, look: Look | None) -> Look:
        """Guard messages only from the first non-voting replica on: most runs have none, and every message
        asks."""

        def guarded(replica: int, message: Any) -> None:
            if replica in self._non_voting:
                kind = message.__struct_config__.tag
                raise InvariantBroken(
                    Invariant.PROMISES, f"it is a learner without vote, and sends a {kind}", replica
                )
            if look is not None:
                look(replica, message)

        return guarded

    # What clients ask and hear

    def asked(self, command: Command) -> None:
        """Note that a client sends a request."""
        self.requests.asked(command)

    def read_started(self, replica: int, ticket: int) -> None:
        """Note that a linearizable read arrived at a replica."""
        self.requests.read_started(replica, ticket)

    def applied(self, replica: int, applied: Applied) -> None:
        """Check applied slots that a replica hands to its host."""
        self.requests.applied(replica, applied)

    def replied(self, replica: int, reply: Reply) -> None:
        """Check a reply that leaves."""
        if type(reply) is Refused:
            self.requests.refused(replica, reply)
        elif type(reply) is Appended:
            self.requests.appended(replica, reply)
        elif type(reply) is ReadReady:
            self.requests.read_ready(replica, reply, self.logs.watermarks[replica])

    # Memory

    def forget_below(self, slot: int) -> None:
        """Drop what is known of slots below ``slot``, as far as they are applied."""
        slot = min(slot, self.logs.upto)
        self.ghost.forget_below(slot)
        self.logs.forget_below(slot)
