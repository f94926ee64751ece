"""The chat pane: the conversation, and a line to write in."""

from __future__ import annotations

import re
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal

from paxtui.console import commands as c
from paxtui.console.model.analysis.conversation import Conversation
from paxtui.console.preferences import HISTORY_MAX
from paxtui.console.rows import chat
from paxtui.console.rows.text import Row
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.line import TypedLine, framed, typable
from paxtui.console.widgets.pane import Lines

PASTED_MAX: Final = 200
"""Lines of a paste that are sent as messages: more is a file, and `paxtui client` takes files."""


class ChatLines(Lines):
    """The conversation, in the order of the log."""

    BINDINGS = [
        Binding("enter", "jump", "its slot", show=False, tooltip="go to its slot, or see why it has none"),
    ]

    HELP = """\
The log as a conversation, as one replica sees it; v looks through another one. A message of
yours goes through these states:
◌ queued here   … proposed by a leader   ✓ chosen by a majority   ✓✓ applied
= a repetition without effect   ! failed, or not known   ◆ a no-op, checkpoint or trim   # removed
What is chosen waits until everything before it is chosen as well. What keeps a message for
more than a second is said beside it; enter on it tells more.

i   write a message; enter sends it, esc leaves, up and down bring back what you wrote
v   look through another replica, and send through it
left right   select the replica that c, t and other keys act on
arrows PgUp PgDn home   scroll     f or end   follow     enter   go to the slot in the log"""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(view_state, id=id, classes=classes)
        self._conversation = Conversation(view_state.model)

    @property
    def first(self) -> int:
        return self._conversation.first

    def count(self) -> int:
        return self._conversation.count

    def line(self, index: int, width: int, *, chosen: bool) -> Row:
        name = self.console.controllers.replica.driver.options.name
        return chat.line(self.view_state, self._conversation.get(index), name, width, chosen=chosen)

    def rows(self, width: int, height: int) -> list[Row]:
        self._conversation = Conversation(self.view_state.model)
        self.cursor, self.top = max(self.cursor, self.first), max(self.top, self.first)
        return super().rows(width, height)

    def _follow(self, count: int, room: int) -> None:
        self.cursor = count - 1
        self.top = max(0, count - room)

    @property
    def below(self) -> int:
        """Return the lines below the last that is shown."""
        return max(0, self.count() - (self.top + self.room))

    # Actions

    def action_jump(self) -> None:
        what = self._conversation.get(self.cursor)
        if not isinstance(what, int):
            self.console.controllers.navigation.show_message(what)
        elif what < self.view_state.model.end:
            self.console.controllers.navigation.go_to_slot(what)

    def redraw(self) -> None:
        super().redraw()
        if isinstance(self.parent, ChatPane):
            self.parent.update_title()


class ChatInput(TypedLine):
    """The line to write in."""

    BINDINGS = [
        Binding("escape", "leave", "leave", show=False),
        Binding("up", "history(-1)", "what was written before", show=False),
        Binding("down", "history(1)", "what was written after that", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
    ]

    def __init__(self, view_state: ViewState) -> None:
        super().__init__(id="chat-input", compact=True, select_on_focus=False)
        self.view_state = view_state
        self._back = 0
        """How far back in the history the line stands; 0 is what is being written."""
        self._draft = ""

    @property
    def pane(self) -> ChatPane:
        """Return where it stands."""
        return next(each for each in self.ancestors if isinstance(each, ChatPane))

    def update_placeholder(self) -> None:
        """Say whether one may write."""
        words = (
            "nothing can be written in the past"
            if self.view_state.moment is not None
            else "write here"
            if self.view_state.armed
            else "read-only: type :arm outside of this line to write"
        )
        if self.placeholder != words:
            self.placeholder = words

    def submitted(self, text: str) -> None:
        self.pane.send(text)

    def paste(self, text: str) -> int:
        lines = [each for each in map(typable, re.split(r"\r\n|\r|\n", text)) if each.strip()]
        if len(lines) < 2:
            return super().paste(text)
        console = self.pane.lines.console
        if len(lines) > PASTED_MAX:
            console.notify_line(
                f"{len(lines)} lines were pasted; at most {PASTED_MAX} are sent at once: nothing was taken",
                failed=True,
            )
            return 0

        def answered(answer: str | None) -> None:
            if answer == "one":
                super(ChatInput, self).paste(text)
            elif answer == "all":
                for line in lines:
                    self.pane.append(line)

        console.controllers.dialogs.ask_paste(len(lines), answered)
        return 0

    def sent(self) -> None:
        """Empty the line: the text is on its way."""
        history = self.pane.history
        if not history or history[-1] != self.value:
            history.append(self.value)
            del history[:-HISTORY_MAX]
        self._back, self._draft = 0, ""
        self.value = ""

    def action_history(self, step: int) -> None:
        history = self.pane.history
        if self._back == 0:
            self._draft = self.value
        self._back = max(0, min(len(history), self._back - step))
        self.value = history[-self._back] if self._back else self._draft
        self.cursor_position = len(self.value)

    def action_page(self, pages: int) -> None:
        self.pane.lines.action_page(pages)

    def action_leave(self) -> None:
        self.pane.lines.focus()


class ChatPane(Container):
    """Conversation and line."""

    def __init__(self, view_state: ViewState, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.view_state = view_state
        self.lines = ChatLines(view_state, id="chat-lines")
        self.line = ChatInput(view_state)

    def compose(self) -> ComposeResult:
        yield self.lines
        with Horizontal(classes="field"):
            yield from framed(self.line)

    @property
    def history(self) -> list[str]:
        """Return what was sent, also in earlier runs."""
        return self.lines.console.preferences.history

    def write(self) -> None:
        """Begin to write: whatever is typed from now on is text."""
        self.screen.set_focus(self.line, scroll_visible=False)

    def send(self, text: str) -> None:
        """Append a message through whom one looks."""
        if not text.strip():
            return
        if self.append(text):
            self.line.sent()

    def append(self, text: str) -> bool:
        """Append one message; return whether one may."""
        console = self.lines.console
        if console.controllers.time.refuses():
            return False
        if not self.view_state.armed:
            console.notify_line("read-only: nothing was sent; :arm lets you write", failed=True)
            return False
        console.controllers.replica.order(c.AppendCommand(text, self.view_state.viewer))
        if self.view_state.frozen_at is not None:
            console.notify_line("sent; the frozen view does not show it, space outside of this line goes on")
        self.lines.follow()
        return True

    def update_title(self) -> None:
        """Say in the title through whom one looks."""
        lines, writing = self.lines, self.line.has_focus
        title = chat.title(self.view_state, lines.following, lines.below, self.size.width, writing=writing)
        if self.border_title != title:
            self.border_title = title
        self.line.update_placeholder()
