"""The first lines: three answers at a glance."""

from __future__ import annotations

import time
from typing import Final

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.liveness.tolerance import tolerance
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.faults import broken
from paxtui.console.rows.log import column_mark
from paxtui.console.rows.text import Row, Span, columns, fit, pad, width_of
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

LIGHT_STYLES = {
    "starting": "dim",
    "idle": "good",
    "moving": "good",
    "waiting": "warn",
    "electing": "warn",
    "stalled": "warn",
    "STUCK": "alarm",
}
SAFETY_STYLES = {"SAFE": "good", "UNKNOWN": "warn", "VIOLATED": "alarm"}


DAY_S: Final = 86_400.0

STRIP_DETAIL = 10
"""Below so many cells a replica's name and mark are all that fits."""


def view_status(view_state: ViewState) -> Row:
    """Return LIVE, FROZEN or STALE: whether what is shown is what is; OVER after a scenario."""
    if view_state.frozen_at is not None:
        model = view_state.model
        behind = view_state.clock() - view_state.frozen_at
        slots = model.live.end - model.end
        more = f", +{slots:,} slot{'s' if slots > 1 else ''}" if slots > 0 else ""
        row: Row = [
            (f" FROZEN {view_state.frozen_wall} ", "frozen"),
            (f" live is {ages(behind)} ahead{more}", "dim"),
        ]
        if model.live.judge.found > model.judge.found:
            row.append(("  live: VIOLATED", "alarm"))
        return row
    if view_state.scenario_end is not None:
        return [(" OVER ", "frozen")]
    silences = [replica.silent_s(view_state.now) for replica in view_state.model.replicas]
    heard = [silence for silence in silences if silence is not None]
    if not heard:
        return [("waiting", "dim")]
    if not any(replica.fresh(view_state.now) for replica in view_state.model.replicas):
        return [(f" STALE {ages(min(heard))} ", "alarm")]
    return [("LIVE", "good")]


def header(view_state: ViewState, width: int) -> Row:
    """Return one line, the most important first: what does not fit is left out as a whole."""
    model = view_state.model
    now = view_state.now
    verdict = model.liveness.verdict
    lights = model.judge.light
    parts: list[Row] = [
        [(" paxtui ", "strong"), (visible(model.cluster.name, 24), "title")],
        view_status(view_state),
        [(safety_words(view_state), SAFETY_STYLES[lights.light])],
        [(verdict.light, LIGHT_STYLES[verdict.light])],
        _leader(view_state),
        [("chosen ", "dim"), _count(model, model.chosen)],
    ]
    spare = tolerance(model, now)
    over = view_state.scenario_end is not None
    if verdict.light != "starting" and not over and (spare.spare < spare.most or spare.unknown):
        parts.insert(5, [("spare ", "dim"), (f"{spare.number}/{spare.most}", "warn")])
    if over:
        del parts[3]  # what is over does not have to move
    if any(r.report is not None and r.report.security == "insecure" for r in model.replicas):
        parts.insert(2, [(" INSECURE ", "alarm")])
    gap = next(
        (
            r.report.status.holes
            for r in model.replicas
            if r.report and r.report.status and r.report.status.holes
        ),
        (),
    )
    if gap:
        parts.append([(f"hole {gap[0]}", "hole")])
    count = 0 if over else len(broken(model, now))  # a scenario ends its replicas
    if count:
        parts.append([(f"{count} fault{'s' if count > 1 else ''}", "warn")])
    parts.append([("applied ", "dim"), _count(model, model.applied)])
    if not view_state.armed:
        parts.append([("read-only (:arm)", "warn")])
    if view_state.scenario is not None:
        parts.insert(1, [("scenario", "frozen")])
    rate = model.chosen_rate.rate(now)
    parts.append([("?/s", "unknown") if rate is None else (f"{rate:,.0f}/s", "text")])
    p50, p99 = (model.latency.quantile(now, share) for share in (0.5, 0.99))
    if p50 is not None and p99 is not None:
        parts.append([("p50 ", "dim"), (f"{p50:.1f}", "text"), (" p99 ", "dim"), (f"{p99:.1f} ms", "text")])
    parts.append([(f"{model.journal.total:,} events", "dim")])
    return columns(parts, width)


def _count(model: ClusterModel, slots: int) -> Span:
    """Return a number of slots, once anybody told of its log."""
    known = slots or any(replica.knows_log for replica in model.replicas)
    return (str(slots), "strong") if known else ("?", "unknown")


def safety_words(view_state: ViewState) -> str:
    """Return the light. Where the log is older than what this console has seen of it, since when it looks:
    what was before, nobody here can judge."""
    judge = view_state.model.judge
    lights, since = judge.light, judge.since
    if lights.light != "SAFE" or since is None:
        return lights.words
    days = view_state.now + view_state.model.wall_ahead - since > DAY_S
    return f"SAFE since {time.strftime('%d %b %H:%M' if days else '%H:%M', time.localtime(since))}"


def _leader(view_state: ViewState) -> Row:
    """Return who leads, and what is the matter with it: a leader that is paused still believes that it
    leads."""
    leader = view_state.model.leader
    if leader is None:
        return [("leader ", "dim"), ("?" if view_state.model.unheard(view_state.now) else "nobody", "warn")]
    trouble = view_state.model.trouble(leader[0], view_state.now)
    row: Row = [("leader ", "dim"), (f"r{leader[0]}@{leader[1]}", "warn" if trouble else "leader")]
    if trouble:
        row.append((f" {trouble.upper() if trouble == 'paused' else trouble}", "warn"))
    return row


def strip(view_state: ViewState, width: int) -> Row:
    """Return one short text a replica, side by side."""
    model = view_state.model
    size = max(6, (width - (model.n - 1) * 2) // model.n)
    row: Row = []
    for replica in model.replicas:
        if row:
            row.append((f"{view_state.styles.glyph('bar')} ", "rule"))
        row += strip_cell(view_state, replica, size)
    return fit(row, width)


def strip_cell(view_state: ViewState, replica: ReplicaView, size: int) -> Row:
    """Return ``r0 L P3.0 A1285``: the promise belongs to the acceptor, not to a slot."""
    mark = column_mark(view_state, replica)
    chosen = replica.id == view_state.selected
    name = (
        f"{view_state.styles.glyph('pointer') if chosen else ' '}{replica.name} {mark}",
        "selected" if chosen else _tone(mark),
    )
    state = state_words(view_state, replica)
    if state:
        return fit([name, (f" {state}", "bad" if state == NON_VOTING else "warn")], size)
    if size < STRIP_DETAIL:
        return fit([name], size)
    detail = [
        (f" P{replica.promised}", view_state.ballot_hue(replica.promised.round, replica.promised.replica)),
        (f" A{replica.accepted_high}", "text"),
        (f" {pad('', 0)}", ""),
    ]
    return fit([name, *detail], size)


def _tone(mark: str) -> str:
    return {"L": "leader", " ": "text"}.get(mark, "warn")


NON_VOTING = "non-voting"
"""What is said of a learner without vote."""


def state_words(view_state: ViewState, replica: ReplicaView) -> str:
    """Return what keeps the replica from working as usual; empty if nothing does."""
    now = view_state.now
    since = f" {ages(now - replica.since)}" if replica.since else ""
    leader = view_state.model.leader
    leads = " (L)" if leader is not None and leader[0] == replica.id else ""
    if replica.process == "down":
        return f"DOWN{since}"
    if replica.process == "paused":
        return f"PAUSED{since}{leads}"
    if replica.process in ("starting", "unknown") and replica.report is None:
        return "starting" if replica.process == "starting" else "?"
    if replica.role == "warm-up":
        waiting = replica.report.waiting_for if replica.report is not None else ()
        return "waits for " + " ".join(f"r{each}" for each in waiting) if waiting else "warming up"
    if not replica.fresh(now):
        silent = replica.silent_s(now)
        return f"? {ages(silent)}{leads}" if silent is not None else "?"
    if view_state.model.voteless(replica.id) is not None:
        return NON_VOTING
    if replica.refused_by:
        return "REFUSED by " + " ".join(f"r{peer}" for peer in replica.refused_by)
    if view_state.model.isolated(replica.id):
        return f"CUT{leads}"
    if replica.proposer_crashed:
        return "proposer crashed"
    if replica.role in ("pre-voting", "preparing"):
        return replica.role
    return ""


TABS = ("Log", "Replicas", "Links", "Metrics", "Chat", "Events")


def tabs(view_state: ViewState, current: int, width: int) -> Row:
    """Return the views by number; the current one stands out."""
    heavy = view_state.styles.glyph("heavy")
    light = view_state.styles.glyph("line")
    row: Row = [(heavy, "rule")]
    for number, name in enumerate(TABS, start=1):
        here = number == current
        row.append((f" {number} {name} ", "selected" if here else "title"))
        row.append(((heavy if here else light) * 2, "rule"))
    rest = max(0, width - width_of(row))
    return fit([*row, (light * rest, "rule")], width)
