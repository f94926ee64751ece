"""The injector of a plan's faults, one method a kind, and the healing of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.sim.cluster.network import Link
from paxtui.sim.cluster.simulated_replica import SimulatedReplica
from paxtui.sim.cluster.triggers import CrashAt, SilenceAt
from paxtui.sim.cluster.world import World
from paxtui.sim.plan.plan import LEADER, PlannedFault

RATE_MIN, RATE_MAX = 0.8, 1.25
"""Clocks in the second phase: timeouts overlap with heartbeats of the slowest clock, as they must."""

FOR_EVER = float("inf")

Argument = int | float | str


class FaultInjector:
    """The executor of a plan's entries on a world and its replicas."""

    def __init__(self, world: World, replicas: Sequence[SimulatedReplica]) -> None:
        self._world = world
        self._replicas = replicas
        self._lost = {broken.replica for broken in world.plan.broken}
        """Replicas that will not, or may not, take part in the second phase."""
        self._on_link: dict[str, Callable[..., None]] = {
            "cut": self._cut,
            "loss": self._loss,
            "filter": self._filter,
            "duplicate": self._duplicate,
            "tail": self._tail,
            "slow": self._slow,
            "hold": self._hold,
        }
        self._on_node: dict[str, tuple[int, Callable[..., None]]] = {
            # How many arguments stand before the replica, and what to do with it and with all arguments.
            "crash": (0, lambda host, down_s: host.crash(down_s, "crash")),
            "crash-at": (0, self._crash_at),
            "disconnect": (0, lambda host, peer: host.operate("lost_contact", peer)),
            "silence-at": (0, self._silence_at),
            "disk-slow": (1, self._disk_slow),
            "disk-fail": (0, self._disk_fail),
            "pause": (1, lambda host, seconds: host.pause(seconds)),
            "clock-jump": (0, self._clock_jump),
            "clock-rate": (0, self._clock_rate),
            "clock": (1, self._clock),
            "proposer-crash": (1, self._proposer_crash),
            "skip": (0, self._skip),
            "elect": (0, lambda host: host.operate("elect")),
            "fill": (0, self._fill),
            "trim": (0, self._trim),
        }

        self._on_disk: dict[str, Callable[..., bool]] = {
            "disk-back": self._disk_back,
            "disk-flip": self._disk_flip,
            "disk-copied": self._disk_copied,
            "disk-lost": self._disk_lost,
            "without-vote": self._without_vote,
        }

    def inject(self, fault: PlannedFault) -> None:
        """Carry out one entry of the plan."""
        world = self._world
        if world.healed:
            return
        world.note(None, fault.kind, *fault.args)
        if fault.kind == "crash-all":
            world.faults["crash-all"] += 1
            for host in self._replicas:
                host.crash(float(fault.args[0]) * (1 + 0.1 * host.me), "crash-all")
        elif fault.kind == "canary":
            world.faults["canary"] += 1
            raise InvariantBroken(Invariant.CANARY, "this plan has a canary in it: reporting works")
        elif fault.kind in self._on_link:
            self._inject_on_link(fault)
        elif fault.kind in self._on_disk:
            self._damage(fault)
        else:
            before, act = self._on_node[fault.kind]
            struck = self._node(fault.args[before])
            if struck is not None:
                world.faults[fault.kind] += 1
                act(struck, *fault.args[:before], *fault.args[before + 1 :])

    def _node(self, replica: Argument) -> SimulatedReplica | None:
        return self._leader() if replica == LEADER else self._replicas[int(replica)]

    def _leader(self) -> SimulatedReplica | None:
        leaders = [host for host in self._replicas if host.leads]
        if len(leaders) > 1:
            self._world.reach_goal("a second leader while one still believes to lead")
        return max(leaders, key=lambda host: host.ballot, default=None)

    # Links

    def _inject_on_link(self, fault: PlannedFault) -> None:
        seconds, one, other, *rest = fault.args
        sender, to = self._node(one), self._node(other)
        if sender is not None and to is not None and sender is not to:
            self._world.faults[fault.kind] += 1
            link = self._world.network.links[sender.me][to.me]
            self._on_link[fault.kind](link, self._world.now + float(seconds), *rest)

    def _until(self, until: float, undo: Callable[[], None]) -> None:
        """Undo a fault in time, unless all are healed by then."""

        def end(_: None) -> None:
            if not self._world.healed:
                undo()

        self._world.push(until, end, None)

    def _cut(self, link: Link, until: float) -> None:
        link.cut_until = max(link.cut_until, until)

    def _hold(self, link: Link, until: float) -> None:
        link.hold_until = max(link.hold_until, until)

    def _filter(self, link: Link, until: float, kind: str) -> None:
        link.filtered[kind] = until

    def _loss(self, link: Link, until: float, share: float) -> None:
        link.set_loss(share)
        self._until(until, lambda: link.set_loss(link.weather.loss))

    def _duplicate(self, link: Link, until: float, share: float) -> None:
        link.set_duplicate(share)
        self._until(until, lambda: link.set_duplicate(link.weather.duplicate))

    def _tail(self, link: Link, until: float, share: float, scale_s: float) -> None:
        link.set_tail(share, scale_s)
        self._until(until, lambda: link.set_tail(link.weather.tail, link.weather.tail_s))

    def _slow(self, link: Link, until: float, delay_s: float) -> None:
        link.set_delay(link.weather.delay_s + delay_s)
        self._until(until, lambda: link.set_delay(link.weather.delay_s))

    # Replicas

    def _crash_at(self, host: SimulatedReplica, event: str, down_s: float, sends: int) -> None:
        host.triggers.crash = CrashAt(event, down_s, sends)

    def _silence_at(self, host: SimulatedReplica, event: str, seconds: float) -> None:
        host.triggers.silence = SilenceAt(event, seconds)

    def _disk_slow(self, host: SimulatedReplica, seconds: float, commit_s: float) -> None:
        host.slow_until, host.slow_s = self._world.now + seconds, commit_s

    def _disk_fail(self, host: SimulatedReplica, down_s: float) -> None:
        host.fail_down_s = down_s

    def _clock_jump(self, host: SimulatedReplica, seconds: float) -> None:
        host.set_clock(host.clock.rate, seconds)

    def _clock_rate(self, host: SimulatedReplica, rate: float) -> None:
        host.set_clock(rate, 0.0)

    def _clock(self, host: SimulatedReplica, seconds: float, rate: float) -> None:
        host.set_clock(rate, 0.0)
        self._until(self._world.now + seconds, lambda: host.set_clock(1.0, 0.0))

    def _proposer_crash(self, host: SimulatedReplica, seconds: float) -> None:
        host.operate("crash_proposer")
        self._until(self._world.now + seconds, lambda: host.operate("restore_proposer"))

    def _skip(self, host: SimulatedReplica, ahead: int) -> None:
        host.operate("skip_slot", None if ahead < 0 else max(host.watermark, 0) + ahead)

    def _fill(self, host: SimulatedReplica) -> None:
        leader = host.core.proposer.leader if host.core is not None else None
        for slot in sorted(leader.holes) if leader is not None else ():
            self._world.reach_goal("operator fills a hole")
            host.operate("fill_hole", slot)

    def _trim(self, host: SimulatedReplica, keep: int) -> None:
        host.operate("trim", max(host.watermark - keep, 0))
        host.operate("checkpoint", int(self._world.now))

    # Disks that cannot be trusted any more. Each tells whether there was anything to damage.

    def _damage(self, fault: PlannedFault) -> None:
        """Damage a disk, unless it is one of the last majority: a replica that notices the damage never comes
        back."""
        host = self._node(fault.args[0])
        if host is None or host.refused or not self._can_spare(host):
            return
        if self._on_disk[fault.kind](host, *fault.args[1:]):
            self._world.faults[fault.kind] += 1
            self._lost.add(host.me)

    def _can_spare(self, host: SimulatedReplica) -> bool:
        return len(self._lost | {host.me}) <= (self._world.plan.replicas - 1) // 2

    def _disk_back(self, host: SimulatedReplica, commits: int, down_s: float) -> bool:
        host.crash(down_s, "its database goes back in time")
        return host.disk.go_back(commits)

    def _disk_flip(self, host: SimulatedReplica, what: str, place: float, down_s: float) -> bool:
        if down_s >= 0:
            host.crash(down_s, "a bit flips")
        return host.disk.flip(what, place)

    def _disk_copied(self, host: SimulatedReplica, commits: int, down_s: float) -> bool:
        host.crash(down_s, "its whole folder goes back in time")
        return self._forgets(host, host.disk.copy_back(commits))

    def _disk_lost(self, host: SimulatedReplica, down_s: float) -> bool:
        host.crash(down_s, "its disk is lost")
        return self._forgets(host, host.disk.lose())

    def _forgets(self, host: SimulatedReplica, done: bool) -> bool:
        if done:
            self._world.checkers.lost(host.me)
        return done

    def _without_vote(self, host: SimulatedReplica) -> bool:
        return host.lose_vote("the others say so")

    # The end of it

    def heal(self) -> None:
        """End all faults, and break those replicas that the plan breaks for ever."""
        world = self._world
        world.note(None, "heal", *(f"{b.replica}:{b.how}" for b in world.plan.broken))
        for row in world.network.links:
            for link in row:
                link.heal()
        broken = {broken.replica: broken.how for broken in world.plan.broken}
        if broken:
            world.reach_goal("second phase with a broken minority")
        for host in self._replicas:
            self._heal_node(host, broken.get(host.me))

    def _heal_node(self, host: SimulatedReplica, how: str | None) -> None:
        world = self._world
        if how is not None:
            world.faults[f"{how} for ever"] += 1
        host.heal(min(max(host.clock.rate, RATE_MIN), RATE_MAX))
        links = world.network.links
        for peer in world.peers[host.me]:
            if how in ("mute", "isolated"):
                links[host.me][peer].cut_until = FOR_EVER
            if how in ("deaf", "isolated"):
                links[peer][host.me].cut_until = FOR_EVER
        if how == "down":
            host.stop("down for ever")
        elif host.core is None:
            if not host.refused:
                host.start()
        else:
            # After the input that queued up in a pause, if there was one.
            world.push(world.now, _restore, host)


def _restore(host: Any) -> None:
    host.operate("restore_proposer")
