"""Looking for slots: by state, ballot, client or text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.cluster_model import ClusterModel

STATES: Final = ("open", "maybe", "chosen", "blocked", "applied", "no-op", "hole", "conflict")

Wanted = Callable[[ClusterModel, int, float], bool]
"""Whether a slot is meant."""


def wanted(text: str) -> Wanted:
    """Return what ``text`` means: the word for a state, a ballot such as ``3.1``, or a part of what is
    said."""
    text = text.strip().lower()
    if text in STATES:
        return lambda model, slot, now: slot_facts(model, slot, now).state.lower() == text
    if re.fullmatch(r"\d+\.\d+", text):
        return lambda model, slot, now: any(
            str(cell.ballot) == text for cell in slot_facts(model, slot, now).cells
        )

    def says(model: ClusterModel, slot: int, now: float) -> bool:
        value = model.values.get(slot)
        return value is not None and text in value.shown.lower()

    return says


def matches(model: ClusterModel, text: str, now: float) -> list[int]:
    """Return all slots of which something is known here, and that are meant, in order."""
    meant = wanted(text)
    return sorted(slot for slot in _known(model) if meant(model, slot, now))


def unsearched(model: ClusterModel) -> int:
    """Return how many slots of the log are not looked at, as their values were not read by this console
    yet."""
    return max(0, model.end - model.log_start - len(_known(model)))


def _known(model: ClusterModel) -> set[int]:
    kept = (slot for slot in model.values.slots if model.log_start <= slot < model.end)
    return set(kept) | set(range(max(model.applied, model.log_start), model.end))


def slot_at(model: ClusterModel, clock: str) -> int | None:
    """Return the slot of the first event at or after ``HH:MM[:SS]`` (local time) that is about one."""
    from datetime import datetime

    parts = [int(part) for part in clock.split(":")]
    seconds = sum(part * size for part, size in zip(parts, (3600, 60, 1), strict=False))
    for seen in model.journal.all:
        try:
            at = datetime.fromtimestamp(seen.wall)
        except (OverflowError, ValueError, OSError):
            continue  # its clock says a year that there is not
        if at.hour * 3600 + at.minute * 60 + at.second >= seconds and seen.slot is not None:
            return seen.slot
    return None
