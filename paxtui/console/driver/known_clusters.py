"""Which clusters this user started here: one file each, for `attach`, `clusters` and `down`.

A file is written when the replicas are started and deleted when they are stopped. A program that is killed
leaves its file behind: what stands here is where to look, not what runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from msgspec import MsgspecError, Struct, json, structs

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.console.driver import local_processes
from paxtui.words.counts import counted

FOLDER: Final = "running"
KEPT_MAX: Final = 20
"""The newest; older ones are those of programs that were killed."""

START_MARK: Final = "# started: "
"""Before what is known beyond the cluster file, in a comment: earlier releases read the file as well."""

Starter = Literal["console", "up"]


class StartNote(Struct, frozen=True, omit_defaults=True):
    """How a cluster was started. What an earlier release has not written is ``None``."""

    by: Starter | None = None
    supervisor: int | None = None
    """The process that stops the replicas when it ends; ``None`` once they were left running."""
    data_dir: str | None = None
    log_dir: str | None = None
    since: float | None = None
    """Seconds since the epoch."""


class KnownCluster(Struct, frozen=True):
    """One cluster that this user started."""

    cluster: Cluster
    note: StartNote = StartNote()

    @property
    def words(self) -> str:
        """Say what it is and by what it was started, as far as that is known."""
        by = {"console": ", started by a console", "up": ", started by `paxtui up`", None: ""}[self.note.by]
        return f"{self.cluster.name}, {counted(self.cluster.n, 'replica')}{by}"

    @property
    def supervisor(self) -> int | None:
        """Return the process that still looks after the replicas."""
        pid = self.note.supervisor
        return pid if pid is not None and local_processes.is_ours(pid) else None

    def pids(self) -> dict[int, int]:
        """Return the processes of its replicas, by replica, as far as its data folders name them."""
        if self.note.data_dir is None:
            return {}
        folder = Path(self.note.data_dir)
        found = {
            replica: local_processes.holder(folder, self.cluster.name, replica)
            for replica in range(self.cluster.n)
        }
        return {replica: pid for replica, pid in found.items() if pid is not None}


def file_of(folder: Path, cluster: Cluster) -> Path:
    """Return the file of one cluster, whether it exists or not."""
    return folder / FOLDER / f"{cluster.digest}.toml"


def add(
    folder: Path | None,
    cluster: Cluster,
    data_dir: Path | None = None,
    log_dir: Path | None = None,
    *,
    by: Starter = "console",
) -> None:
    """Note that this process starts its replicas, unless another one has started them and they run. A folder
    that cannot be written costs only the memory."""
    if folder is None:
        return
    note = StartNote(
        by=by,
        supervisor=os.getpid(),
        data_dir=None if data_dir is None else str(data_dir.absolute()),
        log_dir=None if log_dir is None else str(log_dir.absolute()),
        since=time.time(),
    )
    try:
        path = file_of(folder, cluster)
        if _runs_elsewhere(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, KnownCluster(cluster, note))
        for old in _newest_first(folder)[KEPT_MAX:]:
            old.unlink(missing_ok=True)
    except OSError:
        pass


def leave(folder: Path | None, cluster: Cluster) -> None:
    """Note that its replicas go on without the process that has started them."""
    if folder is None:
        return
    path = file_of(folder, cluster)
    known = _read(path)
    if known is not None and known.note.supervisor in (None, os.getpid()):
        try:
            _write(path, structs.replace(known, note=structs.replace(known.note, supervisor=None)))
        except OSError:
            pass


def remove(folder: Path | None, cluster: Cluster) -> None:
    """Note that they were stopped by this process, or by nobody who is still there."""
    if folder is not None:
        path = file_of(folder, cluster)
        if not _runs_elsewhere(path):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                pass


def known(folder: Path | None) -> list[Cluster]:
    """Return what may run, the newest first."""
    return [each.cluster for each in entries(folder)]


def entries(folder: Path | None) -> list[KnownCluster]:
    """Return what may run and how it was started, the newest first."""
    return list(_read_all(folder)) if folder is not None else []


def _runs_elsewhere(path: Path) -> bool:
    """Return whether a file is about a cluster that another process started and that still runs."""
    found = _read(path)
    if found is None or found.note.supervisor == os.getpid():
        return False
    return found.supervisor is not None or bool(found.pids())


def _write(path: Path, known: KnownCluster) -> None:
    note = json.encode(known.note).decode()
    path.write_text(f"{START_MARK}{note}\n{cluster_file.to_toml(known.cluster)}", encoding="utf-8")


def _read_all(folder: Path) -> Iterator[KnownCluster]:
    for path in _newest_first(folder)[:KEPT_MAX]:
        found = _read(path)
        if found is not None:
            yield found


def _read(path: Path) -> KnownCluster | None:
    try:
        cluster = cluster_file.load(path)
        with path.open(encoding="utf-8") as file:
            first = file.readline()
    except (ConfigError, OSError, UnicodeDecodeError):
        return None
    return KnownCluster(cluster, _note(first))


def _note(line: str) -> StartNote:
    try:
        return json.decode(line.removeprefix(START_MARK), type=StartNote)
    except MsgspecError:  # the file of an earlier release
        return StartNote()


def _newest_first(folder: Path) -> list[Path]:
    try:
        found = [(path.stat().st_mtime, path) for path in (folder / FOLDER).glob("*.toml")]
    except OSError:
        return []
    return [path for _, path in sorted(found, reverse=True)]


def addresses(cluster: Cluster) -> str:
    """Return the addresses as `paxtui attach` takes them."""
    return ",".join(str(address) for address in cluster.replicas)
