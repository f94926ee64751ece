"""The replicas, and what is broken on purpose."""

from __future__ import annotations

from textual.binding import Binding
from textual.events import Click
from textual.geometry import Size

from paxtui.console.rows import faults, replicas
from paxtui.console.rows.faults import FaultRow
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Lines, Pane


class ReplicasPane(Pane, can_focus=True):
    """A card a replica."""

    BINDINGS = [
        Binding("up,left,h,k", "move(-1)", "previous replica", show=False),
        Binding("down,right,l,j", "move(1)", "next replica", show=False),
        Binding("enter", "app.perform('fault-menu')", "break it", show=False),
    ]

    HELP = """\
One card a replica. ▶ marks the one that keys and buttons act on.
L leads   x down   / cut off from all others   = paused   ~ slow disk   ? not heard lately
P, promised   no ballot below it is accepted here any more
acc   accepted up to this slot     learned   known to be chosen up to here
app, applied   everything below this slot is in its state machine     lag   slots behind
loss   of its messages to others; `some` if not of all     fsync   how long a commit takes

arrows, h j k l   select     enter, x   everything that can be done to it"""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.border_title = "2 replicas"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        n = self.view_state.model.n
        return 2 * n if n <= 3 or container.height >= 40 else n

    def rows(self, width: int, height: int) -> list[Row]:
        return replicas.replicas(self.view_state, width, height)

    def action_move(self, step: int) -> None:
        self.console.controllers.view.select_next(step)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        found = None if offset is None else replicas.replica_at(self.view_state, offset.y, self.size.height)
        if found is not None:
            self.console.controllers.view.select_replica(found)


class FaultsPane(Lines):
    """The list of what is broken, the newest first."""

    BINDINGS = [
        Binding("up,k", "move(-1)", "previous", show=False),
        Binding("down,j", "move(1)", "next", show=False),
        Binding("home", "move(-999)", "first", show=False),
        Binding("end", "move(999)", "last", show=False),
        Binding("enter,delete,backspace", "mend", "undo this fault", show=False),
    ]

    HELP = """\
What is broken on purpose: the number of the fault, what it is, how long it has acted, and how
long it still will. `waits for` names the event at which it begins. A replica that lost its disk
has lost its vote for ever: that stays here, and no undo takes it back.

arrows, j k   move     enter, delete   end this one     u   undo the last act     W   heal all"""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.following = False
        self._found: list[FaultRow] = []
        self._seen: dict[str, int] = {}
        """Labels in the order in which they were first seen, so that lines keep their places."""
        self._count = 0

    def count(self) -> int:
        return max(1, len(self._found))

    def rows(self, width: int, height: int) -> list[Row]:
        self._found = self._sorted(faults.broken(self.view_state.model, self.view_state.now))
        return super().rows(width, height)

    def _sorted(self, found: list[FaultRow]) -> list[FaultRow]:
        names = {f"{each.label}{each.what}" for each in found}
        self._seen = {name: at for name, at in self._seen.items() if name in names}
        for each in found:
            if self._seen.setdefault(f"{each.label}{each.what}", self._count) == self._count:
                self._count += 1
        return sorted(found, key=lambda each: -self._seen[f"{each.label}{each.what}"])

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        if not self._found:
            return faults.nothing(self.view_state, width)
        return faults.fault_line(self.view_state, self._found[index], width, chosen=chosen and self.has_focus)

    def redraw(self) -> None:
        super().redraw()
        title = f"faults {len(self._found)}" if self._found else "faults"
        if self.border_title != title:
            self.border_title = title

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def go_to_line(self, index: int) -> None:
        super().go_to_line(min(index, self.count() - 1))

    def action_move(self, lines: int) -> None:
        self.go_to_line(self.cursor + lines)

    def action_mend(self) -> None:
        if not self._found:
            return
        fault = self._found[self.cursor]
        if fault.mend is None:
            self.console.notify_line(
                f"{fault.what}: only a new cluster, of a backup, has all votes again", failed=True
            )
        else:
            self.console.controllers.replica.order(fault.mend)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None:
            self.go_to_line(self.top + offset.y)
