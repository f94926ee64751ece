"""The events pane."""

from __future__ import annotations

from textual.binding import Binding

from paxtui.console.model.state.journal import KINDS, YOU, Filter, Seen
from paxtui.console.model.state.ring import Ring
from paxtui.console.rows import events
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Lines


class EventsPane(Lines):
    """The events, the newest at the bottom."""

    BINDINGS = [
        Binding("V", "level", "all events or notable ones", show=False),
        Binding("K", "kind", "events of one kind", show=False),
        Binding("B", "who", "events of one replica", show=False),
        Binding("enter", "open", "the whole event, and on to its slot", show=False),
    ]

    HELP = """\
What replicas decided and what you did, by the clock of whoever tells it. The newest is at the
bottom. The order is that in which it became known here; between replicas it proves nothing.

V   notable events only, or all of them (votes, messages, drops)
K   only one kind: elections, promises, slots, faults, drops, you
B   only one replica's     enter   the whole event; enter again goes to its slot in the log
arrows PgUp PgDn home   scroll     f or end   follow again"""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.wanted = Filter()

    @property
    def ring(self) -> Ring[Seen]:
        """Return the events that pass the filter."""
        return self.view_state.model.journal.ring(self.wanted)

    @property
    def first(self) -> int:
        return self.ring.first

    def count(self) -> int:
        return self.ring.end

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        seen = self.ring.get(index)
        return events.line(self.view_state, seen, width, chosen=chosen)

    def rows(self, width: int, height: int) -> list[Row]:
        self.cursor, self.top = max(self.cursor, self.first), max(self.top, self.first)
        return super().rows(width, height)

    def _follow(self, count: int, room: int) -> None:
        self.cursor = count - 1
        self.top = max(0, count - room)

    def redraw(self) -> None:
        super().redraw()
        below = max(0, self.count() - (self.top + self.room))
        title = events.title(self.wanted, self.following, below, self.view_state.styles.glyph("follow"))
        if self.border_title != title:
            self.border_title = title

    # Actions

    def action_level(self) -> None:
        self._filter(self.wanted._replace(everything=not self.wanted.everything))

    def action_kind(self) -> None:
        kinds: list[str | None] = [None, *KINDS, "you", "other"]
        self._filter(self.wanted._replace(kind=kinds[(kinds.index(self.wanted.kind) + 1) % len(kinds)]))

    def action_who(self) -> None:
        order: list[int | None] = [None, *range(self.view_state.model.n), YOU]
        self._filter(self.wanted._replace(replica=order[(order.index(self.wanted.replica) + 1) % len(order)]))

    def _filter(self, wanted: Filter) -> None:
        self.wanted = wanted
        self.follow()

    def action_open(self) -> None:
        seen = self.ring.get(self.count() - 1 if self.following else self.cursor)
        if seen is not None:
            self.console.controllers.navigation.show_event(seen)
