"""The lights as they were judged at a moment: kept on a tape, shown in the past, and never judged anew."""

from __future__ import annotations

from msgspec import Struct

from paxtui.console.model.liveness.liveness import Light as LivenessLight
from paxtui.console.model.liveness.liveness import Liveness, LivenessVerdict
from paxtui.console.model.safety.checks import NAMES, Check, Light, Lights
from paxtui.console.model.safety.safety import SafetyJudge

CONFLICTS_TAPED = 1_000


class TapedVerdict(Struct, frozen=True):
    """All that was said."""

    light: Light
    words: str
    checks: tuple[tuple[str, Light], ...]
    problems: tuple[str, ...]
    conflicts: tuple[int, ...]
    doubts: tuple[str, ...]
    since: float | None
    found: int
    basis: str
    liveness: LivenessLight
    liveness_words: str


UNJUDGED = TapedVerdict(
    "UNKNOWN",
    f"UNKNOWN 0/{len(NAMES)}",
    tuple((name, "UNKNOWN") for name in NAMES),
    (),
    (),
    (),
    None,
    0,
    "nothing was judged yet",
    "starting",
    "starting",
)


def verdict_of(judge: SafetyJudge, liveness: Liveness, now: float) -> TapedVerdict:
    """Return what is said now."""
    return TapedVerdict(
        *judge.light,
        tuple((check.name, check.light) for check in judge.checks),
        tuple(judge.problems),
        tuple(sorted(judge.conflicts)[:CONFLICTS_TAPED]),
        tuple(judge.doubts(now)),
        judge.since,
        judge.found,
        judge.basis,
        *liveness.verdict,
    )


class PastJudge(SafetyJudge):
    """The judge of a moment that is over: it says what was said then, and takes nothing."""

    def __init__(self, said: TapedVerdict) -> None:
        self._said = said
        self.conflicts = set(said.conflicts)
        self.problems = list(said.problems)
        self.found = said.found
        self.events = 0

    @property
    def light(self) -> Lights:
        return Lights(self._said.light, self._said.words)

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(Check(name, light) for name, light in self._said.checks)

    @property
    def since(self) -> float | None:
        return self._said.since

    @property
    def basis(self) -> str:
        return f"as it was judged then: {self._said.basis}"

    def doubts(self, now: float) -> list[str]:
        del now
        return list(self._said.doubts)

    def event(self, replica: int, event: Struct) -> None:
        pass

    def gap(self, replica: int, now: float, *, dropped: bool = False) -> None:
        pass

    def down(self, replica: int, now: float) -> None:
        pass

    def wiped(self, replica: int) -> None:
        pass

    def storage(self, replica: int, storage: str) -> None:
        pass

    def snapshot(self, replica: int, snapshot: object) -> None:
        pass


class PastLiveness(Liveness):
    """The judge of liveness of a moment that is over."""

    def __init__(self, said: TapedVerdict) -> None:
        super().__init__()
        self.verdict = LivenessVerdict(said.liveness, said.liveness_words)
