"""What controllers need of the screen: the app has :class:`Screen`, the widgets have :class:`Dialogs`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from paxtui.console.command_line import Context
from paxtui.console.rows.text import Row

Answered = Callable[[str | None], None]
"""Takes an answer; ``None`` for escape."""


class LogView(Protocol):
    """The log as it is shown."""

    search: str
    """What was looked for last."""

    @property
    def filter(self) -> str: ...

    def set_filter(self, text: str) -> None: ...

    def go_to_slot(self, slot: int) -> None: ...

    def follow(self) -> None: ...

    def action_seek(self, kind: str) -> None: ...

    def action_match(self, step: int) -> None: ...


class Screen(Protocol):
    """The app, as controllers know it."""

    @property
    def log_pane(self) -> LogView: ...

    @property
    def focused_pane(self) -> str:
        """Return the name of the pane that has the focus; empty if none has."""

    def redraw(self) -> None:
        """Let every pane look at the model."""

    def arrange_view(self) -> None:
        """Show the chosen view, and focus its pane."""

    def focus_next_pane(self) -> None: ...

    def apply_theme(self, name: str) -> None: ...

    def copy_to_clipboard(self, text: str) -> None: ...

    def export_screenshot(self, *, title: str | None = None) -> str: ...

    def suspend_to_shell(self) -> None: ...

    def end_soon(self, delay_s: float = 0.0) -> None:
        """End the console with exit code 0."""


class Dialogs(Protocol):
    """The dialogs that open above the panes. Each returns at once; the answer comes later."""

    def ask_line(self, prompt: str, answered: Answered, *, text: str = "", hint: str = "") -> None: ...

    def ask_question(self, question: str, buttons: Sequence[tuple[str, str]], answered: Answered) -> None:
        """Ask with a button for each ``(id, label)``, after one that cancels."""

    def ask_wipe(self, name: str, words: str, answered: Callable[[bool | None], None]) -> None: ...

    def open_fault_menu(self) -> None: ...

    def open_link_menu(self, name: str, answered: Answered) -> None: ...

    def open_presets(self, answered: Answered) -> None: ...

    def open_panes(self, answered: Answered) -> None:
        """Offer panes to turn on and off, and layouts."""

    def open_palette(self, context: Context, history: list[str], answered: Answered) -> None: ...

    def open_help(self) -> None: ...

    def open_legend(self) -> None: ...

    def open_page(
        self,
        title: str,
        make: Callable[[int], list[Row]],
        *,
        goes: str = "",
        left: Callable[[bool | None], None] | None = None,
    ) -> None:
        """Open a page of ``make(width)``; ``goes`` says what enter does there."""
