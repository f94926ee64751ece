"""How the console is to begin: whose replicas it shows, and what it may do to them."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from paxtui.config import Cluster


class Launch(Struct, frozen=True, kw_only=True):
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
    name: str = "you"
    """In the chat."""
    theme: str | None = None
    ascii: bool = False
    fps: int = 10
    prefs: Path | None = None
    """The folder of what is kept between runs; ``None`` keeps nothing."""
