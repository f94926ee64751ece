"""What an operator may do to a replica: elections, holes, faults. Every action leaves a line in the audit:
who, from where, what, and what came of it."""

from __future__ import annotations

from typing import Final

import trio
from msgspec import Struct

from paxtui.replica.ports import OperatorPort
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
    RenewRequest,
    UndoRequest,
)

NO_FAULTS = "this replica takes no faults; start it with --allow-faults"

Action = ElectRequest | FillHoleRequest | InjectRequest | UndoRequest
_ACTIONS: Final = (ElectRequest, FillHoleRequest, InjectRequest, UndoRequest)


class OperatorRequests:
    """The requests of operators to one host."""

    def __init__(self, host: OperatorPort) -> None:
        self._host = host

    def execute(
        self, request: Action | RenewRequest | ListFaultsRequest, caller: Caller
    ) -> DoneReply | FailedReply | FaultList:
        """Do what ``request`` asks for; the reply says that it is done, or why not."""
        host = self._host
        if isinstance(request, ListFaultsRequest):
            return FaultList(request.id, host.fault_registry.active_faults(trio.current_time()))
        if isinstance(request, RenewRequest):
            return self._renew(request)
        what = _describe(host.me, request)
        number, reason = self._execute(request, what, caller)
        if reason is not None:
            host.counters["refused actions"] += 1
            self._audit(caller, what, f"refused, {reason}")
            return FailedReply(id=request.id, reason=reason, leader=None)
        self._audit(caller, what, "done" if number is None else f"done, fault {number}")
        return DoneReply(request.id, number)

    def _renew(self, request: RenewRequest) -> DoneReply | FailedReply:
        """Let a fault act on. It leaves no line of audit: it comes again and again, and begins nothing."""
        if self._host.fault_registry.renew(request.number, trio.current_time()):
            return DoneReply(request.id, request.number)
        reason = f"fault {request.number} does not act here, or never ends by itself"
        return FailedReply(id=request.id, reason=reason, leader=None)

    def deny(self, request: Struct, caller: Caller) -> str:
        """Count a request that the caller's certificate does not allow, and audit it if it would act; return
        the reason for refusing it."""
        reason = f"forbidden: your certificate is that of {caller.identity}"
        if isinstance(request, _ACTIONS):
            self._audit(caller, _describe(self._host.me, request), f"refused, {reason}")
        self._host.counters["forbidden requests"] += 1
        return reason

    def _audit(self, caller: Caller, what: str, result: str) -> None:
        self._host.event_log.audit(caller.who, caller.origin, what, result)

    def _execute(self, request: Action, what: str, caller: Caller) -> tuple[int | None, str | None]:
        """Carry out a request: returns ``(fault number, reason for refusing)``."""
        host = self._host
        match request:
            case InjectRequest(fault=fault, for_s=for_s, when=when):
                if not host.faults_allowed:
                    return None, NO_FAULTS
                if isinstance(fault, CrashReplica) and when is None:
                    self._audit(caller, what, "it ends now")  # afterwards no process is left to write it
                return host.fault_registry.inject(fault, trio.current_time(), for_s, when)
            case UndoRequest(number=number):
                ended = host.fault_registry.undo(number)
                if number is not None and not ended:
                    return None, f"fault {number} does not act or wait here"
                return None, None
            case ElectRequest():
                return None, host.control.elect()
            case FillHoleRequest(slot=slot):
                return None, host.control.fill_hole(slot)


def _describe(me: int, request: Action) -> str:
    match request:
        case ElectRequest():
            return "elect"
        case FillHoleRequest(slot=slot):
            return f"no-op in slot {slot}"
        case InjectRequest(fault=fault, for_s=for_s, when=when):
            limit = "" if for_s is None else f" for {for_s:g} s"
            after = "" if when is None else f" when {when.event}"
            after += "" if when is None or when.slot is None else f" for slot {when.slot}"
            return describe(me, fault) + limit + after
        case UndoRequest(number=number):
            return "heal" if number is None else f"undo fault {number}"
