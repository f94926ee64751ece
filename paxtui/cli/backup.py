"""``paxtui backup`` and ``paxtui restore``: the log in a file, and a new cluster from it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.completers import complete_replicas
from paxtui.cli.options import ConfigOption, DataDirOption, need_replica
from paxtui.cli.signals import run_async

if TYPE_CHECKING:
    from paxtui.config.cluster_file import Cluster
    from paxtui.storage.backup import Backup

LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")

STATUS_S = 2.0
"""How long the replicas may take to say how far they are."""

CATCH_UP_S = 5.0
"""How long a copy waits for what its replica has not learned yet, or not written."""

LOOK_S = 0.02
"""How often its folder is looked at meanwhile."""


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make. It must not exist.")],
    source: Annotated[
        int,
        typer.Option(
            "--from",
            metavar="N",
            min=0,
            help="The replica whose log to copy.",
            autocompletion=complete_replicas,
        ),
    ],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> int:
    """Copy the log of a replica to a file.

    The replica may be running. Run this command on its machine: it reads the replica's data folder.

    The copy has all slots that any replica that answers has learned by now. If they do not arrive in time,
    the command says which are missing. It checks each row and the hash chain of the copy before it gives the
    file its name.

    Example: paxtui backup log-2026-11.backup --from 0
    """
    from paxtui.config import cluster_file as configuration
    from paxtui.config.folders import data_root, replica_folder
    from paxtui.storage import backup as backups

    cluster = configuration.find(config)
    need_replica("--from", source, cluster.n)
    folder = replica_folder(data_root(data_dir), cluster.name, source)
    settings = cluster.settings
    if note := _wait_for_all(cluster, source, folder):
        print(f"paxtui: {note}", file=sys.stderr)
    made = backups.take(folder, file, settings.sessions_max, settings.session_window)
    print(f"{file}: {told(made)}")
    return 0


def _wait_for_all(cluster: Cluster, source: int, folder: Path) -> str:
    """Wait until the folder has what any replica has learned by now; in words, what it still has not.

    A replica learns a moment after the leader has answered, and writes how far it has learned with its next
    votes, or a moment later.
    """
    import time

    from paxtui.client import Operator
    from paxtui.config.cluster_file import ConfigError
    from paxtui.storage.offline import OfflineLog

    async def ask() -> dict[int, int]:
        sightings = await Operator(cluster, "backup").status(timeout_s=STATUS_S)
        statuses = {sighting.replica: sighting.report and sighting.report.status for sighting in sightings}
        return {replica: status.watermark for replica, status in statuses.items() if status}

    with OfflineLog.open(folder) as log:
        try:
            told = run_async(ask)
        except ConfigError as error:  # this user has no certificate
            return f"the replicas cannot be asked how far they are: {error}; the folder is copied as it is"
        if not told:
            return "no replica says how far it is; the folder is copied as it is"
        wanted = max(told.values())
        until = time.monotonic() + CATCH_UP_S
        while log.watermark < wanted and time.monotonic() < until:
            time.sleep(LOOK_S)
            log.refresh()
        if log.watermark >= wanted:
            silent = " ".join(f"r{replica}" for replica in range(cluster.n) if replica not in told)
            return f"not heard: {silent}; what only they have learned is not in this backup" if silent else ""
        missing = f"slots {log.watermark} to {wanted - 1} are"
        if log.watermark == wanted - 1:
            missing = f"slot {log.watermark} is"
        return f"replica {source} is behind: {missing} learned by others, and not in this backup"


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `paxtui backup` has made.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    only: Annotated[
        list[int] | None,
        typer.Option(
            "--id",
            metavar="N",
            min=0,
            help="Restore this replica only. Repeat it for several.",
            autocompletion=complete_replicas,
        ),
    ] = None,
) -> int:
    """Make the data folders of a new cluster from a backup.

    Run it on every machine, with the same file. The new cluster may have other addresses and another size
    than the old one. Its replicas talk only to replicas that were restored from the same file: a replica
    of the old cluster may know more than the backup, and stays out. Messages that were appended after the
    backup are lost.

    Example: paxtui restore log-2026-11.backup --config configs/local-3.toml
    """
    from paxtui.config import cluster_file as configuration
    from paxtui.config.folders import ConfigError, data_root, replica_folder
    from paxtui.storage import backup as backups
    from paxtui.storage.rows import StorageIdentity

    cluster = configuration.find(config)
    replicas = sorted(set(only)) if only else list(range(cluster.n))
    for replica in replicas:
        need_replica("--id", replica, cluster.n)
    found = backups.check(file)
    if not found.found.ok:
        raise ConfigError(f"{file}: damaged: {found.found.problem}; nothing was restored")
    wanted = (cluster.settings.sessions_max, cluster.settings.session_window)
    if found.about[2:] != wanted:
        raise ConfigError(
            f"{file}: its sessions_max and session_window are {found.about[2]} and {found.about[3]}, and "
            f"those of {cluster.source} are {wanted[0]} and {wanted[1]}; they must be equal"
        )
    root = data_root(data_dir)
    folders = [replica_folder(root, cluster.name, replica) for replica in replicas]
    taken = [folder for folder in folders if folder.is_dir() and any(folder.iterdir())]
    if taken:
        raise ConfigError(f"{taken[0]}: is not empty; restore into new folders, or move it away first")
    print(f"{file}: {told(found)}")
    for replica, folder in zip(replicas, folders, strict=True):
        identity = StorageIdentity(0, cluster.digest, cluster.name, replica, "", "")
        backups.restore(found, file, folder, identity)
        print(f"replica {replica}: {folder}")
    print(f"next: {_next(cluster, replicas, config, data_dir)}")
    return 0


def _next(cluster: Cluster, replicas: list[int], config: Path | None, data_dir: Path | None) -> str:
    """Return the command that starts what was restored."""
    options = "" if config is None else f" --config {shlex.quote(str(config))}"
    options += "" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}"
    if len(replicas) == cluster.n and all(each.host in LOCAL_HOSTS for each in cluster.replicas):
        return f"paxtui up{options}"
    return " ; ".join(f"paxtui replica --id {replica} --headless{options}" for replica in replicas)


def told(found: Backup) -> str:
    """Describe a backup in one line."""
    about, identity, result = found
    first = result.log_start
    return (
        f"backup {about.id} of cluster {identity.name}, taken from replica {identity.replica} at "
        f"{about.taken}: slots {first} to {result.slots - 1}, chain {result.chain.hex()[:16]}, ok"
    )
