"""The line at ``:``, with what fits what is typed above it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.geometry import Size
from textual.widgets import Input, Static

from paxtui.console.palette import Context, Problem, Suggestion, parse, suggest, verb_of
from paxtui.console.rows.menu import Item, item_line
from paxtui.console.rows.text import Row, columns, fit
from paxtui.console.scene import Scene
from paxtui.console.widgets.dialog import Dialog
from paxtui.console.widgets.pane import Lines, Pane

LIST_LINES = 12
LABEL = 34


class Offers(Lines):
    """Commands, or what may follow one."""

    can_focus = False

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.found: list[Suggestion] = []
        self.following = False
        self.stepped = False
        """Whether somebody pointed at one of them: enter takes that one."""
        self._label = 0

    def show(self, found: list[Suggestion]) -> None:
        """Other suggestions; the first is pointed at."""
        self.found = found
        self.cursor = self.top = 0
        self.stepped = False
        self._label = min(LABEL, max([10, *(cell_len(each.shown) for each in found)]))
        self.refresh(layout=True)
        self.look_again()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, min(LIST_LINES, len(self.found), viewport.height - 6))

    def count(self) -> int:
        return len(self.found)

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        each = self.found[index]
        item = Item("", each.shown, each.what, each.text)
        return item_line(self.scene, item, width, self._label, chosen=chosen, key_width=0)

    def step(self, lines: int) -> None:
        """Point at another one."""
        self.stepped = True
        self.go(max(0, min(self.cursor + lines, len(self.found) - 1)))

    def on_click(self, event: Click) -> None:
        """Take the one under the mouse into the line."""
        offset = event.get_content_offset(self)
        screen = self.screen
        if offset is not None and isinstance(screen, Palette) and self.top + offset.y < len(self.found):
            self.go(self.top + offset.y)
            screen.action_complete()


class Meaning(Pane):
    """How the command is used, or what is wrong with it."""

    problem = ""
    typed = ""

    def rows(self, width: int, height: int) -> list[Row]:
        if self.problem:
            return [fit([(f" {self.problem}", "bad")], width)]
        verb = verb_of(self.typed)
        if verb is None:
            hints = (("tab", "completes"), ("enter", "runs"), ("up", "history"), ("esc", "leaves"))
            return [columns([[(f" {key}", "key"), (f" {what}", "dim")] for key, what in hints], width)]
        return [columns([[(f" {verb.usage}", "strong")], [(verb.what, "dim")]], width)]


class Words(Input):
    """The line that is typed."""

    BINDINGS = [
        Binding("tab", "screen.complete", "complete", show=False, priority=True),
        Binding("up", "screen.step(-1)", "history or previous", show=False),
        Binding("down", "screen.step(1)", "next", show=False),
        Binding("pagedown", "screen.page(1)", "page", show=False),
        Binding("pageup", "screen.page(-1)", "page", show=False),
    ]

    cursor_blink = False


class Palette(Dialog[str | None]):
    """Its result is a line that can be parsed."""

    BINDINGS = [Binding("escape,ctrl+p", "dismiss(None)", show=False)]

    def __init__(self, scene: Scene, against: Context, history: list[str]) -> None:
        super().__init__(classes="palette")
        self.scene = scene
        self._against = against
        self._history = history
        self._back: int | None = None
        """How far back in the history the line is."""
        self._recalled = ""
        self.offers = Offers(scene)
        self.meaning = Meaning(scene)

    def compose(self) -> ComposeResult:
        """Suggestions, the usage or the problem, and the line."""
        with Vertical(classes="box"):
            yield self.offers
            yield self.meaning
            with Horizontal(classes="row"):
                yield Static(" : ", classes="prompt")
                yield Words(compact=True)

    def on_mount(self) -> None:
        """Everything is offered at first."""
        self.line.focus()
        self.offers.show(suggest("", self._against))
        self.meaning.look_again()

    @property
    def line(self) -> Words:
        """What is typed."""
        return self.query_one(Words)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what fits."""
        if event.value != self._recalled:
            self._back = None
        self.meaning.problem, self.meaning.typed = "", event.value
        self.meaning.look_again()
        self.offers.show(suggest(event.value, self._against))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run it, or say what is wrong. What is pointed at is taken first, and so is a name that is begun."""
        text = event.value.strip()
        begun = bool(text) and verb_of(text) is None and " " not in text
        if self.offers.found and (begun or self.offers.stepped):
            self.action_complete()
            text = self.line.value.strip()
            if self.line.value.endswith(" ") and self._incomplete(text):
                return
        try:
            parse(text, self._against)
        except Problem as problem:
            self.meaning.problem = str(problem)
            self.meaning.look_again()
        else:
            self.dismiss(text)

    def _incomplete(self, text: str) -> bool:
        try:
            parse(text, self._against)
        except Problem:
            return True
        return False

    def action_complete(self) -> None:
        """Take what is pointed at into the line."""
        if self.offers.found:
            chosen = self.offers.found[self.offers.cursor]
            self.line.value = chosen.text
            self.line.cursor_position = len(chosen.text)

    def action_step(self, lines: int) -> None:
        """Up in an empty line, or in the history, goes back; else another suggestion."""
        recalling = self._back is not None or not self.line.value
        if recalling and lines < 0 and self.offers.cursor == 0:
            self._recall(1)
        elif self._back is not None and lines > 0:
            self._recall(-1)
        else:
            self.offers.step(lines)

    def _recall(self, step: int) -> None:
        back = (self._back or 0) + step
        if not 0 <= back <= len(self._history):
            return
        self._recalled = self._history[-back] if back else ""
        self._back = back or None
        self.line.value = self._recalled
        self.line.cursor_position = len(self._recalled)

    def action_page(self, pages: int) -> None:
        """Many suggestions further."""
        self.offers.step(pages * (LIST_LINES - 1))
