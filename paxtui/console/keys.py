"""Keys in the order in which they were typed."""

from __future__ import annotations

from textual.app import App
from textual.events import Event, Key
from textual.widgets import Input

from paxtui.console.widgets.dialog import LineDialog


class InOrder(App[int]):
    """Textual hands a key to the widget in focus and looks for its binding when the key has come back from
    there. Of two keys that come at once, such as ``i`` and the first letter of a message, the second would
    not find the line that the first one opens, and would act on the cluster. So the binding of a key is
    looked for at once, unless a line is being typed."""

    async def on_event(self, event: Event) -> None:
        """Everything from outside comes in here."""
        if not isinstance(event, Key) or event.is_forwarded or isinstance(self.focused, Input):
            await super().on_event(event)
            return
        screen = self.screen
        if isinstance(screen, LineDialog) and self.focused is None:
            screen.take(event)
            return
        for first in (True, False):
            if await self._check_bindings(event.key, priority=first):
                return
        await super().on_event(event)
