"""A deterministic simulator of a whole cluster around :mod:`paxtui.core`.

One integer seed is one whole run: the plan (:mod:`paxtui.sim.plan.plan`) is drawn from it before anything
runs, time is virtual, and the fate of each message is a hash of (seed, link, number on that link). The
checkers (:mod:`paxtui.checkers`) look at every message as it is sent, every commit as it reaches the
simulated disk and every trace event, and remember what a crash would make a replica forget.

A run has two phases. Under faults only safety is asked for. Then either everything heals, or a majority
heals and the rest stays broken for ever, and progress is asked for.

Who watches the watchmen: :mod:`paxtui.sim.mutants` makes known mistakes in the core, one at a time, and each
must be caught. A failure is made small by :mod:`paxtui.sim.campaign.shrink` and kept by
:mod:`paxtui.sim.campaign.regression`; :mod:`paxtui.sim.campaign.ci` says what every commit has to pass.
"""
