"""How a person gets to a slot, an event or a message: finding, going there, and looking closer."""

from __future__ import annotations

import re
from collections.abc import Callable

from paxtui.console import commands as c
from paxtui.console import export
from paxtui.console.actions.controller import Controller
from paxtui.console.actions.ports import Dialogs, Screen
from paxtui.console.actions.view import ViewController
from paxtui.console.command_line import OperandError
from paxtui.console.driver import ClusterDriver
from paxtui.console.model.analysis.search import slot_at
from paxtui.console.model.state.seen import Seen
from paxtui.console.model.state.sent_messages import SentMessage
from paxtui.console.rows import detail
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

TIME = r"\d{1,2}:\d{2}(:\d{2})?"

FIND_HINT = "text, name, ballot or state; then n, b.  \\ shows only what matches"
FILTER_HINT = "open, blocked, HOLE, 3.1, a name or text; empty shows all"


def time_of_day_s(text: str) -> float:
    """Read ``12:04`` or ``12:04:07`` as seconds since midnight. Raises :class:`OperandError`."""
    parts = [int(part) for part in text.split(":")] if re.fullmatch(TIME, text) else []
    if not parts or parts[0] > 23 or max(parts[1:]) > 59:
        raise OperandError(f"{visible(text, 40)!r} is no time; 12:04 and 12:04:07 are")
    return float(sum(part * size for part, size in zip(parts, (3600, 60, 1), strict=False)))


class NavigationController(Controller):
    """The controller that moves the cursor of the log, and opens pages about one thing."""

    def __init__(
        self,
        driver: ClusterDriver,
        view_state: ViewState,
        view: ViewController,
        screen: Screen,
        dialogs: Dialogs,
    ) -> None:
        super().__init__(driver, view_state)
        self._view = view
        self._screen = screen
        self._dialogs = dialogs

    # Finding

    def ask_find(self) -> None:
        """Ask what to look for in the log."""

        def found(text: str | None) -> None:
            if text:
                self.find(text)

        self._dialogs.ask_line("find", found, hint=FIND_HINT)

    def ask_filter(self) -> None:
        """Ask which slots the log shows."""

        def chosen(text: str | None) -> None:
            if text is not None:
                self.filter(text.strip())

        self._dialogs.ask_line("show only", chosen, text=self._screen.log_pane.filter, hint=FILTER_HINT)

    def ask_slot(self) -> None:
        """Ask for a slot or a time, and go there."""

        def there(text: str | None) -> None:
            if text:
                self.go_to_text(text)

        self._dialogs.ask_line("go to slot or HH:MM:SS", there)

    def ask_event(self, find: Callable[[str], None]) -> None:
        """Ask what to look for among the events."""

        def answered(text: str | None) -> None:
            if text and text.strip():
                find(text)

        self._dialogs.ask_line("find an event", answered, hint="a part of what it says, or r2; then n, b")

    def ask_event_time(self, there: Callable[[float], None]) -> None:
        """Ask for a time, and go to the first event at or after it."""

        def answered(text: str | None) -> None:
            if not text or not text.strip():
                return
            try:
                there(time_of_day_s(text.strip()))
            except OperandError as problem:
                self.notify(str(problem), failed=True)

        self._dialogs.ask_line("go to HH:MM:SS", answered)

    def copy_event(self, seen: Seen) -> None:
        """Copy an event as JSON to the terminal's clipboard."""
        self._screen.copy_to_clipboard(export.event_as_json(seen))
        self.notify("the event was sent to the terminal as its clipboard; not every terminal takes it")

    def find(self, text: str) -> None:
        """Go to the next slot that matches; n and b go on."""
        self._screen.log_pane.search = text
        self._screen.log_pane.action_match(1)

    def filter(self, text: str) -> None:
        """Show only what matches; empty shows all."""
        self._view.show_view(1)
        self._screen.log_pane.set_filter(text)

    def next_slot(self, kind: str) -> None:
        """Go to the next slot that is ``open``, a ``hole`` or a ``match``, or to the ``previous`` match."""
        log = self._screen.log_pane
        if kind in ("open", "hole"):
            log.action_seek(kind)
        else:
            log.action_match(1 if kind == "match" else -1)

    # Going there

    def go_to_text(self, text: str) -> None:
        """Go to a slot such as ``1282``, or to a time such as ``12:04:07``."""
        slot: int | None = None
        end = self.view_state.model.end
        if text.strip().isdecimal():
            slot = int(text)
        elif re.fullmatch(TIME, text.strip()):
            slot = slot_at(self.view_state.model, text.strip())
            if slot is None:
                self.notify(f"no event about a slot is known at or after {text}", failed=True)
                return
        if slot is None:
            self.notify(f"{text!r} is neither a slot nor a time such as 12:04:07", failed=True)
        elif slot >= end:
            self.notify(f"there is no slot {slot} yet; the log ends below {end}", failed=True)
        else:
            self.go_to_slot(slot)

    def go_to_slot(self, slot: int) -> None:
        """Put the log's cursor on ``slot``."""
        self._view.show_view(1)
        self._screen.log_pane.go_to_slot(slot)

    def follow_log(self) -> None:
        """Show the end of the log, and what comes."""
        self._screen.log_pane.follow()

    # Looking closer

    def show_slot(self, slot: int) -> None:
        """Show all about a slot; fetch a text that was cut to its end."""
        view_state, model = self.view_state, self.view_state.model
        past = detail.history(model, slot)
        self._dialogs.open_page(f"slot {slot}", lambda width: detail.slot_page(view_state, slot, past, width))
        able = [model.replicas[id] for id in model.keepers(slot)]
        if model.values.whole(slot) is None and able:
            best = max(able, key=lambda each: (each.fresh(view_state.now), each.applied))
            self.driver.submit(c.FetchPageCommand(best.id, slot, 1))

    def show_event(self, seen: Seen) -> None:
        """Show an event to its end; enter goes on to its slot."""
        view_state, slot = self.view_state, seen.slot
        there = slot is not None and slot < view_state.model.end

        def left(goes: bool | None) -> None:
            if goes and slot is not None:
                self.go_to_slot(slot)

        self._dialogs.open_page(
            "event",
            lambda width: detail.event_page(view_state, seen, width),
            goes=f"goes to slot {slot}" if there else "",
            left=left,
        )

    def show_message(self, mine: SentMessage) -> None:
        """Show what keeps a message of ours."""
        view_state = self.view_state
        self._dialogs.open_page("your message", lambda width: detail.message_page(view_state, mine, width))
