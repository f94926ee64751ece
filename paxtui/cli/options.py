"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    typer.Option("--at", metavar="HOST:PORT,...", help="Addresses of running replicas, instead of --config."),
]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Let other machines connect without certificates: anyone who reaches this one may do anything.",
    ),
]
