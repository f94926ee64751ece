"""Hostile frames on the ports of real replicas, while honest clients go on: ``python -m tests.tools.fuzz``.

``hostile`` makes frames that know the protocol, ``mutator`` breaks the bytes of recorded sessions,
``attacker`` is the process that sends both, ``campaign`` runs it against three real replicas and judges all.

What the attacker may say as a peer is what :mod:`paxtui.core.validation` calls a lie, or what is late. It
does not say what an honest replica could have said as the truth, because no Paxos survives that: see
`paxtui guide promises` under what is not promised, and ``hostile.may_be_said``. Nor does it tell false
numbers of commits in the name of another replica, after which that one, rightly, has no vote for ever;
nor does it force elections, which is an operator's right and works.
"""
