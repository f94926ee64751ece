"""The side of the app that a terminal deals with."""

from __future__ import annotations

import os
import signal

from textual.app import App


class OnTerminal(App[int]):
    """An app that draws on a real terminal, and ends in order whatever happens to it."""

    broken: Exception | None = None
    """The mistake of ours, or of Textual's, that ended the app."""

    def notify_line(self, text: str, *, failed: bool = False) -> None:
        """Show a line at the bottom, for some seconds."""
        raise NotImplementedError

    # What the terminal does

    def terminal_gone(self) -> None:
        """End as with SIGHUP."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Draw everything anew, whatever the terminal shows now."""
        for screen in self.screen_stack:
            screen.refresh(layout=True)
            screen.query("*").refresh()

    def suspend_to_shell(self) -> None:
        """Give the terminal back to the shell until `fg`."""
        os.killpg(os.getpgrp(), signal.SIGTSTP)  # as the kernel does, so that what started us stops as well

    # What breaks

    def broke(self, error: Exception) -> None:
        """End the app because of a mistake in it."""
        try:
            raise error
        except Exception as raised:  # Textual looks for the one that is being handled
            self._handle_exception(raised)

    def _handle_exception(self, error: Exception) -> None:
        self.broken = self.broken or error
        super()._handle_exception(error)

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
