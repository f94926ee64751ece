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

from paxtui.client.connection import BROKEN, Connection, SessionRefused, answers, dial
from paxtui.client.errors import ClientError, Failed, Unknown, Unreachable
from paxtui.client.pending_appends import PendingAppends, check_text, frames
from paxtui.client.receipt import AppendResult, PageRead, PageReceipt, Receipt
from paxtui.client.route import Route
from paxtui.client.tail import tail
from paxtui.config.cluster_file import Cluster
from paxtui.wire.requests import (
    AppendedReply,
    AppendRequest,
    Consistency,
    LogEntry,
    LogPage,
    ReadRequest,
    RefusedReply,
)
from paxtui.wire.requests import FailedReply as FailedAnswer
from paxtui.wire.values import majority

ATTEMPT_S = 1.5
"""How long the oldest request may wait for an answer before another replica is asked: longer than an
election, shorter than a person's patience."""

BUSY_S = 0.05
"""How long a request waits after ``busy``."""


class Log:
    """A session with the cluster. Made by :func:`paxtui.client.connect`."""

    def __init__(self, cluster: Cluster, name: str, via: int | None = None) -> None:
        self._cluster = cluster
        self._name = name
        self._route = Route(cluster, via)
        self._session: str | None = None
        self._session_wanted = 0
        """How many wait for the session alone."""
        self._session_refused_by: set[int] = set()
        """The replicas that do not take the session."""
        self._welcomed = trio.Event()
        self._appends = PendingAppends()
        self._next_ask = 1
        self._reads: dict[int, PageReceipt] = {}
        self._unsent: list[Receipt] = []
        self._unasked: list[PageReceipt] = []
        self._answers = 0
        self._link: Connection[Struct] | None = None
        """The connection, once what had waited for it has left."""
        self._wanted = trio.Event()
        self.replica: int | None = None
        """To whom requests go now."""

    # For callers

    async def session(self) -> str:
        """Return the session's id, as soon as a replica has given one: the client of its commands in the log.
        Asks for one if there is none, or none any more."""
        self._session_wanted += 1
        self._wanted.set()
        try:
            while self._session is None:
                await self._welcomed.wait()
            return self._session
        finally:
            self._session_wanted -= 1

    async def append(self, text: str, *, timeout_s: float = 30.0) -> AppendResult:
        """Append a message: 1 byte to 64 KiB of UTF-8.

        Raises :class:`Failed` if it will never take effect, :class:`Unknown` if it left and no answer
        came in time. Appends that run at once share the connection.
        """
        receipt = await self.submit(text, timeout_s=timeout_s)
        return await receipt.result()

    async def submit(self, text: str, *, timeout_s: float = 30.0) -> Receipt:
        """Begin an append: messages leave in the order in which this returns, and stay in it while one
        leader reigns; when the leader changes, those in flight may change places. Waits only while as
        many are unanswered as a session may have. Take the outcome from ``await receipt.result()``, or from
        ``receipt.outcome()`` once it is ``done``.
        """
        check_text(text)
        started = trio.current_time()
        deadline = started + timeout_s
        if self._appends.full:
            await self._appends.wait_for_room(deadline)
            if self._appends.full:
                raise Unreachable(self._route.complaint(timeout_s))
        receipt = self._appends.add(text, started, deadline, self._give_up)
        if not self._sent_alone(receipt):
            self._unsent.append(receipt)
            self._wanted.set()
        return receipt

    def _sent_alone(self, receipt: Receipt) -> bool:
        """Send the only request there is at once. Where several are in flight, those that are begun at
        the same time leave together."""
        link = self._link
        if (
            link is None
            or len(self._appends) > 1
            or not link.send_now(AppendRequest(receipt.request, receipt.text))
        ):
            return False
        receipt.sends = 1
        if link.midway:
            self._wanted.set()
        return True

    def _give_up(self, receipt: Receipt) -> None:
        """End an append whose time is over. It may still stand in the queue of a link that is slow: a receipt
        that is done leaves no more."""
        timeout_s = receipt.deadline - receipt.started
        if receipt.sends == 0:
            failure: ClientError = Unreachable(self._route.complaint(timeout_s))
        else:
            failure = Unknown(
                f"no answer within {timeout_s:g} s; the message may have been appended, or may yet be"
                f"{self._route.tried()}"
            )
        self._appends.fail(receipt, failure)

    async def read(
        self,
        from_slot: int = 0,
        limit: int = 2048,
        *,
        consistency: Consistency = "linearizable",
        timeout_s: float = 30.0,
    ) -> PageRead:
        """Read one page of the log. ``linearizable``: everything acknowledged before the call is in it."""
        number = self._next_ask
        self._next_ask += 1
        message = ReadRequest(id=number, first=from_slot, limit=limit, consistency=consistency)
        asked = self._reads[number] = PageReceipt(message)
        try:
            with trio.move_on_after(timeout_s):
                self._send_read(asked)
                await asked.done.wait()
        finally:
            del self._reads[number]
        if asked.failure is not None:
            raise asked.failure
        if asked.result is None:
            if asked.sends == 0:
                raise Unreachable(self._route.complaint(timeout_s))
            raise Failed(f"no answer within {timeout_s:g} s")
        return PageRead(asked.result.entries, asked.result.applied, asked.replica)

    async def tail(self, from_slot: int = 0, *, follow: bool = True) -> AsyncGenerator[LogEntry, None]:
        """Yield applied slots from ``from_slot`` on, each once and in order, from whichever replica lives.

        No-ops and repetitions are among them (``entry.is_message`` tells). Without ``follow`` it ends at
        the watermark of the replica that serves it. A caller that leaves it early closes it, best with
        ``contextlib.aclosing``.
        """
        async with aclosing(tail(self._cluster, self._name, from_slot, follow, self.replica)) as entries:
            async for entry in entries:
                yield entry

    def _send_read(self, asked: PageReceipt) -> None:
        self._unasked.append(asked)
        self._wanted.set()

    # The connection

    async def run(self) -> None:
        """Keep a connection to the leader while there are requests, until cancelled."""
        while True:
            while not (self._appends or self._reads or (self._session_wanted and self._session is None)):
                self._wanted = trio.Event()
                await self._wanted.wait()
            try:
                await self._attempt()
            except* (*BROKEN, ClientError) as group:
                error = _leaf(group)
                self._route.failed(error)
                if isinstance(error, SessionRefused):
                    self._refused_session(self._route.at, error)
            finally:
                self.replica = None
            await trio.sleep(self._route.pause_s())

    async def _attempt(self) -> None:
        async with dial(
            self._route.next(),
            "client",
            answers,
            tls=self._cluster.tls,
            name=self._name,
            session=self._session,
            cluster=self._route.digest,
        ) as link:
            welcome = link.welcome
            if self._route.detour(welcome):
                return  # a session comes from who leads: one of a replica that is behind may be too old
            self.replica = welcome.replica
            self._session = welcome.session
            self._session_refused_by.clear()
            self._welcomed.set()
            self._appends.set_window(welcome.session_window)
            await self._use(link)

    async def _use(self, link: Connection[Struct]) -> None:
        """Send what waits, in order, and take answers, until the link breaks or another replica is better."""
        self._unsent = self._appends.receipts()
        self._unasked = list(self._reads.values())
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send, link)
                nursery.start_soon(self._give_up_when_silent, nursery.cancel_scope)
                while messages := await link.receive():
                    self._answers += len(messages)
                    for message in messages:
                        self._receive(message, nursery)
                nursery.cancel_scope.cancel()
        finally:
            self._link = None

    async def _send(self, link: Connection[Struct]) -> None:
        while True:
            if not (self._unsent or self._unasked or link.midway):
                self._link = link
                self._wanted = trio.Event()
                await self._wanted.wait()
                continue
            unsent, self._unsent = self._unsent, []
            unasked, self._unasked = self._unasked, []
            ready: list[Struct] = list(frames([receipt for receipt in unsent if not receipt.done]))
            for asked in unasked:
                if not asked.done.is_set():
                    asked.sends += 1
                    ready.append(asked.message)
            if ready or link.midway:
                await link.send(*ready)

    async def _give_up_when_silent(self, scope: trio.CancelScope) -> None:
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

    def _receive(self, message: Struct, nursery: trio.Nursery) -> None:
        match message:
            case AppendedReply():
                self._route.worked()
                self._appends.succeed(message, self.replica if self.replica is not None else -1)
            case LogPage():
                self._route.worked()
                asked = self._reads.get(message.id)
                if asked is not None:
                    asked.result = message
                    asked.replica = self.replica if self.replica is not None else -1
                    asked.done.set()
            case RefusedReply():
                receipt = self._appends.find(message.request)
                if receipt is not None:
                    self._refused_append(receipt, message, nursery)
            case FailedAnswer():
                asked = self._reads.get(message.id)
                if asked is not None:
                    self._refused_read(asked, message, nursery)
            case _:
                raise ClientError(f"an answer of type {type(message).__struct_config__.tag} to no request")

    def _refused_append(self, receipt: Receipt, message: RefusedReply, nursery: trio.Nursery) -> None:
        if message.reason == "expired":
            self._begin_session()
            self._appends.fail_expired(receipt)
            nursery.cancel_scope.cancel()
        elif message.reason == "busy":
            nursery.start_soon(self._again_later, receipt)
        elif not self._elsewhere(message.reason, message.leader, nursery):
            refused = f"the replica refused it: {message.reason}"
            if receipt.sends > 1:  # the replica that was asked before may have taken it
                self._appends.fail(receipt, Unknown(f"{refused}; an earlier try may have taken effect"))
            else:
                self._appends.fail(receipt, Failed(refused))

    def _refused_read(self, asked: PageReceipt, message: FailedAnswer, nursery: trio.Nursery) -> None:
        if message.reason == "busy":
            nursery.start_soon(self._ask_later, asked)
        elif not self._elsewhere(message.reason, message.leader, nursery):
            asked.fail(Failed(f"the replica refused it: {message.reason}"))

    def _elsewhere(self, reason: str, leader: int | None, nursery: trio.Nursery) -> bool:
        """Go to another replica if the request was not taken here for a reason that concerns this one; return
        whether."""
        if reason not in ("not-leader", "warming-up"):
            return False
        self._route.refused(reason, leader)
        nursery.cancel_scope.cancel()
        return True

    def _refused_session(self, replica: int, error: SessionRefused) -> None:
        """Count a replica that does not take the session, and give the session up at a majority. One that is
        behind may refuse it for a while, a majority does so only where it is of no use any more: the cluster
        was restored from an older backup, or the client has another certificate now."""
        self._session_refused_by.add(replica)
        if len(self._session_refused_by) < majority(self._cluster.n):
            return
        self._begin_session()
        self._appends.fail_sent(str(error))

    def _begin_session(self) -> None:
        """Let the next connection begin another session."""
        self._session, self._welcomed = None, trio.Event()
        self._session_refused_by.clear()

    async def _again_later(self, receipt: Receipt) -> None:
        """Send an append again after a pause, as the leader has too much to do: send the same request
        again."""
        await trio.sleep(BUSY_S * random.uniform(0.5, 1.5))
        self._unsent.append(receipt)
        self._wanted.set()

    async def _ask_later(self, asked: PageReceipt) -> None:
        await trio.sleep(BUSY_S * random.uniform(0.5, 1.5))
        self._send_read(asked)


def _leaf(group: BaseException) -> BaseException:
    return _leaf(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
