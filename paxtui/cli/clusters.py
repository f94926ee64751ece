"""``paxtui clusters``: what runs on this machine, and the data that earlier consoles have left."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.options import ConfigOption, DataDirOption, JsonOption
from paxtui.words.counts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paxtui.cli.old_folders import OldFolder
    from paxtui.cli.running import RunningCluster

FOLDERS_NAMED_MAX = 8
"""How many old folders are named one by one; the rest is a number."""


def clusters(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove the folders of consoles that do not run any more.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """List the clusters that run on this machine.

    It says of each how to look at it and how to stop it. It knows those that consoles and `paxtui up` of this
    user have started, and the cluster of the configuration. It also names the folders of earlier consoles
    that no replica uses any more.

    Examples:

      paxtui clusters

      paxtui clusters --json | jq -r .name

      paxtui clusters --clean
    """
    from paxtui.cli.kept import kept_folder
    from paxtui.cli.old_folders import find_old
    from paxtui.cli.running import NOTHING, find_running
    from paxtui.config import cluster_file as configuration
    from paxtui.config.folders import data_root

    root = data_root(data_dir)
    kept = kept_folder()
    if clean:
        return _clean(root, find_old(root, kept))
    found = find_running(kept, configuration.find(config))
    if as_json:
        for each in found:
            print(_json(each))
        return 0
    print("\n\n".join("\n".join(_lines(each, found)) for each in found) or NOTHING)
    old = [each for each in find_old(root, kept) if each.used_by is None]
    if old:
        print(f"\n{_counted(old)} of earlier consoles in {root}:")
        print("\n".join(f"  {each.path.name}  {each.size}" for each in old[:FOLDERS_NAMED_MAX]))
        if len(old) > FOLDERS_NAMED_MAX:
            print(f"  and {len(old) - FOLDERS_NAMED_MAX} more")
        print("`paxtui clusters --clean` removes all of them")
    return 0


def _counted(old: Sequence[OldFolder]) -> str:

    return counted(len(old), "folder")


def _clean(root: Path, old: Sequence[OldFolder]) -> int:
    """Remove the folders that nothing uses; exit code 1 if one cannot be removed."""
    from paxtui.cli.old_folders import remove, sized

    removed, failed, freed = 0, 0, 0
    for each in old:
        if each.used_by is not None:
            print(f"kept {each.path}: {each.used_by}")
            continue
        problem = remove(each)
        if problem is not None:
            failed += 1
            print(f"not removed: {problem}")
            continue
        removed, freed = removed + 1, freed + each.bytes
        print(f"removed {each.path}  {each.size}")
    if not removed and not failed:
        print(f"no folder of an earlier console in {root} can be removed")
    elif removed > 1:
        print(f"removed {removed} folders, {sized(freed)}")
    return 1 if failed else 0


def _lines(one: RunningCluster, running: Sequence[RunningCluster]) -> list[str]:
    """Describe one cluster in a few lines, with the commands that mean it."""
    from paxtui.cli.running import describe, handle
    from paxtui.console.driver.known_clusters import addresses

    at = handle(one, running)
    pids = " ".join(f"r{replica}={pid}" for replica, pid in one.pids.items())
    note = one.known.note
    rows = [
        ("addresses", addresses(one.cluster)),
        ("processes", pids or "?"),
        ("data", note.data_dir or "?"),
        ("started", _started(one)),
        ("look", f"paxtui attach {at}"),
        ("stop", _stop(one, at)),
    ]
    return [describe(one), *(f"  {name:<9}  {text}" for name, text in rows)]


def _stop(one: RunningCluster, at: str) -> str:
    supervisor = one.known.supervisor
    if supervisor is not None and one.known.note.by == "console":
        return f"quit its console, process {supervisor}"
    return f"paxtui down {at}" if one.known.note.by is not None else "where it was started"


def _started(one: RunningCluster) -> str:
    """Say when and by what it was started, and whether that still runs."""
    note, supervisor = one.known.note, one.known.supervisor
    since = "?"
    if note.since is not None:
        since = datetime.fromtimestamp(note.since).strftime("%Y-%m-%d %H:%M:%S")
    by = {"console": " by a console", "up": " by `paxtui up`", None: ""}[note.by]
    if note.by is None:
        return since
    return (
        since + by + (f", process {supervisor}" if supervisor is not None else ", which has left it running")
    )


def _json(one: RunningCluster) -> str:
    import json

    note = one.known.note
    row = {
        "name": one.name,
        "replicas": one.cluster.n,
        "addresses": [str(address) for address in one.cluster.replicas],
        "answering": list(one.answering),
        "pids": {str(replica): pid for replica, pid in one.pids.items()},
        "data_dir": note.data_dir,
        "log_dir": note.log_dir,
        "since": None if note.since is None else datetime.fromtimestamp(note.since).astimezone().isoformat(),
        "started_by": note.by,
        "supervisor": one.known.supervisor,
    }
    return json.dumps(row, ensure_ascii=False)
