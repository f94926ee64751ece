"""The port for Prometheus: a very small HTTP server in the replica's own loop.

It knows ``GET /metrics`` and ``GET /livez``, one request a connection, and no body. Everything is bounded:
connections, the size of a request, and the time for it. Where a replica has certificates and the port can be
reached from other machines it speaks TLS, and answers only who shows a certificate of a client, an operator
or an observer; on loopback it is plain, for an agent on the same machine.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from msgspec import structs

from paxtui.config.cluster_file import Address
from paxtui.config.identity import NoRole
from paxtui.net.tls.credentials import Credentials
from paxtui.net.tls.stream import Channel, Distrust, TlsStream, serve_tls
from paxtui.replica.sessions.authorization import Caller
from paxtui.replica.sessions.tls_handshake import TLS_HANDSHAKE
from paxtui.replica.transport.admission import AdmissionControl
from paxtui.replica.transport.listener import Listening, PortRefused, is_loopback, listen
from paxtui.wire.requests import StatusRequest

CONNECTIONS_MAX: Final = 16
"""More than all that scrape one replica. For one more the oldest is closed: who asks in earnest is done in
milliseconds."""

REQUEST_BYTES_MAX: Final = 8192
"""A request line and headers; Prometheus sends some 300 bytes."""

CONVERSATION_S: Final = 5.0
"""How long a connection may take from its first byte to the last of the answer."""

FAREWELL_S: Final = 0.5
"""How long to wait for the other side to hang up: closing with something unread would reset the connection,
and the answer might never be seen."""

TOO_MANY: Final = "metrics: connections too many"
TOO_SLOW: Final = "metrics: too slow"
BAD_REQUEST: Final = "metrics: request refused"
NO_CERTIFICATE: Final = "metrics: turned away for its certificate"
REFUSALS: Final = (TOO_MANY, TOO_SLOW, BAD_REQUEST, NO_CERTIFICATE)

PLAIN: Final = "text/plain; charset=utf-8"

_REQUEST: Final = re.compile(rb"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]\r?\n")
_END: Final = re.compile(rb"\r?\n\r?\n")

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}


class Declined(Exception):
    """A request that is answered with an error, or (``status`` 0) with nothing."""

    def __init__(self, status: int, reason: str, kind: str = BAD_REQUEST) -> None:
        super().__init__(reason)
        self.status = status
        self.kind = kind


async def listen_for_metrics(
    address: Address, credentials: Credentials | None, *, insecure: bool
) -> Listening:
    """Open the port, by the rules of :func:`paxtui.replica.transport.listener.listen`; on loopback nobody
    needs a certificate. Raises :class:`PortRefused`."""
    try:
        listening = await listen(address, credentials, insecure=insecure, risk="read how this replica fares")
    except PortRefused as refused:
        raise type(refused)(f"--metrics: {refused}") from None
    if all(is_loopback(each.socket.getsockname()[0]) for each in listening.listeners):
        return structs.replace(listening, credentials=None, security="loopback")
    return listening


class MetricsServer:
    """The HTTP server of metrics. ``page`` makes the metrics, ``admission`` counts and logs refusals."""

    def __init__(
        self,
        page: Callable[[], Awaitable[bytes]],
        content_type: str,
        admission: AdmissionControl,
        credentials: Credentials | None,
    ) -> None:
        self._page = page
        self._content_type = content_type
        self._admission = admission
        self._credentials = credentials
        self._open: dict[int, trio.CancelScope] = {}
        self._number = 0

    async def serve_connection(self, raw: trio.SocketStream) -> None:
        """Serve one connection, from its request to its end."""
        self._make_room()
        self._number += 1
        number = self._number
        with trio.CancelScope(deadline=trio.current_time() + CONVERSATION_S) as scope:
            self._open[number] = scope
            try:
                async with raw:
                    await self._converse(raw)
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            finally:
                evicted = self._open.pop(number, None) is None
        if scope.cancelled_caught and not evicted:
            self._admission.refuse(TOO_SLOW)

    def _make_room(self) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            self._open.pop(next(iter(self._open))).cancel()
            self._admission.refuse(TOO_MANY)

    async def _converse(self, raw: trio.SocketStream) -> None:
        stream: Channel = raw
        try:
            if self._credentials is not None:
                stream = encrypted = await self._accept_tls(raw, self._credentials)
                _check_role(encrypted)
            reply = await self._reply_to(stream)
        except Declined as declined:
            if declined.kind:
                self._admission.refuse(declined.kind)
            if not declined.status:
                return
            reply = _response(declined.status, PLAIN, f"{declined}\n".encode())
        await stream.send_all(reply)
        with trio.move_on_after(FAREWELL_S):
            await stream.send_eof()
            while await stream.receive_some(65536):
                pass

    async def _accept_tls(self, raw: trio.SocketStream, credentials: Credentials) -> TlsStream:
        first = await raw.socket.recv(1, socket.MSG_PEEK)
        if not first:
            raise Declined(0, "it hung up", "")
        if first != TLS_HANDSHAKE:
            raise Declined(400, "this port takes https, with a certificate of this cluster", NO_CERTIFICATE)
        try:
            return await serve_tls(raw, credentials.server)
        except Distrust as distrust:
            self._admission.complain(f"metrics: a client turned away: {distrust}")
            raise Declined(0, str(distrust), NO_CERTIFICATE) from None  # TLS has told it why

    async def _reply_to(self, stream: Channel) -> bytes:
        request = _REQUEST.match(await _head(stream))
        if request is None:
            raise Declined(400, "this is no HTTP/1.1 request")
        method, target = request.groups()
        path = target.partition(b"?")[0]
        if path not in (b"/metrics", b"/livez"):
            raise Declined(404, "here are /metrics and /livez")
        if method != b"GET":
            raise Declined(405, "only GET is taken here")
        if path == b"/livez":
            return _response(200, PLAIN, b"ok\n")
        return _response(200, self._content_type, await self._metrics())

    async def _metrics(self) -> bytes:
        """Make the page. Numbers for people must not stop a replica, whatever goes wrong with them."""
        try:
            return await self._page()
        except Exception as error:
            self._admission.complain(f"metrics: cannot be told: {error!r}")
            raise Declined(500, "the replica's log says what is wrong") from None


def _check_role(stream: TlsStream) -> None:
    """Refuse a certificate that may not ask for the status. Those that may can read these numbers."""
    try:
        allowed = StatusRequest not in Caller("", stream.identity).denied
    except NoRole:
        allowed = False
    if not allowed:
        what = "your certificate must be that of a client, an operator or an observer of this cluster"
        raise Declined(403, what, NO_CERTIFICATE)


async def _head(stream: Channel) -> bytes:
    """Read the request line and the headers."""
    head = bytearray()
    while received := await stream.receive_some(REQUEST_BYTES_MAX):
        head += received
        if len(head) > REQUEST_BYTES_MAX:
            raise Declined(431, f"a request may have {REQUEST_BYTES_MAX} bytes")
        if _END.search(head):
            return bytes(head)
    if head:
        raise Declined(400, "the connection ended in the middle of a request")
    raise Declined(0, "it hung up", "")


def _response(status: int, content_type: str, body: bytes) -> bytes:
    allow = "Allow: GET\r\n" if status == 405 else ""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{allow}Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
