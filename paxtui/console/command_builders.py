"""From what a person means to commands: pure functions of the model, for keys, buttons and the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from paxtui.console import commands as c
from paxtui.console.commands import Link
from paxtui.console.model.analysis.link_status import cut_now
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.wire import faults as f
from paxtui.wire.links import Cuts, between

Chance = type[f.Loss] | type[f.Duplicate] | type[f.Reorder]

CHANCES: Final[dict[str, Chance]] = {"loss": f.Loss, "duplicate": f.Duplicate, "reorder": f.Reorder}
"""Faults that act on each message with a probability in percent."""


def around(n: int, id: int) -> tuple[Link, ...]:
    """Return all links of one replica, in both directions."""
    return tuple(sorted(between([id], range(n))))


def named(n: int, links: Iterable[Link]) -> str:
    """Return links in words: ``r0>r2``, ``r0-r2`` for both ways, ``r0>*`` for all from one replica; ``r3``
    for all of one replica in both directions."""
    pairs = set(links)
    for id in range(n):
        if n > 1 and pairs == set(around(n, id)):
            return f"r{id}"
    words: list[str] = []
    for a in range(n):
        mine = [b for b in range(n) if (a, b) in pairs]
        if n > 2 and len(mine) == n - 1:
            words.append(f"r{a}>*")
            continue
        for b in mine:
            back = (b, a) in pairs and not (n > 2 and sum((b, each) in pairs for each in range(n)) == n - 1)
            if not back:
                words.append(f"r{a}>r{b}")
            elif a < b:
                words.append(f"r{a}-r{b}")
    return " ".join(words)


def cut(n: int, links: Sequence[Link], name: str = "") -> c.ConsoleCommand:
    """Return a command by which nothing crosses ``links``."""
    return c.CutCommand(tuple(links), name or named(n, links))


def cut_or_join(model: ClusterModel, links: Sequence[Link]) -> c.ConsoleCommand:
    """Cut ``links``; join them where all of them are cut already."""
    name = named(model.n, links)
    if cut_now(model).issuperset(links):
        return c.JoinCommand(tuple(links), name)
    return c.CutCommand(tuple(links), name)


def join(model: ClusterModel, links: Iterable[Link] | None = None) -> list[c.ConsoleCommand]:
    """End the cuts on ``links``, or all cuts."""
    chosen = tuple(sorted(cut_now(model))) if links is None else tuple(links)
    return [c.JoinCommand(chosen, "all" if links is None else named(model.n, chosen))] if chosen else []


def chance(model: ClusterModel, links: Sequence[Link], kind: str, percent: float) -> list[c.ConsoleCommand]:
    """Set the probability of ``loss``, ``duplicate`` or ``reorder`` on ``links``; 0 ends it."""
    percent = max(0.0, min(100.0, percent))
    if not percent:
        return _end(model, links, kind)
    fault = CHANCES[kind]
    return [_faults(model.n, links, lambda to: fault(to, percent), f"{kind} {{}} {percent:g} %")]


def delay(
    model: ClusterModel, links: Sequence[Link], ms: float, jitter_ms: float = 0.0
) -> list[c.ConsoleCommand]:
    """Hold messages back on ``links``; 0 ends it."""
    if not ms and not jitter_ms:
        return _end(model, links, "delay")
    more = f" +{jitter_ms:g}" if jitter_ms else ""
    return [_faults(model.n, links, lambda to: f.Delay(to, ms, jitter_ms), f"delay {{}} {ms:g} ms{more}")]


def straighten(model: ClusterModel, links: Sequence[Link]) -> list[c.ConsoleCommand]:
    """End every fault on ``links``, and on no other."""
    return [
        order for link in links for kind in ("cut", "delay", *CHANCES) for order in _end(model, [link], kind)
    ]


def _faults(n: int, links: Sequence[Link], fault: Callable[[int], f.AnyFault], name: str) -> c.ConsoleCommand:
    """Return one fault a sender where all its links are meant, else one a link."""
    pairs = set(links)
    found: list[tuple[int, f.AnyFault]] = []
    for a in sorted({a for a, _ in pairs}):
        mine = sorted(b for sender, b in pairs if sender == a)
        found += [(a, fault(to)) for to in ([-1] if n > 2 and len(mine) == n - 1 else mine)]
    return c.InjectManyCommand(tuple(found), name.format(named(n, pairs)))


def _end(model: ClusterModel, links: Sequence[Link], kind: str) -> list[c.ConsoleCommand]:
    """End a kind of fault on ``links``. What acts on all links of a sender can only be ended as a whole:
    where not all of them are meant, a later word on this one link sets it to nothing."""
    orders: list[c.ConsoleCommand] = []
    for a, b in links:
        rest = {(a, to) for to in range(model.n) if to not in (a, b)}
        if kind == "cut" or rest <= set(links) or not _acts_on_all(model, a, kind):
            orders.append(c.ClearCommand((a, b), kind))
        else:
            nothing: f.AnyFault = f.Delay(b, 0.0) if kind == "delay" else CHANCES[kind](b, 0.0)
            orders.append(c.InjectCommand(a, nothing))
    return orders


def _acts_on_all(model: ClusterModel, sender: int, kind: str) -> bool:
    return any(
        fault.to < 0 and type(fault).__struct_config__.tag == kind
        for fault in model.replicas[sender].on_links
    )


def crash_proposer(model: ClusterModel, id: int) -> c.ConsoleCommand:
    """Stop its proposer, or let it work again."""
    crashed = model.replicas[id].proposer_crashed
    return c.RestoreProposerCommand(id) if crashed else c.InjectCommand(id, f.CrashProposer())


def slow_disk(model: ClusterModel, id: int, ms: float) -> list[c.ConsoleCommand]:
    """Make every commit slower; 0 ends it."""
    if ms:
        return [c.InjectCommand(id, f.SlowDisk(ms))]
    return [c.UndoCommand(number) for number in numbers(model, id, f.SlowDisk)]


def clock(model: ClusterModel, id: int, percent: float) -> list[c.ConsoleCommand]:
    """Let the protocol's clock of a replica run at a share of real time; 100 ends it."""
    if percent != 100:
        return [c.InjectCommand(id, f.Clock(percent))]
    return [c.UndoCommand(number) for number in numbers(model, id, f.Clock)]


def numbers(model: ClusterModel, id: int, kind: type) -> list[int]:
    """Return the numbers of the faults of one kind at a replica."""
    report = model.replicas[id].report
    return [each.number for each in (report.active if report else ()) if isinstance(each.fault, kind)]


def topology(model: ClusterModel, cuts: Cuts, name: str) -> list[c.ConsoleCommand]:
    """Cut exactly these links: what else is cut is joined."""
    before = cut_now(model)
    orders: list[c.ConsoleCommand] = []
    if before - cuts:
        orders.append(c.JoinCommand(tuple(sorted(before - cuts)), named(model.n, before - cuts)))
    if cuts - before:
        orders.append(c.CutCommand(tuple(sorted(cuts - before)), name))
    return orders
