"""What keys and words do to the view: which pane, which replica, which theme; and what is taken out of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from paxtui.console import commands as c
from paxtui.console import export
from paxtui.console.actions.controller import Controller
from paxtui.console.actions.ports import Screen
from paxtui.console.driver import ClusterDriver
from paxtui.console.geometry import LAYOUTS, PANES
from paxtui.console.preferences import Preferences
from paxtui.console.theme.styles import PALETTES, Styles
from paxtui.console.view_state import VIEWS, ViewState


class ViewController(Controller):
    """The controller of what is seen."""

    def __init__(
        self, driver: ClusterDriver, view_state: ViewState, preferences: Preferences, screen: Screen
    ) -> None:
        super().__init__(driver, view_state)
        self.preferences = preferences
        self._screen = screen

    # Views

    def show_view(self, number: int) -> None:
        """Show view ``number``; on the dashboard, focus its pane."""
        self.view_state.look_at(VIEWS[number - 1])
        self._show()

    def _show(self) -> None:
        """Show what the view state says, and keep it."""
        self.preferences.view = self.view_state.view
        self.preferences.maximised = self.view_state.maximised
        self._screen.arrange_view()

    def maximise(self) -> None:
        """Show the pane in focus alone, and back."""
        view_state, pane = self.view_state, self._screen.focused_pane
        view_state.maximised = not view_state.maximised
        view_state.look_at(pane)
        self._show()

    def show_panes(self, names: Sequence[str]) -> None:
        """Show these panes and no others, on screens of this kind; one of them gets the focus."""
        view_state = self.view_state
        hidden = tuple(pane for pane in PANES if pane not in names)
        view_state.hidden = {**view_state.hidden, view_state.size_class: hidden}
        self.preferences.hidden = dict(view_state.hidden)
        view_state.maximised = False
        views = [number for number, view in enumerate(VIEWS, start=1) if view in names]
        here = view_state.view
        self.show_view(here if here in views or not views else views[0])

    def toggle_pane(self, name: str) -> None:
        """Turn a pane off, or on again. What has the focus is shown all the same."""
        shown = self.view_state.panes
        self.show_panes([pane for pane in PANES if (pane in shown) != (pane == name)])

    def use_layout(self, name: str) -> None:
        """Show the panes of a layout."""
        what, panes = LAYOUTS[name]
        self.show_panes(panes)
        self.notify(f"layout {name}: {what}")

    def use_next_layout(self) -> None:
        """Show the panes of the next layout."""
        names = list(LAYOUTS)
        shown = {*self.view_state.panes}
        current = next((name for name in names if {*LAYOUTS[name][1]} == shown), names[-1])
        self.use_layout(names[(names.index(current) + 1) % len(names)])

    def focus_next_pane(self) -> None:
        """Focus what comes next."""
        self._screen.focus_next_pane()

    def freeze(self) -> None:
        """Stop the view, or let it go on; everything else goes on."""
        view_state = self.view_state
        if view_state.moment is not None:
            self.notify("the past stands still already; f5 goes back to now")
            return
        if view_state.frozen_at is None:
            view_state.frozen_at = self.driver.now
            view_state.frozen_wall = time.strftime("%H:%M:%S")
            view_state.model = self.driver.model.still()
        else:
            view_state.frozen_at = None
            view_state.model = self.driver.model
        self._screen.redraw()

    def leave_scenario(self) -> None:
        """Go back to one's own cluster, if a scenario is on."""
        if self.driver.scenario_run is not None:
            self.driver.submit(c.StopScenarioCommand())

    # Whom keys act on, and through whom the chat looks

    def select_replica(self, replica: int) -> None:
        """Let keys act on this replica from now on."""
        self.view_state.selected = replica
        self._screen.redraw()

    def select_next(self, steps: int) -> None:
        """Let keys act on the next replica, or the one before."""
        self.select_replica((self.view_state.selected + steps) % self.view_state.model.n)

    def see_as(self, viewer: int | None) -> None:
        """Show the chat through the eyes of a replica, or of the one that leads."""
        self.view_state.viewer = viewer

    def see_as_next(self) -> None:
        """Look through the next replica, after the last through the one that leads."""
        view_state = self.view_state
        order: list[int | None] = [None, *range(view_state.model.n)]
        self.see_as(order[(order.index(view_state.viewer) + 1) % len(order)])
        who = "the replica that leads" if view_state.viewer is None else f"r{view_state.viewer}"
        self.notify(f"the chat looks and sends through {who}")
        self._screen.redraw()

    def arm(self) -> None:
        """Let keys act on a cluster that this console did not start."""
        if self.driver.options.read_only:
            self.notify("this console was started read-only", failed=True)
            return
        self.view_state.armed = True
        self._screen.redraw()
        self.notify("armed: keys act on this cluster; faults end by themselves after 10 minutes")

    # Themes

    def use_next_theme(self) -> None:
        """Take the next theme."""
        names = list(PALETTES)
        self.use_theme(names[(names.index(self.view_state.styles.theme) + 1) % len(names)])

    def use_theme(self, name: str) -> None:
        """Take a theme, and keep it for the next run."""
        if name not in PALETTES:
            self.notify(f"there is no theme {name}; {', '.join(PALETTES)} are", failed=True)
            return
        old = self.view_state.styles
        self.view_state.styles = Styles(name, ascii=old.ascii, few_colours=old.few_colours)
        self.preferences.theme = name
        self._screen.apply_theme(name)
        self.notify(f"theme {name}")

    # Taking out

    def copy_slot(self) -> None:
        """Copy the selected slot as JSON to the terminal's clipboard."""
        model = self.view_state.model
        slot = self.view_state.slot if self.view_state.slot is not None else model.end - 1
        if slot < 0:
            self.notify("there is nothing to copy yet", failed=True)
            return
        self._screen.copy_to_clipboard(export.row_as_json(model, slot, self.view_state.now))
        self.notify(f"slot {slot} was sent to the terminal as its clipboard; not every terminal takes it")

    def export(self, kind: str) -> None:
        """Write the screen as SVG, or the known slots as JSON lines or CSV, into the current folder."""
        if kind not in export.KINDS:
            self.notify(f"{kind!r} is no format; {', '.join(export.KINDS)} are", failed=True)
            return
        view_state = self.view_state
        text = (
            self._screen.export_screenshot(title="paxtui")
            if kind == "svg"
            else export.slots(view_state.model, kind, view_state.now)
        )
        try:
            path = export.write(text, kind, Path.cwd())
        except OSError as error:
            self.notify(f"{Path.cwd()}: cannot be written: {error.strerror}", failed=True)
        else:
            self.notify(f"written: {path}")

    def export_events(self, name: str) -> None:
        """Write all events that are kept: JSON lines where the name ends in ``.json`` or ``.jsonl``, else
        text. A file that is there already stays as it is."""
        path = Path(name).expanduser()
        as_json = path.suffix in (".json", ".jsonl")
        found = list(self.view_state.model.journal.all)
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                file.write(export.events(found, as_json=as_json))
        except OSError as error:
            self.notify(f"{path}: cannot be written: {error.strerror}", failed=True)
        else:
            many = "1 event" if len(found) == 1 else f"{len(found):,} events"
            self.notify(f"written: {path.absolute()}, {many}")
