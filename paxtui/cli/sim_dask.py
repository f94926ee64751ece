"""``paxtui sim --dask``: the seeds go to the workers of an existing Dask cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from paxtui.cli.guard import EXIT_USAGE, Failure

if TYPE_CHECKING:
    from distributed import Client

    from paxtui.sim.campaign.campaign import Ending, Task

ANSWER_S_MAX = 10.0
"""How long a scheduler may take to answer, and to have a worker."""

MISSING = "--dask needs the package distributed: pip install 'paxtui[dask]'"


class DaskWorkers:
    """A pool for :func:`paxtui.sim.campaign.campaign.run_all`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.jobs = sum(client.nthreads().values())  # type: ignore[no-untyped-call]

    def submit(self, task: Task) -> Ending:
        """Hand a task to the cluster."""
        from paxtui.sim.campaign.campaign import run_task

        # Not pure: the same seeds are run again if somebody asks for them again.
        future: Ending = self._client.submit(run_task, task, pure=False)
        return future


@contextmanager
def workers(address: str) -> Iterator[DaskWorkers]:
    """Connect to the workers of the scheduler at ``address``, if there are any and they have this very
    code."""
    try:
        from distributed import Client
        from distributed.comm.addressing import resolve_address
    except ImportError:
        raise Failure(MISSING, EXIT_USAGE) from None
    # What it would log about a scheduler that does not answer, or went away, is said below, in one line.
    logging.disable(logging.CRITICAL)
    try:
        # Before anything is started: a client that cannot be made takes long to go away again.
        resolve_address(address)
        client = Client(  # type: ignore[no-untyped-call]
            address, timeout=ANSWER_S_MAX, set_as_default=False
        )
    except (OSError, ValueError, OverflowError) as error:
        raise Failure(f"--dask: no Dask scheduler answers at {address} ({error})", EXIT_USAGE) from None
    with client:
        _check(client, address)
        with _lost(address):
            yield DaskWorkers(client)


def _check(client: Client, address: str) -> None:
    """Check the workers: every one must be there, and run what this process would run."""
    from paxtui.sim.campaign.code_version import digest

    try:
        client.wait_for_workers(1, timeout=ANSWER_S_MAX)
    except TimeoutError:
        raise Failure(f"--dask: the scheduler at {address} has no workers", EXIT_USAGE) from None
    for worker, told in _everywhere(client, digest).items():
        if isinstance(told, BaseException):
            raise Failure(
                f"--dask: worker {worker} cannot run paxtui ({told!r}); install the same version there",
                EXIT_USAGE,
            )
        if told != digest():
            raise Failure(
                f"--dask: worker {worker} has another version of paxtui's core or simulator, so its seeds "
                "would be other runs; install the same version there",
                EXIT_USAGE,
            )


def _everywhere(client: Client, call: Callable[[], Any]) -> dict[str, Any]:
    """Return what a call returns, or raises, on each worker."""
    answers: dict[str, Any] = client.run(call, on_error="return")
    return answers


@contextmanager
def _lost(address: str) -> Iterator[None]:
    """End the campaign with one line where workers die, or the scheduler goes away."""
    from concurrent.futures import CancelledError

    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except (KilledWorker, CommClosedError, CancelledError, TimeoutError) as error:
        reason = str(error).partition("\n")[0]
        raise Failure(f"--dask: the cluster at {address} was lost: {reason}") from None
