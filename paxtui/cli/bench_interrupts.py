"""How ctrl-c ends ``paxtui bench``: a measurement early, so that it is reported; anything else at once."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

from paxtui.cli.guard import EXIT_INTERRUPTED
from paxtui.cli.signals import run_async


class Stopper:
    """The reaction to ctrl-c: the first one ends a measurement early; any other cancels all work."""

    def __init__(self, scope: trio.CancelScope) -> None:
        self.event = trio.Event()
        self._scope = scope
        self._measuring = False

    @contextmanager
    def measuring(self) -> Iterator[trio.Event]:
        """Give the event that the first ctrl-c sets while the block runs."""
        self._measuring = True
        try:
            yield self.event
        finally:
            self._measuring = False

    def signalled(self) -> None:
        """React to one ctrl-c."""
        if self._measuring and not self.event.is_set():
            self.event.set()
        else:
            self._scope.cancel()


def interruptible(work: Callable[[Stopper], Awaitable[int]]) -> int:
    """Run ``work`` and return its exit code, or that of an interruption."""

    async def main() -> int:
        code = EXIT_INTERRUPTED
        async with trio.open_nursery() as nursery:
            stopper = Stopper(nursery.cancel_scope)

            async def listen(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
                with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    task_status.started()
                    async for _ in signals:
                        stopper.signalled()

            await nursery.start(listen)
            code = await work(stopper)
            nursery.cancel_scope.cancel()
        return code

    return run_async(main)
