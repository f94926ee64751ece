"""The events pane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from textual.binding import Binding

from paxtui.console.model.analysis.event_folds import EventLine, EventLines
from paxtui.console.model.state.journal import EVENTS_KEPT, Filter
from paxtui.console.model.state.ring import Ring
from paxtui.console.model.state.seen import KINDS, NO_REPLICA, RUN, SCENARIO, YOU, Seen
from paxtui.console.rows import events
from paxtui.console.rows.found import highlight
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Lines
from paxtui.wire.text import visible

T = TypeVar("T")


def _after(order: Sequence[T], current: T) -> T:
    """Return what comes after ``current``; the first if it is not there any more."""
    return order[(order.index(current) + 1) % len(order)] if current in order else order[0]


class EventsPane(Lines):
    """The events, the newest at the bottom."""

    BINDINGS = [
        Binding("enter", "open", "open", show=False, tooltip="the whole event, and on to its slot"),
        Binding("V", "show('level')", "level", show=False, tooltip="notable events, or all of them"),
        Binding("K", "show('kind')", "kind", show=False, tooltip="only events of one kind"),
        Binding("B", "show('who')", "by", show=False, tooltip="only events of one replica"),
        Binding(
            "Y",
            "show('yours')",
            "yours",
            show=False,
            tooltip="only what you did, and what came of it; and back",
        ),
        Binding("n", "match(1)", "next match", show=False, tooltip="of what was looked for; wraps"),
        Binding("b", "match(-1)", "previous match", show=False, tooltip="of what was looked for; wraps"),
        Binding(
            "z", "fold", "fold", show=False, tooltip="fold what says the same again, or show every event"
        ),
    ]

    PANES = ("lines", "events")

    HELP = """\
What replicas decided and what you or a scenario did. The time is that of the teller's clock; the newest
event is at the bottom. Events stand in the order of cause: a proposal before the votes for it, promises
before the lead. A row that the clocks contradict is marked ~.
What says the same again is one line, with how often it was said.
Replicas keep what was notable before you came: it is dim, and stands above the line `you came`.

arrows PgUp PgDn home   scroll     f or end   follow again
`:export events FILE` writes all that is kept: JSON lines if FILE ends in .json, else text"""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.wanted = Filter()
        self.search = ""
        """What was looked for last."""
        self.folding = True
        self._lines = EventLines(self.ring, EVENTS_KEPT)

    @property
    def ring(self) -> Ring[Seen]:
        """Return the events that pass the filter."""
        return self.view_state.model.journal.ring(self.wanted)

    @property
    def lines(self) -> Ring[EventLine]:
        """Return the lines of these events; each of them alone where every message is told."""
        ring, folding = self.ring, self.folding and not self.wanted.everything
        if self._lines.ring is not ring or self._lines.folding != folding:
            pointed = None if self.following else self._lines.lines.get(self.cursor)
            self._lines = EventLines(ring, EVENTS_KEPT, folding=folding)
            if pointed is not None:  # it stays in its row, where older ones came in above it
                self._lines.take_new()
                line = place_of(pointed.seen, self._lines)
                if line is not None:
                    self.cursor, self.top = line, max(0, self.top + line - self.cursor)
        return self._lines.take_new()

    @property
    def first(self) -> int:
        return self.lines.first

    def count(self) -> int:
        return self.lines.end

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        line = self.lines.get(index)
        seen, words = (line.seen, line.words) if line is not None else (None, None)
        row = events.line(self.view_state, seen, width, chosen=chosen, words=words)
        return highlight(row, self.search)

    def rows(self, width: int, height: int) -> list[Row]:
        first = self.first  # what came in above moves both
        self.cursor, self.top = max(self.cursor, first), max(self.top, first)
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

    @property
    def idle(self) -> frozenset[str]:
        return frozenset() if self.search else frozenset({"match"})

    # Actions

    def action_show(self, what: str) -> None:
        wanted = self.wanted
        there = {SCENARIO: self.view_state.scenario is not None, RUN: self.view_state.moment is not None}
        others = [at for at in NO_REPLICA if there.get(at, True)]
        match what:
            case "level":
                self.wanted = wanted._replace(everything=not wanted.everything)
            case "kind":
                kinds: list[str | None] = [None, *KINDS, *(NO_REPLICA[at] for at in others), "other"]
                self.wanted = wanted._replace(kind=_after(kinds, wanted.kind))
            case "who":
                order: list[int | None] = [None, *range(self.view_state.model.n), *others]
                self.wanted = wanted._replace(replica=_after(order, wanted.replica))
            case _:
                self.wanted = Filter() if wanted.replica == YOU else Filter(replica=YOU)
        self.follow()

    def action_fold(self) -> None:
        self.folding = not self.folding
        if self.wanted.everything:
            self.console.notify_line("at the level `all` every event has its line; V goes back")
        else:
            self.console.notify_line(
                "what says the same again is one line" if self.folding else "every event has its line"
            )
        self.follow()

    @property
    def _pointed(self) -> EventLine | None:
        return self.lines.get(self.count() - 1 if self.following else self.cursor)

    def action_open(self) -> None:
        line = self._pointed
        if line is not None:
            self.console.controllers.navigation.show_event(line.seen)

    def action_copy(self) -> None:
        line = self._pointed
        if line is None:
            self.console.notify_line("there is nothing to copy yet", failed=True)
        else:
            self.console.controllers.navigation.copy_event(line.seen)

    def action_find(self) -> None:
        self.console.controllers.navigation.ask_event(self.find)

    def action_goto(self) -> None:
        self.console.controllers.navigation.ask_event_time(self.go_to_time)

    def find(self, text: str) -> None:
        """Go to the next event that says ``text``; the newest one, where the end is followed."""
        self.search = text.strip()
        self.action_match(-1 if self.following else 1)

    def action_match(self, step: int) -> None:
        if not self.search:
            self.console.notify_line("nothing was looked for yet; / does")
            return
        lines = self.lines
        found = matching(lines, self.search)
        if not found:
            self.console.notify_line(f"no event here says {visible(self.search, 60)!r}", failed=True)
            self.redraw()
            return
        here = self.cursor if not self.following else lines.end if step < 0 else -1
        after = [at for at in found if (at > here if step > 0 else at < here)]
        place = (after[0] if step > 0 else after[-1]) if after else found[0 if step > 0 else -1]
        wrapped = "" if after else f"; that was the {'last' if step > 0 else 'first'}: on at the other end"
        matches = "1 match" if len(found) == 1 else f"match {found.index(place) + 1} of {len(found)}"
        self.following = False
        self.go_to_line(place)
        self.console.notify_line(f"{matches}{wrapped}")

    def go_to_time(self, seconds: float) -> None:
        """Go to the first event at or after a time of the day, in seconds since midnight."""
        self._lines.take_new()
        at = line_at(self._lines, seconds)
        if at is None:
            self.console.notify_line("no event is known at or after that time", failed=True)
        else:
            self.following = False
            self.go_to_line(at)


def matching(lines: Ring[EventLine], text: str) -> list[int]:
    """Return the numbers of the lines that say ``text``, in order."""
    sought = text.lower()
    return [
        at
        for at, line in enumerate(lines, start=lines.first)
        if sought in f"{line.seen.teller} {line.words}".lower()
    ]


def place_of(seen: Seen, lines: EventLines) -> int | None:
    """Return the line of an event that the lines hold."""
    for place, each in enumerate(lines.ring, start=lines.ring.first):
        if each is seen:
            return lines.line_of(place)
    return None


def line_at(lines: EventLines, seconds: float) -> int | None:
    """Return the line of the first event at or after a time of the day, in seconds since midnight."""
    for place, seen in enumerate(lines.ring, start=lines.ring.first):
        at = events.of_day_s(seen.wall)
        if at is not None and at >= seconds:
            return lines.line_of(place)
    return None
