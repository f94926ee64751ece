"""The WHY pane."""

from __future__ import annotations

from paxtui.console.model.analysis.why import Why, why_moving, why_run, why_slot
from paxtui.console.rows.text import Row, left_out, wrap
from paxtui.console.view_state import ViewState


def answer(view_state: ViewState) -> Why:
    """Explain the slot under the cursor, or about the whole cluster while nothing is selected."""
    if view_state.fold is not None:
        return why_run(view_state.model, *view_state.fold, view_state.now)
    if view_state.slot is not None:
        return why_slot(view_state.model, view_state.slot, view_state.now)
    if view_state.scenario_end is not None:
        return Why(
            "the scenario",
            f"OVER. {view_state.scenario_end}",
            "good" if view_state.scenario_end.startswith("PASS") else "bad",
            ("Its replicas are stopped; what they showed last can still be looked at.",),
            ("esc goes back to your own cluster, which went on meanwhile.",),
        )
    return why_moving(view_state.model, view_state.now)


def why(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return verdict, evidence, what must happen next. Where room is short, what must happen next is kept
    rather than evidence, and the number of lines that are missing is said."""
    found = answer(view_state)
    verdict = wrap(found.verdict, width, found.tone)
    following = [
        row
        for text in found.next
        for row in wrap(f"{view_state.styles.glyph('arrow')} {text}", width, "self", "  ")
    ]
    evidence = [row for text in found.evidence for row in wrap(text, width, "text", "  ")]
    parts = [part for part in (verdict, evidence, following) if part]
    lines = sum(map(len, parts))
    if lines + len(parts) - 1 <= height:
        return [row for at, part in enumerate(parts) for row in ([[], *part] if at else part)]
    if lines <= height or height <= 1:
        return [row for part in parts for row in part][:height]
    room = height - 1  # one line says how many are missing
    verdict = verdict[:room]
    following = following[: room - len(verdict)]
    evidence = evidence[: room - len(verdict) - len(following)]
    missing = left_out(lines - room, width)
    return [*verdict, *evidence, missing, *following]
