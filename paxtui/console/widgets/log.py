"""The log pane and its WHY."""

from __future__ import annotations

from textual.binding import Binding

from paxtui.console.model.slots import slot_facts
from paxtui.console.rows import log, why
from paxtui.console.rows.text import Row
from paxtui.console.widgets.pane import Lines, Pane


class LogPane(Lines):
    """Slot by replica, live."""

    BINDINGS = [
        Binding("up,k", "move(-1)", "previous slot", show=False),
        Binding("down,j", "move(1)", "next slot", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "start", "slot 0", show=False),
        Binding("end,f", "follow", "follow", show=False),
        Binding("left,h", "replica(-1)", "previous replica", show=False),
        Binding("right,l", "replica(1)", "next replica", show=False),
        Binding("o", "next_open", "next open slot", show=False),
        Binding("O", "next_hole", "next HOLE or CONFLICT", show=False),
    ]

    HELP = """\
Each row is a slot, each column an acceptor: its vote and the ballot of it.
● accepted, and known to be chosen   ◐ accepted   ○ accepted at an older ballot
◆ no-op   » an Accept is on its way   ✗ lost or refused   · nothing   ? not heard
The state counts votes at one ballot: `open 1/2` lacks one. `blocked` is chosen, but an
earlier slot is not. A HOLE has no votes at all.

arrows, h j k l   move; left and right select the replica that keys act on
PgUp PgDn home end   scroll     f   follow the end again
o   next open slot     O   next HOLE or CONFLICT     g   go to a slot or a time
/   find a text or a state; n and b go on     y   copy the row as JSON
N   the leader proposes a no-op in this hole"""

    head = 1

    def count(self) -> int:
        return self.scene.model.end

    def heading(self, width: int) -> list[Row]:
        return [log.heading(self.scene, width)]

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        return log.line(self.scene, index, width, chosen=chosen and not self.following)

    def moved(self) -> None:
        self.scene.slot = None if self.following else self.cursor
        self.console.look_again()

    def look_again(self) -> None:
        super().look_again()
        model = self.scene.model
        behind = max(0, model.end - (self.top + self.room))
        glyph = self.scene.look.glyph("follow")
        state = f"following {glyph}" if self.following else f"+{behind} below (f)" if behind else "f follows"
        title = f"log  slot × replica   {state}"
        if self.border_title != title:
            self.border_title = title

    # Actions

    def action_move(self, lines: int) -> None:
        """Another slot; the first key only stops following."""
        if self.following:
            self.following = False
            self.cursor = max(0, self.count() - 1)
        self.move(lines)

    def action_page(self, pages: int) -> None:
        """A screen up or down."""
        self.following = False
        self.move(pages * (self.room - 1))

    def action_start(self) -> None:
        """The first slot."""
        self.following = False
        self.go(0)

    def action_follow(self) -> None:
        """The end, and what comes."""
        self.follow()

    def action_replica(self, step: int) -> None:
        """Select another replica."""
        self.console.select_replica((self.scene.selected + step) % self.scene.model.n)

    def action_next_open(self) -> None:
        """The next slot that is not decided."""
        self._seek(("open", "maybe"))

    def action_next_hole(self) -> None:
        """The next slot that is wrong."""
        self._seek(("HOLE", "CONFLICT"))

    def _seek(self, states: tuple[str, ...]) -> None:
        model = self.scene.model
        start = model.applied if self.following else self.cursor + 1
        conflicts = sorted(slot for slot in model.judge.conflicts if slot >= start)
        for slot in [*conflicts, *range(max(start, model.applied), model.end)]:
            if slot_facts(model, slot, self.scene.now).state in states:
                self.following = False
                self.go(slot)
                return
        self.console.say(f"no slot after {start} is {' or '.join(states)}")

    def on_click(self, event: object) -> None:
        """Put the cursor on the row under the mouse."""
        y = getattr(event, "y", 0) - self.head
        if y >= 0:
            self.following = False
            self.go(self.top + y)


class WhyPane(Pane):
    """Why the slot is in its state."""

    def rows(self, width: int, height: int) -> list[Row]:
        return why.why(self.scene, width, height)

    def look_again(self) -> None:
        title = f"why {why.answer(self.scene).subject}" if self.display else ""
        if self.border_title != title:
            self.border_title = title
        super().look_again()
