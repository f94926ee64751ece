"""Processes that run seeds: they end with the process that started them, however that ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process, resource_tracker
from multiprocessing.connection import wait
from typing import Any


class ProcessWorkers:
    """A pool of processes on this machine. Spawned, not forked: a worker starts from nothing, as a
    repetition by hand would."""

    def __init__(self, jobs: int) -> None:
        self._pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin)

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Begin a call, or let it wait for its turn; a process is started by the first call that needs it."""
        resource_tracker.ensure_running()  # it would unblock SIGINT again
        # A worker inherits what is blocked, so that a signal for all is no traceback in each of them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.submit(call, *arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        """Wait for the calls that run; those that wait for their turn are dropped."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def ended_in_time(*pools: ProcessWorkers) -> Iterator[None]:
    """Close pools at the end. Kill their processes first if an interrupt ends it: nobody wants results."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            for process in active_children():
                process.kill()
        raise
    finally:
        for pool in pools:
            pool.close()


def _begin() -> None:
    """Watch the parent from within a worker: one that waits for its next call would wait for ever."""
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
