"""The pane of a scenario; it is shown while one is on."""

from __future__ import annotations

from textual.geometry import Size

from paxtui.console.rows import scenario
from paxtui.console.rows.text import Row
from paxtui.console.widgets.pane import Pane

LINES = 7
"""Lines of the pane: five of the verdict, and two more steps."""

LINES_SMALL = 3
SMALL = 30
"""Lines of a screen on which the pane is small."""


class ScenarioPane(Pane):
    """Steps and verdict of the scenario that is on."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return LINES if viewport.height >= SMALL else LINES_SMALL

    def rows(self, width: int, height: int) -> list[Row]:
        view = self.view_state.scenario_view
        return scenario.rows(view, self.view_state.styles, width, height) if view is not None else []

    def redraw(self) -> None:
        view = self.view_state.scenario_view
        title = scenario.title(view) if view is not None else ""
        if self.border_title != title:
            self.border_title = title
        super().redraw()
