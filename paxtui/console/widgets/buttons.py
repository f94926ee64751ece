"""The bar of buttons for the selected replica: everything of it is a key, too, and says which."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from paxtui.console.actions import surfaces
from paxtui.console.actions.spec import ActionSpec
from paxtui.console.rows.header import state_words
from paxtui.console.rows.log import column_mark
from paxtui.console.rows.text import Row, columns
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Pane


class Subject(Pane):
    """Whom the buttons act on."""

    def rows(self, width: int, height: int) -> list[Row]:
        replica = self.view_state.model.replicas[self.view_state.selected]
        mark = column_mark(self.view_state, replica)
        words = state_words(self.view_state, replica) or replica.role
        name: Row = [(f" {self.view_state.styles.glyph('pointer')}{replica.name} {mark}", "selected")]
        return [columns([name, [(words, "dim")]], width, " ")]

    def redraw(self) -> None:
        super().redraw()
        for bar in self.ancestors:
            if isinstance(bar, ButtonBar):
                bar.relabel()


class ButtonBar(Horizontal):
    """The buttons for the selected replica. Clicking never takes the focus away from where one reads or
    types."""

    def __init__(self, view_state: ViewState, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="buttons")
        self.view_state = view_state
        self._shown: dict[str, Text] = {}

    def _labels(self) -> dict[str, Text]:
        """Return what the buttons say, by action: its key, and what it would do now; in brackets where no
        ground of its own shows where a button begins and ends."""
        first, last = "[]" if self.view_state.styles.brackets else "  "
        keys = surfaces.first_keys()
        found: dict[str, Text] = {}
        for name, label in surfaces.button_labels(self.view_state).items():
            key = "" if len(label) == 1 else f"{keys.get(name, '')} "  # a sign is its key
            found[name] = Text.assemble(first, (key, "bold"), label, last)
        return found

    def compose(self) -> ComposeResult:
        labels = self._labels()
        made = [(spec.button, self._button(spec, labels[spec.name])) for spec in surfaces.buttons()]
        with Horizontal(classes="half"):
            yield Subject(self.view_state, classes="subject")
            yield from (button for spec, button in made if spec is not None and not spec.below)
        with Horizontal(classes="half"):
            yield from (button for spec, button in made if spec is not None and spec.below)

    def _button(self, spec: ActionSpec, label: Text) -> Button:
        button = Button(label, name=spec.name, compact=True, classes=f"do do-{spec.name}")
        widest = spec.button.width if spec.button is not None and spec.button.width else 0
        button.styles.width = max(len(label), widest + len("c ") if len(label) > len("[-]") else 0)
        button.styles.line_pad = 0
        button.can_focus = False
        button.active_effect_duration = 0.1
        return button

    def relabel(self) -> None:
        """Say what the buttons would do now."""
        found = self._labels()
        if found == self._shown:
            return
        old, self._shown = self._shown, found
        for button in self.query(Button):
            name = button.name or ""
            if found[name] != old.get(name):
                button.label = found[name]

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.app.run_action(f"perform('{event.button.name}')")
