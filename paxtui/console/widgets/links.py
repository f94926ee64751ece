"""The links view: a cursor on an arrow, edited in place."""

from __future__ import annotations

from textual.binding import Binding
from textual.events import Click
from textual.geometry import Size

from paxtui.console import command_builders
from paxtui.console.commands import Link
from paxtui.console.model.analysis.link_status import link_status
from paxtui.console.rows import links
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Pane


class LinksPane(Pane, can_focus=True):
    """The matrix of links."""

    BINDINGS = [
        Binding("up,k", "move(-1, 0)", "other sender", show=False),
        Binding("down,j", "move(1, 0)", "other sender", show=False),
        Binding("left,h", "move(0, -1)", "other receiver", show=False),
        Binding("right", "move(0, 1)", "other receiver", show=False),
        Binding("l", "ask('loss')", "type its loss", show=False),
        Binding("d", "ask('delay')", "type its delay", show=False),
        Binding("y", "both", "both ways", show=False),
        Binding("enter", "menu", "everything that can be done to it", show=False),
    ]

    PANES = ("links",)

    HELP = """\
Each row is a sender, each column a receiver: what becomes of messages from ↓ to →.
ok   CUT nothing crosses   20% is lost   +50 ms later, ±10 up to 10 ms more
d duplicates   r reorders   down, paused: one end does not run   ? its sender is not heard
Below: the arrow under the cursor in words, and how many messages a second it carries.

arrows, h j k   move          y   both ways: keys act on the way back, too
t   cut or join this arrow    l   type its loss in percent     - +   loss by 5
d   type delay and jitter     enter   everything else          P   presets, with a preview"""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.both = False
        """Whether keys act on the way back, too."""
        self.border_title = (
            "3 links  from ↓ to →" if not view_state.styles.ascii else "3 links  from row to column"
        )

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.view_state.model.n + 5 if self.view_state.model.n > 1 else 1

    def rows(self, width: int, height: int) -> list[Row]:
        self._stay_inside()
        return links.links(self.view_state, width, height, both=self.both, focused=self.has_focus)

    def _stay_inside(self) -> None:
        n = self.view_state.model.n
        if max(self.view_state.link) >= n:
            self.view_state.link = (0, min(1, n - 1))

    @property
    def chosen(self) -> tuple[Link, ...]:
        """Return the links that keys act on."""
        return (self.view_state.link, self.view_state.link[::-1]) if self.both else (self.view_state.link,)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_click(self, event: Click) -> None:
        n = self.view_state.model.n
        offset = event.get_content_offset(self)
        if offset is None or n < 2:
            return
        a = offset.y - 1
        b = (offset.x - links.SIDE) // links.cell_width(self.size.width, n)
        if 0 <= a < n and 0 <= b < n and a != b:
            self._put(a, b)

    def _put(self, a: int, b: int) -> None:
        self.view_state.link = (a, b)
        self.redraw()

    # Actions

    def action_move(self, down: int, right: int) -> None:
        n = self.view_state.model.n
        if n < 2:
            return
        a, b = self.view_state.link
        a, b = a + down, b + right
        if a == b:
            a, b = a + down, b + right
        if 0 <= a < n and 0 <= b < n:
            self._put(a, b)

    def action_cut(self) -> None:
        if self.view_state.model.n > 1:
            controller = self.console.controllers.replica
            controller.order(command_builders.cut_or_join(controller.driver.model, self.chosen))

    def action_loss(self, step: int) -> None:
        if self.view_state.model.n > 1:
            controller = self.console.controllers.replica
            model = controller.driver.model
            known = link_status(model, *self.view_state.link, self.view_state.clock()).loss
            percent = controller.stepped_loss(self.view_state.link, known, step)
            controller.order_all(command_builders.chance(model, self.chosen, "loss", percent))

    def action_ask(self, kind: str) -> None:
        if self.view_state.model.n > 1:
            self.console.controllers.dialogs.ask_link(kind, self.chosen)

    def action_both(self) -> None:
        self.both = not self.both
        self.redraw()

    def action_menu(self) -> None:
        if self.view_state.model.n > 1:
            self.console.controllers.dialogs.open_link_menu(self.chosen)
