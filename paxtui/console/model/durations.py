"""Lengths of time for people."""

from __future__ import annotations


def ages(seconds: float) -> str:
    """Return ``3.2 s``, ``41 s``, ``12 min``, ``3 h``."""
    for limit, unit, size in ((10, "s", 1.0), (100, "s", 1.0), (6000, "min", 60.0)):
        if seconds < limit:
            return f"{seconds / size:.1f} {unit}" if limit == 10 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.0f} h"
