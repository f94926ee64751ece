"""One replica as a process: sockets, disk, clocks and tasks around one core.

``process`` is the composition root: it opens everything, and all tasks of a replica stand there on one
screen. ``host`` feeds the core and treats what comes out in the order that safety demands. ``transport``
moves bytes and knows no requests; ``sessions`` are the connections of clients, operators and other
replicas, which know the host by the Protocols in ``ports``; ``log`` is the applied log on its way to readers;
``faults`` break this replica on purpose; ``observability`` and ``metrics`` tell what it does. The disk is
:mod:`paxtui.storage`.
"""
