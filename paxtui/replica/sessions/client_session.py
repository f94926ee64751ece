"""Connections of clients, operators and observers: one reader, one writer, and a task a tail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from paxtui.core.ballot import NUMBER_LIMIT
from paxtui.core.output import Appended, ReadReady, ReadRefused, Refused
from paxtui.net.tls.stream import Channel
from paxtui.replica.ports import ClientPort
from paxtui.replica.sessions.authorization import Caller
from paxtui.replica.sessions.operator_requests import OperatorRequests
from paxtui.replica.transport.admission import (
    BAD_TEXT,
    QUEUED,
    RECEIVED,
    TOO_MANY_READS,
    TOO_SLOW,
    AdmissionControl,
    IdleTimeouts,
)
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.read_loop import Reader
from paxtui.replica.transport.request_queue import RequestQueue
from paxtui.storage.errors import SlotDamaged, SlotRemoved
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FrameReader
from paxtui.wire.hello import PROTOCOL_VERSION, Frame
from paxtui.wire.requests import (
    APPENDS_MAX,
    AppendedReply,
    AppendManyRequest,
    AppendRequest,
    ClientRequest,
    ElectRequest,
    FailedReply,
    FillHoleRequest,
    HistoryRequest,
    InjectRequest,
    ListFaultsRequest,
    ListStagedRequest,
    LogEntry,
    LogPage,
    ObserveRequest,
    ObserverRequest,
    OperatorRequest,
    ReadRequest,
    RefusedReply,
    ReleaseRequest,
    RenewRequest,
    StatusReport,
    StatusRequest,
    TailRequest,
    TickRequest,
    UndoRequest,
)
from paxtui.wire.versions import STEPS_SINCE, newer_body

PAGES_AT_ONCE = 4
"""Pages of one connection that are gathered at the same time."""

LAST_ANSWERS_S = 10.0
"""How long a client that sends no more is kept for the answers to what it asked."""

CHEAP = (AppendRequest, AppendManyRequest, ReadRequest, TailRequest)
"""What may be asked thousands of times in one read; all else is taken a few at a time."""

Request = (
    AppendRequest
    | AppendManyRequest
    | ReadRequest
    | TailRequest
    | StatusRequest
    | ElectRequest
    | FillHoleRequest
    | InjectRequest
    | UndoRequest
    | RenewRequest
    | ListFaultsRequest
    | ListStagedRequest
    | ReleaseRequest
    | TickRequest
    | ObserveRequest
    | HistoryRequest
)

_decoders: dict[str, Decoder[Request]] = {
    "client": Decoder(ClientRequest),
    "operator": Decoder(OperatorRequest),
    "observer": Decoder(ObserverRequest),
}

StatusMaker = Callable[[int], StatusReport]


class ClientSession:
    """One client, operator or observer. What it may ask depends on its role."""

    def __init__(
        self,
        host: ClientPort,
        operator_requests: OperatorRequests,
        stream: Channel,
        role: str,
        session: str,
        caller: Caller,
        status: StatusMaker,
        admission: AdmissionControl,
        *,
        outdated: bool = False,
        version: int = PROTOCOL_VERSION,
    ) -> None:
        self._host = host
        self._operator_requests = operator_requests
        self._stream = stream
        self._decoder = _decoders[role]
        self._version = version
        self._session = session
        self._outdated = outdated
        """Whether nothing can be appended in this session any more."""
        self._caller = caller
        self._denied = caller.denied
        self._status = status
        self._admission = admission
        self._limits = admission.limits
        self._writer = FrameWriter(stream, admission.limits.client_bytes, self._account)
        self._writer.version = version
        self._unanswered: dict[int, int] = {}
        """By request, how often it was asked on this connection: so often it is answered."""
        self._in_flight = 0
        self._in_runs = False
        """Whether the client takes answers to consecutive requests as one."""
        self._run: AppendedReply | None = None
        self._reader: Reader | None = None
        self._ending = trio.Event()
        self._reason: WireError | None = None
        self._idle_timeouts = IdleTimeouts(admission.limits)
        self._wake_queue: Callable[[], None] = lambda: None
        """Tells that there may be room for requests that wait."""
        self._pages = trio.Semaphore(PAGES_AT_ONCE)
        self._tasks = 0
        self._endless = 0
        """How many of them are tails that follow, or watch: they end with the connection."""
        self._answered = trio.Event()
        """Set when one more request is answered."""

    async def serve(self, reader: FrameReader) -> None:
        """Serve until the other side hangs up. Raises :class:`WireError` for a bad frame."""
        self._host.pending_requests.join(self._session, self)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._writer.run)
                nursery.start_soon(self._hang_up_when_due)
                try:
                    await self._read(reader, nursery)
                finally:
                    self._admission.received.set_bytes(self._end_with_most_received, 0)
                    nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._admission.queued.set_bytes(self._end_with_most_queued, 0)
            self._host.pending_requests.leave(self._session, self)
            if self._writer.midway:
                # Nothing can follow half a frame, not even the reason for hanging up.
                await trio.aclose_forcefully(self._stream)

    async def _hang_up_when_due(self) -> None:
        timeouts, writer = self._idle_timeouts, self._writer
        while True:
            with trio.move_on_after(timeouts.interval_s):
                await self._ending.wait()
            busy = self._in_flight > 0 or self._tasks > 0
            timed_out = timeouts.check(writer.sent_bytes, writer.waiting_bytes, busy)
            for reason in (self._reason, timed_out):
                if reason is not None:
                    raise reason

    def _hang_up(self, reason: str, kind: str) -> None:
        """Hang up for that reason, as soon as other connections have had their turn."""
        self._reason = self._reason or WireError(reason, kind)
        self._ending.set()

    def _too_slow(self) -> None:
        self._hang_up("too slow: more answers wait for you than a connection may hold", TOO_SLOW)

    def _end_with_most_queued(self) -> None:
        self._writer.abandon()
        self._hang_up("too slow: more answers wait for all than may, and most of them for you", QUEUED)

    def _end_with_most_received(self) -> None:
        self._hang_up("more unfinished frames arrived than may wait, and most of it is yours", RECEIVED)

    def _account(self, waiting_bytes: int) -> None:
        self._admission.queued.set_bytes(self._end_with_most_queued, waiting_bytes)

    async def _read(self, reader: FrameReader, nursery: trio.Nursery) -> None:
        queue: RequestQueue[Request] = RequestQueue(
            lambda request: self._execute(request, nursery),
            lambda request: not isinstance(request, CHEAP),
            lambda: self._in_flight >= self._limits.in_flight,
        )
        nesting, received_bytes = self._limits.nesting, self._admission.received
        unfinished = 0
        reader.bytes_max = self._limits.frame_bytes

        def on_bytes(received: bytes) -> None:
            nonlocal unfinished
            self._idle_timeouts.note_received()
            queue.begin_read()
            try:
                for body in reader.feed(received):
                    queue.put(self._decoder.decode(newer_body(body, self._version), nesting))
            except WireError as error:
                queue.put_error(error)
            if reader.waiting_bytes != unfinished:
                unfinished = reader.waiting_bytes
                received_bytes.set_bytes(self._end_with_most_received, unfinished)
            if queue.busy and self._reader is not None:
                self._reader.pause()

        def resume_reading() -> None:
            if self._reader is not None:
                self._reader.resume()

        self._wake_queue = queue.wake
        nursery.start_soon(queue.run, resume_reading)
        on_bytes(b"")  # what came with hello
        await queue.wait_empty()
        await self._host.read_loop.read(self._stream, on_bytes, self._set_reader)
        await queue.wait_empty()
        await self._finish_answers()

    async def _finish_answers(self) -> None:
        """Wait for the last answers.

        The other side sends no more, but it may still read, as a shell's pipe into a socket does: it gets
        the answers to what it asked.
        """
        with trio.move_on_after(LAST_ANSWERS_S):
            while self._in_flight > 0 or self._tasks > self._endless:
                self._answered = trio.Event()
                await self._answered.wait()
            await self._writer.wait_below(1)

    def _set_reader(self, reader: Reader) -> None:
        self._reader = reader

    def _send(self, message: Frame) -> None:
        self._push(message)
        self._writer.flush()

    def _push(self, message: Frame) -> None:
        if not self._writer.push(encode(message)):
            self._too_slow()

    # Requests

    def _execute(self, request: Request, nursery: trio.Nursery) -> None:
        if type(request) in self._denied:
            self._deny(request)
            return
        match request:
            case AppendManyRequest():
                self._in_runs = True
                self._append(request.request, request.texts)
            case AppendRequest():
                self._append(request.request, (request.text,))
            case ReadRequest() | TailRequest():
                linearizable = isinstance(request, ReadRequest) and request.consistency == "linearizable"
                if self._tasks >= self._limits.tails and not linearizable:
                    self._too_many(request.id)
                elif isinstance(request, TailRequest):
                    self._start(nursery, lambda: self._tail(request), request.id, endless=request.follow)
                elif request.consistency == "local":
                    self._start(nursery, lambda: self._page(request, 0), request.id)
                else:
                    self._in_flight += 1
                    self._host.read(lambda answer: self._on_read(request, answer, nursery))
            case StatusRequest():
                self._send(self._status(request.id))
            case ObserveRequest() if self._tasks >= self._limits.tails:
                self._too_many(request.id)
            case ObserveRequest():
                self._start(nursery, lambda: self._observe(request), request.id, endless=True)
            case HistoryRequest():
                for page in self._host.history.pages(request.id):
                    self._send(page)
            case ListStagedRequest() | ReleaseRequest() | TickRequest() if self._version < STEPS_SINCE:
                reason = f"that needs protocol version {STEPS_SINCE}, and you speak {self._version}"
                self._send(FailedReply(id=request.id, reason=reason))
            case _:
                self._send(self._operator_requests.execute(request, self._caller))

    def _too_many(self, ask: int) -> None:
        self._admission.refuse(TOO_MANY_READS)
        self._send(FailedReply(id=ask, reason=f"{self._limits.tails} reads run on this connection already"))

    def _deny(self, request: Request) -> None:
        """Refuse a request, as the certificate does not allow what the role in hello has words for."""
        reason = self._operator_requests.deny(request, self._caller)
        match request:
            case AppendRequest() | AppendManyRequest():
                count = len(request.texts) if isinstance(request, AppendManyRequest) else 1
                self._refuse(request.request, count, reason)
            case _:
                self._send(FailedReply(id=request.id, reason=reason))

    def _start(
        self, nursery: trio.Nursery, work: Callable[[], Awaitable[None]], ask: int, *, endless: bool = False
    ) -> None:
        self._tasks += 1
        self._endless += endless

        async def task() -> None:
            try:
                await work()
            except SlotDamaged as damage:
                reason = f"{damage}; it is learned again from another replica: ask later, or ask another one"
                self._send(FailedReply(id=ask, reason=reason))
            finally:
                self._tasks -= 1
                self._endless -= endless
                self._answered.set()

        nursery.start_soon(task)

    def _append(self, first: int, texts: tuple[str, ...]) -> None:
        if first + len(texts) > NUMBER_LIMIT:
            raise WireError("the last request's number is not below 2^53 - at `$.request`")
        problem = _text_problem(texts, self._limits.text_bytes)
        if problem is not None:
            self._admission.refuse(BAD_TEXT)
            # All or none: a client that checks what it sends never sees this.
            self._refuse(first, len(texts), problem)
            return
        if self._outdated:
            self._refuse(first, len(texts), "expired")
            return
        self._in_flight += len(texts)
        unanswered = self._unanswered
        for request in range(first, first + len(texts)):
            unanswered[request] = unanswered.get(request, 0) + 1
        self._host.propose(self._session, first, texts)

    def _refuse(self, first: int, count: int, reason: str) -> None:
        for request in range(first, first + count):
            self._push(RefusedReply(request, reason, None))
        self._writer.flush()

    def deliver_reply(self, reply: Appended | Refused) -> None:
        """Answer a request of this client, as the core ended it."""
        times = self._unanswered.pop(reply.request, 0)
        if not times:
            return  # an earlier connection of the same client asked
        self._in_flight -= times
        self._answered.set()
        self._wake_queue()
        self._host.flush_later(self)
        for _ in range(times):
            if isinstance(reply, Appended):
                self._appended(reply)
            else:
                self._push(RefusedReply(reply.request, reply.reason, reply.leader))

    def _appended(self, reply: Appended) -> None:
        run = self._run
        if (
            run is not None
            and self._in_runs
            and reply.request == run.request + run.count
            and reply.slot == run.slot + run.count
            and run.count < APPENDS_MAX
            and reply.ballot == run.ballot
        ):
            self._run = AppendedReply(run.request, run.slot, run.ballot, run.count + 1)
        else:
            if run is not None:
                self._push(run)
            self._run = AppendedReply(reply.request, reply.slot, reply.ballot)

    def flush(self) -> None:
        """Let the answers of this turn leave."""
        if self._run is not None:
            self._push(self._run)
            self._run = None
        self._writer.flush()

    # Reading the log

    def _read_ended(self) -> None:
        self._in_flight -= 1
        self._answered.set()
        self._wake_queue()

    def _on_read(self, request: ReadRequest, answer: ReadReady | ReadRefused, nursery: trio.Nursery) -> None:
        if isinstance(answer, ReadReady):
            upto = answer.upto
            if not nursery.cancel_scope.cancel_called:
                self._start(nursery, lambda: self._owed_page(request, upto), request.id)
        else:
            self._read_ended()
            self._push(FailedReply(id=request.id, reason=answer.reason, leader=answer.leader))
            self._host.flush_later(self)

    async def _owed_page(self, request: ReadRequest, upto: int) -> None:
        try:
            await self._page(request, upto)
        finally:
            self._read_ended()

    async def _page(self, request: ReadRequest, upto: int) -> None:
        applied_log = self._host.applied_log
        await applied_log.wait_beyond(upto - 1)
        async with self._pages:
            await self._writer.wait_below(self._limits.tail_bytes)
            applied = applied_log.watermark
            entries = await self._from(request.first, request.limit)
        kind, log_start = request.consistency, applied_log.log_start
        self._send(
            LogPage(
                id=request.id,
                entries=entries,
                applied=applied,
                consistency=kind,
                last=True,
                log_start=log_start,
            )
        )

    async def _from(self, first: int, limit: int) -> tuple[LogEntry, ...]:
        """Read a page, and pass over what is removed, also meanwhile."""
        while True:
            try:
                return await self._host.applied_log.page(max(first, self._host.applied_log.log_start), limit)
            except SlotRemoved:
                continue

    async def _tail(self, request: TailRequest) -> None:
        applied_log = self._host.applied_log
        following = request.first
        while True:
            if following >= applied_log.watermark:
                if not request.follow:
                    break
                await applied_log.wait_beyond(following)
            entries = await self._from(following, 2048)
            following = entries[-1].slot + 1 if entries else max(following, applied_log.log_start)
            self._send(self._tailed(request, entries, last=False))
            # A reader that is slower than the log is served at its own speed.
            await self._writer.wait_below(self._limits.tail_bytes)
        self._send(self._tailed(request, (), last=True))

    def _tailed(self, request: TailRequest, entries: tuple[LogEntry, ...], *, last: bool) -> LogPage:
        applied_log = self._host.applied_log
        applied, log_start = applied_log.watermark, applied_log.log_start
        return LogPage(
            id=request.id,
            entries=entries,
            applied=applied,
            consistency="local",
            last=last,
            log_start=log_start,
        )

    # Watching

    async def _observe(self, request: ObserveRequest) -> None:
        telemetry = self._host.telemetry
        watcher = telemetry.add_observer(request.id, self._writer, self._limits.observer_bytes)
        try:
            await trio.sleep_forever()
        finally:
            telemetry.remove_watcher(watcher)


def _text_problem(texts: tuple[str, ...], bytes_max: int) -> str | None:
    for text in texts:
        if not text:
            return "empty"
        if len(text) * 4 > bytes_max and len(text.encode()) > bytes_max:
            return "too-long"
    return None
