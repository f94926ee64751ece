"""Everything that can be done to one replica."""

from __future__ import annotations

from textual.app import ComposeResult

from paxtui.console.actions.surfaces import fault_items
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.buttons import ButtonBar, Subject
from paxtui.console.widgets.menu import Menu


class FaultMenu(Menu):
    """The menu of a replica, and where there is no bar on the screen, its buttons."""

    def __init__(self, view_state: ViewState, *, bar: bool) -> None:
        replica = view_state.model.replicas[view_state.selected]
        super().__init__(view_state, f"break {replica.name}", fault_items(view_state))
        self._bar = bar

    def more(self) -> ComposeResult:
        if self._bar:
            yield ButtonBar(self.view_state)

    def on_mount(self) -> None:
        super().on_mount()
        for subject in self.query(Subject):
            subject.redraw()
            self.set_interval(0.25, subject.redraw)
