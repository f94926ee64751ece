"""How much of the log is kept: the table ``[keep]`` of a cluster's file."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from paxtui.core.ballot import NUMBER_LIMIT


class Retention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The messages that must not be removed. Without any of these, everything is kept for ever.

    With several, a message is removed as soon as one of them allows it. The leader has old slots removed on
    all replicas alike, an eighth of the limit at a time, so a little more is kept than it says.
    """

    slots: int | None = None
    """The last so many slots."""
    bytes: int | None = None
    """The last messages, up to so many bytes of each replica's disk."""
    age_s: float | None = None
    """Messages younger than so many seconds of elapsed time. The wall clock does not matter, and time in
    which no replica runs does not count."""

    @property
    def everything(self) -> bool:
        """Return whether nothing is ever removed."""
        return self.slots is None and self.bytes is None and self.age_s is None


FIELDS: Final = {field.name: field for field in structs.fields(Retention)}

LEAST: Final[dict[str, float]] = {"slots": 8, "bytes": 4096, "age_s": 8.0}
"""A limit is approached in eighths."""


def problem(keep: Retention) -> tuple[str, str] | None:
    """Return the first field that makes no sense, and what is wrong with it."""
    for name, least in LEAST.items():
        value = getattr(keep, name)
        if value is not None and not least <= value < NUMBER_LIMIT:
            return name, f"{name} is {value}, at least {least:g} is allowed"
    return None
