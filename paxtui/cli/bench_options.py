"""The options of ``paxtui bench``, as the command line gave them."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class BenchOptions(Struct, frozen=True, kw_only=True):
    """Options of one call; ``None`` stands for an option that was not given."""

    connections: int | None
    in_flight: int | None
    size: int | None
    seconds: float | None
    warmup_s: float | None
    rate: float | None
    read_ratio: float | None
    bare: bool
    n: int | None
    cluster: Path | str | None
    data_dir: Path | None
    as_json: bool
