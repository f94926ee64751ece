"""The client library.

.. code-block:: python

    async with paxtui.client.connect(cluster, name="ada") as log:
        done = await log.append("hello")
        print(done.slot, done.ballot)
        async for entry in log.tail(0, follow=False):
            print(entry.slot, entry.text)

``cluster`` is a :class:`paxtui.config.cluster_file.Cluster`, a configuration file,
``HOST:PORT,HOST:PORT,...`` or ``None`` for the default. A request ends as ok, :class:`Failed` (it will
never take effect) or :class:`Unknown`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from paxtui.client.discover import answering, resolve
from paxtui.client.errors import ClientError, Failed, Unknown, Unreachable
from paxtui.client.log import Log, PageRead
from paxtui.client.operator import Operator, Sighting, observe
from paxtui.client.receipt import AppendResult, Receipt
from paxtui.client.watch import Lost, watch
from paxtui.config import cluster_file
from paxtui.wire.hello import NAME_CHARS_MAX
from paxtui.wire.requests import LogEntry
from paxtui.wire.session import name_problem
from paxtui.wire.text import visible

__all__ = [
    "AppendResult",
    "ClientError",
    "Failed",
    "Log",
    "LogEntry",
    "Lost",
    "Operator",
    "PageRead",
    "Receipt",
    "Sighting",
    "Unknown",
    "Unreachable",
    "answering",
    "check_name",
    "connect",
    "observe",
    "operator",
    "resolve",
    "watch",
]


@asynccontextmanager
async def connect(
    cluster: cluster_file.Cluster | str | Path | None = None, *, name: str = "client", via: int | None = None
) -> AsyncIterator[Log]:
    """A session with the cluster. Connecting happens with the first request, and again when needed.

    ``via`` is the replica that is asked first; it sends one on if another leads.

    Raises :class:`paxtui.config.cluster_file.ConfigError` for a name that no replica would take.
    """
    check_name(name)
    log = Log(await resolve(cluster), name, via)
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.run)
        try:
            yield log
        except Exception as error:  # the nursery would wrap it in a group
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def check_name(name: str) -> None:
    """Refuse a name that no replica would take. Raises :class:`paxtui.config.cluster_file.ConfigError`."""
    if len(name) > NAME_CHARS_MAX or name_problem(name) is not None:
        raise cluster_file.ConfigError(
            f'the name "{visible(name, 80)}": at most {NAME_CHARS_MAX} printable characters are allowed, '
            "the first and the last of them no space"
        )


async def operator(
    cluster: cluster_file.Cluster | str | Path | None = None, *, name: str = "operator"
) -> Operator:
    """Status, faults and elections."""
    return Operator(await resolve(cluster), name)
