"""The line at ``:``, with what fits what is typed above it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.geometry import Size
from textual.widgets import Input, Static

from paxtui.console.command_line import Context, OperandError, Suggestion, parse, suggest, verb_of
from paxtui.console.rows.menu import Item, item_line
from paxtui.console.rows.text import Row, columns, fit, wrap
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.dialog import DialogLine, LineDialog
from paxtui.console.widgets.line import framed
from paxtui.console.widgets.pane import Lines, Pane
from paxtui.wire.text import visible

LIST_LINES = 12
LABEL = 34
BESIDE = 5
"""What stands in a line of the list beside the name and its explanation."""

DETAIL_LINES = 3

NEWS_S = 0.3
"""How often it is looked whether more is known by now."""


class Offers(Lines):
    """Commands, or what may follow one."""

    can_focus = False

    def __init__(self, view_state: ViewState) -> None:
        super().__init__(view_state)
        self.found: list[Suggestion] = []
        self.following = False
        self.stepped = False
        """Whether the person pointed at one of them: enter takes that one."""
        self._label = 0
        self.meaning_lines = 1
        """So many lines below the list are taken."""

    def show(self, found: list[Suggestion]) -> None:
        """Show other suggestions; the first is pointed at."""
        self.found = found
        self.cursor = self.top = 0
        self.stepped = False
        self._label = min(LABEL, max([10, *(cell_len(each.shown) for each in found)]))
        self.refresh(layout=True)
        self.redraw()

    @property
    def group_width(self) -> int:
        """Return the width of the column of groups; nothing that may follow a command has one."""
        longest = max((cell_len(each.group) for each in self.found), default=0)
        return longest + 2 if longest else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, min(LIST_LINES, len(self.found), viewport.height - 5 - self.meaning_lines))

    def count(self) -> int:
        return len(self.found)

    @property
    def pointed(self) -> str:
        """Return what is said about the one under the cursor."""
        return self.found[self.cursor].what if self.found else ""

    def details(self, width: int) -> int:
        """Return how many lines the longest explanation takes, if one does not fit beside its name."""
        room = width - self._label - BESIDE - self.group_width
        cut = [each.what for each in self.found if cell_len(each.what) > room]
        return min(DETAIL_LINES, max((len(wrap(what, width - 2)) for what in cut), default=0))

    def moved(self) -> None:
        screen = self.screen
        if isinstance(screen, Palette):
            screen.meaning.redraw()

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        each = self.found[index]
        # The name of a group stands at its first line, and at the first that is in sight.
        begins = index == self.top or self.found[index - 1].group != each.group
        item = Item(each.group if begins else "", each.shown, each.what, each.text)
        return item_line(
            self.view_state,
            item,
            width,
            self._label,
            chosen=chosen,
            key_width=self.group_width,
            key_style="title",
        )

    def step(self, lines: int) -> None:
        """Step to another suggestion."""
        self.stepped = True
        self.go_to_line(max(0, min(self.cursor + lines, len(self.found) - 1)))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        screen = self.screen
        if offset is not None and isinstance(screen, Palette) and self.top + offset.y < len(self.found):
            self.go_to_line(self.top + offset.y)
            screen.action_complete()


class Meaning(Pane):
    """The usage of the command, or what is wrong with it; above it all that is said about what is pointed at,
    where that does not fit into the list."""

    def __init__(self, view_state: ViewState, against: Context, offers: Offers) -> None:
        super().__init__(view_state)
        self.problem = ""
        self.typed = ""
        self._against = against
        self._offers = offers

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        lines = len(self._lines(width))
        self._offers.meaning_lines = lines
        return lines

    def rows(self, width: int, height: int) -> list[Row]:
        return self._lines(width)

    def _lines(self, width: int) -> list[Row]:
        if self.problem:
            return [[(" ", ""), *row] for row in wrap(self.problem, width - 1, "bad")[:DETAIL_LINES]]
        details = self._offers.details(width)
        text = wrap(self._offers.pointed, width - 2, "text") if details else []
        rows: list[Row] = [[("  ", ""), *row] for row in text[:details]]
        rows += [fit([], width) for _ in range(details - len(rows))]
        return [*rows, self._usage(width)]

    def _usage(self, width: int) -> Row:
        verb = verb_of(self.typed, self._against.verbs)
        if verb is None:
            count = self._count()
            hints = (("tab", "completes"), ("enter", "runs"), ("up", "history"), ("esc", "leaves"))
            keys: list[Row] = [[(f" {key}", "key"), (f" {what}", "dim")] for key, what in hints]
            return columns([count, *keys], width)
        usage = self._against.example(verb.usage)
        return columns([[(f" {usage}", "strong")], [(verb.help, "dim")]], width)

    def _count(self) -> Row:
        """Return how many commands there are, and how many of them fit."""
        every, found = len(self._against.verbs), len(self._offers.found)
        if not found:
            return [(f" no command is about {visible(self.typed.strip(), 30)!r}; there are {every}", "warn")]
        many = f"{every} commands" if not self.typed.strip() else f"{found} of {every} commands"
        return [(f" {many}", "strong")]

    def show_usage(self, typed: str, problem: str = "") -> None:
        """Tell how a line is used, or what is wrong with it."""
        self.typed, self.problem = typed, problem
        self.refresh(layout=True)
        self.redraw()


class Words(DialogLine):
    """The line that is typed."""

    BINDINGS = [
        Binding("tab", "screen.complete", "complete", show=False, priority=True),
        Binding("up", "screen.step(-1)", "history or previous", show=False),
        Binding("down", "screen.step(1)", "next", show=False),
        Binding("pagedown", "screen.page(1)", "page", show=False),
        Binding("pageup", "screen.page(-1)", "page", show=False),
    ]


class Palette(LineDialog[str | None]):
    """The command line. Its result is a line that can be parsed."""

    BINDINGS = [Binding("escape,ctrl+p", "dismiss(None)", show=False)]

    def __init__(self, view_state: ViewState, against: Context, history: list[str]) -> None:
        super().__init__(classes="palette")
        self.view_state = view_state
        self._against = against
        self._history = history
        self._back: int | None = None
        """How far back in the history the line is."""
        self._recalled = ""
        self._offered_for = ""
        """The text that the offers fit."""
        self.offers = Offers(view_state)
        self.meaning = Meaning(view_state, against, self.offers)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield self.offers
            yield self.meaning
            with Horizontal(classes="row"):
                yield Static(" : ", classes="prompt")
                yield from framed(Words(compact=True))

    def on_mount(self) -> None:
        self.offers.show(suggest("", self._against))
        self.meaning.redraw()
        self.set_interval(NEWS_S, self._offer_news)

    def _offer_news(self) -> None:
        """Offer what has become known while one types: scenarios, other clusters."""
        if not self.query(Words):  # it is being closed
            return
        found = suggest(self.line.value, self._against)
        if found != self.offers.found and not self.offers.stepped:
            self.offers.show(found)
            self.meaning.show_usage(self.meaning.typed, self.meaning.problem)

    @property
    def line(self) -> Words:
        """Return what is typed."""
        return self.query_one(Words)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.value == self.line.value != self._offered_for:  # else more was typed, or it was submitted
            self._offer(event.value)

    def _offer(self, typed: str) -> None:
        self._offered_for = typed
        if typed != self._recalled:
            self._back = None
        self.offers.show(suggest(typed, self._against))
        self.meaning.show_usage(typed)

    def submitted(self, typed: str) -> None:
        text = typed.strip()
        if typed != self._offered_for:  # enter came before the offers for the last letters
            self._offer(typed)
        begun = bool(text) and verb_of(text, self._against.verbs) is None and " " not in text
        if self.offers.found and (begun or self.offers.stepped):
            self.action_complete()
            text = self.line.value.strip()
            if self.line.value.endswith(" ") and self._incomplete(text):
                return
        try:
            parse(text, self._against)
        except OperandError as problem:
            self.meaning.show_usage(text, str(problem))
        else:
            self.dismiss(text)

    def _incomplete(self, text: str) -> bool:
        try:
            parse(text, self._against)
        except OperandError:
            return True
        return False

    def action_complete(self) -> None:
        if self.offers.found:
            chosen = self.offers.found[self.offers.cursor]
            self.line.value = chosen.text
            self.line.cursor_position = len(chosen.text)

    def action_step(self, lines: int) -> None:
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
        self.offers.step(pages * (LIST_LINES - 1))
