"""The lines at the top and at the bottom."""

from __future__ import annotations

from textual.widgets import Input

from paxtui.console.rows import header as h
from paxtui.console.rows.keys import keys
from paxtui.console.rows.text import Row, fit
from paxtui.console.widgets.pane import Pane


class Header(Pane):
    """Safe, moving, who leads, how far."""

    def rows(self, width: int, height: int) -> list[Row]:
        row = h.header(self.scene, width)
        if self.scene.model.judge.light.light == "VIOLATED":
            row = [(text, "alarm") for text, _ in row]
        return [row]

    def look_again(self) -> None:
        self.set_class(self.scene.model.judge.light.light == "VIOLATED", "violated")
        super().look_again()


class Strip(Pane):
    """All replicas in one line."""

    def rows(self, width: int, height: int) -> list[Row]:
        return [h.strip(self.scene, width)]

    def on_click(self, event: object) -> None:
        """Select the replica under the mouse."""
        x = getattr(event, "x", 0)
        self.console.select_replica(
            min(self.scene.model.n - 1, x * self.scene.model.n // max(1, self.size.width))
        )


class TabLine(Pane):
    """The views."""

    def rows(self, width: int, height: int) -> list[Row]:
        return [h.tabs(self.scene, self.console.view, width)]

    def on_click(self, event: object) -> None:
        """Go to the view under the mouse."""
        x = getattr(event, "x", 0)
        at = 1
        for number, name in enumerate(h.TABS, start=1):
            size = len(name) + 6
            if at <= x < at + size:
                self.console.show_view(number)
            at += size


class KeyLine(Pane):
    """Keys, or for some seconds what was just done."""

    def rows(self, width: int, height: int) -> list[Row]:
        notice = self.console.notice
        if notice is not None:
            return [fit([(f" {notice.text}", "bad" if notice.failed else "self")], width)]
        if self.scene.scenario is not None:
            return [fit([(f" scenario {self.scene.scenario}", "self")], width)]
        return [keys(self.scene, width, writing=isinstance(self.screen.focused, Input))]


class TooSmall(Pane):
    """What is left on a screen on which nothing else fits."""

    def rows(self, width: int, height: int) -> list[Row]:
        size = self.app.size
        text = f"need 40x10, have {size.width}x{size.height}"
        return [fit([(text, "warn")], width), fit([("q quits", "dim")], width)]
