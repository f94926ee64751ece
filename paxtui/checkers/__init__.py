"""The rules of the protocol, judged from outside: facts go in, a broken rule comes out.

Nothing here takes a replica's word for itself. What was promised, voted for, learned and applied is
remembered apart from the replicas, in a ghost state that no crash erases, and every new fact must fit. The
rules are the numbered invariants of :mod:`~paxtui.checkers.broken`; the error there says which one broke,
whose fault it is, and why.

There are two judges. :class:`~paxtui.checkers.full_observer.FullObserver` sees everything: events, messages,
disks and clients. The simulator has it look at every step.
:class:`~paxtui.checkers.partial_observer.PartialObserver` sees the trace events of a real cluster, perhaps
not all of them: it takes a vote for durable until a restart shows that it was not, says nothing where what
it would need is missing, and counts that. ``paxtui check`` asks it about records.

Both are made of the same parts, which can be used alone:

- :mod:`~paxtui.checkers.ghost_state`: promises, votes, what is chosen (invariants 1 to 5, and half of 11);
- :mod:`~paxtui.checkers.logs`: applied prefixes, hash chains, watermarks (5, 7, 8);
- :mod:`~paxtui.checkers.requests`: what clients were told (6, 7, 9, 10);
- :mod:`~paxtui.checkers.effects`: exactly once, from logs alone (9);
- :mod:`~paxtui.checkers.limits`: what is sent and kept (11);
- :mod:`~paxtui.checkers.observed_ghost_state`, :mod:`~paxtui.checkers.gaps`,
  :mod:`~paxtui.checkers.partial_observer_state`: what a partial observer needs beside
  them, to know what it has not seen.

Values are only compared, so ghost state and logs take digests as well, or anything that is equal where the
values are. An observer that watches for ever calls ``forget_below(slot)`` now and then, so that its memory
does not grow with the log.
"""
