"""A scenario as it runs: its steps with their times, and its verdict, large."""

from __future__ import annotations

from typing import Final, NamedTuple

from paxtui.console.rows.text import Row, fit, wrap
from paxtui.console.theme.styles import Styles

LETTERS: Final = {
    "P": ("###", "# #", "###", "#  ", "#  "),
    "A": ("###", "# #", "###", "# #", "# #"),
    "S": ("###", "#  ", "###", "  #", "###"),
    "F": ("###", "#  ", "## ", "#  ", "#  "),
    "I": ("###", " # ", " # ", " # ", "###"),
    "L": ("#  ", "#  ", "#  ", "#  ", "###"),
}
"""Five rows of three cells for each letter of PASS and FAIL."""

LARGE: Final = 5
LARGE_CELLS: Final = 18


class ScenarioStep(NamedTuple):
    """One step that was taken, and what came of it; seconds since the scenario began."""

    at_s: float
    words: str


class ScenarioView(NamedTuple):
    """What is shown of a scenario."""

    name: str
    shows: str
    steps: tuple[ScenarioStep, ...]
    verdict: str | None
    """``None`` while it runs."""
    passed: bool

    @property
    def tone(self) -> str:
        """Return the style of its state."""
        return "self" if self.verdict is None else "good" if self.passed else "bad"


def title(view: ScenarioView) -> str:
    """Return the title of the pane."""
    state = "runs" if view.verdict is None else "is over"
    return f"scenario {view.name} {state}   esc goes back to your own cluster"


def large(word: str, styles: Styles) -> list[str]:
    """Return PASS or FAIL in large letters."""
    block = "#" if styles.ascii else "█"
    return [" ".join(LETTERS[letter][row] for letter in word).replace("#", block) for row in range(LARGE)]


def rows(view: ScenarioView, styles: Styles, width: int, height: int) -> list[Row]:
    """Return the newest steps, and the verdict: beside them in large letters where there is room, else above
    them in full rows of its colour."""
    beside: list[Row] = []
    room = width
    if view.verdict is not None and height >= LARGE and width >= 3 * LARGE_CELLS:
        beside = [[(line, view.tone)] for line in large("PASS" if view.passed else "FAIL", styles)]
        room = width - LARGE_CELLS
    head = wrap(view.verdict or view.shows, room - 1, view.tone)[:2]
    if view.verdict is not None and not beside:
        band = "passed" if view.passed else "alarm"
        head = [fit([(" ", band), *((text, band) for text, _ in row)], width, band) for row in head]
    steps = (
        [_step(step, room) for step in view.steps[-max(0, height - len(head)) :]]
        if height > len(head)
        else []
    )
    found: list[Row] = []
    for number, row in enumerate([*head, *steps][:height]):
        mark = beside[number] if number < len(beside) else []
        found.append(fit([*fit(mark, width - room), *row], width))
    found += [fit(mark, width) for mark in beside[len(found) :]]
    return found


def _step(step: ScenarioStep, width: int) -> Row:
    return fit([(f"{step.at_s:7.1f} s  ", "dim"), (step.words, "text")], width)
