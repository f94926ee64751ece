"""What keys do to the view."""

from __future__ import annotations

import re
import time
from pathlib import Path

from textual.binding import Binding

from paxtui.console import commands as c
from paxtui.console import export, preferences
from paxtui.console.actions.lifecycle import LifecycleActions
from paxtui.console.model.analysis.search import slot_at
from paxtui.console.model.state.journal import Seen
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.rows import detail
from paxtui.console.theme.styles import PALETTES, Styles
from paxtui.console.theme.textual_themes import ANSI_NAMES
from paxtui.console.widgets.ask import LinePrompt
from paxtui.console.widgets.detail import Detail
from paxtui.console.widgets.log import LogPane

FIND_HINT = "text, name, ballot or state; then n, b.  \\ shows only what matches"
FILTER_HINT = "open, blocked, HOLE, 3.1, a name or text; empty shows all"


class ViewActions(LifecycleActions):
    """The half of the app that changes only what is seen."""

    view: int
    maximised: bool
    kept: preferences.Preferences

    BINDINGS = [
        Binding("q", "leave", "quit"),
        Binding("ctrl+q", "leave", "quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "quit", priority=True),
        Binding("ctrl+z", "suspend", "back to the shell until `fg`", show=False, priority=True),
        *(Binding(str(number), f"view({number})", f"view {number}") for number in range(1, 7)),
        Binding("i", "view(5)", "write in the chat", show=False),
        Binding("tab", "next_pane", "next pane", show=False),
        Binding("m", "maximise", "maximise"),
        Binding("space", "freeze", "freeze the view"),
        Binding("v", "viewer", "as seen by another replica"),
        Binding("T", "theme", "theme"),
    ]

    def look_again(self) -> None:
        """Let every pane on screen look at the model."""
        raise NotImplementedError

    def show_view(self, number: int) -> None:
        """Show view ``number``."""
        raise NotImplementedError

    @property
    def log_pane(self) -> LogPane:
        """The log, which is always there."""
        return self.screen_stack[0].query_one(LogPane)

    # Views

    def action_view(self, number: int) -> None:
        """Another view."""
        self.show_view(number)

    def action_next_pane(self) -> None:
        """Focus what comes next."""
        self.screen.focus_next()

    def action_maximise(self) -> None:
        """One view alone on a large screen, and back."""
        self.maximised = not self.maximised
        self.show_view(self.view)

    def action_freeze(self) -> None:
        """Stop the view; everything else goes on."""
        view_state = self.view_state
        if view_state.frozen_at is None:
            view_state.frozen_at = self.driver.now
            view_state.frozen_wall = time.strftime("%H:%M:%S")
            view_state.model = self.driver.model.still()
        else:
            view_state.frozen_at = None
            view_state.model = self.driver.model
        self.look_again()

    def action_viewer(self) -> None:
        """Look through the next replica, after the last through whoever leads."""
        view_state = self.view_state
        order: list[int | None] = [None, *range(view_state.model.n)]
        view_state.viewer = order[(order.index(view_state.viewer) + 1) % len(order)]
        who = "whoever leads" if view_state.viewer is None else f"r{view_state.viewer}"
        self.say(f"the chat looks and sends through {who}")
        self.look_again()

    def action_theme(self) -> None:
        """The next theme."""
        names = list(PALETTES)
        self.set_theme(names[(names.index(self.view_state.styles.theme) + 1) % len(names)])

    def set_theme(self, name: str) -> None:
        """Take a theme, and keep it for the next run."""
        if name not in PALETTES:
            self.say(f"there is no theme {name}; {', '.join(PALETTES)} are", failed=True)
            return
        self.view_state.styles = Styles(name, ascii=self.view_state.styles.ascii)
        self.ansi_color = True if name in ANSI_NAMES else None
        self.theme = name
        self.kept.theme = name
        self.call_after_refresh(self.repaint)  # when the stylesheet is applied
        self.say(f"theme {name}")

    def arm(self) -> None:
        """Let keys act on a cluster that somebody else started."""
        if self.driver.options.read_only:
            self.say("this console was started read-only", failed=True)
            return
        self.view_state.armed = True
        self.look_again()
        self.say("armed: keys act on this cluster; faults end by themselves after 10 minutes")

    # Finding

    def action_ask_find(self) -> None:
        """Look for something in the log."""

        def found(text: str | None) -> None:
            if text:
                self.find(text)

        self.push_screen(LinePrompt("find", hint=FIND_HINT), found)

    def action_ask_filter(self) -> None:
        """Choose which slots the log shows."""

        def chosen(text: str | None) -> None:
            if text is not None:
                self.filter(text.strip())

        self.push_screen(LinePrompt("show only", self.log_pane.filter, hint=FILTER_HINT), chosen)

    def find(self, text: str) -> None:
        """Go to the next slot that matches; n and b go on."""
        self.log_pane.search = text
        self.log_pane.action_match(1)

    def filter(self, text: str) -> None:
        """Show only what matches; empty shows all."""
        self.show_log()
        self.log_pane.set_filter(text)

    def action_ask_goto(self) -> None:
        """Go to a slot or a time."""

        def there(text: str | None) -> None:
            if text:
                self.go_to_text(text)

        self.push_screen(LinePrompt("go to slot or HH:MM:SS"), there)

    def go_to_text(self, text: str) -> None:
        """``1282`` or ``12:04:07``."""
        slot: int | None = None
        if text.strip().isdecimal():
            slot = int(text)
        elif re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text.strip()):
            slot = slot_at(self.view_state.model, text.strip())
            if slot is None:
                self.say(f"no event about a slot is known at or after {text}", failed=True)
                return
        if slot is None:
            self.say(f"{text!r} is neither a slot nor a time such as 12:04:07", failed=True)
        elif slot >= self.view_state.model.end:
            self.say(
                f"there is no slot {slot} yet; the log ends below {self.view_state.model.end}", failed=True
            )
        else:
            self.goto(slot)

    def goto(self, slot: int) -> None:
        """Put the log's cursor on ``slot``."""
        self.show_log()
        self.log_pane.go_to_slot(slot)

    def show_log(self) -> None:
        """The log's view, where only one is shown."""
        self.show_view(1)

    # Looking closer

    def show_slot(self, slot: int) -> None:
        """All about a slot; a text that was cut is fetched to its end."""
        view_state = self.view_state
        past = detail.history(view_state.model, slot)
        self.push_screen(
            Detail(view_state, f"slot {slot}", lambda width: detail.slot_page(view_state, slot, past, width))
        )
        able = [view_state.model.replicas[id] for id in view_state.model.keepers(slot)]
        if view_state.model.values.whole(slot) is None and able:
            best = max(able, key=lambda each: (each.fresh(view_state.now), each.applied))
            self.order(c.FetchPageCommand(best.id, slot, 1))

    def show_event(self, seen: Seen) -> None:
        """An event to its end; ``enter`` goes on to its slot."""
        view_state, slot = self.view_state, seen.slot
        there = slot is not None and slot < view_state.model.end

        def left(goes: bool | None) -> None:
            if goes and slot is not None:
                self.goto(slot)

        page = Detail(
            view_state,
            "event",
            lambda width: detail.event_page(view_state, seen, width),
            f"goes to slot {slot}" if there else "",
        )
        self.push_screen(page, left)

    def show_message(self, mine: SentMessage) -> None:
        """What keeps a message of ours."""
        view_state = self.view_state
        self.push_screen(
            Detail(view_state, "your message", lambda width: detail.message_page(view_state, mine, width))
        )

    # Taking out

    def action_copy_row(self) -> None:
        """The selected slot as JSON, to the terminal's clipboard."""
        model = self.view_state.model
        slot = self.view_state.slot if self.view_state.slot is not None else model.end - 1
        if slot < 0:
            self.say("there is nothing to copy yet", failed=True)
            return
        self.copy_to_clipboard(export.row_as_json(model, slot, self.view_state.now))
        self.say(f"slot {slot} was sent to the terminal as its clipboard; not every terminal takes it")

    def export(self, kind: str) -> None:
        """The screen as SVG, or the known slots as JSON lines or CSV, into the current folder."""
        if kind not in export.KINDS:
            self.say(f"{kind!r} is no format; {', '.join(export.KINDS)} are", failed=True)
            return
        view_state = self.view_state
        text = (
            self.export_screenshot(title="paxtui")
            if kind == "svg"
            else export.slots(view_state.model, kind, view_state.now)
        )
        try:
            path = export.write(text, kind, Path.cwd())
        except OSError as error:
            self.say(f"{Path.cwd()}: cannot be written: {error.strerror}", failed=True)
        else:
            self.say(f"written: {path}")

    def mark(self, name: str) -> None:
        """A bookmark among the events."""
        self.driver.tell(f"mark {name}")

    # Scenarios

    def run_scenario(self, name: str) -> None:
        """Run a named scenario on a cluster of its own, and watch that."""
        self.order(c.RunScenarioCommand(name))

    def stop_scenario(self) -> None:
        """Back to one's own cluster."""
        self.order(c.StopScenarioCommand())
