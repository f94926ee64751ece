"""Between the screen and the replicas: the only part of the console that knows Trio."""

from paxtui.console.driver.driver import ClusterDriver, Notice
from paxtui.console.driver.lasting_faults import in_short

__all__ = ["ClusterDriver", "Notice", "in_short"]
