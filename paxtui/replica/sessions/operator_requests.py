"""What an operator may do to a replica: elections, holes, faults. Every action leaves a line in the audit:
who, from where, what, and what came of it."""

from __future__ import annotations

from typing import Final

import trio
from msgspec import Struct

from paxtui.replica.host import Host
from paxtui.replica.sessions.authorization import Caller
from paxtui.wire.faults import CrashReplica, describe
from paxtui.wire.requests import (
    DoneReply,
    ElectRequest,
    FailedReply,
    FaultList,
    FillHoleRequest,
    InjectRequest,
    ListFaultsRequest,
    UndoRequest,
)

NO_FAULTS = "this replica takes no faults; start it with --allow-faults"

Action = ElectRequest | FillHoleRequest | InjectRequest | UndoRequest
_ACTIONS: Final = (ElectRequest, FillHoleRequest, InjectRequest, UndoRequest)


def act(
    node: Host, request: Action | ListFaultsRequest, caller: Caller
) -> DoneReply | FailedReply | FaultList:
    """Do what is asked; say that it is done, or why not."""
    if isinstance(request, ListFaultsRequest):
        return FaultList(request.id, node.board.list(trio.current_time()))
    what = _describe(node, request)
    number, reason = _do(node, request, what, caller)
    if reason is not None:
        node.counters["refused actions"] += 1
        _audit(node, caller, what, f"refused, {reason}")
        return FailedReply(id=request.id, reason=reason, leader=None)
    _audit(node, caller, what, "done" if number is None else f"done, fault {number}")
    return DoneReply(request.id, number)


def deny(node: Host, request: Struct, caller: Caller) -> str:
    """The reason for refusing what the caller's certificate does not allow; who tries to act is noted."""
    reason = f"forbidden: your certificate is that of {caller.identity}"
    if isinstance(request, _ACTIONS):
        _audit(node, caller, _describe(node, request), f"refused, {reason}")
    node.counters["forbidden requests"] += 1
    return reason


def _audit(node: Host, caller: Caller, what: str, result: str) -> None:
    node.journal.audit(caller.who, caller.origin, what, result)


def _describe(node: Host, request: Action) -> str:
    match request:
        case ElectRequest():
            return "elect"
        case FillHoleRequest(slot=slot):
            return f"no-op in slot {slot}"
        case InjectRequest(fault=fault, for_s=for_s, when=when):
            limit = "" if for_s is None else f" for {for_s:g} s"
            after = "" if when is None else f" when {when.event}"
            after += "" if when is None or when.slot is None else f" for slot {when.slot}"
            return describe(node.me, fault) + limit + after
        case UndoRequest(number=number):
            return "heal" if number is None else f"undo fault {number}"


def _do(node: Host, request: Action, what: str, caller: Caller) -> tuple[int | None, str | None]:
    """Returns ``(fault number, reason for refusing)``."""
    now = trio.current_time()
    match request:
        case InjectRequest(fault=fault, for_s=for_s, when=when):
            if not node.faults_allowed:
                return None, NO_FAULTS
            if isinstance(fault, CrashReplica) and when is None:
                _audit(node, caller, what, "it ends now")  # afterwards nobody is there to write it
            return node.board.inject(fault, now, for_s, when)
        case UndoRequest(number=number):
            ended = node.board.undo(number)
            if number is not None and not ended:
                return None, f"fault {number} does not act or wait here"
            return None, None
    if node.core is None:
        return None, "it is still warming up"
    reason = (
        node.core.elect(now) if isinstance(request, ElectRequest) else node.core.fill_hole(request.slot, now)
    )
    node.kick()
    return None, reason
