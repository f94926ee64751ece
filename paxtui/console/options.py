"""How the console is to begin: whose replicas it shows, and what it may do to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from paxtui.config.cluster_file import Cluster

if TYPE_CHECKING:
    from paxtui.console.model.past import Past

HOLE_S: Final = 20.0
"""How long a hole stays open in a cluster that a console starts: long enough to look at it and at what it
blocks, and to press S."""


class ConsoleOptions(Struct, frozen=True, kw_only=True):
    """Options of one run of the console."""

    cluster: Cluster
    ours: tuple[int, ...] = ()
    """The replicas that the console starts; none where it attaches."""
    data_dir: Path | None = None
    log_dir: Path | None = None
    arguments: tuple[str, ...] = ("--allow-faults", "--warm-up", "all")
    """For the replicas that it starts."""
    armed: bool = True
    read_only: bool = False
    """Never armed in this run."""
    asked: bool = False
    """The cluster was described by one of its replicas, who does not tell its settings."""
    name: str = "you"
    """In the chat."""
    theme: str | None = None
    ascii: bool = False
    fps: int = 10
    again: str = ""
    """The command that goes on with the cluster that this console started; empty where there is none."""
    past: Past | None = None
    """The moments of a tape, which is shown in place of a cluster."""
    at: str = "last"
    """The moment of the tape that is shown first."""
    preferences_dir: Path | None = None
    """The folder of what is kept between runs; ``None`` keeps nothing."""


def unhurried(options: ConsoleOptions) -> ConsoleOptions:
    """Return options with a longer hole timeout, where the console starts all replicas and their file names
    none."""
    cluster = options.cluster
    default = type(cluster.settings)().hole_timeout_s
    if len(options.ours) < cluster.n or cluster.settings.hole_timeout_s != default:
        return options
    settings = structs.replace(cluster.settings, hole_timeout_s=HOLE_S)
    return structs.replace(options, cluster=structs.replace(cluster, settings=settings))
