"""Does the log move, and if not, must it stand still?"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from paxtui.console.model.cluster import ClusterModel

PATIENCE_S: Final = 5.0
"""A connected majority that decides nothing for so long, with something to decide, is stuck."""

Light = Literal["starting", "idle", "moving", "waiting", "electing", "stalled", "STUCK"]


class Verdict(NamedTuple):
    """The light, and the sentence beside it."""

    light: Light
    words: str


def connected_majority(model: ClusterModel) -> tuple[int, ...] | None:
    """A quorum whose members run and reach each other in both directions, if there is one."""
    up = [replica.id for replica in model.replicas if replica.process not in ("down", "paused", "unknown")]
    for members in combinations(up, model.quorum):
        if all(model.connected(one, other) for one, other in combinations(members, 2)):
            return members
    return None


class Liveness:
    """Remembers when something last moved. :meth:`look` is called a few times a second."""

    def __init__(self) -> None:
        self._mark = (-1, -1)
        self._moved_at: float | None = None
        self._able_since: float | None = None
        self.majority: tuple[int, ...] | None = None
        self.verdict = Verdict("starting", "starting")

    def look(self, model: ClusterModel, now: float) -> Verdict:
        """What is so at ``now``."""
        mark = (model.applied, model.chosen)
        moved = mark != self._mark
        if moved:
            self._mark, self._moved_at = mark, now
        self.majority = connected_majority(model)
        if self.majority is None:
            self._able_since = None
        elif self._able_since is None:
            self._able_since = now
        self.verdict = self._judge(model, now)
        return self.verdict

    def _judge(self, model: ClusterModel, now: float) -> Verdict:
        if all(replica.role in ("?", "warm-up") for replica in model.replicas):
            return Verdict("starting", "starting")
        if self.majority is None or self._able_since is None:
            able = sum(replica.process not in ("down", "paused", "unknown") for replica in model.replicas)
            return Verdict(
                "stalled",
                f"no majority is connected ({able} of {model.n} run, {model.quorum} must reach each other): "
                "it must stand still",
            )
        pending = model.end > model.applied or model.chat.expecting
        idle_s = now - max(self._able_since, self._moved_at if self._moved_at is not None else now)
        members = " ".join(f"r{each}" for each in self.majority)
        if model.leader is None:
            if idle_s > PATIENCE_S:
                return Verdict("STUCK", f"{members} are connected, and nobody leads for {idle_s:.0f} s")
            return Verdict("electing", "nobody leads yet")
        if not pending:
            return Verdict("idle", "everything that was asked for is applied")
        if idle_s > PATIENCE_S:
            return Verdict("STUCK", f"{members} are connected, and nothing was decided for {idle_s:.0f} s")
        if idle_s > 1.0:
            return Verdict("waiting", f"nothing was decided for {idle_s:.1f} s")
        return Verdict("moving", "slots are decided and applied")
