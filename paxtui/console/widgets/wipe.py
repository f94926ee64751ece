"""The one question that a fault asks: data that are wiped do not come back."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Button, Input, Static

from paxtui.console.widgets.ask import Choice
from paxtui.console.widgets.dialog import DialogLine, LineDialog
from paxtui.console.widgets.line import framed


class WipeDialog(LineDialog[bool]):
    """The question before a wipe. Its result is true if the replica's name was typed and the button was
    pressed."""

    BINDINGS = [
        Binding("escape", "dismiss(False)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, name: str, majority: str) -> None:
        super().__init__(classes="dialog")
        self._replica = name
        self._majority = majority

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            text = (
                f"Wipe {self._replica}: its process is killed and its data folder deleted, for ever. "
                f"It comes back knowing nothing, not even what it promised and accepted. {self._majority}"
            )
            yield Static(Text(text), classes="question")
            with Horizontal(classes="row"):
                yield Static(Text(f"Type {self._replica} to allow it: "), classes="prompt")
                yield from framed(DialogLine(compact=True, max_length=10))
            with Horizontal(classes="row answers"):
                yield Choice("Cancel", "cancel", letter="c")
                yield Choice("Wipe", "wipe", letter="w")

    def on_mount(self) -> None:
        self.query("#wipe").set(disabled=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._allow(event.value)

    def _allow(self, typed: str) -> None:
        self.query_one("#wipe", Button).disabled = typed.strip() != self._replica

    def submitted(self, text: str) -> None:
        self._allow(text)
        self.query_one("#cancel", Button).focus()

    def on_key(self, event: Key) -> None:
        for choice in self.query(Choice):
            pressed = event.character and event.character.lower() == choice.letter
            if pressed and isinstance(self.focused, Choice) and not choice.disabled:
                event.stop()
                self.dismiss(choice.id == "wipe")
                return

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "wipe")
