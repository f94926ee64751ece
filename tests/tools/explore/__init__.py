"""All interleavings of a small cluster of real replicas, to a stated depth.

``python -m tests.tools.explore --depth 13`` runs the core itself, not a model of it: three replicas, two of
which propose, two commands, any order of deliveries, one crash and restart. What varies is made an action:

==================  ====================================================================================
``elect p``         the election timer of proposer p fires, and it takes a ballot
``append c p``      command c reaches p, which leads (each command at most once at each proposer)
``deliver m``       a message arrives; whatever is in flight may be next, so order is arbitrary
``commit a``        replica a's disk finishes its oldest batch (``--disk lazy``; ``eager`` disks are at once)
``crash a``         replica a dies and starts again from its disk; ``X, crash a`` is a death after X was
                    handled and before any of it is on disk: what may leave early has left
``tick p``          the other timers of p fire: heartbeat, and whatever is unanswered is sent again
``lose m, copy m``  a message is lost, or stays in flight after its delivery
==================  ====================================================================================

How often each may happen is a *budget*; depth is the number of actions. Loss needs none: a message that is
lost is one that is never delivered, and every state is also the end of the run in which all that is still in
flight was lost (``--losses`` makes it an action all the same; a test shows that no replica gets into a state
that it could not reach without). Time stands still, so that no state differs by a clock alone.

Three things keep it fast. A replica is a function of its state and its input, so each (state, input) is run
once, on a copy, and remembered; states of the cluster are small tuples of numbers. States are told apart by
everything that can matter later: memory and disk of each replica, messages in flight, what is left of the
budgets, and the ghost record (``ghost``), which no crash erases. And a delivery that changes nothing, as when
a late message is dropped, is not followed: what can happen afterwards can also happen while it is in flight.
"""
