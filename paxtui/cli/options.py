"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paxtui.cli.completers import complete_clusters
from paxtui.cli.named_cluster import cluster_at


def replica_number(text: str) -> int:
    """Read ``0`` or ``r0``."""
    from paxtui.words.replicas import replica_id

    found = replica_id(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no replica; 0 and r0 are")
    return found


def need_replica(option: str, replica: int, n: int) -> int:
    """Return a replica that exists. Raises :class:`ConfigError` with the name of the option or argument."""
    from paxtui.config.cluster_file import ConfigError

    if not 0 <= replica < n:
        names = " ".join(f"r{each}" for each in range(n))
        raise ConfigError(f"{option}: there is no replica {replica}; they are {names}")
    return replica


ID_VARIABLE = "PAXTUI_ID"
"""Which replica this machine or container runs: for ``replica`` and for ``health``."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Cluster file. Default: 3 local replicas, ports 7400 to 7402."
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Folder for the databases.", envvar="PAXTUI_DATA_DIR"),
]
LogDirOption = Annotated[
    Path | None,
    typer.Option("--log-dir", metavar="DIR", help="Folder for the message logs.", envvar="PAXTUI_LOG_DIR"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object per line, for scripts.")]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Wait this long for an answer.")
]
AttachOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="NAME|HOST:PORT,...",
        help="Name of a cluster that was started here, or addresses of its replicas, instead of --config.",
        callback=cluster_at,
        autocompletion=complete_clusters,
    ),
]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Let other machines connect without certificates: every client may do anything.",
    ),
]
