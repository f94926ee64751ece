"""Two small dialogs: a question with buttons, and a line to type."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Button, Static

from paxtui.console.widgets.dialog import Dialog, DialogLine, LineDialog
from paxtui.console.widgets.line import framed


class Choice(Button):
    """A button that says with a shape, too, that it has the focus; its letter is underlined."""

    def __init__(self, label: str, id: str, pointer: str = "▶", letter: str = "") -> None:
        super().__init__(Text(f"  {label}"), id=id, compact=True)
        self._label = label
        self._pointer = pointer
        self.letter = letter
        """The key that presses it; empty for none."""
        self.styles.line_pad = 0

    def on_mount(self) -> None:
        self._show(self.has_focus)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._show(has_focus)

    def _show(self, has_focus: bool) -> None:
        first, last = "[]" if self.app.has_class("brackets") else ("", "")
        text = Text(f"{first}{self._pointer if has_focus else ' '} {self._label}{last}")
        at = self._label.lower().find(self.letter) if self.letter else -1
        if at >= 0:
            start = len(first) + 2 + at
            text.stylize("underline bold", start, start + 1)
        self.label = text


def letters(labels: Sequence[str]) -> list[str]:
    """Return a letter for each label, the first that no label before it has."""
    found: list[str] = []
    for label in labels:
        able = (letter for letter in label.lower() if letter.isalpha() and letter not in found)
        found.append(next(able, ""))
    return found


class QuestionDialog(Dialog[str | None]):
    """A question. Its answer is the id of the button that was pressed, ``None`` for escape. In every question
    Cancel comes first and has the focus, and each button has a letter."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, buttons: Sequence[tuple[str, str]]) -> None:
        super().__init__(classes="dialog")
        self._question = question
        self._buttons = [("cancel", "Cancel"), *buttons]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(Text(self._question), classes="question")
            with Horizontal(classes="row"):
                for (id, label), letter in zip(
                    self._buttons, letters([label for _, label in self._buttons]), strict=True
                ):
                    yield Choice(label, id, letter=letter)

    def on_mount(self) -> None:
        self.query("#cancel").focus()

    def on_key(self, event: Key) -> None:
        for choice in self.query(Choice):
            if event.character and event.character.lower() == choice.letter:
                event.stop()
                self.dismiss(choice.id)
                return

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
