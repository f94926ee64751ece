"""Is it safe, and does it move: every check with its light, and what the lights rest on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len

from paxtui.console.model.liveness.liveness import is_degraded
from paxtui.console.model.liveness.tolerance import tolerance
from paxtui.console.model.safety.checks import Check
from paxtui.console.rows.header import LIGHT_STYLES, SAFETY_STYLES, safety_words, tolerance_words
from paxtui.console.rows.text import Row, fit, left_out, pad, wrap
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

TWO_COLUMNS: Final = 36

GLYPHS: Final = {"SAFE": "ok", "UNKNOWN": "unknown", "VIOLATED": "bad"}


def safety(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return what is wrong first, then why something is not known; then the checks, whether the log moves,
    how many failures are borne, and what all that rests on."""
    judge = view_state.model.judge
    problems = _sentences(judge.problems, width, "bad")
    doubts = _sentences([f"? {reason}" for reason in judge.doubts(view_state.now)], width, "warn")
    moving = view_state.model.liveness.verdict
    checks = _checks(view_state, width)
    liveness = _moving(moving.light, moving.words, LIGHT_STYLES[moving.light], width)
    rest = [*checks, *liveness, *_tolerance(view_state, width), *wrap(judge.basis, width, "dim", "  ")]
    if len(problems) + len(doubts) + len(rest) <= height:
        return [*problems, *rest, *doubts]
    rows = [*problems, *doubts, *rest] if judge.light.light != "SAFE" else [*problems, *rest, *doubts]
    missing = len(rows) - height
    if missing > 0 and height > 1:
        return [*rows[: height - 1], left_out(missing + 1, width)]
    return rows[:height]


def _sentences(texts: Iterable[str], width: int, style: str) -> list[Row]:
    return [row for text in texts for row in wrap(visible(text, 300), width, style, "  ")]


def _tolerance(view_state: ViewState, width: int) -> list[Row]:
    model = view_state.model
    light = model.liveness.verdict.light
    if light == "starting" or view_state.scenario_end is not None:
        return []
    found = tolerance(model, view_state.now)
    degraded = is_degraded(light, found)
    words = f"{'degraded: ' if degraded else ''}{tolerance_words(found)}"
    return wrap(words, width, "warn" if found.spare < found.most else "dim", "  ")


def _moving(light: str, words: str, style: str, width: int) -> list[Row]:
    lines = wrap(f"{light}: {words}", width, "dim", "  ")
    first = "".join(text for text, _ in lines[0])
    at = len(light)
    if first.startswith(light):
        lines[0] = fit([(light, style), (first[at:].rstrip(), "dim")], width)
    return lines


def _checks(view_state: ViewState, width: int) -> list[Row]:
    checks = view_state.model.judge.checks
    if width < TWO_COLUMNS:
        return [fit(_check(view_state, check, width), width) for check in checks]
    half = (len(checks) + 1) // 2
    left = max(cell_len(check.name) for check in checks[:half]) + 2
    rows = []
    for at in range(half):
        row = _check(view_state, checks[at], left)
        row.append(("  ", ""))
        if at + half < len(checks):
            row += _check(view_state, checks[at + half], width - left - 2)
        rows.append(fit(row, width))
    return rows


def _check(view_state: ViewState, check: Check, width: int) -> Row:
    glyph = view_state.styles.glyph(GLYPHS[check.light])
    style = SAFETY_STYLES[check.light]
    plain = "text" if check.light == "SAFE" else style
    return [(glyph, style), (" ", ""), (pad(check.name, max(0, width - 2)), plain)]


def title(view_state: ViewState) -> str:
    """Return the light in words."""
    words, counted = safety_words(view_state), view_state.model.judge.light.words
    return f"safety   {counted}{words.removeprefix('SAFE') if words != counted else ''}"
