"""What an operator may do to a replica: elections, holes, faults. Every action leaves a line in the log."""

from __future__ import annotations

import trio

from paxtui.runtime.node import Node
from paxtui.wire.faults import describe
from paxtui.wire.requests import Done, Elect, Failed, FaultList, FillHole, Inject, ListFaults, Undo

NO_FAULTS = "this replica takes no faults; start it with --allow-faults"


def act(
    node: Node, request: Elect | FillHole | Inject | Undo | ListFaults, who: str
) -> Done | Failed | FaultList:
    """Do what is asked; say that it is done, or why not."""
    if isinstance(request, ListFaults):
        return FaultList(request.id, node.board.list(trio.current_time()))
    what = _describe(node, request)
    number, reason = _do(node, request, what, who)
    if reason is not None:
        node.journal.warning("operator", f"{who}: {what}: refused: {reason}")
        return Failed(id=request.id, reason=reason, leader=None)
    if not isinstance(request, Inject):
        node.journal.info("operator", f"{who}: {what}")
    return Done(request.id, number)


def _describe(node: Node, request: Elect | FillHole | Inject | Undo) -> str:
    match request:
        case Elect():
            return "elect"
        case FillHole(slot=slot):
            return f"no-op in slot {slot}"
        case Inject(fault=fault, for_s=for_s, when=when):
            limit = "" if for_s is None else f" for {for_s:g} s"
            after = "" if when is None else f" when {when.event}"
            after += "" if when is None or when.slot is None else f" for slot {when.slot}"
            return describe(node.me, fault) + limit + after
        case Undo(number=number):
            return "heal" if number is None else f"undo fault {number}"


def _do(
    node: Node, request: Elect | FillHole | Inject | Undo, what: str, who: str
) -> tuple[int | None, str | None]:
    """Returns ``(fault number, reason for refusing)``."""
    now = trio.current_time()
    match request:
        case Inject(fault=fault, for_s=for_s, when=when):
            if not node.faults_allowed:
                return None, NO_FAULTS
            # The line must be out before the fault: a crash leaves no time for it.
            node.journal.warning("fault", f"{who}: {what}")
            return node.board.inject(fault, now, for_s, when)
        case Undo(number=number):
            ended = node.board.undo(number)
            if number is not None and not ended:
                return None, f"fault {number} does not act or wait here"
            return None, None
    if node.core is None:
        return None, "it is still warming up"
    reason = node.core.elect(now) if isinstance(request, Elect) else node.core.fill_hole(request.slot, now)
    node.kick()
    return None, reason
