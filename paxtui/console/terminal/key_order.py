"""Keys and pastes in the order in which they came."""

from __future__ import annotations

from textual.events import Event, Key, Paste
from textual.widgets import Input

from paxtui.console.terminal.host import OnTerminal
from paxtui.console.widgets.dialog import LineDialog
from paxtui.console.widgets.line import TypedLine


class InOrder(OnTerminal):
    """An app that does all that a key does before it looks at the next one. Textual hands a key to the widget
    in focus and looks for its binding when the key has come back from there. Of two keys that come at once,
    such as ``i`` and the first letter of a message, the second would not find the line that the first one
    opens, and would act on the cluster; and a letter after enter would still join the line before it. So all
    that a key does is done before the next key is looked at."""

    async def on_event(self, event: Event) -> None:
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        screen = self.screen
        if isinstance(screen, LineDialog) and (screen.opening or self.focused is None):
            if screen.opening:
                screen.early.append(event)
                return
            screen.set_focus(screen.query_one(Input))
        if isinstance(event, Paste):
            self._paste(event.text)
        elif not await self._check_bindings(event.key, priority=True):
            line = self.focused
            if (
                isinstance(line, TypedLine)
                and event.character
                and line.check_consume_key(event.key, event.character)
            ):
                line.replace(event.character, *sorted(line.selection))
            elif not await self._check_bindings(event.key):
                await super().on_event(event)

    def _paste(self, text: str) -> None:
        line = self.focused
        if not isinstance(line, TypedLine):
            self.notify_line(
                "what was pasted was not taken: no line is open; i writes a message", failed=True
            )
            return
        left_out = line.paste(text)
        if left_out:
            self.notify_line(
                f"the paste was too long: the last {left_out} characters of it were left out", failed=True
            )
