"""Which code is running: two machines give the same runs only if they have the same."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

FOLDERS = ("core", "checkers", "sim")


def digest() -> str:
    """Equal where a seed is the same run: the sources of the core, the checkers and the simulator, and the
    version of Python, whose ``random`` draws the plans."""
    told = hashlib.sha256(platform.python_version().rpartition(".")[0].encode())
    for folder in FOLDERS:
        sources = dict(_sources(resources.files("paxtui").joinpath(folder), (folder,)))
        for names in sorted(sources):
            told.update("/".join(names).encode() + b"\0" + sources[names].read_bytes())
    return told.hexdigest()


def _sources(folder: Traversable, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    """Yield the modules of a folder, which need not be one of the file system, by their path."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, (*names, entry.name))
        elif entry.name.endswith(".py"):
            yield (*names, entry.name), entry
