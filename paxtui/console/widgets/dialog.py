"""What all dialogs have in common."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A modal screen that is left only once. Keys typed fast still come in after the one that closed it; a
    second dismissal would take away the screen below."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close, if it is open."""
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)


class LineDialog(Dialog[T]):
    """A dialog with one line to type. Keys that come before the line is on the screen are typed into it."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._early: list[Key] | None = []
        """What came too early; ``None`` once the line is there."""

    def on_mount(self) -> None:
        """The line is there."""
        early, self._early = self._early or [], None
        for key in early:
            self.take(key)
        self.set_focus(self.query_one(Input))

    def take(self, key: Key) -> None:
        """A key that came while the line had no focus."""
        if self._early is not None:
            self._early.append(key)
            return
        line = self.query_one(Input)
        self.set_focus(line)
        line._forward_event(key)
