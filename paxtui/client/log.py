"""The log as a program sees it: append, tail, read.

One session, one connection to the leader, many requests in flight. Whatever happens to replicas and
connections, each request keeps its number, so it takes effect at most once; and it ends as ok, failed
(it never will) or unknown.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

import trio
from msgspec import Struct

from paxtui.client.connection import BROKEN, Connection, answers, dial
from paxtui.client.errors import ClientError, Failed, Unknown, Unreachable
from paxtui.client.route import Route
from paxtui.config import Cluster
from paxtui.wire.requests import (
    Append,
    AppendDone,
    AppendRefused,
    Consistency,
    GetStatus,
    LogEntry,
    Page,
    Read,
    StatusReport,
    Tail,
)
from paxtui.wire.requests import Failed as FailedAnswer
from paxtui.wire.values import TEXT_BYTES_MAX, Ballot

ATTEMPT_S = 1.5
"""How long the oldest request may wait for an answer before another replica is asked: longer than an
election, shorter than a person's patience."""

BUSY_S = 0.05
"""How long a request waits after ``busy``."""

PING_S = 2.0
"""How often a tail asks whether its replica still lives and knows a leader."""


class Appended(Struct, frozen=True):
    """Where an append went, and how long it took from the call to the answer."""

    slot: int
    ballot: Ballot
    replica: int
    ms: float


class PageRead(Struct, frozen=True):
    """Entries of a read, and the watermark of the replica that answered."""

    entries: tuple[LogEntry, ...]
    applied: int
    replica: int


class Pending:
    """A request that waits for its answer."""

    __slots__ = ("done", "ended", "failure", "message", "replica", "result", "sends", "started")

    def __init__(self, message: Append | Read) -> None:
        self.message = message
        self.started = self.ended = trio.current_time()
        self.replica = -1
        self.sends = 0
        self.done = trio.Event()
        self.result: AppendDone | Page | None = None
        self.failure: ClientError | None = None

    def fail(self, error: ClientError) -> None:
        self.failure = error
        self.done.set()


class Receipt:
    """An append that was begun by :meth:`Log.submit`."""

    def __init__(self, log: Log, number: int, pending: Pending, timeout_s: float) -> None:
        self._log = log
        self._number = number
        self._pending = pending
        self._timeout_s = timeout_s

    @property
    def request(self) -> int:
        """Its number in the session."""
        return self._number

    async def result(self) -> Appended:
        """Wait for the outcome; raises as :meth:`Log.append` does. Await it once."""
        pending = self._pending
        try:
            with trio.move_on_at(pending.started + self._timeout_s):
                await pending.done.wait()
        finally:
            self._log._forget(self._number)
        result = self._log._outcome(pending, self._timeout_s)
        if not isinstance(result, AppendDone):
            raise ClientError("the replica answered something else than an append")
        return Appended(result.slot, result.ballot, pending.replica, (pending.ended - pending.started) * 1000)


class Log:
    """A session with the cluster. Made by :func:`paxtui.client.connect`."""

    def __init__(self, cluster: Cluster, name: str, via: int | None = None) -> None:
        self._cluster = cluster
        self._name = name
        self._route = Route(cluster, via)
        self._session: str | None = None
        self._welcomed = trio.Event()
        self._session_window = 1
        self._next_request = 1
        self._appends: dict[int, Pending] = {}
        self._next_ask = 1
        self._reads: dict[int, Pending] = {}
        self._unsent: list[Pending] = []
        self._answers = 0
        self._wanted = trio.Event()
        self._answered = trio.Event()
        self.replica: int | None = None
        """To whom requests go now."""

    # For callers

    async def session(self) -> str:
        """The session's id, as soon as a replica has given one: the client of its commands in the log."""
        while self._session is None:
            await self._welcomed.wait()
        return self._session

    async def append(self, text: str, *, timeout_s: float = 30.0) -> Appended:
        """Append a message: 1 byte to 64 KiB of UTF-8.

        Raises :class:`Failed` if it will never take effect, :class:`Unknown` if it left and no answer
        came in time. Appends that run at once share the connection.
        """
        receipt = await self.submit(text, timeout_s=timeout_s)
        return await receipt.result()

    async def submit(self, text: str, *, timeout_s: float = 30.0) -> Receipt:
        """Begin an append: messages leave in the order in which this returns, and stay in it while one
        leader reigns; when the leader changes, those in flight may change places. Waits only while as
        many are unanswered as a session may have. Take the outcome from ``await receipt.result()``.
        """
        _check(text)
        started = trio.current_time()
        with trio.move_on_after(timeout_s):
            while self._appends and self._next_request - next(iter(self._appends)) >= self._session_window:
                await self._answered.wait()
            number = self._next_request
            self._next_request += 1
            pending = self._appends[number] = Pending(Append(number, text))
            pending.started = started
            self._enqueue(pending)
            return Receipt(self, number, pending, timeout_s)
        raise Unreachable(self._route.complaint(timeout_s))

    def _forget(self, number: int) -> None:
        """Nobody waits for this append any more."""
        pending = self._appends.pop(number, None)
        if pending is not None:
            # It may still stand in the queue of a link that is slow, and its caller has been told that it
            # never left: it must not leave now.
            pending.done.set()
            self._answered.set()
            self._answered = trio.Event()

    async def read(
        self,
        from_slot: int = 0,
        limit: int = 2048,
        *,
        consistency: Consistency = "linearizable",
        timeout_s: float = 30.0,
    ) -> PageRead:
        """One page of the log. ``linearizable``: everything acknowledged before the call is in it."""
        number = self._next_ask
        self._next_ask += 1
        message = Read(id=number, first=from_slot, limit=limit, consistency=consistency)
        pending = self._reads[number] = Pending(message)
        try:
            with trio.move_on_after(timeout_s):
                self._enqueue(pending)
                await pending.done.wait()
        finally:
            del self._reads[number]
        result = self._outcome(pending, timeout_s)
        if not isinstance(result, Page):
            raise ClientError("the replica answered something else than a page")
        return PageRead(result.entries, result.applied, pending.replica)

    async def tail(self, from_slot: int = 0, *, follow: bool = True) -> AsyncGenerator[LogEntry, None]:
        """Applied slots from ``from_slot`` on, each once and in order, from whichever replica lives.

        No-ops and repetitions are among them (``entry.is_message`` tells). Without ``follow`` it ends at
        the watermark of the replica that serves it. Whoever leaves it early closes it, best with
        ``contextlib.aclosing``.
        """
        slot = from_slot
        route = Route(self._cluster)
        while True:
            try:
                async with (
                    dial(route.next(), "client", answers, name=self._name, session=self._session) as link,
                    aclosing(_pages(link, slot, follow)) as pages,
                ):
                    async for page in pages:
                        for entry in page.entries:
                            if entry.slot == slot:
                                slot += 1
                                yield entry
                        if page.last:
                            return
            except (*BROKEN, ClientError) as error:
                route.failed(error)
            if not follow and route.exhausted:
                raise Unreachable(route.complaint())
            await trio.sleep(0.05)

    def _outcome(self, pending: Pending | None, timeout_s: float) -> AppendDone | Page:
        if pending is not None and pending.failure is not None:
            raise pending.failure
        if pending is not None and pending.result is not None:
            return pending.result
        if pending is None or pending.sends == 0:
            raise Unreachable(self._route.complaint(timeout_s))
        if isinstance(pending.message, Read):
            raise Failed(f"no answer within {timeout_s:g} s")
        raise Unknown(f"no answer within {timeout_s:g} s; the message may have been appended, or may yet be")

    def _enqueue(self, pending: Pending) -> None:
        self._unsent.append(pending)
        self._wanted.set()

    # The connection

    async def run(self) -> None:
        """Keep a connection to the leader while there are requests, until cancelled."""
        while True:
            while not (self._appends or self._reads):
                self._wanted = trio.Event()
                await self._wanted.wait()
            try:
                await self._attempt()
            except* (*BROKEN, ClientError) as group:
                self._route.failed(_leaf(group))
            finally:
                self.replica = None
            await trio.sleep(self._route.pause_s())

    async def _attempt(self) -> None:
        async with dial(
            self._route.next(),
            "client",
            answers,
            name=self._name,
            session=self._session,
            cluster=self._route.digest,
        ) as link:
            welcome = link.welcome
            if self._route.detour(welcome):
                return  # a session comes from who leads: one of a replica that is behind may be too old
            self.replica = welcome.replica
            self._session = welcome.session
            self._welcomed.set()
            self._session_window = max(1, welcome.session_window)
            await self._use(link)

    async def _use(self, link: Connection[Struct]) -> None:
        """Send what waits, in order, and take answers, until the link breaks or another replica is better."""
        self._unsent = [*self._appends.values(), *self._reads.values()]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send, link)
            nursery.start_soon(self._lose_patience, nursery.cancel_scope)
            while messages := await link.receive():
                self._answers += len(messages)
                for message in messages:
                    self._take(message, nursery)
            nursery.cancel_scope.cancel()

    async def _send(self, link: Connection[Struct]) -> None:
        while True:
            if not self._unsent:
                self._wanted = trio.Event()
                await self._wanted.wait()
                continue
            batch, self._unsent = self._unsent, []
            batch = [pending for pending in batch if not pending.done.is_set()]
            for pending in batch:
                pending.sends += 1
            if batch:
                await link.send(*(pending.message for pending in batch))

    async def _lose_patience(self, scope: trio.CancelScope) -> None:
        """Give the connection up when requests wait and nothing comes: the replica may be paused, or cut
        off from the others."""
        before = -1
        while True:
            waits = bool(self._appends or self._reads)
            if waits and before == self._answers:
                self._route.failed(trio.TooSlowError(f"no answer within {ATTEMPT_S:g} s"))
                scope.cancel()
                return
            before = self._answers if waits else -1
            await trio.sleep(ATTEMPT_S)

    def _take(self, message: Struct, nursery: trio.Nursery) -> None:
        match message:
            case AppendDone():
                self._finish(self._appends.get(message.request), message)
            case Page():
                self._finish(self._reads.get(message.id), message)
            case AppendRefused():
                pending = self._appends.get(message.request)
                if pending is not None:
                    self._refused(pending, message.reason, message.leader, nursery)
            case FailedAnswer():
                pending = self._reads.get(message.id)
                if pending is not None:
                    self._refused(pending, message.reason, message.leader, nursery)
            case _:
                raise ClientError(f"an answer of type {type(message).__struct_config__.tag} to nothing")

    def _finish(self, pending: Pending | None, result: AppendDone | Page) -> None:
        self._route.worked()
        if pending is not None:
            pending.result = result
            pending.ended = trio.current_time()
            pending.replica = self.replica if self.replica is not None else -1
            pending.done.set()

    def _refused(self, pending: Pending, reason: str, leader: int | None, nursery: trio.Nursery) -> None:
        if reason == "busy":
            nursery.start_soon(self._again_later, pending)
        elif reason in ("not-leader", "warming-up"):
            # It was not taken here; it is sent again, with the same number, where it may be.
            self._route.refused(reason, leader)
            nursery.cancel_scope.cancel()
        elif reason == "expired":
            self._session, self._welcomed = None, trio.Event()
            if pending.sends > 1:
                pending.fail(Unknown("the session expired, and an earlier try may have taken effect"))
            else:
                pending.fail(Failed("the session expired before the message was taken"))
            nursery.cancel_scope.cancel()
        else:
            pending.fail(Failed(f"the replica refused it: {reason}"))

    async def _again_later(self, pending: Pending) -> None:
        """The leader has too much to do: wait, then send the same request again."""
        await trio.sleep(BUSY_S * random.uniform(0.5, 1.5))
        self._enqueue(pending)


def _check(text: str) -> None:
    """Refuse what no replica would take, before it leaves."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Failed(
            f"a message is Unicode text, and character {error.start + 1} of this one is not: "
            "it is half a surrogate pair, or stands for a byte that is not UTF-8"
        ) from None
    if not 0 < size <= TEXT_BYTES_MAX:
        raise Failed(f"a message has 1 to {TEXT_BYTES_MAX} bytes of UTF-8, this one has {size}")


async def _pages(link: Connection[Struct], slot: int, follow: bool) -> AsyncGenerator[Page, None]:
    """Pages of one replica, for as long as it lives and knows a leader."""
    await link.send(Tail(id=0, first=slot, follow=follow))
    leaderless = 0
    asked = 0
    while True:
        messages: list[Struct] = []
        with trio.move_on_after(PING_S) as patience:
            messages = await link.receive()
            if not messages:
                return
        for message in messages:
            if isinstance(message, Page):
                yield message
            elif isinstance(message, StatusReport):
                asked = 0
                known = message.status is not None and message.status.leader is not None
                leaderless = 0 if known else leaderless + 1
            elif isinstance(message, FailedAnswer):
                raise ClientError(message.reason)
        if patience.cancelled_caught:
            if asked or leaderless > 1:
                raise trio.TooSlowError("the replica is silent or knows no leader")
            asked = 1
            await link.send(GetStatus(1))


def _leaf(group: BaseException) -> BaseException:
    return _leaf(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
