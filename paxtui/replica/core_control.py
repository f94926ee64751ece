"""What the core is told to do beside clients' requests: elections, no-ops, checkpoints and trims."""

from __future__ import annotations

from typing import Protocol

from paxtui.core.replica import Replica
from paxtui.replica.protocol_clock import ProtocolClock


class CoreHost(Protocol):
    """The host of one core."""

    @property
    def core(self) -> Replica | None:
        """The core; ``None`` during warm-up."""

    @property
    def protocol_clock(self) -> ProtocolClock:
        """What the core is told of time."""

    def kick(self) -> None:
        """Take the core's output soon."""


class CoreControl:
    """Orders to one core. Each returns the reason if the core cannot obey, and ``None`` if it does."""

    def __init__(self, host: CoreHost) -> None:
        self._host = host

    @property
    def core(self) -> Replica | None:
        """Return the core; ``None`` during warm-up."""
        return self._host.core

    def _now(self) -> float:
        return self._host.protocol_clock.now()

    def elect(self) -> str | None:
        """Start an election, whoever leads."""
        core = self._host.core
        return "it is still warming up" if core is None else self._kicked(core.elect(self._now()))

    def fill_hole(self, slot: int) -> str | None:
        """Propose a no-op in ``slot``."""
        core = self._host.core
        if core is None:
            return "it is still warming up"
        return self._kicked(core.fill_hole(slot, self._now()))

    def checkpoint(self, stamp_s: int) -> str | None:
        """Have all replicas keep their state, to trim the log to it later; ``stamp_s`` is the checkpoint's
        stamp (:mod:`paxtui.replica.log.ages`)."""
        core = self._host.core
        return "it warms up" if core is None else self._kicked(core.checkpoint(stamp_s, self._now()))

    def trim(self, upto: int) -> str | None:
        """Have all replicas remove the slots below the last checkpoint at or below ``upto``."""
        core = self._host.core
        return "it warms up" if core is None else self._kicked(core.trim(upto, self._now()))

    def _kicked(self, reason: str | None) -> str | None:
        self._host.kick()
        return reason
