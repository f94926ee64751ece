"""Is it safe, and does it move: every check with its light, and what the lights rest on."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len

from paxtui.console.model.safety.checks import Check
from paxtui.console.rows.header import LIGHT_STYLES, SAFETY_STYLES, safety_words
from paxtui.console.rows.text import Row, fit, pad, wrap
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

TWO_COLUMNS: Final = 36
REASONS_MAX: Final = 3

GLYPHS: Final = {"SAFE": "ok", "UNKNOWN": "unknown", "VIOLATED": "bad"}


def safety(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return what is wrong first; then the checks, what they rest on, and whether the log moves."""
    judge = view_state.model.judge
    rows: list[Row] = []
    for problem in judge.problems[:REASONS_MAX]:
        rows += wrap(visible(problem, 300), width, "bad", "  ")
    rows += _checks(view_state, width)
    rows += wrap(judge.basis, width, "dim", "  ")
    moving = view_state.model.liveness.verdict
    style = LIGHT_STYLES[moving.light]
    rows += _moving(moving.light, moving.words, style, width)
    for reason in judge.doubts(view_state.now)[:REASONS_MAX]:
        rows += wrap(f"? {visible(reason, 200)}", width, "warn", "  ")
    return rows[:height]


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
