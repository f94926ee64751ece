"""What is known about the directed links between replicas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from paxtui.console.model.analysis.slowness import Slow, slow_links
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.wire.faults import Cut, Delay, Duplicate, Loss, Reorder

State = Literal["ok", "cut", "down", "paused", "closed", "faulty", "unknown"]


class LinkStatus(NamedTuple):
    """The link from ``sender`` to ``receiver``: what faults do to it, and what crosses it."""

    sender: int
    receiver: int
    state: State
    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    rate: float | None = None
    """Messages a second, before faults; ``None`` where that is not known."""
    lost: int = 0
    """Messages that faults swallowed since the sender started."""
    waiting_bytes: int = 0
    round_trip_ms: float | None = None
    """As TCP measures it: without the delays that faults make; ``None`` where that is not known."""
    slow: Slow | None = None
    """How slow it is beside the others, if it is."""

    def short(self, cells: int) -> str:
        """Return ``ok``, ``CUT``, ``20%+50``: as much as fits, what matters most first."""
        if self.state == "ok" and self.slow is not None:
            return f"~{self.slow.ms:.0f}ms" if cells >= 6 else "~"
        if self.state != "faulty":
            words = {"cut": "CUT", "closed": "no conn", "unknown": "?"}
            return words.get(self.state, self.state)
        loss = f"{self.loss:g}%" if self.loss else ""
        delay = f"+{self.delay_ms:g}" if self.delay_ms or self.jitter_ms else ""
        jitter = f"±{self.jitter_ms:g}" if self.jitter_ms else ""
        others = ("d" if self.duplicate else "") + ("r" if self.reorder else "")
        alone = "ms" if delay and not (loss or jitter or others) else ""
        ways = (
            f"{loss}{delay}{alone}{jitter}{others}",
            f"{loss}{delay}{others}",
            f"{loss}{delay}",
            loss + delay[:1],
        )
        return next((each for each in ways if len(each) <= cells), ways[-1])

    @property
    def words(self) -> str:
        """Return the state in full words."""
        acting = [
            f"loss {self.loss:g} %" if self.loss else "",
            f"delay {self.delay_ms:g} ms" if self.delay_ms or self.jitter_ms else "",
            f"up to {self.jitter_ms:g} ms more" if self.jitter_ms else "",
            f"duplicates {self.duplicate:g} %" if self.duplicate else "",
            f"reorders {self.reorder:g} %" if self.reorder else "",
        ]
        found = ", ".join(each for each in acting if each)
        states = {
            "ok": "no fault",
            "cut": "CUT: nothing crosses",
            "down": "one end is down",
            "paused": "one end is paused",
            "closed": "no connection",
            "unknown": "not known: the sender is not heard",
            "faulty": found,
        }
        also = f" (and {found})" if found and self.state not in ("faulty", "unknown") else ""
        return f"{states[self.state]}{also}"


def link_status(model: ClusterModel, sender: int, receiver: int, now: float) -> LinkStatus:
    """Return what is known about one link."""
    one, other = model.replicas[sender], model.replicas[receiver]
    found: dict[str, float] = {}
    cut = False
    for fault in one.on_links:
        if fault.to in (-1, receiver):
            match fault:
                case Cut():
                    cut = True
                case Loss(percent=percent):
                    found["loss"] = percent
                case Delay(ms=ms, jitter_ms=jitter_ms):
                    found["delay_ms"], found["jitter_ms"] = ms, jitter_ms
                case Duplicate(percent=percent):
                    found["duplicate"] = percent
                case Reorder(percent=percent):
                    found["reorder"] = percent
    link = next((link for link in one.links if link.to == receiver), None)
    processes = (one.process, other.process)
    state: State
    if "down" in processes:
        state = "down"
    elif "paused" in processes:
        state = "paused"
    elif one.report is None or not one.fresh(now):
        state = "unknown"
    elif cut:
        state = "cut"
    elif link is not None and not link.connected:
        state = "closed"
    else:
        state = "faulty" if any(found.values()) else "ok"
    measured = one.sent_rates.get(receiver, (0.0, 0, None))[2]
    rate = 0.0 if state in ("down", "paused", "closed") else measured if state != "unknown" else None
    lost, waiting = (link.lost, link.waiting_bytes) if link is not None else (0, 0)
    known = link if link is not None and link.connected and state != "unknown" else None
    return LinkStatus(
        sender,
        receiver,
        state,
        rate=rate,
        lost=lost,
        waiting_bytes=waiting,
        round_trip_ms=known.round_trip_ms if known is not None else None,
        slow=slow_links(model, now).get((sender, receiver)) if known is not None else None,
        **found,
    )


def link_statuses(model: ClusterModel, now: float) -> dict[tuple[int, int], LinkStatus]:
    """Return all links."""
    return {(a, b): link_status(model, a, b, now) for a in range(model.n) for b in range(model.n) if a != b}


def cut_now(model: ClusterModel) -> frozenset[tuple[int, int]]:
    """Return the links that cuts act on, as far as their senders were heard."""
    return frozenset((replica.id, to) for replica in model.replicas for to in replica.cuts())


def both_ways(links: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the links and their ways back."""
    return tuple(dict.fromkeys(pair for a, b in links for pair in ((a, b), (b, a))))
