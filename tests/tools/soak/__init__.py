"""An hour of everything at once against real replicas: see ``python -m tests.tools.soak --help``.

A run has *epochs* of some minutes, each with a new cluster in fresh folders: a replica that lost its disk is
a learner without vote for ever, so no cluster could lose disks for an hour. An epoch has *rounds* of about a
minute: faults under load, then a quiet moment in which everything is healed, and what clients were told is
compared with the logs of all replicas.

``plan`` draws the faults, ``stand`` and ``disks`` do them to processes and folders, ``deeds`` plays a round,
``clients``, ``readers``, ``flood`` and ``overload`` are the load, ``terminal`` is the console, ``judge`` and
``gauges`` say what is wrong, ``epoch`` and ``run`` hold it together.
"""
