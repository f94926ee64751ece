"""The log pane and its WHY."""

from __future__ import annotations

from bisect import bisect_left

from textual.binding import Binding

from paxtui.console.model.analysis.folding import Fold, Layout, layout
from paxtui.console.model.analysis.search import matches, unsearched
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why.answer import plural
from paxtui.console.rows import log, why
from paxtui.console.rows.keys import hint_rows
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Lines, Pane
from paxtui.wire.text import visible


class LogPane(Lines):
    """Slot by replica, live."""

    BINDINGS = [
        Binding("o", "next_open", "next open slot", show=False),
        Binding("O", "next_hole", "next HOLE or CONFLICT", show=False),
        Binding("n", "match(1)", "next match", show=False),
        Binding("b", "match(-1)", "previous match", show=False),
        Binding("enter", "open", "open a fold, or all about the slot", show=False),
        Binding("z", "fold", "fold, or show all slots", show=False),
        Binding("escape", "back", "all slots, and follow again", show=False),
    ]

    PANES = ("lines", "log")

    HELP = """\
Each row is a slot, each column an acceptor: its vote and the ballot of it.
● knows that it is chosen   ◐ accepted   ○ accepted at an older ballot
◆ no-op, mark, trim   » an Accept is on its way   ✗ lost or refused   · nothing   ? not heard
# removed: the log is trimmed, and its first line says from where it is kept
The state counts votes at one ballot: `open 1/2` lacks one. `blocked` is chosen, but an
earlier slot is not. A HOLE has no votes at all. The column `votes`, or `q` where there is
little room, has how many voted at that ballot, as far as it was seen.

arrows, h j k l   move; left and right select the replica that keys act on
PgUp PgDn home end   scroll     f or esc   follow the end again
enter   all about the slot, or open a fold     z   fold what is alike, or show every slot
o   next open slot     O   next HOLE or CONFLICT     g   go to a slot or a time
/   find a text or a state; n and b go on     \\   show only what matches; esc shows all
y   copy the row as JSON     N   the leader proposes a no-op in this hole now

By itself the leader fills a hole after its hole timeout: after 20 s where a console started the
cluster, so that there is time to look at it. WHY says how much of it is left."""

    head = 1

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.filter = ""
        """Only slots that match are shown; empty shows all."""
        self.search = ""
        self._shown: list[int] | None = None
        self._shown_at = float("-inf")
        self._unsearched = 0
        """Slots that the filter could not look at."""
        self._layout = Layout()
        self._layout_of: tuple[object, ...] = ()
        """What the layout was made of."""
        self.folding = True
        """Whether long runs of applied slots are one line each."""

    # Which slots

    def set_filter(self, text: str) -> None:
        """Show only what matches ``text``; empty shows all again."""
        slot = self.slot_of(self.cursor)
        self.filter, self._shown = text, None
        self._shown_at = float("-inf")
        self._refilter()
        self.top = 0
        if self.following:
            self.moved()
        else:
            self.go(min(self._index_of(slot), self.count() - 1))

    def _refilter(self) -> None:
        """Look for matches again, at most once a second: they may be many. Who reads stays on the slot, or is
        on the next one where that does not match any more."""
        now = self.view_state.clock()
        if not self.filter or now - self._shown_at <= 1.0:
            return
        slot = self.slot_of(self.cursor)
        self._shown = matches(self.view_state.model, self.filter, self.view_state.now)
        self._unsearched = unsearched(self.view_state.model)
        self._shown_at = now
        if not self.following:
            index = max(0, min(self._index_of(slot), len(self._shown) - 1))
            self.top = max(0, self.top + index - self.cursor)
            self.cursor = index
            self._select()

    def _refold(self, *, anyway: bool = False) -> None:
        """What is folded goes with the end of the log, by part of a page, as long as one follows: a reader is
        never scrolled."""
        if not self.following and not anyway:
            return
        model, room = self.view_state.model, self.room
        if not self.folding:
            self._layout, self._layout_of = layout(model, 0), ()
            return
        kept = max(4, room // 3)
        step = max(1, room - kept - 3)
        upto = max(0, model.end - kept) // step * step
        seen = [len(replica.accepted) for replica in model.replicas]
        made_of = (
            model,
            upto,
            *seen,
            len(model.sources),
            len(model.values.repeated),
            model.floor,
            int(self.view_state.now),
        )
        if made_of != self._layout_of:
            self._layout, self._layout_of = layout(model, upto), made_of

    def _at(self, index: int) -> int | Fold:
        """The slot or the fold on a line."""
        if self._shown is None:
            return self._layout.at(index)
        return self._shown[index] if 0 <= index < len(self._shown) else self.view_state.model.end

    def slot_of(self, index: int) -> int:
        """The slot on a line; of a fold the first."""
        at = self._at(index)
        return at.first if isinstance(at, Fold) else at

    def _index_of(self, slot: int) -> int:
        return self._layout.line_of(slot) if self._shown is None else bisect_left(self._shown, slot)

    def go_to_slot(self, slot: int) -> None:
        """Put the cursor on ``slot``, or on the next one that the filter lets through; the last one if there
        is none."""
        self.following = False
        floor = self.view_state.model.floor
        if slot < floor:
            self.console.notify_line(
                f"slot {slot} is removed; the log is kept from slot {floor} on", failed=True
            )
        fold = self._layout.fold_of(slot) if self._shown is None else None
        if fold is not None and not fold.removed:
            self._layout = self._layout.without(fold)
        if self._shown is not None and slot not in self._shown and slot >= floor:
            there = "none does"
            if self._shown:
                there = f"this is {'the next' if slot < self._shown[-1] else 'the last'} that does"
            text = f"slot {slot} does not match the filter; {there} (esc shows all)"
            self.console.notify_line(text, failed=True)
        self.go(min(self._index_of(slot), self.count() - 1))

    def count(self) -> int:
        return self._layout.lines(self.view_state.model.end) if self._shown is None else len(self._shown)

    def heading(self, width: int) -> list[Row]:
        return [log.heading(self.view_state, width)]

    def rows(self, width: int, height: int) -> list[Row]:
        rows = super().rows(width, height)
        if self._shown is not None and not self._shown:
            rows.append(
                fit([(f"  no slot matches {visible(self.filter, 60)!r}; esc shows all", "dim")], width)
            )
        elif self.view_state.model.end == 0 and self.view_state.armed:
            rows += hint_rows(self.view_state, width)
        return rows

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        at = self._at(index)
        if isinstance(at, Fold):
            return log.fold_line(self.view_state, at, width, chosen=chosen)
        return log.line(self.view_state, at, width, chosen=chosen)

    def follow(self) -> None:
        self._layout_of = ()  # what was opened is folded again
        super().follow()

    def moved(self) -> None:
        self._select()
        self.console.redraw()

    def _select(self) -> None:
        """What is under the cursor is what WHY is about."""
        nothing = self.following or not self.count()
        at = None if nothing else self._at(max(0, min(self.cursor, self.count() - 1)))
        self.view_state.slot = at if isinstance(at, int) else None
        self.view_state.fold = (at.first, at.end) if isinstance(at, Fold) else None

    def look_again(self) -> None:
        self._refilter()
        self._refold()
        super().look_again()
        behind = max(0, self.count() - (self.top + self.room))
        glyph = self.view_state.styles.glyph("follow")
        state = f"following {glyph}" if self.following else f"+{behind} below (f)" if behind else "f follows"
        if self.filter:
            match = "matches" if self.count() == 1 else "match"
            state += f"   {plural(self.count(), 'slot')} {match} the filter (esc shows all)"
            if self._unsearched:
                state += f", {self._unsearched:,} not read here yet"
        title = f"1 log  slot × replica   {state}"
        if self.border_title != title:
            self.border_title = title

    # Actions

    def action_next_open(self) -> None:
        """The next slot that is not decided."""
        self._seek(("open", "maybe"))

    def action_next_hole(self) -> None:
        """The next slot that is wrong."""
        self._seek(("HOLE", "CONFLICT"))

    def _seek(self, states: tuple[str, ...]) -> None:
        model = self.view_state.model
        at = self._at(self.cursor)
        start = model.applied if self.following else at.end if isinstance(at, Fold) else at + 1
        conflicts = sorted(slot for slot in model.judge.conflicts if slot >= start)
        for slot in [*conflicts, *range(max(start, model.applied), model.end)]:
            if slot_facts(model, slot, self.view_state.now).state in states:
                self.go_to_slot(slot)
                return
        self.console.notify_line(f"no slot from {start} on is {' or '.join(states)}")

    def action_match(self, step: int) -> None:
        """The next or the previous slot that matches what was looked for."""
        if not self.search:
            self.console.notify_line("nothing was looked for yet; / does")
            return
        found = matches(self.view_state.model, self.search, self.view_state.now)
        if self._shown is not None:  # of what is on screen
            found = sorted({*found} & {*self._shown})
        here = (
            self.slot_of(self.cursor)
            if not self.following
            else (-1 if step > 0 else self.view_state.model.end)
        )
        after = [slot for slot in found if slot > here] if step > 0 else [s for s in found if s < here][::-1]
        if not found:
            self.console.notify_line(
                f"no slot matches {visible(self.search, 60)!r}{self._not_read()}", failed=True
            )
        elif after:
            self.go_to_slot(after[0])
        else:
            self.go_to_slot(found[0] if step > 0 else found[-1])
            way = "the last match: on with the first" if step > 0 else "the first match: on with the last"
            if not self.following and found == [here]:
                way = "the only match"
            self.console.notify_line(f"that was {way} of {len(found)}{self._not_read()}")

    def _not_read(self) -> str:
        """What a search cannot see."""
        count = unsearched(self.view_state.model)
        return f"; {plural(count, 'slot')} not read here yet" if count else ""

    def action_open(self) -> None:
        """Open the fold under the cursor, or show all that is known of the slot."""
        if self.following:
            self.following = False
            self.cursor = max(0, self.count() - 1)
        at = self._at(self.cursor)
        if isinstance(at, Fold) and at.removed:
            text = f"slots 0 to {at.end - 1} are removed; the log is kept from slot {at.end} on"
            self.console.notify_line(text, failed=True)
        elif isinstance(at, Fold):
            self._layout = self._layout.without(at)
            self.go(self.cursor)
        elif at < self.view_state.model.end:
            self.moved()
            self.console.controllers.navigation.show_slot(at)

    def action_fold(self) -> None:
        """Show every slot on a line of its own, or fold what is alike."""
        slot = self.slot_of(self.cursor)
        self.folding, self._layout_of = not self.folding, ()
        self._refold(anyway=True)
        if not self.following:
            self.go(self._index_of(slot))
        self.console.notify_line("what is alike is folded" if self.folding else "every slot has its line")
        self.look_again()

    def action_back(self) -> None:
        """All slots again; then the end of the log, with no slot selected."""
        if self.filter:
            self.set_filter("")
        else:
            self.follow()


class WhyPane(Pane):
    """Why the slot is in its state."""

    def rows(self, width: int, height: int) -> list[Row]:
        return why.why(self.view_state, width, height)

    def look_again(self) -> None:
        title = f"why {why.answer(self.view_state).subject}" if self.display else ""
        if self.border_title != title:
            self.border_title = title
        super().look_again()
