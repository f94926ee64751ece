"""One replica as a process: sockets, disk, clocks and threads. The only package that has them.

``process`` shows all tasks of a replica on one screen; ``node`` hosts the core; ``peers``, ``server`` and
``clients`` are the connections; ``storage`` and ``writer`` the disk; ``faultboard`` and
``process_faults`` break it on purpose.
"""
