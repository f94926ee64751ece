"""Mistakes that break no safety rule: the cluster stands still, or never comes to rest."""

from __future__ import annotations

from paxtui.checkers.broken import Invariant
from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot
from paxtui.core.events import NackSent
from paxtui.core.leader import Leader
from paxtui.core.learner import Learner
from paxtui.core.messages import Accepted, Entries, HeartbeatAck, PeerMessage
from paxtui.core.outbox import Outbox
from paxtui.core.output import EVERYONE
from paxtui.core.proposer import Proposer
from paxtui.sim.mutants.mutant import Patch, mutant


@mutant(
    "never-sent-again",
    rule="the leader owns the re-sending of each undecided slot (500lines: `already proposing`)",
    profile="network",
    caught_by=Invariant.LIVENESS,
    seeds=20,
)
def never_sent_again(patch: Patch) -> None:
    """An Accept is sent once."""
    patch.replace(Leader, "resend", lambda self, now: setattr(self, "resend_at", now + 1.0))


@mutant(
    "skipped-slot-never-filled",
    rule="Paxos Made Simple, 3: a no-op fills the gap",
    profile="churn",
    caught_by=Invariant.LIVENESS,
    seeds=6,
)
def skipped_slot_never_filled(patch: Patch) -> None:
    """A leader waits for a client to come for the slot that it left empty."""
    patch.replace(Leader, "fill_due", lambda self, now: None)
    patch.replace(Leader, "deadline", property(lambda self: min(self.heartbeat_at, self.resend_at)))


@mutant(
    "gap-of-phase-1-never-filled",
    rule="Paxos Made Simple, 3; Paxi: `nil gap?`",
    profile="all",
    caught_by=Invariant.LIVENESS,
    seeds=40,
)
def gap_of_phase_1_never_filled(patch: Patch) -> None:
    """A new leader proposes what was reported again, and passes over the slots between."""
    original = Leader._propose_recovered

    def propose_recovered(self: Leader, now: float, watermark: int, known: object) -> None:
        if self.next_slot in self._adopted:
            original(self, now, watermark, known)  # type: ignore[arg-type]
        else:
            self.next_slot += 1

    patch.replace(Leader, "_propose_recovered", propose_recovered)


@mutant(
    "election-below-the-round-trip",
    rule="a candidate gives the answers the time to arrive; broadcast time << election timeout (Raft, 5.6)",
    profile="network",
    caught_by=(Invariant.LIVENESS, Invariant.STORM),
    seeds=3,
)
def election_below_the_round_trip(patch: Patch) -> None:
    """The election timeout is a hundredth of what it should be."""
    original = Proposer._wait

    def wait(self: Proposer, now: float) -> None:
        original(self, now)
        self.election_at = now + (self.election_at - now) / 100

    patch.replace(Proposer, "_wait", wait)


@mutant(
    "deaf-replica-campaigns",
    rule="a follower that hears nobody must not stop a healthy majority (TigerBeetle's deaf node)",
    profile="network",
    caught_by=(Invariant.LIVENESS, Invariant.STORM),
    seeds=6,
)
def deaf_replica_campaigns(patch: Patch) -> None:
    """No pre-vote, and no loyalty to a live leader: who hears nobody takes the next ballot."""

    def try_at_once(self: Proposer, now: float) -> None:
        self.attempt += 1
        self.step_down("no majority answered", now)
        self._prepare(now, forced=True)

    patch.replace(Proposer, "_start_pre_vote", try_at_once)


@mutant(
    "leader-without-a-majority-stays",
    rule="a leader that no majority answers steps down (openraft#2080)",
    profile="network",
    caught_by=Invariant.LIVENESS,
    seeds=20,
)
def leader_without_a_majority_stays(patch: Patch) -> None:
    """A leader leads until somebody tells it otherwise."""
    patch.replace(Leader, "lost_majority", lambda self, now: False)


@mutant(
    "ack-answered-with-a-heartbeat",
    rule="no storm: messages in a healthy cluster are bounded",
    profile="network",
    caught_by=Invariant.STORM,
    seeds=2,
)
def ack_answered_with_a_heartbeat(patch: Patch) -> None:
    """One follower's answer to a heartbeat is answered with the next one."""
    original = Leader.on_ack

    def on_ack(self: Leader, sender: int, message: HeartbeatAck, watermark: int) -> None:
        original(self, sender, message, watermark)
        if self._replicas > 1 and sender == (self.ballot.replica + 1) % self._replicas:
            self.send_heartbeat(watermark)

    patch.replace(Leader, "on_ack", on_ack)


@mutant(
    "refused-without-a-word",
    rule="a refused ballot is answered by a Nack that carries the promised one (Paxos Made Simple, 2.2)",
    profile="rounds",
    caught_by=Invariant.LIVENESS,
    seeds=40,
)
def refused_without_a_word(patch: Patch) -> None:
    """An acceptor that has promised more keeps silent. A majority elects and serves without it, and it stays
    outside for ever: it asks for pre-votes, they are loyal, and the leader never hears of the higher
    ballot."""

    def refuse(self: Acceptor, sender: int, ballot: Ballot, leader: Ballot | None, learned: int) -> None:
        del learned
        self._out.event(NackSent(ballot, sender, self.promised, leader))

    patch.replace(Acceptor, "_refuse", refuse)


@mutant(
    "empty-page-asked-for-again-at-once",
    rule="who waits asks again when its timer says so, not because of the answer",
    profile="crash",
    caught_by=Invariant.STORM,
    seeds=60,
)
def empty_page_asked_for_again_at_once(patch: Patch) -> None:
    """After any page of the log the next one is asked for, also after an empty one."""
    original = Learner.on_entries

    def on_entries(self: Learner, sender: int, message: Entries, now: float) -> bool:
        asked = original(self, sender, message, now)
        if asked and not message.entries:
            self._asked_first = -1
        return asked

    patch.replace(Learner, "on_entries", on_entries)


@mutant(
    "vote-told-to-everybody",
    rule="no storm: a vote goes to the leader, who counts (Paxos Made Simple, 2.3, a distinguished learner)",
    profile="calm",
    caught_by=Invariant.STORM,
    seeds=4,
)
def vote_told_to_everybody(patch: Patch) -> None:
    """An acceptor sends its vote to all replicas, as many messages as there are pairs."""
    original = Outbox.send_durable

    def send_durable(self: Outbox, to: int, message: PeerMessage) -> None:
        original(self, EVERYONE if isinstance(message, Accepted) and to != self.me else to, message)

    patch.replace(Outbox, "send_durable", send_durable)
