"""The faults of a cluster, as far as this console began them or was told of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import trio

from paxtui.client.errors import ClientError, Failed
from paxtui.client.operator import Hung, NotHeard
from paxtui.console.driver.undo import Change, TrackedFault, listed_numbers
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.wire import faults as f

if TYPE_CHECKING:
    from paxtui.client import Operator

RENEW_S = 20.0
"""How often what is leased is renewed: two renewals may be lost before it ends."""

STALE_S = 1.5
"""For so long a replica's last report may still list what has ended since: it is asked twice a second."""

Meant = Callable[[f.AnyFault], bool]


class FaultTracker:
    """The faults of one cluster, begun and ended. Raises :class:`ClientError` where a replica does not do
    what it is asked."""

    def __init__(
        self, model: ClusterModel, operator: Operator, nursery: trio.Nursery, *, for_s: float | None
    ) -> None:
        self._model = model
        self._operator = operator
        self._nursery = nursery
        self._for_s = for_s
        """How long a fault acts; ``None`` on replicas of our own."""
        self._tracked: list[TrackedFault] = []
        self._turns = [trio.Lock() for _ in range(model.n)]
        """One fault after the other at each replica: the latest word counts."""
        self._ending: list[set[int]] = [set() for _ in range(model.n)]
        """By replica, the numbers of faults that end as soon as it can be told."""
        self._returning: set[int] = set()
        self._renewing = False
        self._pids: dict[int, int] = {}
        self._ended_at: dict[int, float] = {}
        """By number, when a fault ended that a report may still list."""

    def __contains__(self, tracked: TrackedFault) -> bool:
        return any(each is tracked for each in self._tracked)

    def acting(self, replica: int, meant: Meant) -> list[TrackedFault]:
        """Return faults that act or wait at a replica, the oldest first: those that it lists, and those that
        it was only just told."""
        mine = [each for each in self._tracked if each.replica == replica]
        known = {each.number for each in mine}
        view, now = self._model.replicas[replica], time.monotonic()
        for number in [number for number, at in self._ended_at.items() if now - at > STALE_S]:
            del self._ended_at[number]
        listed = view.report.active if view.report is not None else ()
        others = [
            TrackedFault(
                replica,
                each.fault,
                each.number,
                each.when,
                None if each.left_s is None else view.reported_at + each.left_s,
                view.reported_at - each.age_s,
            )
            for each in listed
            if each.number not in known | self._ending[replica] and each.number not in self._ended_at
        ]
        found = [each for each in [*others, *mine] if meant(each.fault)]
        return sorted(found, key=lambda each: each.since)

    def outliving(self, replica: int) -> list[TrackedFault]:
        """Return faults that this console began at a replica, or could not end there yet, and that act on
        when the console is gone, as far as is known. What only waits for the replica never begins then."""
        view, now = self._model.replicas[replica], time.monotonic()
        listed = {each.number: each for each in view.report.active} if view.report is not None else {}
        mine = [each for each in self._tracked if each.replica == replica and each.number is not None]
        found = [
            each
            for each in mine
            if each.number in listed or view.report is None or view.reported_at < each.since + STALE_S
        ]
        found += [
            TrackedFault(
                replica,
                listed[number].fault,
                number,
                ends_at=None if (left := listed[number].left_s) is None else view.reported_at + left,
            )
            for number in sorted(self._ending[replica] & listed.keys())
        ]
        return [each for each in found if (left := each.left_s(now)) is None or left > 0]

    def listed_numbers(self, tracked_faults: list[TrackedFault]) -> list[int]:
        """Return the numbers under which the list of faults shows them."""
        n = self._model.n
        acting = [
            each for id in range(n) for each in self.acting(id, lambda fault: True) if each.when is None
        ]
        known = [each.id for each in self._model.replicas if each.report is not None]
        return listed_numbers(tracked_faults, acting, known)

    # Beginning

    async def begin_fault(self, tracked: TrackedFault, change: Change) -> None:
        """Begin a fault; on a link of a replica that is not there it waits until that is back. What acts in
        the same way on the same link gives way to it."""
        replica, fault = tracked.replica, tracked.fault
        async with self._turns[replica]:
            before = [
                each
                for each in self.acting(replica, lambda other: _same(other, fault))
                if each.when == tracked.when
            ]
            tracked.since = time.monotonic()
            tracked.leased = tracked.leased or isinstance(fault, f.LeasedFault)
            if self._for_s is not None and not tracked.leased:
                tracked.ends_at = tracked.since + self._for_s
            await self._enter(tracked)
            change.begun.append(tracked)
            for each in before:
                await self._end_fault(each, change)

    async def begin_again(self, tracked: TrackedFault) -> bool:
        """Begin a fault that ended, for the time that it still had; false if that is over. Of what acts on
        one link the latest word counts, so what came after it is said after it again."""
        tracked.renew(time.monotonic())
        left = tracked.left_s(time.monotonic())
        if left is not None and left <= 0:
            return False
        async with self._turns[tracked.replica]:
            await self._enter(tracked)
            for each in self.acting(tracked.replica, lambda other: _touches(other, tracked.fault)):
                if each.since > tracked.since and each.when is None and each.number is not None:
                    await self._say_again(each)
        return True

    async def _enter(self, tracked: TrackedFault) -> None:
        tracked.number = None
        try:
            tracked.number = await self._inject(tracked)
        except (NotHeard, Hung):
            if not tracked.is_of_network:
                raise
        self._tracked.append(tracked)
        if tracked.leased and not self._renewing:
            self._renewing = True
            self._nursery.start_soon(self._renew_leases)
        self._show(tracked.replica)

    async def _inject(self, tracked: TrackedFault) -> int | None:
        tracked.renew(time.monotonic())
        left = tracked.left_s(time.monotonic())
        return await self._operator.inject(tracked.replica, tracked.fault, for_s=left, when=tracked.when)

    async def _say_again(self, tracked: TrackedFault) -> None:
        old = tracked.number
        if tracked not in self:
            self._tracked.append(tracked)
        try:
            tracked.number = await self._inject(tracked)
        except (NotHeard, Hung):
            tracked.number = None
        if old is not None:
            with contextlib.suppress(ClientError):  # it ended by itself
                await self._undo_or_later(tracked.replica, old)
        self._show(tracked.replica)

    async def _renew_leases(self) -> None:
        """Renew what is leased again and again, as long as there is any."""
        while leased := [each for each in self._tracked if each.leased]:
            await trio.sleep(RENEW_S)
            async with trio.open_nursery() as nursery:
                for tracked in leased:
                    nursery.start_soon(self._renew, tracked)
        self._renewing = False

    async def _renew(self, tracked: TrackedFault) -> None:
        number = tracked.number
        if number is None or tracked not in self:
            return
        try:
            await self._operator.renew(number)
        except (NotHeard, Hung):
            return  # it is down or paused; what ended meanwhile is noticed next time
        except ClientError:
            if tracked in self and tracked.number == number:
                self._forget(tracked)
                self._model.note(f"{tracked.words} has ended by itself", time.time(), failed=True)
            return
        tracked.renew(time.monotonic())

    # Ending

    async def end_fault(self, tracked: TrackedFault, change: Change) -> bool:
        """End a fault; false if it had ended by itself."""
        async with self._turns[tracked.replica]:
            return await self._end_fault(tracked, change)

    async def _end_fault(self, tracked: TrackedFault, change: Change) -> bool:
        if tracked.number is not None:
            try:
                await self._undo_or_later(tracked.replica, tracked.number)
            except ClientError:
                self._forget(tracked)
                return False
        self._forget(tracked)
        change.ended.append(tracked)
        return True

    async def _undo_or_later(self, replica: int, number: int) -> None:
        """End a fault; whoever is paused, or is not heard, is told as soon as it can be."""
        try:
            await self._undo(number)
        except NotHeard:
            if self._model.replicas[replica].process == "down":
                raise
            self._ending[replica].add(number)

    async def _undo(self, number: int) -> None:
        await self._operator.undo(number)
        self._ended_at[number] = time.monotonic()

    def _forget(self, tracked: TrackedFault) -> None:
        self._tracked = [each for each in self._tracked if each is not tracked]
        self._show(tracked.replica)

    async def end_number(self, number: int, change: Change) -> None:
        """End the fault that a replica lists under ``number``."""
        for replica in range(self._model.n):
            for each in self.acting(replica, lambda fault: True):
                if each.number == number:
                    if not await self.end_fault(each, change):
                        raise Failed(f"fault #{number} has ended already")
                    return
        await self._undo(number)  # nothing is known of it here: the replica says what is wrong

    async def end_kind(self, replica: int, kind: type[f.AnyFault], change: Change) -> bool:
        """End all faults of a kind at a replica; false if there was none."""
        ended = [
            await self.end_fault(each, change)
            for each in self.acting(replica, lambda fault: isinstance(fault, kind))
        ]
        return any(ended)

    async def end_links(self, links: Iterable[tuple[int, int]], kind: str, change: Change) -> None:
        """End the faults of a kind on directed links, also those that wait for a replica."""
        ends: dict[int, set[int]] = {}
        for sender, receiver in links:
            ends.setdefault(sender, set()).add(receiver)
        problems: list[str] = []
        for sender, receivers in ends.items():
            try:
                await self._end_from(sender, receivers, kind, change)
            except ClientError as error:
                problems.append(str(error))
        if problems:
            raise Failed("; ".join(problems))

    async def _end_from(self, sender: int, receivers: set[int], kind: str, change: Change) -> None:
        for each in self.acting(sender, lambda fault: _tag(fault) == kind):
            to = each.fault.to if isinstance(each.fault, f.LinkFault) else None
            if to == -1 and kind == "cut" and -1 not in receivers:
                # Of a cut to all others, those that are not meant stay cut.
                for other in set(range(self._model.n)) - receivers - {sender}:
                    await self.begin_fault(TrackedFault(sender, f.Cut(other)), change)
            if to == -1 or to in receivers:
                await self.end_fault(each, change)

    async def heal(self, replica: int, change: Change) -> None:
        """End all faults at a replica."""
        async with self._turns[replica]:
            acting = self.acting(replica, lambda fault: True)
            try:
                await self._operator.heal_at(replica)
            except NotHeard:
                self._ending[replica].update(each.number for each in acting if each.number is not None)
                raise
            except ClientError:
                acting = [each for each in acting if each.number is None]
                raise
            finally:
                for each in acting:
                    self._forget(each)
                    if each.number is not None:
                        self._ended_at[each.number] = time.monotonic()
                change.ended += acting

    # Replicas that come and go

    def replica_died(self, replica: int) -> None:
        """Let what acted on the links of a process of ours that ended wait until it is back; forget all
        else."""
        kept: list[TrackedFault] = []
        for each in self._tracked:
            if each.replica == replica:
                if not each.is_of_network or each.when is not None:
                    continue
                each.number = None
            kept.append(each)
        self._tracked = kept
        self._ending[replica].clear()
        self._show(replica)

    def replica_heard(self, replica: int) -> None:
        """Begin or end what waited for the replica: it serves."""
        report = self._model.replicas[replica].report
        if report is not None and self._pids.setdefault(replica, report.pid) != report.pid:
            self._pids[replica] = report.pid
            if self._for_s is not None:  # of those that are not ours, nobody else says that they died
                self._tracked = [
                    each for each in self._tracked if each.replica != replica or each.number is None
                ]
                self._ending[replica].clear()
        waits = any(each.replica == replica and each.number is None for each in self._tracked)
        if (
            (waits or self._ending[replica])
            and replica not in self._returning
            and report is not None
            and report.status is not None
        ):
            self._returning.add(replica)
            self._nursery.start_soon(self._again, replica)

    async def _again(self, replica: int) -> None:
        try:
            async with self._turns[replica]:
                for number in sorted(self._ending[replica]):
                    with contextlib.suppress(ClientError):  # it ended by itself, or with its replica
                        await self._undo(number)
                    self._ending[replica].discard(number)
                for each in self.acting(replica, lambda fault: True):
                    if each.number is None:
                        await self._return(each)
        finally:
            self._returning.discard(replica)
            self._show(replica)

    async def _return(self, tracked: TrackedFault) -> None:
        tracked.renew(time.monotonic())
        left = tracked.left_s(time.monotonic())
        if left is not None and left <= 0:
            self._forget(tracked)
            return
        try:
            tracked.number = self._listed(tracked) or await self._inject(tracked)
        except (NotHeard, Hung):
            pass  # it is gone again
        except ClientError as error:
            self._forget(tracked)
            self._model.note(f"{tracked.words}: {error}", time.time(), failed=True)

    def _listed(self, tracked: TrackedFault) -> int | None:
        """Return its number, if the replica had taken it although no answer came."""
        report = self._model.replicas[tracked.replica].report
        known = {each.number for each in self._tracked} | self._ended_at.keys()
        return next(
            (
                each.number
                for each in (report.active if report is not None else ())
                if each.fault == tracked.fault and each.when == tracked.when and each.number not in known
            ),
            None,
        )

    def _show(self, replica: int) -> None:
        """Let the model know what waits."""
        view = self._model.replicas[replica]
        tracked = sorted(self._tracked, key=lambda each: each.since)
        waiting = tuple(each.fault for each in tracked if each.replica == replica and each.number is None)
        ending = frozenset(self._ending[replica])
        if (waiting, ending) != (view.waiting, view.ending):
            view.waiting, view.ending = waiting, ending
            self._model.version += 1


def _tag(fault: f.AnyFault) -> str:
    return str(type(fault).__struct_config__.tag)


def _same(one: f.AnyFault, other: f.AnyFault) -> bool:
    """Return whether both act in the same way on the same links, or both on the clock. Holds add up."""
    if isinstance(one, f.Hold):
        return one == other
    if isinstance(one, f.Clock) and isinstance(other, f.Clock):
        return True
    return (
        isinstance(one, f.LinkFault)
        and isinstance(other, f.LinkFault)
        and type(one) is type(other)
        and one.to == other.to
    )


def _touches(one: f.AnyFault, other: f.AnyFault) -> bool:
    """Return whether both act in the same way, and share a link or the clock."""
    if isinstance(one, f.Clock) and isinstance(other, f.Clock):
        return True
    return (
        isinstance(one, f.LinkFault)
        and isinstance(other, f.LinkFault)
        and type(one) is type(other)
        and (one.to == other.to or -1 in (one.to, other.to))
    )
