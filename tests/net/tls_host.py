"""A replica with certificates inside the test's own Trio, and strangers with certificates of any kind."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from paxtui.config.limits import Limits
from paxtui.net.tls.errors import cause
from tests.net.certificates import Folder, stranger
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, Raw, hosted

IDENTITIES = ("replica-0", "replica-1", "replica-2", "client-ada", "operator-eve", "observer-wall")


class TlsHost:
    """The replica, its folder of certificates, and how to get at it."""

    def __init__(self, r0: HostedReplica, certs: Folder) -> None:
        self.replica = r0
        self.certs = certs

    @property
    def said(self) -> str:
        return self.replica.lines.getvalue()

    @asynccontextmanager
    async def dial(self, stem: str | None, role: str | None = None, **hello: object) -> AsyncIterator[Raw]:
        """A connection that shows the certificate ``stem``; with ``role`` it is welcomed already."""
        files = self.certs.files(stem) if stem is not None else None
        async with self.dial_with(stranger(files, self.certs.path / "authority.pem")) as raw:
            if role is not None:
                answer = await raw.hello(role, **hello)
                assert answer["type"] == "welcome", answer
            yield raw

    @asynccontextmanager
    async def dial_with(self, context: ssl.SSLContext) -> AsyncIterator[Raw]:
        address = self.replica.host.cluster.address(self.replica.host.me)
        async with await trio.open_tcp_stream(address.host, address.port) as tcp:
            yield Raw(trio.SSLStream(tcp, context, https_compatible=True))  # type: ignore[arg-type]

    async def refusal(self, context: ssl.SSLContext) -> str:
        """What a stranger hears who is refused by TLS itself."""
        async with self.dial_with(context) as raw:
            try:
                await raw.stream.send_all(b"\\0\\0\\0\\2{}")
                heard = await raw.stream.receive_some(1000)
            except trio.BrokenResourceError as error:
                return cause(error) or repr(error)
        return repr(bytes(heard))


@asynccontextmanager
async def tls_hosted(
    folder: Path, *, replicas: int = 1, limits: Limits | None = None
) -> AsyncIterator[TlsHost]:
    """Replica 0, with certificates for it and for one of each role."""
    certs = Folder(folder / "certs", *IDENTITIES)
    async with hosted(folder / "r0", replicas=replicas, credentials=certs.replica(0), limits=limits) as r0:
        if replicas == 1:
            await leads(r0)
        yield TlsHost(r0, certs)


async def leads(r0: HostedReplica) -> None:
    """Wait until the replica, which is a cluster of its own, leads it."""
    await eventually(lambda: r0.host.status is not None and r0.host.status.role == "leader", "it leads")
