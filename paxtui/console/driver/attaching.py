"""What lies outside of the cluster that is shown: a file of observations, and other clusters."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import trio

from paxtui.client import answering, resolve
from paxtui.client.errors import ClientError
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.console.driver import known_clusters
from paxtui.console.driver.recording import ObservationFile
from paxtui.console.options import ConsoleOptions

FIND_S = 10.0
"""So long replicas have to say which cluster theirs is."""


class Notify(Protocol):
    """A function that tells the person something."""

    def __call__(self, text: str, *, failed: bool = False) -> None: ...


class Attaching:
    """The file of observations and the search for other clusters. Errors are told; nothing is raised."""

    def __init__(self, options: ConsoleOptions, notify: Notify) -> None:
        self._options = options
        self._notify = notify
        self.observing: ObservationFile | None = None
        """Where everything that is told is written down."""
        self.found: Cluster | None = None
        """Another cluster, which the person asked for and which answers."""
        self.around: list[tuple[str, str]] = []
        """Addresses of other clusters that were started here and that answer, and what they are."""

    # Observations

    def observe(self, file: str | None) -> None:
        """Begin to write down what is told, or end it."""
        begun: ObservationFile | None = None
        if file is not None:
            path = Path(os.path.expanduser(file)).resolve()
            try:
                begun = ObservationFile(path, self._options.cluster)
            except OSError as error:
                self._notify(f"{path}: {error.strerror}", failed=True)
                return
        ended = self.observing
        if ended is not None:
            self.close()
            self._notify(f"observed: {ended.events:,} events in {ended.path}")
        elif begun is None:
            self._notify("nothing is being written; `observe FILE` does", failed=True)
        self.observing = begun
        if begun is not None:
            self._notify(f"writes what it is told to {begun.path}; `observe stop` ends it")

    def write(self, put: Callable[[ObservationFile], None]) -> None:
        """Put something into the file, if there is one; a disk that does not take it ends it."""
        file = self.observing
        if file is not None:
            try:
                put(file)
            except OSError as error:
                self.observing = None
                self._notify(f"{file.path}: {error.strerror}; the rest is not written", failed=True)

    def flush(self) -> None:
        """Write what waits."""
        self.write(lambda file: file.flush())

    def close(self) -> None:
        """Complete the file."""
        self.write(lambda file: file.close())
        self.observing = None

    # Other clusters

    async def find(self, at: str) -> None:
        """Ask replicas which cluster theirs is."""
        try:
            with trio.fail_after(FIND_S):
                found = await self._known(at) or await resolve(at)
        except trio.TooSlowError:
            self._notify(f"attach {at}: no answer within {FIND_S:g} s", failed=True)
        except (ClientError, ConfigError) as error:
            self._notify(f"attach {at}: {error}", failed=True)
        else:
            if found.digest == self._options.cluster.digest:
                self._notify(f"attach {at}: that is the cluster that is shown", failed=True)
            else:
                self.found = found

    async def _known(self, at: str) -> Cluster | None:
        """Return what a console of this user started there: its file says more than its replicas do."""
        named = [
            each
            for each in known_clusters.known(self._options.preferences_dir)
            if known_clusters.addresses(each) == at
        ]
        return next(iter(await answering(named)), None)

    async def look_around(self) -> None:
        """Find which of the clusters that were started here answer."""
        options = self._options
        others = {
            each.cluster.digest: each
            for each in known_clusters.entries(options.preferences_dir)
            if each.cluster.digest != options.cluster.digest
        }
        self.around[:] = [
            (known_clusters.addresses(each), others[each.digest].words)
            for each in await answering([each.cluster for each in others.values()])
        ]
