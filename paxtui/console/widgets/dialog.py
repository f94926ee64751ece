"""What all dialogs have in common."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input

from paxtui.console.widgets.line import TypedLine

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A modal screen that is left only once. Keys typed fast still come in after the one that closed it; a
    second dismissal would take away the screen below."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)


class DialogLine(TypedLine):
    """The line of a :class:`LineDialog`, which takes what was typed."""

    def submitted(self, text: str) -> None:
        if isinstance(self.screen, LineDialog):
            self.screen.submitted(text)


class LineDialog(Dialog[T]):
    """A dialog with one line to type. Keys that come before the line is on the screen are typed into it."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.opening = True
        """Whether the line is not there yet."""
        self.early: list[Key | Paste] = []
        """What came too early."""

    def on_mount(self) -> None:
        for line in self.query(Input):  # none, if the dialog was closed before it had opened
            self.set_focus(line)
        self.app.call_next(self._opened)

    async def _opened(self) -> None:
        self.opening = False
        for event in self.early:
            await self.app.on_event(event)

    def submitted(self, text: str) -> None:
        """Take what was typed, at enter."""
        raise NotImplementedError
