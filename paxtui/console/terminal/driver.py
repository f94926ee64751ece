"""Textual's driver, made to outlive what its terminal does.

Textual's own ends the app, with exit code 0, when a byte is not UTF-8; reads again and again from a terminal
that is gone; draws on standard error; makes the program stand still while a terminal takes nothing; stops for
ever where no shell would continue it; and starts twice on a SIGCONT that follows no SIGTSTP. What is replaced
here is the loop that reads, the file that is written to, and the handlers of these two signals.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from textual.drivers.linux_driver import LinuxDriver

from paxtui.console.terminal.host import OnTerminal
from paxtui.console.terminal.keyboard import Keyboard
from paxtui.console.terminal.output import TerminalOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.message import Message

READ_BYTES: Final = 4096

LOOK_S: Final = 0.05
"""How often the reading thread looks whether it should end."""

MESSAGES_MAX: Final = 40
"""So many messages may wait for the app, which ends after them. What else is typed waits in the terminal."""


class TerminalDriver(LinuxDriver):
    """The driver of :class:`~paxtui.console.terminal.host.OnTerminal`."""

    def __init__(self, app: OnTerminal, **options: Any) -> None:
        super().__init__(app, **options)
        self._host = app
        screen = sys.__stdout__
        assert screen is not None  # `need_a_terminal` has looked
        self._output = TerminalOutput(
            screen.fileno(),
            screen.encoding,
            lost=lambda: self._call_app(app.repaint),
            gone=lambda: self._call_app(app.terminal_gone),
        )
        drawn_on: Any = self._output
        self._file = drawn_on
        self._suspending = False
        self._heard_in_suspend = 0
        """SIGCONTs that ended a suspension, and of which the loop will still be told."""
        self._take_signals()

    def _call_app(self, what: Callable[..., object], *words: object) -> None:
        """Let the app do something soon, from any thread."""
        try:
            self._loop.call_soon_threadsafe(what, *words)
        except RuntimeError:
            pass  # the loop has ended, and the app with it

    # Reading

    def run_input_thread(self) -> None:
        try:
            self._read()
        except Exception as error:
            self._call_app(self._host.broke, error)

    def _read(self) -> None:
        keyboard = Keyboard()
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], LOOK_S)
            if ready:
                try:
                    data = os.read(self.fileno, READ_BYTES)
                except OSError:
                    data = b""
                if not data:  # without SIGHUP, where this is not the session's leader
                    self._call_app(self._host.terminal_gone)
                    return
                self._hand_over(keyboard.feed(data))
            self._hand_over(keyboard.tick())

    def _hand_over(self, messages: Iterable[Message]) -> None:
        """Give the app its messages, no faster than it takes them."""
        for number, message in enumerate(messages, 1):
            if self.exit_event.is_set():
                return
            self.process_message(message)
            if number % (MESSAGES_MAX // 2) == 0:
                self._wait_for_app()

    def _wait_for_app(self) -> None:
        room = threading.Event()

        def look() -> None:
            if self._host.message_queue_size <= MESSAGES_MAX // 2:
                room.set()
            else:
                self._loop.call_later(LOOK_S, look)

        self._call_app(look)
        while not room.wait(LOOK_S) and not self.exit_event.is_set():
            pass

    # Leaving and coming back

    def close(self) -> None:
        super().close()
        if self._suspending:
            self._output.drain()
        else:
            self._output.close()
            for number in (signal.SIGTSTP, signal.SIGCONT):
                self._loop.remove_signal_handler(number)

    def _take_signals(self) -> None:
        self._loop.add_signal_handler(signal.SIGTSTP, self.suspend)
        self._loop.add_signal_handler(signal.SIGCONT, self._continued)

    @property
    def _reads(self) -> bool:
        return self._key_thread is not None and self._key_thread.is_alive()

    def suspend(self) -> None:
        """Leave the terminal, stop as any program does on SIGTSTP, and come back with SIGCONT."""
        if not self._reads:
            return
        self._leave_terminal()
        continued: list[int] = []
        signal.signal(signal.SIGCONT, lambda number, frame: continued.append(number))
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # The kernel does not stop a program that no shell would continue.
        signal.raise_signal(signal.SIGTSTP)
        while continued and not self._is_in_foreground():  # by `bg`
            signal.raise_signal(signal.SIGTSTP)
        # The loop has a byte for each of them. Leaving and coming back once more would lose keys typed since.
        self._heard_in_suspend = len(continued)
        self._take_signals()
        self.resume_application_mode()
        self._host.repaint()
        if not continued:
            self._host.notify_line(
                "ctrl-z: no shell here would bring the console back, so it goes on", failed=True
            )

    def _continued(self) -> None:
        """Set our modes again: SIGSTOP left no time to leave the terminal, and a shell has set its own
        since."""
        if self._heard_in_suspend:
            self._heard_in_suspend -= 1
        elif self._reads:
            self._leave_terminal()
            self.resume_application_mode()
            self._host.repaint()

    def _leave_terminal(self) -> None:
        self._suspending = True
        try:
            self.suspend_application_mode()
        finally:
            self._suspending = False

    def _is_in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True  # it is gone, which reading finds out
