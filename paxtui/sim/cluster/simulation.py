"""A whole cluster in virtual time: the event heap, the faults, and the end of a run."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from heapq import heappop
from typing import Any

from msgspec import Struct

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.checkers.full_observer import Look
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import AcceptSent, CatchUpAsked, Elected, Event, PrepareSent, RoundTaken
from paxtui.sim.cluster.clients import SimulatedClient
from paxtui.sim.cluster.fault_injector import FaultInjector
from paxtui.sim.cluster.message_budget import MessageBudget
from paxtui.sim.cluster.network import Arrive, Link, Network, Parcel
from paxtui.sim.cluster.record import RunObserver
from paxtui.sim.cluster.recovery import Recovery
from paxtui.sim.cluster.simulated_replica import SimulatedReplica
from paxtui.sim.cluster.world import Looks, World
from paxtui.sim.plan.plan import CRASHES, Plan

EVENTS_MAX = 400_000
"""No honest run comes near. A cluster that talks to itself without end is stopped here."""

SLOTS_WORTH_IT = 10
"""A run with fewer applied slots tested little."""

APPENDS_WORTH_IT = 5
"""A run with fewer acknowledged appends tested little."""


class RunResult(Struct, frozen=True, kw_only=True):
    """The result of a run."""

    seed: int
    profile: str
    outcome: str
    """``ok``, ``safety``, ``liveness`` or ``crash`` (an exception)."""
    invariant: str = ""
    detail: str = ""
    at: float = 0.0
    events: int = 0
    messages: int = 0
    slots: int = 0
    appends: int = 0
    reads: int = 0
    elections: int = 0
    crashes: int = 0
    """Processes that ended in the first phase, by whatever fault."""
    changes: int = 0
    """Elections of another replica than the last elected one."""
    faults: dict[str, int] = {}
    """Faults that took effect, by kind."""
    recovery_s: float = 0.0
    """From healing to the first moment with one leader, no pending request and equal watermarks."""
    goals: frozenset[str] = frozenset()
    void: str = ""
    """Why the run proves little, if it does."""


def simulate(plan: Plan, recorder: RunObserver | None = None) -> RunResult:
    """Run a plan, and keep nothing but its result. The garbage collector is off: it would find nothing while
    the run lasts, and hardly anything afterwards, since the cycles between the world and its parts are cut
    here."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        cluster = Simulation(plan, recorder)
        result = cluster.run()
        for owner in (*cluster.replicas, *cluster.clients, cluster.fault_injector, cluster.checkers, cluster):
            vars(owner).clear()
        return result
    finally:
        if collecting:
            gc.enable()


class Simulation(World):
    """One run. Make it, call :meth:`run`, drop it; or let :func:`simulate` do so, which is faster."""

    def __init__(self, plan: Plan, recorder: RunObserver | None = None) -> None:
        super().__init__(plan, recorder)
        everyone = range(plan.replicas)
        self.replicas = [SimulatedReplica(self, i, plan.commit_s[i]) for i in everyone]
        arrive = [host.message if recorder is None else self._recorded(host) for host in self.replicas]
        looks = self.checkers.on_message
        self.network = Network(
            plan.seed, plan.weather, plan.codec, self.event_queue, arrive, self._late, looks
        )
        self._leaders: list[int] = []
        """The elected replicas in order, each once where it follows itself."""
        self._elected_leaders = 0
        self._message_budget = MessageBudget(plan.settings)
        own: dict[type[Event], Look] = {
            AcceptSent: self._repeated(self._message_budget.accept_sent),
            CatchUpAsked: self._repeated(self._message_budget.catch_up_asked),
            Elected: self._elected,
            PrepareSent: self._repeated(self._message_budget.prepare_sent),
            RoundTaken: self._round_taken,
        }
        self._looks = Looks(self.coverage.on_event, own, self.checkers.on_event)
        self.fault_injector = FaultInjector(self, self.replicas)
        for host in self.replicas:
            self.push(0.0, self._boot, host)
        self.event_queue.plan(self.fault_injector.inject, ((fault.at, fault) for fault in plan.faults))
        self.push(plan.heal_at, self._heal, None)
        self.clients = [SimulatedClient(self, self.replicas, index) for index in range(plan.workload.clients)]

    def _boot(self, host: SimulatedReplica) -> None:
        host.start()

    def _heal(self, _: None) -> None:
        """Begin the second phase."""
        self.healed = True
        self.fault_injector.heal()
        Recovery(self, self.replicas, self.clients).start_checking()

    def run(self) -> RunResult:
        """Run the plan to its end; never raises for what the replicas do."""
        heap = self.event_queue.heap
        events = 0
        try:
            for events in range(1, EVENTS_MAX + 1):  # noqa: B007, the result tells it
                self.now, _, call, argument = heappop(heap)
                call(argument)
                if self.over:
                    break
            else:
                self.now, events = heap[0][0], events + 1
                raise InvariantBroken(Invariant.STORM, f"{EVENTS_MAX} events, and no end")
        except InvariantBroken as broken:
            liveness = broken.invariant in (Invariant.LIVENESS, Invariant.STORM)
            return self._result(
                events, "liveness" if liveness else "safety", str(broken.invariant), str(broken)
            )
        except InvariantViolated as violated:
            return self._result(events, "safety", "the core's own check", str(violated))
        except Exception:
            return self._result(events, "crash", str(Invariant.SURPRISE), traceback.format_exc())
        for host in self.replicas:
            if host.core is not None:
                self.ended(host.me, "the run is over")
        return self._result(events, "ok", "", "")

    def _result(self, events: int, outcome: str, invariant: str, detail: str) -> RunResult:
        slots = self.checkers.logs.upto
        seen = {f"event {event.__struct_config__.tag}" for event in self._looks}
        if self.network.duplicated:
            self.coverage.reached.add("duplicate message")
        if self.checkers.ghost.contested:
            self.coverage.reached.add("a quorum voted for several values in a slot")
        return RunResult(
            seed=self.plan.seed,
            profile=self.plan.profile,
            outcome=outcome,
            invariant=invariant,
            detail=detail,
            at=self.now,
            events=events,
            messages=self.network.sent,
            slots=slots,
            appends=self.appends_acknowledged,
            reads=self.reads_answered,
            elections=self.elections,
            recovery_s=self.recovery_s,
            goals=frozenset(self.coverage.reached | seen),
            void=self._void(slots) if outcome == "ok" else "",
            crashes=self._crashes,
            changes=max(len(self._leaders) - 1, 0),
            faults=dict(self.faults),
        )

    def _void(self, slots: int) -> str:
        """Return why a run that ended well proves little, if it does."""
        if slots < SLOTS_WORTH_IT:
            return f"fewer than {SLOTS_WORTH_IT} slots"
        if self.appends_acknowledged < APPENDS_WORTH_IT:
            return f"fewer than {APPENDS_WORTH_IT} appends acknowledged"
        if self._elected_leaders < 2 and any(fault.kind in CRASHES for fault in self.plan.faults):
            return "crashes and no new leader"
        return "" if self.plan.faults or self.plan.profile == "calm" else "no fault"

    def _round_taken(self, _replica: int, _event: RoundTaken) -> None:
        self.elections += 1

    def _elected(self, replica: int, _event: Elected) -> None:
        self._elected_leaders += 1
        if not self._leaders or self._leaders[-1] != replica:
            self._leaders.append(replica)

    def _repeated(self, look: Callable[[int, int, float, Any], None]) -> Callable[[int, Any], None]:
        """Give ``look`` the replica's life and its own clock."""

        def asked(replica: int, event: Any) -> None:
            host = self.replicas[replica]
            look(replica, host.life, host.clock.at(self.now), event)

        return asked

    def _recorded(self, host: SimulatedReplica) -> Arrive:
        """Wrap the arrival of messages so that each is recorded."""

        def arrive(parcel: Parcel) -> None:
            if self._recorder is not None:
                self._recorder.message(self.now, parcel[0], host.me, parcel[1])
            host.message(parcel)

        return arrive

    def _late(self, at: float, link: Link, parcel: Parcel) -> None:
        """Deliver a message late; one of its ends may have another life by then."""
        lives = self.replicas[link.sender].life, self.replicas[link.to].life
        self.push(at, self._arrive_late, (link, parcel, lives))

    def _arrive_late(self, event: tuple[Link, Parcel, tuple[int, int]]) -> None:
        link, parcel, lives = event
        if lives != (self.replicas[link.sender].life, self.replicas[link.to].life):
            self.reach_goal("message older than a restart")
        link.arrive(parcel)

    def connections_lost(self, replica: int) -> None:
        """Forget who waits at a replica that crashed, and let its peers notice."""
        super().connections_lost(replica)
        if self.plan.notice_s is not None:
            for peer in self.peers[replica]:
                self.push(self.now + self.plan.notice_s, self._notice, (peer, replica))
        if all(host.core is None for host in self.replicas):
            self.reach_goal("all replicas down at once")

    def _notice(self, event: tuple[int, int]) -> None:
        """Tell a replica that its connection to a crashed one broke, if no cut hides that."""
        replica, gone = event
        if self.now >= self.network.links[gone][replica].cut_until:
            self.replicas[replica].operate("lost_contact", gone)
