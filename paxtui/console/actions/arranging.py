"""Which panes are shown: by the view that was chosen, and by the size of the screen."""

from __future__ import annotations

from textual.events import Resize
from textual.widget import Widget

from paxtui.console.actions.view import ViewActions
from paxtui.console.widgets.chat import ChatPane

VIEWS = ("log", "replicas", "links", "metrics", "chat", "events")


class PaneActions(ViewActions):
    """The part of the app that gives panes room and the focus."""

    def on_resize(self, event: Resize) -> None:
        """Another arrangement for another size."""
        self.arrange(event.size.width, event.size.height)

    def arrange(self, width: int, height: int) -> None:
        """The classes by which the stylesheet shows and hides panes."""
        if width < 40 or height < 10:
            size = "tiny"
        elif width < 80 or height < 24:
            size = "small"
        elif width >= 140 and height >= 40:
            size = "dash"
        else:
            size = "wide" if width >= 100 else "tabs"
        if size == "dash" and self.maximised:
            size = "wide"
        screen = self.screen_stack[0]
        screen.set_classes([f"size-{size}", f"view-{VIEWS[self.view - 1]}"])
        self.call_after_refresh(self._refocus)
        self.call_after_refresh(self.look_again)

    def _refocus(self) -> None:
        """What is not shown in this arrangement does not keep the focus; nobody begins to write by that."""
        screen = self.screen_stack[0]
        shown = screen.focused is not None and all(
            each.display for each in screen.focused.ancestors_with_self
        )
        if not shown and not screen.has_class("size-tiny"):
            for widget in screen.query(f"#{VIEWS[self.view - 1]}"):
                self._focus(widget.lines if isinstance(widget, ChatPane) else widget)

    def show_view(self, number: int) -> None:
        """Show view ``number``; on the dashboard, focus its pane."""
        self.view = self.kept.view = number
        self.kept.maximised = self.maximised
        self.arrange(self.size.width, self.size.height)
        for widget in self.screen_stack[0].query(f"#{VIEWS[number - 1]}"):
            self._focus(widget)

    def _focus(self, widget: Widget) -> None:
        if isinstance(widget, ChatPane):
            widget.write()
        elif widget.can_focus:
            self.screen_stack[0].set_focus(widget, scroll_visible=False)
