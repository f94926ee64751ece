"""What the console knows: facts folded from telemetry, and what follows from them.

Pure: no Textual, no Trio, no clock. Times are passed in (``now``, the console's monotonic seconds), so all
that is on screen can be tested without one. :class:`~paxtui.console.model.cluster_model.ClusterModel` is
the door.
"""
