"""The bar of buttons for the selected replica: everything of it is a key, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from paxtui.console.rows.header import state_words
from paxtui.console.rows.log import column_mark
from paxtui.console.rows.text import Row, columns
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Pane

if TYPE_CHECKING:
    from paxtui.console.model.state.replica import ReplicaView

ACTIONS = {
    "crash-proposer": "crash_proposer",
    "crash": "crash",
    "restart": "restart",
    "pause": "pause",
    "cut": "cut",
    "less": "loss(-1)",
    "loss": "type_loss",
    "more": "loss(1)",
    "heal": "heal",
}
"""By button, the action of the app."""

PROCESS = ("crash-proposer", "crash", "restart", "pause", "cut")
"""The first half; where there is little room, the second is below it."""

WIDTHS = {"crash-proposer": 18, "pause": 10, "cut": 6, "less": 3, "loss": 12, "more": 3}
"""Of buttons whose labels change: nothing moves under the mouse."""


def labels(view_state: ViewState, replica: ReplicaView) -> dict[str, str]:
    """What the buttons say now: some take back what they did."""
    cut = view_state.model.cut_off(replica.id)
    return {
        "crash-proposer": "Restore proposer" if replica.proposer_crashed else "Crash proposer",
        "crash": "Crash replica",
        "restart": "Restart",
        "pause": "Continue" if replica.process == "paused" else "Pause",
        "cut": "Join" if cut else "Cut",
        "less": "−" if not view_state.styles.ascii else "-",
        "loss": f"Loss {replica.loss_to(-1):g} %",
        "more": "+",
        "heal": "Heal all",
    }


class Subject(Pane):
    """Whom the buttons act on."""

    def rows(self, width: int, height: int) -> list[Row]:
        replica = self.view_state.model.replicas[self.view_state.selected]
        mark = column_mark(self.view_state, replica)
        words = state_words(self.view_state, replica) or replica.role
        name: Row = [(f" {self.view_state.styles.glyph('pointer')}{replica.name} {mark}", "selected")]
        return [columns([name, [(words, "dim")]], width, " ")]

    def look_again(self) -> None:
        super().look_again()
        for bar in self.ancestors:
            if isinstance(bar, ButtonBar):
                bar.relabel()


class ButtonBar(Horizontal):
    """Clicking never takes the focus away from where one reads or types."""

    def __init__(self, view_state: ViewState, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="buttons")
        self.view_state = view_state
        self._shown: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """The replica's name, then its buttons."""
        found = labels(self.view_state, self._replica)
        with Horizontal(classes="half"):
            yield Subject(self.view_state, classes="subject")
            for name in PROCESS:
                yield self._button(name, found[name])
        with Horizontal(classes="half"):
            for name in found:
                if name not in PROCESS:
                    yield self._button(name, found[name])

    def _button(self, name: str, label: str) -> Button:
        button = Button(Text(label), name=name, compact=True, classes=f"do do-{name}")
        button.styles.width = WIDTHS.get(name, len(label) + 2)
        button.can_focus = False
        button.active_effect_duration = 0.1
        return button

    @property
    def _replica(self) -> ReplicaView:
        return self.view_state.model.replicas[self.view_state.selected]

    def relabel(self) -> None:
        """Say what the buttons would do now."""
        found = labels(self.view_state, self._replica)
        if found == self._shown:
            return
        old, self._shown = self._shown, found
        for button in self.query(Button):
            name = button.name or ""
            if found[name] != old.get(name):
                button.label = Text(found[name])

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do it."""
        event.stop()
        await self.app.run_action(ACTIONS[event.button.name or ""])
