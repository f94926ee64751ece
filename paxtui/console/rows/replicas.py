"""The replicas: one card each, as high as there is room."""

from __future__ import annotations

from paxtui.console.model.analysis.slowness import slow_disks
from paxtui.console.model.durations import ages
from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.faults import broken
from paxtui.console.rows.header import NON_VOTING, state_words
from paxtui.console.rows.log import column_mark
from paxtui.console.rows.text import Row, columns, fit, pad, width_of
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

FACT = 15
"""A column of facts: they stand below each other from card to card."""

NAME = 17
"""Name, mark and role in a narrow card."""

TITLE = 24
"""Name, mark and state, before the facts of the first line."""

LINES_MAX = 4
"""More lines a card than this would only be empty."""


def card_lines(n: int, height: int) -> int:
    """Return lines a card: all that there is room for."""
    return max(1, min(LINES_MAX, height // n))


def replicas(view_state: ViewState, width: int, height: int) -> list[Row]:
    """Return cards; the selected one is marked."""
    model = view_state.model
    lines = card_lines(model.n, height)
    gap = lines >= 3 and (lines + 1) * model.n <= height + 1
    rows: list[Row] = []
    for replica in model.replicas[first_shown(view_state, height) :]:
        if gap and rows:
            rows.append([])
        rows += card(view_state, replica, width, lines)
    return rows


def first_shown(view_state: ViewState, height: int) -> int:
    """Return the first card that is shown: where not all fit, the selected one does."""
    n = view_state.model.n
    return 0 if n <= height else max(0, min(view_state.selected - height // 2, n - height))


def replica_at(view_state: ViewState, y: int, height: int) -> int | None:
    """Return the replica whose card line ``y`` belongs to."""
    n = view_state.model.n
    lines = card_lines(n, height)
    step = lines + (1 if lines >= 3 and (lines + 1) * n <= height + 1 else 0)
    id = y // step + first_shown(view_state, height)
    return id if 0 <= id < n else None


def card(view_state: ViewState, replica: ReplicaView, width: int, lines: int) -> list[Row]:
    """Return one replica in so many lines."""
    title = _title(view_state, replica)
    title = fit(title, max(NAME, width_of(title)))
    short = columns([title, *_brief(view_state, replica)], width, " ")
    if replica.process == "down":
        words = fit([("   ", ""), *_last_words(replica)], width)
        if lines == 1:
            return [fit([*title, (" ", ""), *_last_words(replica)], width)]
        return [short, words, *([[]] * (lines - 2))]
    if lines == 1:
        return [short]
    facts = _facts(view_state, replica)
    if width < TITLE + 3 * FACT:
        return [short, *_table(facts[3:], width, lines - 1)]
    beside, rest = _packed(facts, width - TITLE)
    top = fit([*fit(title, TITLE), *(span for fact in beside for span in fact)], width)
    return [top, *_table(rest, width, lines - 1)]


def _packed(facts: list[Row], width: int) -> tuple[list[Row], list[Row]]:
    """Return as many facts as stand beside each other, at least one, and the others."""
    count, used = 0, 0
    while count < len(facts) and (not count or used + width_of(facts[count]) <= width):
        used += width_of(facts[count])
        count += 1
    return facts[:count], facts[count:]


def _table(facts: list[Row], width: int, lines: int) -> list[Row]:
    """Return facts below each other; with a title's width before them where there is room."""
    indent = TITLE if width >= TITLE + 3 * FACT else 3
    rows: list[Row] = []
    for _ in range(lines):
        chosen, facts = _packed(facts, width - indent)
        rows.append(fit([(" " * indent, ""), *(span for fact in chosen for span in fact)], width))
    return rows


def _title(view_state: ViewState, replica: ReplicaView) -> Row:
    chosen = replica.id == view_state.selected
    mark = column_mark(view_state, replica)
    pointer = view_state.styles.glyph("pointer") if chosen else " "
    words = state_words(view_state, replica)
    style = "selected" if chosen else "leader" if mark == "L" else "text" if mark == " " else "warn"
    role = words or (replica.role if replica.role != "?" else replica.process)
    return [
        (f"{pointer}{replica.name} {mark}", style),
        (" ", ""),
        (role, "bad" if words == NON_VOTING else "warn" if words else "leader" if mark == "L" else "good"),
    ]


def _brief(view_state: ViewState, replica: ReplicaView) -> list[Row]:
    """Return the facts for one line: what does not fit is left out."""
    promised = replica.promised
    if not replica.knows_log:
        return [[(name, "dim"), ("?", "unknown")] for name in ("P", "acc ", "app ")]
    known = replica.process != "down" and replica.fresh(view_state.now)
    tone = "text" if known else "dim"
    hue = view_state.ballot_hue(promised.round, promised.replica) if known else "dim"
    return [
        [("P", "dim"), (str(promised), hue)],
        [("acc ", "dim"), (str(replica.accepted_high), tone)],
        [("app ", "dim"), (str(replica.applied), tone)],
    ]


def _fact(name: str, value: str, style: str = "text") -> Row:
    return fit([(f"{name} ", "dim"), (pad(value, max(1, FACT - len(name) - 2)), style), (" ", "")], FACT)


def _facts(view_state: ViewState, replica: ReplicaView) -> list[Row]:
    """Return facts in the order in which they are given up."""
    model, report = view_state.model, replica.report
    status = report.status if report is not None else None
    tone = "text" if replica.fresh(view_state.now) else "dim"
    promised = replica.promised
    lag = max(0, model.chosen - replica.applied)
    losses = [replica.loss_to(peer) for peer in range(model.n) if peer != replica.id]
    loss = max(losses, default=0.0)
    everywhere = loss and min(losses) == loss
    rate = replica.learned_rate.rate(view_state.now)
    told = replica.knows_log
    found = [
        _fact("promised", str(promised), view_state.ballot_hue(promised.round, promised.replica)),
        _fact("acc", str(replica.accepted_high), tone),
        _fact("applied", str(replica.applied), tone),
        _fact("learned", str(max(replica.learned.end, replica.applied)), tone),
        _fact("lag", str(lag), "warn" if lag else tone),
    ]
    if not told:
        found = [_fact(name, "?", "unknown") for name in ("promised", "acc", "applied", "learned", "lag")]
    some = "" if everywhere or not loss else " some"
    found += [
        _fact("rate", "?", "unknown") if rate is None else _fact("rate", f"{rate:,.0f}/s", tone),
        _fact("loss", "?", "unknown")
        if report is None
        else _fact("loss", f"{loss:g} %{some}", "warn" if loss else tone),
    ]
    if replica.log_start:
        kept: Row = [("kept from slot ", "dim"), (str(replica.log_start), tone), (" ", "")]
        # Before what is learned, which is nearly always what is applied: there may be room for two.
        found[3:5] = [found[4], fit(kept, max(width_of(kept), FACT)), found[3]]
    if report is not None:
        slow = replica.slow_disk_ms or replica.id in slow_disks(model, view_state.now)
        took = f"{report.fsync_ms:.{0 if report.fsync_ms >= 99.95 else 1}f} ms"
        found.append(_fact("fsync", f"{'~' if slow else ''}{took}", "warn" if slow else tone))
    if status is not None:
        found.append(_fact("sessions", str(status.sessions), tone))
    if report is not None:
        found.append(_fact("clients", str(report.clients), tone))
    if replica.pid is not None:
        found.append(_fact("pid", str(replica.pid), "dim"))
    if status is not None and replica.leads:
        found.append(_fact("in flight", str(status.in_flight), tone))
        found.append(_fact("queued", str(status.queued), "warn" if status.queued else tone))
    if report is not None:
        found.append(_fact("up", ages(report.uptime_s), "dim"))
        faults = sum(replica.id in each.at for each in broken(model, view_state.now))
        found.append(_fact("faults", str(faults), "warn" if faults else "dim"))
    address = f"{model.cluster.address(replica.id)}"
    found.append([*fit([("at ", "dim"), (address, "dim"), (" ", "")], max(FACT, len(address) + 4))])
    if report is not None and report.program:
        found.append(_fact("paxtui", report.program, "dim"))
    return found


def _last_words(replica: ReplicaView) -> Row:
    """Return why it is down."""
    return [(visible(replica.last_words, 400) or "the reason is not known", "warn")]
