"""Between the screen and the replicas: the only part of the console that knows Trio."""

from paxtui.console.bridge.bridge import Bridge, Notice
from paxtui.console.bridge.lasting import in_short

__all__ = ["Bridge", "Notice", "in_short"]
