"""One session of a load generator on one bare socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from paxtui.client.connection import RECEIVE_BYTES, answers
from paxtui.client.errors import Unreachable
from paxtui.config.cluster_file import Cluster
from paxtui.wire import Decoder, FrameReader, WireError, encode
from paxtui.wire.hello import PROTOCOL_VERSION, Hello, HelloAnswer, Welcome
from paxtui.wire.requests import APPENDS_MAX, AppendedReply, AppendManyRequest, AppendRequest

DIAL_S: Final = 2.0
CONNECT_S: Final = 10.0
"""Time for which a connection may look for the leader before it is given up."""

BUSY_S: Final = 0.05
"""After a refusal that says that nobody leads, or that there is no room."""

FRAME_CHARS_MAX: Final = 128 * 1024
"""As much text as one frame carries: six bytes a character stay below a frame's limit."""

_welcomes: Decoder[Struct] = Decoder(HelloAnswer)


class RawSession:
    """One session on one connection."""

    def __init__(self, cluster: Cluster, text: str) -> None:
        self._cluster = cluster
        self._text = text
        self._per_frame = max(1, min(APPENDS_MAX, FRAME_CHARS_MAX // len(text)))
        self._session: str | None = None
        self._reader = FrameReader()
        self._unsent = b""
        self._next = 1
        self.open: dict[int, float] = {}
        """The unanswered requests: when each began, or was due."""
        self.busy: list[int] = []
        """Those that the leader had no room for."""
        self.heard = 0.0
        """The time of the last input, by ``time.perf_counter``."""
        self.watched = False
        """Whether the loop waits for the socket to take more."""
        self.socket = socket.socket()

    @property
    def sending(self) -> bool:
        """Tell whether the socket has not yet taken everything."""
        return bool(self._unsent)

    def connect(self, replica: int) -> int:
        """Find the leader, beginning with ``replica``, and send it, with the same numbers, what has no
        answer. Who it is."""
        self.close()
        deadline = time.perf_counter() + CONNECT_S
        problem = "no leader"
        while time.perf_counter() < deadline:
            leader = None
            try:
                leader = self._greet(replica)
            except (OSError, WireError) as error:
                problem = str(error)
            if leader == replica:
                self._begin_again()
                return replica
            self.close()
            if leader is None:
                time.sleep(BUSY_S)
            replica = (replica + 1) % self._cluster.n if leader is None else leader
        raise Unreachable(f"no leader found within {CONNECT_S:g} s: {problem}")

    def _greet(self, replica: int) -> int | None:
        """Say hello; who leads."""
        address = self._cluster.address(replica)
        self.socket = socket.create_connection((address.host, address.port), DIAL_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = Hello(version=PROTOCOL_VERSION, role="client", name="bench", session=self._session)
        self.socket.sendall(encode(hello))
        self._reader = FrameReader()
        while received := self.socket.recv(RECEIVE_BYTES):
            for body in self._reader.feed(received):
                welcome = _welcomes.decode(body)
                if not isinstance(welcome, Welcome):
                    raise ConnectionError(f"replica {replica} refused the connection: {welcome}")
                if welcome.leader == replica:
                    self._session = welcome.session
                return welcome.leader
        raise ConnectionError(f"replica {replica} hung up")

    def _begin_again(self) -> None:
        self.socket.setblocking(False)
        self.heard = time.perf_counter()
        self._unsent = b""
        self.busy = []
        self.watched = False
        self._send_again(self.open)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def begin(self, starts: Sequence[float]) -> None:
        """Send an append for each of ``starts``: when it begins, or was due."""
        first = self._next
        self._next += len(starts)
        self.open.update(zip(range(first, self._next), starts, strict=True))
        self._unsent += self._frames(first, len(starts))
        self.flush()

    def send_busy(self) -> None:
        """Send again what was refused for want of room."""
        busy, self.busy = self.busy, []
        self._send_again(busy)

    def _send_again(self, numbers: Iterable[int]) -> None:
        for first, count in _runs(numbers):
            self._unsent += self._frames(first, count)
        self.flush()

    def _frames(self, first: int, count: int) -> bytes:
        if count == 1:
            return encode(AppendRequest(first, self._text))
        frames = b""
        for start in range(first, first + count, self._per_frame):
            texts = (self._text,) * min(self._per_frame, first + count - start)
            frames += encode(AppendManyRequest(start, texts))
        return frames

    def flush(self) -> None:
        """Hand to the socket what it takes now."""
        try:
            if self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass

    def receive(self) -> Iterator[Struct]:
        """Take what has arrived. Raises ``OSError`` where the connection ended."""
        try:
            received = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        if not received:
            raise ConnectionError("the replica hung up")
        self.heard = time.perf_counter()
        for body in self._reader.feed(received):
            yield answers.decode(body)

    def answered(self, message: AppendedReply) -> list[float]:
        """List when the requests that this answers began."""
        take = self.open.pop
        first, count = message.request, message.count
        if count == 1:
            started = take(first, None)
            return [] if started is None else [started]
        found = (take(request, None) for request in range(first, first + count))
        return [started for started in found if started is not None]


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Consecutive numbers as (first, count)."""
    first = count = 0
    for number in numbers:
        if count and number != first + count:
            yield first, count
            count = 0
        if not count:
            first = number
        count += 1
    if count:
        yield first, count
