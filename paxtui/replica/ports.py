"""What a connection sees of the host: a small Protocol for each kind of connection.

``sessions`` and ``metrics`` know the host by these alone, so they list what a client, a peer or an operator
can reach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from paxtui.config.cluster_file import Cluster
from paxtui.core.messages import PeerMessage
from paxtui.core.status import Status
from paxtui.replica.core_control import CoreControl
from paxtui.replica.event_log import EventLog
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.log.applied_log import AppliedLog
from paxtui.replica.observability.history import EventHistory
from paxtui.replica.observability.telemetry import Telemetry
from paxtui.replica.pending_requests import PendingRequests, ReadAnswer
from paxtui.replica.protocol_clock import ProtocolClock
from paxtui.replica.step_control import StepControl
from paxtui.replica.transport.outbound import OutboundLink, OutboundLinks
from paxtui.replica.transport.read_loop import ReadLoop
from paxtui.replica.voting_rights import VotingRights
from paxtui.storage.store import Store
from paxtui.wire.requests import StatusReport


class MemberView(Protocol):
    """The host as one of its cluster."""

    @property
    def me(self) -> int:
        """The replica's own id."""

    @property
    def cluster(self) -> Cluster:
        """The cluster as this replica's configuration has it."""


class ClientPort(Protocol):
    """The host as a client, an operator or an observer reads and appends."""

    @property
    def pending_requests(self) -> PendingRequests:
        """Return where a connection waits for the core's replies."""

    @property
    def applied_log(self) -> AppliedLog:
        """Return what reads and tails are served from."""

    @property
    def telemetry(self) -> Telemetry:
        """Return what observers are told."""

    @property
    def history(self) -> EventHistory:
        """Return what was before, for those who come late."""

    @property
    def read_loop(self) -> ReadLoop:
        """The task that reads all sockets."""

    def propose(self, client: str, first: int, texts: Sequence[str]) -> None:
        """Propose a client's requests ``first``, ``first + 1``, ..."""

    def read(self, answer: ReadAnswer) -> None:
        """Start a linearizable read; ``answer`` is called when it may be served, or not."""

    def flush_later(self, link: OutboundLink) -> None:
        """Flush ``link`` at the end of this turn."""


class OperatorPort(MemberView, Protocol):
    """The host as an operator acts on it."""

    @property
    def faults_allowed(self) -> bool:
        """Return whether faults may be injected."""

    @property
    def fault_registry(self) -> FaultRegistry:
        """The faults that act or wait here."""

    @property
    def control(self) -> CoreControl:
        """Elections and no-ops."""

    @property
    def step_control(self) -> StepControl:
        """Staged messages, and the protocol's clock."""

    @property
    def event_log(self) -> EventLog:
        """Return where each action leaves a line of audit."""

    @property
    def counters(self) -> Counter[str]:
        """Counters by the names that ``status`` shows."""


class PeerPort(MemberView, Protocol):
    """The host as a peer that dialled it speaks to it."""

    @property
    def storage(self) -> Store:
        """The disk, which a peer must have the same origin as."""

    @property
    def voting_rights(self) -> VotingRights:
        """Return which peers may vote, and how far their disks had come."""

    @property
    def read_loop(self) -> ReadLoop:
        """The task that reads all sockets."""

    @property
    def counters(self) -> Counter[str]:
        """Counters by the names that ``status`` shows."""

    def receive(self, sender: int, message: PeerMessage) -> None:
        """Give a peer's message to the core."""

    def lost_contact(self, peer: int) -> None:
        """Tell the core that the connection on which ``peer`` sent is gone."""


class LinkPort(MemberView, Protocol):
    """The host as the link that it dials to a peer needs it."""

    @property
    def storage(self) -> Store:
        """The disk, whose identity and commit number stand in hello."""

    @property
    def outbound(self) -> OutboundLinks:
        """Return where the link is entered while it is up."""

    @property
    def non_voting(self) -> str | None:
        """Why this replica has no vote, if it has none."""

    def become_learner(self, reason: str) -> None:
        """Give up the vote, as a peer says that this disk may not vote."""


class StatusView(MemberView, Protocol):
    """The host as it shows itself, in welcomes, in ``status`` and in metrics."""

    @property
    def faults_allowed(self) -> bool:
        """Return whether faults may be injected."""

    @property
    def status(self) -> Status | None:
        """The core's belief; ``None`` during warm-up."""

    @property
    def protocol_clock(self) -> ProtocolClock:
        """What the core is told of time."""

    @property
    def applied_log(self) -> AppliedLog:
        """The applied log, for its watermark."""

    @property
    def commit_s(self) -> float:
        """A moving average of the time a commit takes, in seconds."""

    def report(self, ask: int) -> StatusReport:
        """Return the status for the request ``ask``, without what only the server knows."""


class ServedHost(ClientPort, OperatorPort, PeerPort, StatusView, Protocol):
    """All that the server of one host hands to its connections."""
