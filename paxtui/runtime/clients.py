"""Connections of clients, operators and observers: one reader, one writer, and a task a tail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from paxtui.core.ballot import NUMBER_LIMIT
from paxtui.core.output import Appended, ReadReady, ReadRefused, Refused
from paxtui.core.values import TEXT_BYTES_MAX
from paxtui.runtime import operators
from paxtui.runtime.hub import Inlet
from paxtui.runtime.node import Node
from paxtui.runtime.sender import Sender
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FrameReader
from paxtui.wire.hello import Frame
from paxtui.wire.requests import (
    APPENDS_MAX,
    Append,
    AppendDone,
    AppendMany,
    AppendRefused,
    ClientRequest,
    Elect,
    Failed,
    FillHole,
    GetStatus,
    Inject,
    ListFaults,
    Observe,
    ObserverRequest,
    OperatorRequest,
    Page,
    Read,
    StatusReport,
    Tail,
    Undo,
)

IN_FLIGHT_MAX = 4096
"""Requests of one connection that may be unanswered; past it the replica stops reading from it."""

TAILS_MAX = 64
"""Tails and reads of one connection that may run at once."""

TAIL_BYTES_AHEAD = 1024 * 1024
"""How far a tail reads ahead of what its reader took."""

Request = (
    Append | AppendMany | Read | Tail | GetStatus | Elect | FillHole | Inject | Undo | ListFaults | Observe
)

_decoders: dict[str, Decoder[Request]] = {
    "client": Decoder(ClientRequest),
    "operator": Decoder(OperatorRequest),
    "observer": Decoder(ObserverRequest),
}

StatusMaker = Callable[[int], StatusReport]


class Connection:
    """One client, operator or observer. What it may ask depends on its role."""

    def __init__(
        self, node: Node, stream: trio.SocketStream, role: str, session: str, who: str, status: StatusMaker
    ) -> None:
        self._node = node
        self._stream = stream
        self._decoder = _decoders[role]
        self._session = session
        self._who = who
        self._status = status
        self._sender = Sender(stream)
        self._unanswered: dict[int, int] = {}
        """By request, how often it was asked on this connection: so often it is answered."""
        self._in_flight = 0
        self._in_runs = False
        """Whether the client takes answers to consecutive requests as one."""
        self._run: AppendDone | None = None
        self._inlet: Inlet | None = None
        self._too_slow = trio.Event()
        self._tasks = 0

    async def serve(self, reader: FrameReader) -> None:
        """Serve until the other side hangs up. Raises :class:`WireError` for a bad frame."""
        self._node.join(self._session, self)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._sender.run)
                nursery.start_soon(self._until_too_slow)
                try:
                    await self._read(reader, nursery)
                finally:
                    nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._node.leave(self._session, self)
            if self._sender.midway:
                # Nothing can follow half a frame, not even the reason for hanging up.
                await trio.aclose_forcefully(self._stream)

    async def _until_too_slow(self) -> None:
        await self._too_slow.wait()
        raise WireError("too slow: more answers wait for you than a connection may hold")

    async def _read(self, reader: FrameReader, nursery: trio.Nursery) -> None:
        def take(received: bytes) -> None:
            for body in reader.feed(received):
                self._take(self._decoder.decode(body), nursery)
            if self._in_flight >= IN_FLIGHT_MAX and self._inlet is not None:
                self._inlet.rest()

        take(b"")  # what came with hello
        await self._node.hub.read(self._stream, take, self._set_inlet)

    def _set_inlet(self, inlet: Inlet) -> None:
        self._inlet = inlet

    def _say(self, message: Frame) -> None:
        self._push(message)
        self._sender.flush()

    def _push(self, message: Frame) -> None:
        if not self._sender.push(encode(message)):
            self._too_slow.set()

    # Requests

    def _take(self, request: Request, nursery: trio.Nursery) -> None:
        match request:
            case AppendMany():
                self._in_runs = True
                self._append(request.request, request.texts)
            case Append():
                self._append(request.request, (request.text,))
            case Read() | Tail():
                if self._tasks >= TAILS_MAX:
                    self._say(
                        Failed(id=request.id, reason=f"{TAILS_MAX} reads run on this connection already")
                    )
                elif isinstance(request, Tail):
                    self._start(nursery, lambda: self._tail(request))
                elif request.consistency == "local":
                    self._start(nursery, lambda: self._page(request, 0))
                else:
                    self._node.read(lambda answer: self._on_read(request, answer, nursery))
            case GetStatus():
                self._say(self._status(request.id))
            case Observe():
                self._start(nursery, lambda: self._observe(request))
            case _:
                self._say(operators.act(self._node, request, self._who))

    def _start(self, nursery: trio.Nursery, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks += 1

        async def task() -> None:
            try:
                await work()
            finally:
                self._tasks -= 1

        nursery.start_soon(task)

    def _append(self, first: int, texts: tuple[str, ...]) -> None:
        if first + len(texts) > NUMBER_LIMIT:
            raise WireError("the last request's number is not below 2^53 - at `$.request`")
        problem = _problem(texts)
        if problem is not None:
            # All or none: a client that checks what it sends never sees this.
            for request in range(first, first + len(texts)):
                self._push(AppendRefused(request, problem, None))
            self._sender.flush()
            return
        self._in_flight += len(texts)
        unanswered = self._unanswered
        for request in range(first, first + len(texts)):
            unanswered[request] = unanswered.get(request, 0) + 1
        self._node.propose(self._session, first, texts)

    def answer(self, reply: Appended | Refused) -> None:
        """The core ended a request of this client."""
        times = self._unanswered.pop(reply.request, 0)
        if not times:
            return  # an earlier connection of the same client asked
        self._in_flight -= times
        if self._inlet is not None and self._in_flight < IN_FLIGHT_MAX:
            self._inlet.resume()
        self._node.unflushed[self] = None
        for _ in range(times):
            if isinstance(reply, Appended):
                self._appended(reply)
            else:
                self._push(AppendRefused(reply.request, reply.reason, reply.leader))

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
            self._run = AppendDone(run.request, run.slot, run.ballot, run.count + 1)
        else:
            if run is not None:
                self._push(run)
            self._run = AppendDone(reply.request, reply.slot, reply.ballot)

    def flush(self) -> None:
        """The turn is over: let the answers leave."""
        if self._run is not None:
            self._push(self._run)
            self._run = None
        self._sender.flush()

    # Reading the log

    def _on_read(self, request: Read, answer: ReadReady | ReadRefused, nursery: trio.Nursery) -> None:
        if isinstance(answer, ReadReady):
            upto = answer.upto
            if not nursery.cancel_scope.cancel_called:
                self._start(nursery, lambda: self._page(request, upto))
        else:
            self._push(Failed(id=request.id, reason=answer.reason, leader=answer.leader))
            self._node.unflushed[self] = None

    async def _page(self, request: Read, upto: int) -> None:
        feed = self._node.feed
        await feed.wait_beyond(upto - 1)
        applied = feed.watermark
        entries = await feed.page(request.first, request.limit)
        self._say(
            Page(id=request.id, entries=entries, applied=applied, consistency=request.consistency, last=True)
        )

    async def _tail(self, request: Tail) -> None:
        feed = self._node.feed
        following = request.first
        while True:
            if following >= feed.watermark:
                if not request.follow:
                    break
                await feed.wait_beyond(following)
            entries = await feed.page(following, 2048)
            following += len(entries)
            self._say(
                Page(id=request.id, entries=entries, applied=feed.watermark, consistency="local", last=False)
            )
            # A reader that is slower than the log is served at its own speed.
            await self._sender.wait_below(TAIL_BYTES_AHEAD)
        self._say(Page(id=request.id, entries=(), applied=feed.watermark, consistency="local", last=True))

    # Watching

    async def _observe(self, request: Observe) -> None:
        telemetry = self._node.telemetry
        watcher = telemetry.watch(request.id, self._sender)
        try:
            await trio.sleep_forever()
        finally:
            telemetry.leave(watcher)


def _problem(texts: tuple[str, ...]) -> str | None:
    for text in texts:
        if not text:
            return "empty"
        if len(text) * 4 > TEXT_BYTES_MAX and len(text.encode()) > TEXT_BYTES_MAX:
            return "too-long"
    return None
