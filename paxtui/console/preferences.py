"""What is kept between runs, in the user's folder: theme, panes, what was typed. Never faults or arming."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

HISTORY_MAX: Final = 200
FILE: Final = "console.json"


class Preferences(Struct):
    """The preferences that are kept between runs."""

    theme: str | None = None
    view: int = 1
    """The view that was looked at last, where only one is shown."""
    maximised: bool = False
    hidden: dict[str, tuple[str, ...]] = {}
    """By kind of screen size, the panes that are turned off."""
    history: list[str] = []
    commands: list[str] = []


def load(folder: Path | None) -> Preferences:
    """Return what the last run left; whatever cannot be read is as if it had never been."""
    if folder is None:
        return Preferences()
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Preferences)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Preferences()


def save(folder: Path | None, preferences: Preferences) -> None:
    """Keep it. A folder that cannot be written costs only the memory."""
    if folder is None:
        return
    preferences.history = preferences.history[-HISTORY_MAX:]
    preferences.commands = preferences.commands[-HISTORY_MAX:]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{FILE}.{os.getpid()}"
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(preferences)))
        partial.replace(folder / FILE)
    except OSError:
        pass
