"""The handshake of a replica that has certificates: a side that shows none cannot say hello."""

from __future__ import annotations

import contextlib
import socket

import trio

from paxtui.config.identity import Identity, NoRole
from paxtui.net.tls.credentials import Credentials
from paxtui.net.tls.stream import Channel, Distrust, serve_tls
from paxtui.replica.transport.admission import DISTRUSTED, NO_ROLE, NO_TLS
from paxtui.wire.codec import encode
from paxtui.wire.hello import Problem, RefusedHello

DISMISS_S = 1.0
"""How long a refused side may take to read the reason."""

TLS_HANDSHAKE = b"\x16"
"""The first byte of a TLS handshake; a frame begins with 0, for it is shorter than 16 MiB."""

TLS_ONLY = (
    "this replica takes no connection without a certificate, and you do not speak TLS; "
    "name your certificate in [tls] of the cluster file or with PAXTUI_TLS_FOLDER"
)


class TurnedAway(Exception):
    """A refusal of a side that has been told so; the message says why, ``kind`` how it is counted."""

    def __init__(self, words: str, kind: str) -> None:
        super().__init__(words)
        self.kind = kind


async def accept_tls(
    raw: trio.SocketStream, credentials: Credentials, deadline: float
) -> tuple[Channel, Identity] | None:
    """Return the encrypted stream and the identity on its other end; ``None`` if nothing was said.

    Raises :class:`TurnedAway`, at the deadline at the latest.
    """
    try:
        with trio.fail_at(deadline):
            first = await raw.socket.recv(1, socket.MSG_PEEK)
            stream = await serve_tls(raw, credentials.server) if first[:1] == TLS_HANDSHAKE else None
    except OSError:
        return None
    except trio.TooSlowError:
        raise TurnedAway("it showed no certificate in time", NO_TLS) from None
    except Distrust as distrust:
        await dismiss(raw, None)  # TLS has told it why
        raise TurnedAway(str(distrust), DISTRUSTED) from None
    if not first:
        return None
    if stream is None:
        await dismiss(raw, RefusedHello(TLS_ONLY))
        raise TurnedAway("it does not speak TLS", NO_TLS)
    try:
        return stream, stream.identity
    except NoRole as error:
        await dismiss(stream, RefusedHello(f"your certificate {error}"))
        raise TurnedAway(f"its certificate {error}", NO_ROLE) from None


async def dismiss(stream: Channel, last_words: Problem | RefusedHello | None) -> None:
    """Say why, then wait a moment for the other side to hang up: closing with something unread would reset
    the connection, and the reason might never be seen."""
    with trio.move_on_after(DISMISS_S):
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            if last_words is not None:
                await stream.send_all(encode(last_words))
            await stream.send_eof()
            while await stream.receive_some(65536):
                pass
