"""``paxtui verify``: whether all logs agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import ConfigOption, DataDirOption
from paxtui.words.counts import counted

if TYPE_CHECKING:
    from paxtui.storage.offline import OfflineLog


def verify(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR|FILE", help="A backup, or the folder of replica-0, replica-1 and so on."),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> int:
    """Check all databases of a cluster, or a backup.

    It checks the checksum of each row and the hash chains, and whether all logs agree. It writes nothing,
    and the replicas may be running. If the logs differ, it names the first slot that does, and the exit
    code is 1.

    Examples:

      paxtui verify logs/local-3

      paxtui verify log-2026-11.backup

      paxtui verify --config configs/local-3.toml
    """
    from paxtui.config import cluster_file as configuration
    from paxtui.config.folders import data_root, replica_folder

    if folder is None:
        cluster = configuration.find(config)
        folder = replica_folder(data_root(data_dir), cluster.name, 0).parent
    return _verify_backup(folder) if folder.is_file() else _verify(folder)


def _verify_backup(file: Path) -> int:
    from paxtui.cli.backup import told
    from paxtui.storage import backup

    found = backup.check(file)
    if found.found.ok:
        print(f"{file}: {told(found)}")
        return 0
    where = "" if found.found.bad_slot is None else f" at slot {found.found.bad_slot}"
    print(f"{file}: DAMAGED{where}: {found.found.problem}")
    return 1


def _verify(folder: Path) -> int:
    from contextlib import ExitStack

    from paxtui.config.cluster_file import ConfigError
    from paxtui.storage.offline import OfflineLog

    if not folder.exists():
        raise ConfigError(f"{folder}: no such folder or file")
    if (folder / "replica.db").exists():
        databases = [folder]
    else:
        databases = sorted(path.parent for path in folder.glob("replica-*/replica.db"))
    if not databases:
        raise ConfigError(f"{folder}: no replica-N/replica.db in this folder")
    good = True
    with ExitStack() as stack:
        logs = [stack.enter_context(OfflineLog.open(database)) for database in databases]
        for database, log in zip(databases, logs, strict=True):
            result = log.verify()
            if result.ok:
                removed = f", those below {result.log_start} are removed" if result.log_start else ""
                chain = result.chain.hex()[:16]
                print(f"{database.name}: {counted(result.slots, 'slot')}{removed}, chain {chain}, ok")
            else:
                good = False
                where = "" if result.bad_slot is None else f" at slot {result.bad_slot}"
                print(f"{database.name}: DAMAGED{where}: {result.problem}")
        if good:
            good = _agree(logs)
    return 0 if good else 1


def _agree(logs: list[OfflineLog]) -> bool:
    """Compare the logs slot by slot up to each shorter watermark; say where they differ first."""
    longest = max(logs, key=lambda log: log.watermark)
    for log in logs:
        upto = log.watermark
        first = max(log.log_start, longest.log_start)
        pairs = zip(log.entries(first, upto), longest.entries(first, upto), strict=False)
        for (slot, mine, _), (_, theirs, _) in pairs:
            if mine.value != theirs.value:
                print(f"DIFFERENT: slot {slot} of {log.folder.name} is not that of {longest.folder.name}")
                return False
    shortest = min(log.watermark for log in logs)
    print(
        f"all {counted(len(logs), 'log')} agree; {counted(shortest, 'slot')} "
        f"{'is' if shortest == 1 else 'are'} in all of them, {longest.watermark} in the longest"
    )
    return True
