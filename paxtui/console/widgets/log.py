"""The log pane and its WHY."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

from paxtui.console.actions import surfaces
from paxtui.console.model.analysis.folding import Fold
from paxtui.console.model.analysis.log_lines import LogLines
from paxtui.console.model.analysis.search import matches, unsearched
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why.answer import plural
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.rows import log, why
from paxtui.console.rows.found import highlight
from paxtui.console.rows.keys import hint_rows
from paxtui.console.rows.text import Row, fit
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.pane import Lines, Pane
from paxtui.wire.text import visible

SOUGHT: Final = {"open": ("open", "maybe"), "hole": ("HOLE", "CONFLICT")}
"""States of slots that are not decided, and of those that are wrong."""


class LogPane(Lines):
    """Slot by replica, live."""

    BINDINGS = [
        Binding("enter", "open", "open", show=False, tooltip="all about the slot, or open a fold"),
        Binding("o", "seek('open')", "next open", show=False, tooltip="the next slot that is not decided"),
        Binding("O", "seek('hole')", "next hole", show=False, tooltip="the next HOLE or CONFLICT"),
        Binding("n", "match(1)", "next match", show=False, tooltip="of what was looked for; wraps"),
        Binding("b", "match(-1)", "previous match", show=False, tooltip="of what was looked for; wraps"),
        Binding("z", "fold", "fold", show=False, tooltip="fold what is alike, or show every slot"),
        Binding("escape", "back", "back", show=False, tooltip="all slots, and follow again"),
    ]

    PANES = ("lines", "log")

    HELP = """\
Each row is a slot, each column an acceptor: its vote and the ballot of it.
● voted, and knows that it is chosen   ◐ voted   ○ voted at an older ballot
◎ knows that it is chosen; its own vote was not seen
◆ no-op, checkpoint, trim   » an Accept is on its way   ✗ lost or refused   · nothing   ? not heard
# removed: the log is trimmed, and its first line says from where it is kept
The state counts votes at one ballot: `open 1/2` lacks one. `blocked` is chosen, but an
earlier slot is not. A HOLE has no votes at all. The column `votes`, or `q` where there is
little room, has how many voted at that ballot, as far as it was seen.

arrows, h j k l   move; left and right select the replica that keys act on
PgUp PgDn home end   scroll     f or esc   follow the end again
F3   every sign of the screen in words

By itself the leader fills a hole after its hole timeout: after 20 s where a console started the
cluster, so that there is time to look at it. WHY says how much of it is left."""

    head = 1

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self.search = ""
        """What was looked for last."""
        self.log_lines = LogLines()

    # Which slots

    @property
    def filter(self) -> str:
        """Return what slots must match to be shown; empty shows all."""
        return self.log_lines.filter

    def set_filter(self, text: str) -> None:
        """Show only what matches ``text``, with the cursor on the match that is nearest to where it was, or
        to the end that was followed; empty shows all again."""
        slot = self.log_lines.slot_at(self.cursor, self.view_state.model)
        self.log_lines.set_filter(text)
        self._search_again()
        self.top = 0
        matching = self.log_lines.matching
        if self.following and not matching:
            self.moved()
            return
        self.following = False
        if matching:
            slot = min(matching, key=lambda each: abs(each - slot))
        self.go_to_line(min(self.log_lines.line_of(slot), self.count() - 1))

    def _search_again(self) -> None:
        """Look for what matches the filter, where that is due. A reader stays on the slot, or is on the next
        one where that does not match any more."""
        lines, clock_s = self.log_lines, self.view_state.clock()
        if not lines.search_is_due(clock_s):
            return
        slot = self.log_lines.slot_at(self.cursor, self.view_state.model)
        found = lines.search(self.view_state.model, self.view_state.now, clock_s)
        if not self.following:
            index = max(0, min(lines.line_of(slot), len(found) - 1))
            self.top = max(0, self.top + index - self.cursor)
            self.cursor = index
            self._select()

    def go_to_slot(self, slot: int) -> None:
        """Put the cursor on ``slot``, or on the next one that the filter lets through; the last one if there
        is none."""
        self.following = False
        lines, log_start = self.log_lines, self.view_state.model.log_start
        if slot < log_start:
            self.console.notify_line(
                f"slot {slot} is removed; the log is kept from slot {log_start} on", failed=True
            )
        lines.open_at(slot)
        matching = lines.matching
        if matching is not None and slot not in matching and slot >= log_start:
            there = "none does"
            if matching:
                there = f"this is {'the next' if slot < matching[-1] else 'the last'} that does"
            text = f"slot {slot} does not match the filter; {there} (esc shows all)"
            self.console.notify_line(text, failed=True)
        self.go_to_line(min(lines.line_of(slot), self.count() - 1))

    def count(self) -> int:
        return self.log_lines.count(self.view_state.model)

    def heading(self, width: int) -> list[Row]:
        return [log.heading(self.view_state, width)]

    def rows(self, width: int, height: int) -> list[Row]:
        rows = super().rows(width, height)
        if self.log_lines.matching == []:
            rows.append(
                fit([(f"  no slot matches {visible(self.filter, 60)!r}; esc shows all", "dim")], width)
            )
        elif self.view_state.model.end == 0 and self.view_state.armed:
            rows += hint_rows(self.view_state, surfaces.first_keys(), width)
        return rows

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        at = self.log_lines.at(index, self.view_state.model)
        if isinstance(at, Fold):
            return log.fold_line(self.view_state, at, width, chosen=chosen)
        row = log.line(self.view_state, at, width, chosen=chosen)
        return highlight(row, self.search or self.filter)

    def follow(self) -> None:
        self.log_lines.forget_opened()
        super().follow()

    def moved(self) -> None:
        self._select()
        self.console.redraw()

    def _select(self) -> None:
        """Let WHY be about what is under the cursor."""
        nothing = self.following or not self.count()
        line = max(0, min(self.cursor, self.count() - 1))
        at = None if nothing else self.log_lines.at(line, self.view_state.model)
        self.view_state.slot = at if isinstance(at, int) else None
        self.view_state.fold = (at.first, at.end) if isinstance(at, Fold) else None

    def redraw(self) -> None:
        self._search_again()
        if self.following:  # a reader is never scrolled
            self.log_lines.fold(self.view_state.model, self.room, self.view_state.now)
        super().redraw()
        behind = max(0, self.count() - (self.top + self.room))
        glyph = self.view_state.styles.glyph("follow")
        state = f"following {glyph}" if self.following else f"+{behind} below (f)" if behind else "f follows"
        if self.filter:
            match = "matches" if self.count() == 1 else "match"
            state += f"   {plural(self.count(), 'slot')} {match} the filter (esc shows all)"
            if self.log_lines.unsearched:
                state += f", {self.log_lines.unsearched:,} not read here yet"
        title = f"1 log  slot × replica   {state}"
        if self.border_title != title:
            self.border_title = title

    @property
    def idle(self) -> frozenset[str]:
        back = bool(self.filter) or not self.following
        return frozenset(action for action, able in (("match", self.search), ("back", back)) if not able)

    # Actions

    def action_seek(self, kind: str) -> None:
        states = SOUGHT[kind]
        model = self.view_state.model
        at = self.log_lines.at(self.cursor, model)
        start = model.applied if self.following else at.end if isinstance(at, Fold) else at + 1
        conflicts = sorted(slot for slot in model.judge.conflicts if slot >= start)
        for slot in [*conflicts, *range(max(start, model.applied), model.end)]:
            if slot_facts(model, slot, self.view_state.now).state in states:
                self.go_to_slot(slot)
                return
        self.console.notify_line(f"no slot from {start} on is {' or '.join(states)}")

    def action_match(self, step: int) -> None:
        if not self.search:
            self.console.notify_line("nothing was looked for yet; / does")
            return
        found = matches(self.view_state.model, self.search, self.view_state.now)
        if self.log_lines.matching is not None:  # of what is on screen
            found = sorted({*found} & {*self.log_lines.matching})
        here = (
            self.log_lines.slot_at(self.cursor, self.view_state.model)
            if not self.following
            else (-1 if step > 0 else self.view_state.model.end)
        )
        after = [slot for slot in found if slot > here] if step > 0 else [s for s in found if s < here][::-1]
        if not found:
            self.console.notify_line(
                f"no slot matches {visible(self.search, 60)!r}{_not_read(self.view_state.model)}", failed=True
            )
        elif after:
            self.go_to_slot(after[0])
        else:
            self.go_to_slot(found[0] if step > 0 else found[-1])
            way = "the last match: on with the first" if step > 0 else "the first match: on with the last"
            if not self.following and found == [here]:
                way = "the only match"
            self.console.notify_line(f"that was {way} of {len(found)}{_not_read(self.view_state.model)}")

    def action_open(self) -> None:
        if self.following:
            self.following = False
            self.cursor = max(0, self.count() - 1)
        at = self.log_lines.at(self.cursor, self.view_state.model)
        if isinstance(at, Fold) and at.removed:
            text = f"slots 0 to {at.end - 1} are removed; the log is kept from slot {at.end} on"
            self.console.notify_line(text, failed=True)
        elif isinstance(at, Fold):
            self.log_lines.open(at)
            self.go_to_line(self.cursor)
        elif at < self.view_state.model.end:
            self.moved()
            self.console.controllers.navigation.show_slot(at)

    def action_fold(self) -> None:
        slot = self.log_lines.slot_at(self.cursor, self.view_state.model)
        lines = self.log_lines
        lines.folding = not lines.folding
        lines.forget_opened()
        lines.fold(self.view_state.model, self.room, self.view_state.now)
        if not self.following:
            self.go_to_line(lines.line_of(slot))
        self.console.notify_line("what is alike is folded" if lines.folding else "every slot has its line")
        self.redraw()

    def action_back(self) -> None:
        if self.filter:
            self.set_filter("")
        elif self.view_state.scenario is not None:
            self.console.controllers.view.leave_scenario()
        else:
            self.follow()


def _not_read(model: ClusterModel) -> str:
    """Return what a search could not see, in words."""
    count = unsearched(model)
    return f"; {plural(count, 'slot')} not read here yet" if count else ""


class WhyPane(Pane):
    """Why the slot is in its state."""

    def rows(self, width: int, height: int) -> list[Row]:
        return why.why(self.view_state, width, height)

    def redraw(self) -> None:
        subject = why.answer(self.view_state).subject if self.display else ""
        title = f"why {subject}" if subject.startswith("slot") else subject.removeprefix("the ")
        if self.border_title != title:
            self.border_title = title
        super().redraw()
