"""What all dialogs have in common."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A modal screen that is left only once. Keys typed fast still come in after the one that closed it; a
    second dismissal would take away the screen below."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close, if it is open."""
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)
