"""Between the screen and the replicas: the only part of the console that knows Trio."""

from paxtui.console.bridge.bridge import Bridge, Notice

__all__ = ["Bridge", "Notice"]
