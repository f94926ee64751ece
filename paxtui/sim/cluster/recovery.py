"""The second phase: whether the cluster is whole again, and stays so in peace (invariants 12, 14)."""

from __future__ import annotations

from collections.abc import Sequence

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.settings import Settings
from paxtui.sim.cluster.clients import SimulatedClient
from paxtui.sim.cluster.message_budget import healthy, judge_healthy
from paxtui.sim.cluster.simulated_replica import SimulatedReplica
from paxtui.sim.cluster.world import World

LIVE_S_MAX = 40.0
"""Limit of the second phase: a cluster that takes longer is not live. The slowest honest way: three
stretched election timeouts of 3.2 s, a catch-up, and clients that wait a second between attempts."""

STABLE_S = 1.5
"""Time for which one leader must stay, undisturbed: almost twice the longest election timeout."""

LOOK_S = 0.25
"""Time between two checks of the second phase."""

MESSAGES_A_SECOND = 45
"""Messages on one follower's two links in an idle cluster: ten heartbeats and their answers, at clocks
that run a quarter too fast, and as much again for what arrives late."""

GOSSIP_A_SECOND = 25
"""Messages between a broken replica and each other one: a pre-vote and its answer, a few times a second."""

LATE_MESSAGES = 50
"""Messages that may be on their way from before, whatever the time."""


class Recovery:
    """The check of a healed cluster, until it was whole and quiet for a while or the time is over."""

    def __init__(
        self, world: World, replicas: Sequence[SimulatedReplica], clients: Sequence[SimulatedClient]
    ) -> None:
        self._world = world
        self._replicas = replicas
        self._clients = clients
        self._deadline = world.now + LIVE_S_MAX
        self._whole_at: float | None = None
        self._elections = 0
        self._sent = 0

    def start_checking(self) -> None:
        """Call once everything has healed."""
        self._world.push(self._world.now + LOOK_S, self._look, None)

    def _look(self, _: None) -> None:
        world = self._world
        trouble = self._trouble()
        if trouble:
            self._whole_at = None
            self._late(Invariant.LIVENESS, trouble)
        elif self._whole_at is None:
            self._whole_at = world.now
            self._elections, self._sent = world.elections, world.network.sent
            world.recovery_s = world.recovery_s or world.now - world.plan.heal_at
        elif world.now - self._whole_at >= STABLE_S:
            self._judge(world.now - self._whole_at)
            if world.over:
                return
        world.push(world.now + LOOK_S, self._look, None)

    def _late(self, invariant: Invariant, what: str) -> None:
        if self._world.now > self._deadline:
            raise InvariantBroken(invariant, f"{LIVE_S_MAX} s after the last fault: {what}")

    @property
    def _expected_live(self) -> tuple[int, ...]:
        """List the replicas that must recover: those that heal and trust their disks."""
        return tuple(replica for replica in self._world.plan.core if not self._replicas[replica].refused)

    def _trouble(self) -> str:
        """Return why the cluster is not whole, in words; empty if it is."""
        well = self._expected_live
        live = [self._replicas[replica] for replica in well]
        down = [host.me for host in live if host.core is None]
        if down:
            return f"replicas {down} are down"
        leaders = [host.me for host in self._replicas if host.leads]
        if len(leaders) != 1 or leaders[0] not in well:
            return f"leaders: {leaders or 'none'}"
        pending = sum(client.pending for client in self._clients)
        if pending:
            return f"{pending} requests pend"
        watermarks = [host.watermark for host in live]
        if len(set(watermarks)) > 1:
            return f"watermarks {watermarks} of replicas {well}"
        led = self._replicas[leaders[0]].ballot
        strays = [host.me for host in live if host.follows != led]
        if strays:
            return f"replicas {strays} do not follow {led}, which leads"
        return ""

    def _judge(self, seconds: float) -> None:
        """Check that the leader has stayed, in peace and quiet, while the cluster was whole."""
        world = self._world
        sent, limit = world.network.sent - self._sent, self._quiet(seconds)
        if world.elections == self._elections and sent <= limit:
            if healthy(world.plan):
                judge_healthy(world)
            world.over = True
            return
        # Somebody was late, or had much to say at once: that may disturb the peace, but not for ever.
        self._whole_at = None
        if world.elections != self._elections:
            self._late(Invariant.LIVENESS, "leaders come and go")
        else:
            self._late(Invariant.STORM, f"{sent} messages in {seconds:.2f} s, at most {limit} are honest")

    def _quiet(self, seconds: float) -> int:
        """Compute how many messages an idle cluster may send."""
        plan = self._world.plan
        followers = plan.replicas - 1
        a_second = MESSAGES_A_SECOND * followers + GOSSIP_A_SECOND * plan.replicas * len(plan.broken)
        hurry = Settings().heartbeat_s / plan.settings.heartbeat_s
        return int(a_second * seconds * hurry) + LATE_MESSAGES
