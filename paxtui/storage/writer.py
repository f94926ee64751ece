"""The writer thread: takes all that is queued, commits it once, says so (group commit)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from paxtui.core.output import Write
from paxtui.storage.errors import StorageFailed
from paxtui.storage.store import Store

OnDurable = Callable[[int, float, int], None]
"""``(upto_batch, seconds, batches)``: everything up to that batch is on disk; one commit of so many
batches took so long."""

OnFailed = Callable[[StorageFailed], None]


class Writer:
    """A dedicated thread that makes batches durable in the order in which they were submitted.

    While one commit is in the disk's hands, what is submitted gathers, and the next commit takes all of
    it: the slower the disk, the larger the commits. The queue has no limit of its own, because its
    contents are what the core has in flight, and the core's window bounds that.

    Both callbacks run in the writer thread; the host passes functions that hop to its own. They must not
    raise and must not wait.
    """

    def __init__(self, storage: Store, on_durable: OnDurable, on_failed: OnFailed) -> None:
        self._storage = storage
        self._on_durable = on_durable
        self._on_failed = on_failed
        self._wanted = threading.Condition()
        self._queue: list[tuple[int, tuple[Write, ...]]] = []
        self._stopping = False
        self._failed = False
        # Not a daemon: the interpreter must not end in the middle of a commit for which a client waits.
        self._thread = threading.Thread(target=self._run, name="paxtui-writer", daemon=False)
        self._thread.start()

    def submit(self, batch: int, writes: tuple[Write, ...]) -> None:
        """Queue one batch. Never waits. After a failure or :meth:`stop` it is dropped, and never told
        durable."""
        with self._wanted:
            if not (self._failed or self._stopping):
                self._queue.append((batch, writes))
                self._wanted.notify()

    @property
    def queued(self) -> int:
        """Return how many batches wait for the commit after the one that runs."""
        return len(self._queue)

    def stop(self) -> None:
        """Commit what was submitted, then end the thread. A second call does nothing."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()
        self._thread.join()

    def _run(self) -> None:
        while taken := self._take_queued():
            started = time.monotonic()
            try:
                self._storage.commit([writes for _, writes in taken])
            except StorageFailed as error:
                self._fail(error)
                return
            self._on_durable(taken[-1][0], time.monotonic() - started, len(taken))

    def _take_queued(self) -> list[tuple[int, tuple[Write, ...]]]:
        with self._wanted:
            while not self._queue and not self._stopping:
                self._wanted.wait()
            taken, self._queue = self._queue, []
            return taken

    def _fail(self, error: StorageFailed) -> None:
        with self._wanted:
            self._failed = True
            self._queue.clear()
        self._on_failed(error)
