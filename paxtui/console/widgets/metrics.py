"""The metrics pane."""

from __future__ import annotations

from paxtui.console.rows import metrics
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Pane


class MetricsPane(Pane, can_focus=True):
    """Numbers, made anew once a second."""

    HELP = """\
What the whole cluster does, by the second. Each line: unit, the last seconds, now, and the top of
the scale (its bottom is 0).
chosen/s    slots that the leader saw chosen
p50 p99     from proposed to chosen at the leader, ms, over 10 s
resent/s    Accepts that had to be sent again      lost/s   messages that faults swallowed
in flight   proposed and not chosen; queued waits for room in the window
elections   how many were won in the seconds shown, as far as they were seen
fsync ms    a commit to the slowest disk           messages/s   between replicas
Blank is what this console did not see, such as the time before it was attached; `?` is not known.
Where there is room, also after m, curves show ten minutes: chosen/s and p50 are means of each
column's seconds, p99 and fsync the worst of them; all fsync curves have one scale. The table has
each replica's own numbers."""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self._made_for: tuple[object, ...] = ()
        self._made: list[Row] = []
        self._title = "4 metrics"

    def rows(self, width: int, height: int) -> list[Row]:
        view_state = self.view_state
        made_for = (
            int(view_state.now),
            width,
            height,
            view_state.model,
            view_state.styles,
            view_state.selected,
        )
        if made_for != self._made_for:
            self._made_for, self._made = made_for, metrics.metrics(view_state, width, height)
            self._title = metrics.title(view_state, width, height)
        return self._made

    def redraw(self) -> None:
        super().redraw()
        title = self._title
        if self.border_title != title:
            self.border_title = title
