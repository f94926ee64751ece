"""Looking at replicas and doing things to them: status, faults, elections, telemetry."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Final

import trio
from msgspec import Struct

from paxtui.client.connection import BROKEN, answers, dial, views
from paxtui.client.errors import ClientError, Failed, Unknown
from paxtui.client.route import words
from paxtui.config.cluster_file import Cluster
from paxtui.wire.faults import ActiveFault, AnyFault, Clock, CrashReplica, Cut, Hold, Trigger
from paxtui.wire.requests import (
    DoneReply,
    ElectRequest,
    FaultList,
    FillHoleRequest,
    InjectRequest,
    ListFaultsRequest,
    ListStagedRequest,
    LogEntry,
    LogPage,
    ObserveRequest,
    ReadRequest,
    ReleasedReply,
    ReleaseHow,
    ReleaseRequest,
    RenewRequest,
    StagedList,
    StagedMatch,
    StatusReport,
    StatusRequest,
    TickedReply,
    TickRequest,
    UndoRequest,
)
from paxtui.wire.requests import FailedReply as FailedAnswer
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from paxtui.wire.values import REPLICAS_MAX
from paxtui.wire.versions import STEPS_SINCE

ANSWER_S: Final = 3.0
"""How long a replica may take for an operator's request."""

LOOKS: Final = (StatusRequest, ListFaultsRequest, ListStagedRequest, ReadRequest)
"""Requests that change nothing: without an answer they have failed. All others may have been carried out."""

MAY_BE_DONE: Final = "what was asked may have been done, or may yet be"


class Sighting(Struct, frozen=True):
    """The result of asking one replica for its status: a report, or why there is none."""

    replica: int
    report: StatusReport | None
    problem: str


class Operator:
    """An operator of single replicas. Each call has its own connection: nothing is kept between calls."""

    def __init__(self, cluster: Cluster, name: str = "operator") -> None:
        self._cluster = cluster
        self._name = name

    @property
    def size(self) -> int:
        """Return how many replicas there are."""
        return self._cluster.n

    async def status(self, *, timeout_s: float = 1.0) -> list[Sighting]:
        """Ask all replicas for their own beliefs, at the same time."""
        sightings: dict[int, Sighting] = {}

        async def look(replica: int) -> None:
            sightings[replica] = await self._look(replica, timeout_s)

        async with trio.open_nursery() as nursery:
            for replica in range(self._cluster.n):
                nursery.start_soon(look, replica)
        return [sightings[replica] for replica in sorted(sightings)]

    async def _look(self, replica: int, timeout_s: float) -> Sighting:
        try:
            answer = await self._ask(replica, StatusRequest(0), timeout_s)
        except ClientError as error:
            return Sighting(replica, None, str(error))
        report = answer if isinstance(answer, StatusReport) else None
        return Sighting(replica, report, "" if report else "an unexpected answer")

    async def log_of(self, replica: int, first: int = 0) -> list[LogEntry]:
        """Yield everything that ``replica`` has applied from ``first`` on, as it knows it now."""
        entries: list[LogEntry] = []
        while True:
            answer = await self._ask(replica, ReadRequest(id=0, first=first, consistency="local"))
            if not isinstance(answer, LogPage):
                raise ClientError(f"replica {replica} answered something else than a page")
            entries.extend(answer.entries)
            if not answer.entries or (first := answer.entries[-1].slot + 1) >= answer.applied:
                return entries

    async def page(self, replica: int, first: int, count: int) -> tuple[LogEntry, ...]:
        """Read at most ``count`` slots from ``first`` on of what ``replica`` has applied."""
        answer = await self._ask(replica, ReadRequest(id=0, first=first, limit=count, consistency="local"))
        if not isinstance(answer, LogPage):
            raise ClientError(f"replica {replica} answered something else than a page")
        return answer.entries

    async def elect(self, replica: int) -> None:
        """Make ``replica`` start an election now."""
        await self._ask(replica, ElectRequest(0))

    async def fill_hole(self, slot: int) -> None:
        """Make the leader fill its hole ``slot`` with a no-op now."""
        for sighting in await self.status():
            status = sighting.report.status if sighting.report else None
            if status is not None and status.role == "leader" and slot in status.holes:
                await self._ask(sighting.replica, FillHoleRequest(0, slot))
                return
        raise Failed(f"slot {slot} is no hole of a leader that can be reached")

    async def inject(
        self,
        replica: int,
        fault: AnyFault,
        *,
        for_s: float | None = None,
        when: Trigger | None = None,
    ) -> int | None:
        """Begin a fault at ``replica``; its number (``None`` where the replica did not live to tell)."""
        try:
            answer = await self._ask(replica, InjectRequest(id=0, fault=fault, for_s=for_s, when=when))
        except Hung:
            if isinstance(fault, CrashReplica) and when is None:
                return None
            raise
        return answer.number if isinstance(answer, DoneReply) else None

    async def cut(self, one: int, other: int, *, for_s: float | None = None) -> list[int | None]:
        """Cut both directions between two replicas."""
        return [
            await self.inject(one, Cut(other), for_s=for_s),
            await self.inject(other, Cut(one), for_s=for_s),
        ]

    async def undo(self, number: int) -> None:
        """End the fault ``number``, wherever it is."""
        await self._ask(self._replica_of(number), UndoRequest(0, number))

    async def renew(self, number: int) -> None:
        """Let the fault ``number``, which ends by itself, act for its whole time again."""
        await self._ask(self._replica_of(number), RenewRequest(0, number))

    async def renew_all(self, replica: int) -> None:
        """Let all holds of ``replica``, and its clock, act for their whole time again."""
        await self._ask(replica, RenewRequest(0, None))

    def _replica_of(self, number: int, what: str = "fault") -> int:
        """Return where the fault, or the staged message, ``number`` is."""
        replica = (number - 1) % REPLICAS_MAX
        if number < 1 or replica >= self._cluster.n:
            raise Failed(f"there is no {what} {number}")
        return replica

    # Message by message

    async def staged(self, replica: int, first: int = 0) -> StagedList:
        """List what is staged at ``replica`` from number ``first`` on, and its next timer."""
        answer = await self._ask(replica, ListStagedRequest(0, first))
        if not isinstance(answer, StagedList):
            raise ClientError(f"replica {replica} answered something else than what is staged")
        return answer

    async def release(self, numbers: Iterable[int], how: ReleaseHow = "deliver") -> ReleasedReply:
        """Release staged messages by their numbers, wherever they are; the sums of what their replicas
        answer. Nothing is released where one of them is not staged."""
        by_replica: dict[int, list[int]] = {}
        for number in numbers:
            by_replica.setdefault(self._replica_of(number, "staged message"), []).append(number)
        released = unsent = 0
        for replica, mine in by_replica.items():
            reply = await self._release(replica, ReleaseRequest(id=0, numbers=tuple(mine), how=how))
            released, unsent = released + reply.released, unsent + reply.unsent
        return ReleasedReply(id=0, released=released, unsent=unsent)

    async def release_at(
        self, replica: int, match: StagedMatch | None = None, how: ReleaseHow = "deliver"
    ) -> ReleasedReply:
        """Release what is staged at ``replica`` and ``match`` means, or all."""
        return await self._release(replica, ReleaseRequest(id=0, match=match, how=how))

    async def _release(self, replica: int, request: ReleaseRequest) -> ReleasedReply:
        answer = await self._ask(replica, request)
        if not isinstance(answer, ReleasedReply):
            raise ClientError(f"replica {replica} answered something else than what it released")
        return answer

    async def tick(self, replica: int, ms: float | None = None) -> TickedReply:
        """Move the protocol's clock of ``replica`` forward by ``ms``, or to its next timer."""
        answer = await self._ask(replica, TickRequest(0, ms))
        if not isinstance(answer, TickedReply):
            raise ClientError(f"replica {replica} answered something else than how far it moved")
        return answer

    async def heal(self) -> list[str]:
        """End all faults of all replicas that can be reached; a line for each that cannot."""
        problems: list[str] = []
        for replica in range(self._cluster.n):
            try:
                await self.heal_at(replica)
            except ClientError as error:
                problems.append(f"replica {replica}: {error}")
        return problems

    async def heal_at(self, replica: int) -> None:
        """End all faults of one replica."""
        await self._ask(replica, UndoRequest(0, None))

    async def faults(self) -> list[ActiveFault]:
        """List every fault that acts or waits at a replica that can be reached."""
        found: list[ActiveFault] = []
        for replica in range(self._cluster.n):
            try:
                answer = await self._ask(replica, ListFaultsRequest(0))
            except ClientError:
                continue
            if isinstance(answer, FaultList):
                found.extend(answer.faults)
        return found

    async def _ask(self, replica: int, request: Struct, timeout_s: float = ANSWER_S) -> Struct:
        if replica not in range(self._cluster.n):
            raise Failed(f"there is no replica {replica}; they are 0 to {self._cluster.n - 1}")
        address = self._cluster.address(replica)
        left = False
        try:
            async with dial(
                address,
                "operator",
                answers,
                tls=self._cluster.tls,
                name=self._name,
                timeout_s=timeout_s,
            ) as link:
                if link.welcome.version < STEPS_SINCE and (unknown := _unknown(request)) is not None:
                    raise Failed(f"replica {replica} is of an older release: {unknown}")
                left = not isinstance(request, LOOKS)
                await link.send(request)
                messages: list[Struct] = []
                with trio.fail_after(timeout_s):
                    messages = await link.receive()
        except trio.TooSlowError:
            problem = f"replica {replica} at {address} does not answer within {timeout_s:g} s"
            raise _not_heard(problem, left) from None
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise _hung(f"replica {replica} at {address} hung up", left) from None
        except BROKEN as error:
            problem = f"replica {replica} at {address} cannot be reached: {words(error)}"
            raise _not_heard(problem, left) from None
        if not messages:
            raise _hung(f"replica {replica} at {address} hung up", left)
        answer = messages[0]
        if isinstance(answer, FailedAnswer):
            raise Failed(f"replica {replica}: {answer.reason}")
        return answer


def _unknown(request: Struct) -> str | None:
    """Return what an older release cannot do, if that is asked for."""
    match request:
        case InjectRequest(fault=Clock()):
            return "its clock cannot be slowed"
        case InjectRequest(fault=Hold()):
            return "it cannot hold messages"
        case ListStagedRequest() | ReleaseRequest() | TickRequest():
            return "it cannot be stepped"
        case _:
            return None


class NotHeard(ClientError):
    """No answer from a replica that is down or paused, or to which there is no way."""


class NotReached(NotHeard, Failed):
    """No answer, and no request that changes anything has left."""


class NotAnswered(NotHeard, Unknown):
    """No answer to a request that left: the replica may have done it, or may yet do it."""


class Hung(ClientError):
    """A connection that the replica closed in place of an answer."""


class HungBefore(Hung, Failed):
    """A connection closed by the replica before a request that changes anything left."""


class HungAfter(Hung, Unknown):
    """A connection closed by the replica after a request left: the replica may have done it."""


def _not_heard(problem: str, left: bool) -> NotHeard:
    return NotAnswered(f"{problem}; {MAY_BE_DONE}") if left else NotReached(problem)


def _hung(problem: str, left: bool) -> Hung:
    return HungAfter(f"{problem}; {MAY_BE_DONE}") if left else HungBefore(problem)


async def observe(
    cluster: Cluster, replica: int
) -> AsyncGenerator[TelemetrySnapshot | TelemetryDelta | None, None]:
    """Yield a replica's telemetry for ever: a snapshot, then deltas; ``None`` each time the replica is
    lost."""
    while True:
        try:
            async with dial(
                cluster.address(replica), "observer", views, tls=cluster.tls, name="observer"
            ) as link:
                await link.send(ObserveRequest(0))
                while messages := await link.receive():
                    for message in messages:
                        if isinstance(message, TelemetrySnapshot | TelemetryDelta):
                            yield message
        except (*BROKEN, ClientError):
            pass
        yield None
        await trio.sleep(0.2)
