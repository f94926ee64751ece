"""Everything that is known of a cluster, and the questions that it answers. How it gets there is told by
:mod:`.telemetry`; judges look at it from above."""

from __future__ import annotations

from copy import copy
from typing import Final, Self

from paxtui.config.cluster_file import Cluster
from paxtui.console.model.durations import ages
from paxtui.console.model.state.holes import Holes
from paxtui.console.model.state.journal import Events
from paxtui.console.model.state.phase1 import Phase1Findings
from paxtui.console.model.state.rates import Latencies, RateCounter
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.model.state.runs import Runs
from paxtui.console.model.state.seen import Seen
from paxtui.console.model.state.sent_messages import SentMessages
from paxtui.console.model.state.trims import Trims
from paxtui.console.model.state.values import Values
from paxtui.wire.values import Ballot, majority

EVERYTHING: Final = 100.0
"""A link that loses so many percent is cut by another name."""


class Facts:
    """Facts about slots and replicas. ``version`` grows with every change, so views know when to look."""

    def __init__(self, cluster: Cluster, *, hold_s: float = 0.0) -> None:
        self.cluster = cluster
        self.n = cluster.n
        self.quorum = majority(cluster.n)
        self.version = 0
        self.replicas = [ReplicaView(id) for id in range(self.n)]
        self.proposed: Runs[Ballot] = Runs()
        """The newest ballot at which a leader gave the slot a value."""
        self.sources: Runs[str] = Runs()
        """Where the newest proposal came from: client, adopted or no-op."""
        self.sent: list[Runs[Ballot]] = [Runs() for _ in range(self.n)]
        """By receiver: the ballot of the newest Accept that left for it."""
        self.lost: list[Runs[Ballot]] = [Runs() for _ in range(self.n)]
        """By receiver: Accepts of those that a fault swallowed and that were not sent again since."""
        self.trims = Trims()
        self.holes = Holes(self.n, cluster.settings.hole_timeout_s)
        self.phase1 = Phase1Findings()
        self.leaders: dict[int, Ballot] = {}
        """By replica, the ballot that it was elected with, while it leads."""
        self.values = Values()
        self.journal = Events(hold_s)
        self.chat = SentMessages(lambda: self.end)
        self.chosen_rate = RateCounter()
        self.elections = RateCounter()
        self.latency = Latencies()
        self.came_at: float | None = None
        """When this console began to look, on its own clock."""
        self.remembered: list[Seen] = []
        """What replicas kept of the time before."""
        self.first_proposed_at: Runs[float] = Runs()
        """When the first proposal was seen, on the console's clock."""

    def still(self) -> Self:
        """Return the facts as they are now, all of one moment, for a view that stands still."""
        other = self.bare()
        other.values, other.journal = self.values.copy(), self.journal.still()
        other.chat = self.chat.still()
        return other

    def bare(self) -> Self:
        """Return the same without values, events and one's own messages, which are shared."""
        other = copy(self)
        other.replicas = [replica.still() for replica in self.replicas]
        other.proposed, other.sources = self.proposed.copy(), self.sources.copy()
        other.sent = [runs.copy() for runs in self.sent]
        other.lost = [runs.copy() for runs in self.lost]
        other.trims = self.trims.copy()
        other.holes, other.phase1 = self.holes.copy(), self.phase1.copy()
        other.leaders = self.leaders.copy()
        other.chosen_rate, other.elections = self.chosen_rate.copy(), self.elections.copy()
        other.latency = self.latency.copy()
        other.remembered = self.remembered[:]
        other.first_proposed_at = self.first_proposed_at.copy()
        return other

    @property
    def wall_ahead(self) -> float:
        """Return the replicas' wall clocks minus the console's own: what time of day it is there. Of several
        that differ it is the middle one; 0 before any was heard."""
        heard = sorted(each.wall_ahead for each in self.replicas if each.wall_ahead is not None)
        return heard[(len(heard) - 1) // 2] if heard else 0.0

    def proposed_after(self, slot: int, now: float) -> bool:
        """Return whether the first proposal for ``slot`` is known to be later than ``now``, a time of the
        console's: who was down by then cannot have voted."""
        at = self.first_proposed_at.get(slot)
        return at is not None and at > now

    @property
    def leader(self) -> tuple[int, Ballot] | None:
        """Return who leads, as far as is known: of several that believe it, the one with the highest ballot.
        Whom a majority has promised to refuse leads nobody, even if nobody else does."""
        if not self.leaders:
            return None
        id = max(self.leaders, key=lambda each: self.leaders[each])
        ballot = self.leaders[id]
        refuse = sum(replica.promised > ballot for replica in self.replicas)
        return (id, ballot) if refuse < self.quorum else None

    @property
    def end(self) -> int:
        """Return the slot after the last of which anything is known."""
        ends = [replica.accepted_high for replica in self.replicas]
        return max(self.proposed.end, *ends)

    @property
    def hole(self) -> int | None:
        """Return the first slot that keeps chosen ones above it from being applied, if there is one."""
        applied = self.applied
        return applied if self.chosen > applied else None

    @property
    def chosen(self) -> int:
        """Return the slot after the last that any replica knows to be chosen."""
        return max(max(replica.learned.end, replica.applied) for replica in self.replicas)

    @property
    def applied(self) -> int:
        """Return the highest applied watermark."""
        return max(replica.applied for replica in self.replicas)

    @property
    def log_start(self) -> int:
        """Return the slot below which all are removed on every replica that was heard and is not known to be
        down."""
        up = [
            each.log_start for each in self.replicas if each.process != "down" and each.heard_at is not None
        ]
        return min(up or [each.log_start for each in self.replicas])

    def keepers(self, slot: int) -> list[int]:
        """Return replicas that may be asked for an applied slot: they have not removed it."""
        return [
            each.id
            for each in self.replicas
            if each.log_start <= slot < each.applied and each.process != "down"
        ]

    def crosses(self, sender: int, receiver: int) -> bool:
        """Return whether nothing that is known keeps messages of ``sender`` from ``receiver``."""
        one, other = self.replicas[sender], self.replicas[receiver]
        return (
            receiver not in one.cuts()
            and one.loss_to(receiver) < EVERYTHING
            and one.process not in ("down", "paused")
            and other.process not in ("down", "paused")
        )

    def reaches(self, sender: int, receiver: int) -> bool:
        """Return whether what ``sender`` says arrives at ``receiver`` and counts there, as far as is known:
        no fault keeps it away, a connection exists, and the receiver takes the sender in."""
        one = self.replicas[sender]
        broken = any(link.to == receiver and not link.connected for link in one.links)
        return self.crosses(sender, receiver) and not broken and receiver not in one.refused_by

    def connected(self, one: int, other: int) -> bool:
        """Return whether both directions work."""
        return self.reaches(one, other) and self.reaches(other, one)

    def voteless(self, id: int) -> str | None:
        """Return why a replica is a learner without vote, as it says itself, or as the others do."""
        own = self.replicas[id].non_voting
        if own is not None:
            return own
        for other in self.replicas:
            for replica, reason in other.report.non_voting_peers if other.report is not None else ():
                if replica == id:
                    return f"{other.name} says: {reason}"
        return None

    def isolated(self, id: int) -> bool:
        """Return whether faults cut the replica off from all others, at least in one direction each."""
        others = [each for each in range(self.n) if each != id]
        return bool(others) and all(
            each in self.replicas[id].cuts() or id in self.replicas[each].cuts() for each in others
        )

    def cut_off(self, id: int) -> bool:
        """Return whether cuts act on all links of a replica, in both directions."""
        others = [each for each in range(self.n) if each != id]
        mine = self.replicas[id].cuts()
        return bool(others) and all(each in mine and id in self.replicas[each].cuts() for each in others)

    def unheard(self, now: float) -> list[int]:
        """Return replicas that may do what is not told here: neither heard lately nor known to be stopped."""
        return [
            each.id
            for each in self.replicas
            if each.process in ("up", "unknown") and not each.fresh(now) and self.voteless(each.id) is None
        ]

    def open_for(self, slot: int, now: float) -> float | None:
        """Return for how long ``slot`` has had a proposal; ``None`` if no proposal was seen."""
        at = self.first_proposed_at.get(slot)
        return None if at is None else max(0.0, now - at)

    def trouble(self, id: int, now: float) -> str:
        """Return what keeps a replica from being of use to others, in few words; empty if nothing is
        known."""
        replica = self.replicas[id]
        if replica.process in ("down", "paused"):
            return replica.process
        if self.isolated(id):
            return "cut off"
        silent = replica.silent_s(now)
        if not replica.fresh(now):
            return "never heard" if silent is None else f"not heard for {ages(silent)}"
        return ""
