"""Two small dialogs: a question with buttons, and a line to type."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from paxtui.console.widgets.dialog import Dialog, DialogLine, LineDialog
from paxtui.console.widgets.line import framed


class Choice(Button):
    """A button that says with a shape, too, that it has the focus."""

    def __init__(self, label: str, id: str, pointer: str = "▶") -> None:
        super().__init__(Text(f"  {label}"), id=id, compact=True)
        self._label = label
        self._pointer = pointer
        self.styles.line_pad = 0

    def on_mount(self) -> None:
        self._show(self.has_focus)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._show(has_focus)

    def _show(self, has_focus: bool) -> None:
        first, last = "[]" if self.app.has_class("brackets") else ("", "")
        self.label = Text(f"{first}{self._pointer if has_focus else ' '} {self._label}{last}")


class QuestionDialog(Dialog[str | None]):
    """A question. The answer is the id of the button that was pressed, ``None`` for escape."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, buttons: Sequence[tuple[str, str]], default: str) -> None:
        super().__init__(classes="dialog")
        self._question = question
        self._buttons = buttons
        self._default = default

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(Text(self._question), classes="question")
            with Horizontal(classes="row"):
                for id, label in self._buttons:
                    yield Choice(label, id)

    def on_mount(self) -> None:
        self.query(f"#{self._default}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)


class LinePrompt(LineDialog[str | None]):
    """One line to type at the bottom of the screen; ``None`` for escape."""

    BINDINGS = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(self, prompt: str, text: str = "", *, hint: str = "") -> None:
        super().__init__(classes="line")
        self._prompt = prompt
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static(Text(f" {self._prompt} "), classes="prompt")
            yield from framed(DialogLine(self._text, placeholder=self._hint, compact=True))

    def submitted(self, text: str) -> None:
        self.dismiss(text)
