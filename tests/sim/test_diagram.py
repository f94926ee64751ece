"""The space-time diagram, drawn from a few explicit facts."""

from __future__ import annotations

from paxtui.core.ballot import Ballot
from paxtui.core.events import Elected, Proposed, Voted
from paxtui.core.messages import Accept, Accepted, Heartbeat, HeartbeatAck
from paxtui.core.values import Command
from paxtui.records.diagram import WIDTH_CHARS, SpaceTime
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan_generator import generate_plan

BALLOT = Ballot(3, 1)
X = Command("ada@0", 1, "x")

PICTURE = """\
     time replica 0               replica 1               replica 2
   1.0000 |                       o leads at 3.1          |
   1.0000 |                       o proposes 5-6          |
   1.0020 |<--- accept 3.1 5-6 ---|                       |
   1.0020 o votes 3.1 5-6         |                       |
   1.0030 |                       |--- accept 3.1 5-6 --->|
   1.0040 |-- accepted 3.1 5-6 -->|                       |
   1.0050 *** cut 0.5 1 2
   1.0060 |                       X crash                 |
   1.0070 |-------------- heartbeat 3.1 <7 -------------->|
"""


def test_a_diagram_shows_decisions_arrivals_and_faults() -> None:
    diagram = SpaceTime(3)
    diagram.event(1.0, 1, Elected(BALLOT, 5, 5, (0, 1)))
    diagram.event(1.0, 1, Proposed(BALLOT, 5, (X, X), "client"))
    diagram.message(1.002, 1, 0, Accept(BALLOT, 5, (X, X)))
    diagram.event(1.002, 0, Voted(BALLOT, 5, (X, X)))
    diagram.message(1.003, 1, 2, Accept(BALLOT, 5, (X, X)))
    diagram.message(1.004, 0, 1, Accepted(BALLOT, 5, 2, 5))
    diagram.message(1.0041, 0, 1, HeartbeatAck(BALLOT, 1, 5))
    diagram.note(1.005, None, "cut", "0.5 1 2")
    diagram.note(1.006, 1, "crash", "at voted")
    diagram.message(1.007, 0, 2, Heartbeat(BALLOT, 2, 7))
    assert "\n".join(diagram.lines) + "\n" == PICTURE


def test_every_size_of_cluster_fits_and_only_the_end_is_kept() -> None:
    sizes = set()
    for seed in range(60):
        plan = generate_plan(seed, "all")
        if plan.replicas in sizes:
            continue
        sizes.add(plan.replicas)
        diagram = SpaceTime(plan.replicas, rows=30)
        Simulation(plan, diagram).run()
        assert len(diagram.lines) == 31
        for line in diagram.lines[1:]:
            assert len(line) <= WIDTH_CHARS or plan.replicas == 1 or "***" in line
    assert sizes >= {1, 3, 5, 7}
