"""The lines at the top and at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click
from textual.geometry import Size
from textual.widgets import Input

from paxtui.console.actions.surfaces import buttons, first_keys, hints
from paxtui.console.rows import header as h
from paxtui.console.rows.keys import WRITING, KeyHint, keys, placed
from paxtui.console.rows.text import Row, fit, wrap
from paxtui.console.rows.timebar import time_bar
from paxtui.console.widgets.pane import Pane


class HeaderBar(Pane):
    """Safe, moving, who leads, how far."""

    def rows(self, width: int, height: int) -> list[Row]:
        row = h.header(self.view_state, width)
        if self._violated:
            row = [(text, "alarm") for text, _ in row]
        return [row]

    @property
    def _violated(self) -> bool:
        """Return whether a check has failed, also while the view stands still and shows what was before."""
        return self.view_state.model.live.judge.light.light == "VIOLATED"

    def redraw(self) -> None:
        self.set_class(self._violated, "violated")
        super().redraw()


class Strip(Pane):
    """All replicas in one line."""

    def rows(self, width: int, height: int) -> list[Row]:
        return [h.strip(self.view_state, width)]

    def on_click(self, event: object) -> None:
        x = getattr(event, "x", 0)
        self.console.controllers.view.select_replica(
            min(self.view_state.model.n - 1, x * self.view_state.model.n // max(1, self.size.width))
        )


class TabLine(Pane):
    """The views."""

    def rows(self, width: int, height: int) -> list[Row]:
        return [h.tabs(self.view_state, self.view_state.view, width)]

    def on_click(self, event: object) -> None:
        number = h.tab_at(getattr(event, "x", 0), self.size.width)
        if number is not None:
            self.console.controllers.view.show_view(number)


class TimeBar(Pane):
    """The tape, while a moment is shown that is over."""

    def rows(self, width: int, height: int) -> list[Row]:
        return [time_bar(self.view_state, width)]


NOTICE_LINES = 3


class KeyLine(Pane):
    """Keys, or for some seconds what was just done; that may take some lines."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._notice(width)) or 1

    def _notice(self, width: int) -> list[Row]:
        notice = self.console.notice
        if notice is None:
            return []
        rows = wrap(notice.text, width - 2, "bad" if notice.failed else "self")[:NOTICE_LINES]
        return [fit([(" ", ""), *row], width) for row in rows]

    def redraw(self) -> None:
        width, height = self.size
        if width and height != self.get_content_height(self.size, self.size, width):
            self.refresh(layout=True)
        super().redraw()

    def rows(self, width: int, height: int) -> list[Row]:
        notice = self._notice(width)
        if notice:
            return notice
        if self.view_state.scenario is not None:
            return [fit([(f" scenario {self.view_state.scenario}", "self")], width)]
        return [keys(self._hints(), width)]

    def _hints(self) -> Sequence[KeyHint]:
        focused = self.screen.focused
        if isinstance(focused, Input):
            return WRITING
        found = hints(self.view_state, focused.keys_now if isinstance(focused, Pane) else None)
        if self.screen.has_class("size-dash"):  # the buttons say their keys
            names = first_keys()
            pressed = {names.get(spec.name) for spec in buttons()}
            found = [hint for hint in found if hint.key not in pressed]
        return found

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self.redraw, init=False)

    def on_click(self, event: Click) -> None:
        if self._notice(self.size.width) or self.view_state.scenario is not None:
            return
        for hint, start, end in placed(self._hints(), self.size.width):
            if start <= event.x < end:
                if hint.key:
                    self.app.simulate_key(hint.key)
                else:
                    self.console.controllers.dialogs.run_line(hint.name.removeprefix(":"))


class TooSmall(Pane):
    """The words that are left on a screen on which nothing else fits."""

    def rows(self, width: int, height: int) -> list[Row]:
        size = self.app.size
        text = f"need 40x10, have {size.width}x{size.height}"
        return [fit([(text, "warn")], width), fit([("q quits", "dim")], width)]
