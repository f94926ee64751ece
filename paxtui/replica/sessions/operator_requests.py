"""What an operator may do to a replica: elections, holes, faults. Every action leaves a line in the audit:
who, from where, what, and what came of it."""

from __future__ import annotations

from typing import Final

import trio
from msgspec import Struct

from paxtui.replica.ports import OperatorPort
from paxtui.replica.sessions.authorization import Caller
from paxtui.wire.faults import CrashReplica, describe, messages
from paxtui.wire.requests import (
    DoneReply,
    ElectRequest,
    FailedReply,
    FaultList,
    FillHoleRequest,
    InjectRequest,
    ListFaultsRequest,
    ListStagedRequest,
    ReleasedReply,
    ReleaseRequest,
    RenewRequest,
    StagedList,
    TickedReply,
    TickRequest,
    UndoRequest,
)

NO_FAULTS = "this replica takes no faults; start it with --allow-faults"

Step = ReleaseRequest | TickRequest
Action = ElectRequest | FillHoleRequest | InjectRequest | UndoRequest | Step
_ACTIONS: Final = (ElectRequest, FillHoleRequest, InjectRequest, UndoRequest, ReleaseRequest, TickRequest)

OperatorReply = DoneReply | FailedReply | FaultList | StagedList | ReleasedReply | TickedReply


class OperatorRequests:
    """The requests of operators to one host."""

    def __init__(self, host: OperatorPort) -> None:
        self._host = host

    def execute(
        self, request: Action | RenewRequest | ListFaultsRequest | ListStagedRequest, caller: Caller
    ) -> OperatorReply:
        """Do what ``request`` asks for; the reply says that it is done, or why not."""
        host = self._host
        if isinstance(request, ListFaultsRequest):
            return FaultList(request.id, host.fault_registry.active_faults(trio.current_time()))
        if isinstance(request, RenewRequest):
            return self._renew(request)
        if isinstance(request, ListStagedRequest):
            if not host.faults_allowed:
                return FailedReply(id=request.id, reason=NO_FAULTS, leader=None)
            return host.step_control.list_staged(request.id, request.first)
        what = _describe(host.me, request)
        if isinstance(request, Step):
            return self._step(request, what, caller)
        number, reason = self._execute(request, what, caller)
        if reason is not None:
            return self._refuse(request, what, reason, caller)
        self._audit(caller, what, "done" if number is None else f"done, fault {number}")
        return DoneReply(request.id, number)

    def _refuse(self, request: Action, what: str, reason: str, caller: Caller) -> FailedReply:
        self._host.counters["refused actions"] += 1
        self._audit(caller, what, f"refused, {reason}")
        return FailedReply(id=request.id, reason=reason, leader=None)

    def _step(self, request: Step, what: str, caller: Caller) -> ReleasedReply | TickedReply | FailedReply:
        """Release staged messages, or move the protocol's clock."""
        control = self._host.step_control
        if not self._host.faults_allowed:
            return self._refuse(request, what, NO_FAULTS, caller)
        reply: ReleasedReply | TickedReply | str
        match request:
            case ReleaseRequest():
                reply = control.release(request)
            case TickRequest(id=ask, ms=ms):
                reply = control.tick(ask, ms)
        if isinstance(reply, str):
            return self._refuse(request, what, reply, caller)
        self._audit(caller, what, _result(reply))
        return reply

    def _renew(self, request: RenewRequest) -> DoneReply | FailedReply:
        """Let a fault act on. It leaves no line of audit: it comes again and again, and begins nothing."""
        if self._host.fault_registry.renew(request.number, trio.current_time()):
            return DoneReply(request.id, request.number)
        reason = f"fault {request.number} does not act here, or never ends by itself"
        if request.number is None:
            reason = "nothing is held here, and its clock runs as usual"
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

    def _execute(
        self, request: ElectRequest | FillHoleRequest | InjectRequest | UndoRequest, what: str, caller: Caller
    ) -> tuple[int | None, str | None]:
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
        case ReleaseRequest(numbers=None, match=match, how=how):
            return (
                f"{how} all" if match is None else f"{how} {messages(me, match.to, match.kinds, match.slot)}"
            )
        case ReleaseRequest(numbers=numbers, how=how):
            return f"{how} " + " ".join(f"#{number}" for number in numbers or ())
        case TickRequest(ms=ms):
            return "tick to the next timer" if ms is None else f"tick {ms:g} ms"


def _result(reply: ReleasedReply | TickedReply) -> str:
    """Return what came of a step, for the audit."""
    if isinstance(reply, TickedReply):
        return f"done, {reply.moved_ms:g} ms" + ("" if reply.fired is None else f" to {reply.fired}")
    unsent = f", {reply.unsent} unsent" if reply.unsent else ""
    return f"done, {reply.released} released{unsent}"
