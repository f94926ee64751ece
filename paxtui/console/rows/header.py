"""The first lines: three answers at a glance."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.durations import ages
from paxtui.console.model.liveness.clocks import clock_words
from paxtui.console.model.liveness.liveness import is_degraded
from paxtui.console.model.liveness.tolerance import Tolerance, tolerance
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.faults import broken
from paxtui.console.rows.log import column_mark
from paxtui.console.rows.text import Row, Span, columns, fit, pad, width_of
from paxtui.console.rows.timebar import moment_words
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

LIGHT_STYLES = {
    "starting": "dim",
    "idle": "good",
    "moving": "good",
    "waiting": "warn",
    "electing": "warn",
    "stalled": "hole",
    "STUCK": "alarm",
}
LOUD = ("hole", "alarm")
"""Styles of what is wrong: they have a ground of their own."""

SAFETY_STYLES = {"SAFE": "good", "UNKNOWN": "warn", "VIOLATED": "alarm"}


DAY_S: Final = 86_400.0


STRIP_DETAIL = 10
"""Below so many cells a replica's name and mark are all that fits."""


def view_status(view_state: ViewState) -> Row:
    """Return LIVE, FROZEN or STALE: whether what is shown is what is; OVER after a scenario."""
    if view_state.moment is not None:
        row = moment_words(view_state, view_state.moment)
        model = view_state.model
        if model.live.judge.found > model.judge.found:
            row.append(("  now: VIOLATED", "alarm"))
        return row
    if view_state.frozen_at is not None:
        model = view_state.model
        behind = view_state.clock() - view_state.frozen_at
        slots = model.live.end - model.end
        more = f", +{slots:,} slot{'s' if slots > 1 else ''}" if slots > 0 else ""
        row = [
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


class HeaderFact(NamedTuple):
    """One fact of the header."""

    rank: int
    """Its importance, 0 the most: where not all fit, the least important is left out as a whole."""
    row: Row
    longer: tuple[tuple[int, Row], ...] = ()
    """The same with more said, each with the importance of saying it."""


def header(view_state: ViewState, width: int) -> Row:
    """Return one line: state, safety, liveness, failures that it still bears, leader, how far, how fast, and
    what is broken."""
    model, now = view_state.model, view_state.now
    lights = model.judge.light
    name = (visible(model.cluster.name, 24), "title")
    read_only = not view_state.armed and view_state.moment is None
    over = view_state.scenario_end is not None  # what is over does not have to move
    parts: list[HeaderFact] = [
        HeaderFact(8, [name], ((11, [("paxtui ", "strong"), name]),)),
        *([HeaderFact(1, [("scenario", "frozen")])] if view_state.scenario is not None else []),
        HeaderFact(0, view_status(view_state)),
        *([HeaderFact(1, [(" INSECURE ", "alarm")])] if _insecure(model) else []),
        *_clocks(model, now),
        HeaderFact(2, [(safety_words(view_state), SAFETY_STYLES[lights.light])]),
        *([] if over else [_liveness(model), *_tolerance(model, now)]),
        HeaderFact(7, _leader(view_state)),
        HeaderFact(8, [("chosen ", "dim"), _count(model, model.chosen)]),
        HeaderFact(12, [("applied ", "dim"), _count(model, model.applied)]),
        *_hole(model),
        *_speed(model, now),
        *([] if over else _faults(model, now)),  # a scenario ends its replicas
        *([HeaderFact(4, [("read-only (:arm)", "warn")])] if read_only else []),
        HeaderFact(17, [(f"{model.journal.total:,} events", "dim")]),
    ]
    return _fitting(parts, width)


def _fitting(parts: list[HeaderFact], width: int) -> Row:
    """Return as many parts as fit, and as much of each, the most important first."""
    found = [(part.rank, at, part.row) for at, part in enumerate(parts)]
    found += [(rank, at, row) for at, part in enumerate(parts) for rank, row in part.longer]
    rows: dict[int, Row] = {}
    for _, at, row in sorted(found, key=lambda each: each[:2]):
        tried = rows | {at: row}
        fits = sum(width_of(each) for each in tried.values()) + 2 * (len(tried) - 1) < width
        if fits and (at in rows or row is parts[at].row):
            rows = tried
        elif row is parts[at].row and rows:
            break
        elif not rows:
            rows = tried  # the state, cut
    return fit([(" ", ""), *columns([rows[at] for at in sorted(rows)], width - 1)], width)


def _clocks(model: ClusterModel, now: float) -> list[HeaderFact]:
    """Return that clocks are slowed, which explains all waiting."""
    brief, words = (clock_words(model, now, brief=short) for short in (True, False))
    return [HeaderFact(1, [(brief, "frozen")], ((6, [(words, "frozen")]),))] if words else []


def _insecure(model: ClusterModel) -> bool:
    return any(r.report is not None and r.report.security == "insecure" for r in model.replicas)


def _liveness(model: ClusterModel) -> HeaderFact:
    light = model.liveness.verdict.light
    loud = LIGHT_STYLES[light] in LOUD
    return HeaderFact(3, [(f" {light} " if loud else light, LIGHT_STYLES[light])])


def _tolerance(model: ClusterModel, now: float) -> list[HeaderFact]:
    """Return how many failures it still bears, and where it is fewer than it could be, why."""
    found, light = tolerance(model, now), model.liveness.verdict.light
    if light == "starting":
        return []
    number = (f"{found.number}/{found.most}", "text")
    if found.spare >= found.most:
        return [HeaderFact(14, [("spare ", "dim"), number])]
    row: Row = [("spare ", "dim"), (number[0], "warn")]
    longer: list[tuple[int, Row]] = []
    if is_degraded(light, found):
        longer.append((5, [(" degraded ", "hole"), (" ", ""), *row]))
    if found.reasons:
        last = longer[-1][1] if longer else row
        longer.append((10, [*last, (f" ({_because(found)})", "warn")]))
    return [HeaderFact(4, row, tuple(longer))]


def _because(found: Tolerance) -> str:
    """Return why fewer failures are borne than could be."""
    return ", ".join(found.reasons)


def tolerance_words(found: Tolerance) -> str:
    """Return how many failures are still borne, and why not more, as a sentence without its end."""
    more = f"{found.number} of {found.most} more may fail"
    return f"{more}: {_because(found)}" if found.reasons else more


def _hole(model: ClusterModel) -> list[HeaderFact]:
    holes = [r.report.status.holes for r in model.replicas if r.report and r.report.status]
    first = next((each[0] for each in holes if each), None)
    return [] if first is None else [HeaderFact(6, [(f" hole {first} ", "hole")])]


def _speed(model: ClusterModel, now: float) -> list[HeaderFact]:
    rate = model.chosen_rate.rate(now)
    parts = [HeaderFact(13, [("?/s", "unknown") if rate is None else (f"{rate:,.0f}/s", "text")])]
    p50, p99 = (model.latency.quantile(now, share) for share in (0.5, 0.99))
    if p50 is not None and p99 is not None:
        parts.append(HeaderFact(16, [("p50 ", "dim"), (f"{p50:.1f} ms", "text")]))
        parts.append(HeaderFact(15, [("p99 ", "dim"), (f"{p99:.1f} ms", "text")]))
    return parts


def _faults(model: ClusterModel, now: float) -> list[HeaderFact]:
    count = len(broken(model, now))
    return [HeaderFact(9, [(f"{count} fault{'s' if count > 1 else ''}", "warn")])] if count else []


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
        return [("leader ", "dim"), ("?" if view_state.model.unheard(view_state.now) else "none", "warn")]
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


TAB_LETTERS: Final = 3
"""Letters of a view's name where not all names fit."""


def tab_texts(width: int) -> list[str]:
    """Return what stands for each view, number and name; on a narrow screen the name is short."""
    whole = [f" {number} {name} " for number, name in enumerate(TABS, start=1)]
    if sum(len(text) + 2 for text in whole) < width:
        return whole
    return [f" {number} {name[:TAB_LETTERS]}" for number, name in enumerate(TABS, start=1)]


def tabs(view_state: ViewState, current: int, width: int) -> Row:
    """Return the views by number; the current one stands out."""
    heavy = view_state.styles.glyph("heavy")
    light = view_state.styles.glyph("line")
    row: Row = [(heavy, "rule")]
    gap = tab_gap(width)
    for number, text in enumerate(tab_texts(width), start=1):
        here = number == current
        row.append((text, "selected" if here else "title"))
        row.append(((heavy if here else light) * gap, "rule"))
    rest = max(0, width - width_of(row))
    return fit([*row, (light * rest, "rule")], width)


def tab_gap(width: int) -> int:
    """Return cells between two views."""
    return 2 if tab_texts(width)[0].endswith(" ") else 0


def tab_at(x: int, width: int) -> int | None:
    """Return the number of the view at column ``x``."""
    at = 1
    for number, text in enumerate(tab_texts(width), start=1):
        end = at + len(text) + tab_gap(width)
        if at <= x < end:
            return number
        at = end
    return None
