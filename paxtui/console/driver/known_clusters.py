"""Which clusters consoles of this user started: one file each, for `paxtui attach` without an address.

A file is written when the replicas are started and deleted when they are stopped. A console that is killed
leaves its file behind: what stands here is where to look, not what runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError

FOLDER: Final = "running"
KEPT_MAX: Final = 20
"""The newest; older ones are those of consoles that were killed."""


def _file(folder: Path, cluster: Cluster) -> Path:
    return folder / FOLDER / f"{cluster.digest}.toml"


def add(folder: Path | None, cluster: Cluster) -> None:
    """Note that its replicas were started. A folder that cannot be written costs only the memory."""
    if folder is None:
        return
    try:
        path = _file(folder, cluster)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cluster_file.to_toml(cluster), encoding="utf-8")
        for old in _newest_first(folder)[KEPT_MAX:]:
            old.unlink(missing_ok=True)
    except OSError:
        pass


def remove(folder: Path | None, cluster: Cluster) -> None:
    """Note that they were stopped."""
    if folder is not None:
        try:
            _file(folder, cluster).unlink(missing_ok=True)
        except OSError:
            pass


def known(folder: Path | None) -> list[Cluster]:
    """Return what may run, the newest first."""
    return list(_read(folder)) if folder is not None else []


def _read(folder: Path) -> Iterator[Cluster]:
    for path in _newest_first(folder)[:KEPT_MAX]:
        try:
            yield cluster_file.load(path)
        except ConfigError:
            continue


def _newest_first(folder: Path) -> list[Path]:
    try:
        found = [(path.stat().st_mtime, path) for path in (folder / FOLDER).glob("*.toml")]
    except OSError:
        return []
    return [path for _, path in sorted(found, reverse=True)]


def addresses(cluster: Cluster) -> str:
    """Return the addresses as `paxtui attach` takes them."""
    return ",".join(str(address) for address in cluster.replicas)
