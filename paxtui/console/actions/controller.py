"""What all controllers have in common."""

from __future__ import annotations

from paxtui.console.driver import ClusterDriver, Notice
from paxtui.console.view_state import ViewState


class Controller:
    """The base: a driver to order from, a view state to change, and notices for the last line."""

    def __init__(self, driver: ClusterDriver, view_state: ViewState) -> None:
        self.driver = driver
        self.view_state = view_state

    def notify(self, text: str, *, failed: bool = False) -> None:
        """Show a line at the bottom, for some seconds."""
        self.driver.notices.append(Notice(text, failed=failed))
