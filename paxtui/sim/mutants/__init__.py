"""Mutants: small changes of the core that a tired engineer could make. Each must be caught.

A checker that never fails proves nothing, and neither does a campaign that no mistake can fail. Every mutant
here replaces a method or two, in this process, for as long as :meth:`Mutant.installed` lasts; it names its
mistake, the source of the rule that it breaks (most are mistakes that published implementations made), the
profile under which chance finds it, and the checker that must see it. ``paxtui sim --mutants`` runs them all.

Three changes look like mistakes and are none, so they are not here:

- *A restart takes its round from the stored promise alone.* A replica promises its own ballot in the batch
  that stores the round (``Proposer._prepare`` sends Prepare to itself, which is handled before the batch is
  closed), and its acceptor cannot refuse: the ballot is above every promise made here (``round_seen``), and a
  live leader would have ended the pre-vote. So ``promised.round >= round`` on every disk.
- *A leader counts its own promise before it is on disk*, unless it is alone. Its Prepare leaves with the
  batch that holds that promise, so no other promise, and hence no majority, comes earlier.
- *A leader answers a request that is applied a second time with the second slot* (``Leader._answer`` without
  ``repeats``). Who waits is answered, and waits no more, when the first of the two is applied; if that was
  before the request came, the session table answered it and it never waited.
"""

from __future__ import annotations

from paxtui.sim.mutants import (
    acceptor,
    damage,
    durability,
    leader,
    learner,
    liveness,
    phase1,
    reads,
    sessions,
    trims,
)
from paxtui.sim.mutants.mutant import MUTANTS, Mutant

__all__ = [
    "MUTANTS",
    "Mutant",
    "acceptor",
    "damage",
    "durability",
    "leader",
    "learner",
    "liveness",
    "phase1",
    "reads",
    "sessions",
    "trims",
]
