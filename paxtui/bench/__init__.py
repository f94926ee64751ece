"""Benchmarks: how fast a cluster is, how long its answers take, and what a message costs.

``load`` says what is asked. A generator makes it: ``generator`` with the client library, ``raw_generator``
(and ``raw_session``) on bare sockets, where the library's own processor time would hide the cluster's.
``drivers`` are the closed and the open loop; ``tally`` counts what they tell, ``histogram`` the times.
``gauges`` reads the replicas' status, ``proc`` and ``tcp`` what Linux knows of their processes and
connections; ``limits`` is what no protocol can go below on this machine. ``measure`` puts one measurement
together, ``measured`` is its result and ``report`` the words for it. ``testbed`` and ``suite`` are the
table of loads with their targets; ``sink`` is tails and observers that cost next to nothing.
"""
