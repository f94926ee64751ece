"""The safety and liveness panel."""

from __future__ import annotations

from paxtui.console.rows import safety
from paxtui.console.rows.text import Row
from paxtui.console.widgets.pane import Pane


class SafetyPane(Pane, can_focus=True):
    """The checks, live."""

    HELP = """\
What every correct run keeps, checked on everything that the replicas tell, by the same checkers
that judge recorded runs:
agreement              one value a chosen slot
one value a ballot     no two values in the same slot at the same ballot
promises kept          a promise never falls, nor does a vote that was counted, across restarts too
votes obey             no vote below a promise
validity               proposed as from a client, or a no-op, or what the leader's quorum had voted for
same prefix            applied logs are equal, compared by digests and by hash chains
applied once           no request takes effect twice
✓ holds in all that was seen   ? something that it needs is not known   ✗ broken, for certain
Below stands what that rests on: how many events, and what is missing (a gap: events that did not
reach this console). A gap ends with a new snapshot; what happened within it was not seen."""

    def rows(self, width: int, height: int) -> list[Row]:
        return safety.safety(self.view_state, width, height)

    def redraw(self) -> None:
        super().redraw()
        title = safety.title(self.view_state)
        if self.border_title != title:
            self.border_title = title
