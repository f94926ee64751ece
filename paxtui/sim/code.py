"""Which code is running: two machines give the same runs only if they have the same."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import paxtui

FOLDERS = ("core", "checkers", "sim")


def digest() -> str:
    """Equal where a seed is the same run: the sources of the core, the checkers and the simulator, and the
    version of Python, whose ``random`` draws the plans."""
    root = Path(paxtui.__file__).parent
    told = hashlib.sha256(platform.python_version().rpartition(".")[0].encode())
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            told.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return told.hexdigest()
