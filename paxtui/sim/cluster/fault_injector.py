"""How each kind of fault of a plan takes effect, and how everything heals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.sim.cluster.network import Link
from paxtui.sim.cluster.node import SimulatedReplica
from paxtui.sim.cluster.triggers import CrashAt, SilenceAt
from paxtui.sim.cluster.world import World
from paxtui.sim.plan.plan import LEADER, PlannedFault

RATE_MIN, RATE_MAX = 0.8, 1.25
"""Clocks in the second phase: timeouts overlap with heartbeats of the slowest clock, as they must."""

FOR_EVER = float("inf")

Argument = int | float | str


class FaultInjector:
    """Carries out the entries of a plan on a world."""

    def __init__(self, world: World, nodes: Sequence[SimulatedReplica]) -> None:
        self._world = world
        self._nodes = nodes
        self._lost = {broken.replica for broken in world.plan.broken}
        """Who will not take part in the second phase, or may not."""
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
            "crash": (0, lambda node, down_s: node.crash(down_s, "crash")),
            "crash-at": (0, self._crash_at),
            "disconnect": (0, lambda node, peer: node.operate("lost_contact", peer)),
            "silence-at": (0, self._silence_at),
            "disk-slow": (1, self._disk_slow),
            "disk-fail": (0, self._disk_fail),
            "pause": (1, lambda node, seconds: node.pause(seconds)),
            "clock-jump": (0, self._clock_jump),
            "clock-rate": (0, self._clock_rate),
            "proposer-crash": (1, self._proposer_crash),
            "skip": (0, self._skip),
            "elect": (0, lambda node: node.operate("elect")),
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
        """One entry of the plan takes effect."""
        world = self._world
        if world.healed:
            return
        world.note(None, fault.kind, *fault.args)
        if fault.kind == "crash-all":
            world.faults["crash-all"] += 1
            for node in self._nodes:
                node.crash(float(fault.args[0]) * (1 + 0.1 * node.me), "crash-all")
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
        return self._leader() if replica == LEADER else self._nodes[int(replica)]

    def _leader(self) -> SimulatedReplica | None:
        leaders = [node for node in self._nodes if node.leads]
        if len(leaders) > 1:
            self._world.goal("a second leader while one still believes to lead")
        return max(leaders, key=lambda node: node.ballot, default=None)

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

    def _crash_at(self, node: SimulatedReplica, event: str, down_s: float, sends: int) -> None:
        node.triggers.crash = CrashAt(event, down_s, sends)

    def _silence_at(self, node: SimulatedReplica, event: str, seconds: float) -> None:
        node.triggers.silence = SilenceAt(event, seconds)

    def _disk_slow(self, node: SimulatedReplica, seconds: float, commit_s: float) -> None:
        node.slow_until, node.slow_s = self._world.now + seconds, commit_s

    def _disk_fail(self, node: SimulatedReplica, down_s: float) -> None:
        node.fail_down_s = down_s

    def _clock_jump(self, node: SimulatedReplica, seconds: float) -> None:
        node.set_clock(node.clock.rate, seconds)

    def _clock_rate(self, node: SimulatedReplica, rate: float) -> None:
        node.set_clock(rate, 0.0)

    def _proposer_crash(self, node: SimulatedReplica, seconds: float) -> None:
        node.operate("crash_proposer")
        self._until(self._world.now + seconds, lambda: node.operate("restore_proposer"))

    def _skip(self, node: SimulatedReplica, ahead: int) -> None:
        node.operate("skip_slot", None if ahead < 0 else max(node.watermark, 0) + ahead)

    def _fill(self, node: SimulatedReplica) -> None:
        reign = node.replica.proposer.reign if node.replica is not None else None
        for slot in sorted(reign.holes) if reign is not None else ():
            self._world.goal("operator fills a hole")
            node.operate("fill_hole", slot)

    def _trim(self, node: SimulatedReplica, keep: int) -> None:
        node.operate("trim", max(node.watermark - keep, 0))
        node.operate("mark", int(self._world.now))

    # Disks that cannot be trusted any more. Each tells whether there was anything to damage.

    def _damage(self, fault: PlannedFault) -> None:
        """Whoever notices it is lost for ever, so it is not done to the last majority."""
        node = self._node(fault.args[0])
        if node is None or node.refused or not self._can_spare(node):
            return
        if self._on_disk[fault.kind](node, *fault.args[1:]):
            self._world.faults[fault.kind] += 1
            self._lost.add(node.me)

    def _can_spare(self, node: SimulatedReplica) -> bool:
        return len(self._lost | {node.me}) <= (self._world.plan.replicas - 1) // 2

    def _disk_back(self, node: SimulatedReplica, commits: int, down_s: float) -> bool:
        node.crash(down_s, "its database goes back in time")
        return node.disk.go_back(commits)

    def _disk_flip(self, node: SimulatedReplica, what: str, place: float, down_s: float) -> bool:
        if down_s >= 0:
            node.crash(down_s, "a bit flips")
        return node.disk.flip(what, place)

    def _disk_copied(self, node: SimulatedReplica, commits: int, down_s: float) -> bool:
        node.crash(down_s, "its whole folder goes back in time")
        return self._forgets(node, node.disk.copy_back(commits))

    def _disk_lost(self, node: SimulatedReplica, down_s: float) -> bool:
        node.crash(down_s, "its disk is lost")
        return self._forgets(node, node.disk.lose())

    def _forgets(self, node: SimulatedReplica, done: bool) -> bool:
        if done:
            self._world.checkers.lost(node.me)
        return done

    def _without_vote(self, node: SimulatedReplica) -> bool:
        return node.hold("the others say so")

    # The end of it

    def heal(self) -> None:
        """All faults end; who is broken for ever becomes so now."""
        world = self._world
        world.note(None, "heal", *(f"{b.replica}:{b.how}" for b in world.plan.broken))
        for row in world.network.links:
            for link in row:
                link.heal()
        broken = {broken.replica: broken.how for broken in world.plan.broken}
        if broken:
            world.goal("second phase with a broken minority")
        for node in self._nodes:
            self._heal_node(node, broken.get(node.me))

    def _heal_node(self, node: SimulatedReplica, how: str | None) -> None:
        world = self._world
        if how is not None:
            world.faults[f"{how} for ever"] += 1
        node.heal(min(max(node.clock.rate, RATE_MIN), RATE_MAX))
        links = world.network.links
        for peer in world.peers[node.me]:
            if how in ("mute", "isolated"):
                links[node.me][peer].cut_until = FOR_EVER
            if how in ("deaf", "isolated"):
                links[peer][node.me].cut_until = FOR_EVER
        if how == "down":
            node.stop("down for ever")
        elif node.replica is None:
            if not node.refused:
                node.start()
        else:
            # After the input that queued up in a pause, if there was one.
            world.push(world.now, _restore, node)


def _restore(node: Any) -> None:
    node.operate("restore_proposer")
