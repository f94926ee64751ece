"""Certificate, key and authority as TLS contexts, checked before use and read again while connections go on.

Only TLS 1.3, only with a certificate on both sides. Resumption is off: each connection proves anew who it
is, so a certificate that expired opens no more connections.
"""

from __future__ import annotations

import functools
import os
import ssl
import time
from typing import Any, Final, NoReturn

from msgspec import Struct

from paxtui.config.folders import ConfigError, shown
from paxtui.config.identity import Identity, NoRole, from_certificate
from paxtui.config.tls_files import KeyFiles, Tls, check_key, for_replica, for_tools
from paxtui.net.tls.errors import words

DAY_S: Final = 86_400
MEET_ROUNDS: Final = 6
"""Turns that two sides of a handshake in memory take; TLS 1.3 needs two."""

_Stamp = tuple[tuple[int, int, int], ...]


class _Loaded(Struct, frozen=True):
    """The result of one reading of the files."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    identity: Identity
    until: float
    stamp: _Stamp


class Credentials:
    """The certificate that one side shows, and the authority that it trusts.

    Raises :class:`ConfigError` for files that cannot serve.

    ``replica`` is the id that the certificate has to state; tools show any certificate but a replica's.
    """

    def __init__(self, files: KeyFiles, replica: int | None) -> None:
        self.files = files
        self._replica = replica
        self._loaded = _load(files, replica)
        self._failed: _Stamp = ()

    @property
    def server(self) -> ssl.SSLContext:
        """Return the context for the next connection that another side opens to us."""
        return self._loaded.server

    @property
    def client(self) -> ssl.SSLContext:
        """Return the context for the next connection that we open."""
        return self._loaded.client

    @property
    def identity(self) -> Identity:
        """Return the identity in our own certificate."""
        return self._loaded.identity

    @property
    def until(self) -> float:
        """Return the time at which our certificate expires, in seconds since 1970."""
        return self._loaded.until

    def days_left(self) -> int:
        """Count the whole days until our certificate expires; below 0 when it has expired."""
        return int((self.until - time.time()) // DAY_S)

    def reload(self) -> None:
        """Read the files again, for connections from now on. If they cannot serve, what was read before
        stays in use, and :class:`ConfigError` tells why."""
        check_key(self.files.key)
        self._loaded = _load(self.files, self._replica)

    def reload_if_changed(self) -> None:
        """Take a renewed certificate, in programs that run long and get no signal. Files that cannot
        serve (yet) are left alone until they change again."""
        stamp = _stamp(self.files)
        if stamp in (self._loaded.stamp, self._failed):
            return
        try:
            self.reload()
        except (ConfigError, OSError):
            self._failed = stamp


def of_replica(tls: Tls, replica: int) -> Credentials:
    """Read what a replica shows to those who dial it, and to those whom it dials."""
    return Credentials(for_replica(tls, replica), replica)


@functools.lru_cache(maxsize=16)
def of_tool(tls: Tls) -> Credentials:
    """Read what clients, operators and observers of this process show, once for all connections."""
    return Credentials(for_tools(tls), None)


def until_words(until: float) -> str:
    """Format a time of expiry, to the day."""
    return time.strftime("%Y-%m-%d", time.gmtime(until))


def _stamp(files: KeyFiles) -> _Stamp:
    """Return a value that differs as soon as one of the files was written again."""
    found = []
    for path in (files.authority, files.certificate, files.key):
        try:
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)


def _load(files: KeyFiles, replica: int | None) -> _Loaded:
    stamp = _stamp(files)  # before reading: what is written meanwhile is read next time
    server = _context(files, ssl.PROTOCOL_TLS_SERVER)
    client = _context(files, ssl.PROTOCOL_TLS_CLIENT)
    certificate = _introduce(files, server, client, both=replica is not None)
    try:
        identity = from_certificate(certificate)
    except NoRole as error:
        raise ConfigError(f"{shown(files.certificate)}: {error}") from None
    if identity.replica != replica:
        wanted = "a client's, operator's or observer's" if replica is None else f"that of replica/{replica}"
        raise ConfigError(f"{shown(files.certificate)}: is the certificate of {identity}, not {wanted}")
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return _Loaded(server, client, identity, float(until), stamp)


def _context(files: KeyFiles, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the name to check is the identity, which is checked after the handshake
    context.verify_mode = ssl.CERT_REQUIRED
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0

    def no_passphrase() -> NoReturn:
        raise ConfigError(
            f"{shown(files.key)}: has a passphrase, which no person is there to type; remove it"
        )

    try:
        context.load_cert_chain(files.certificate, files.key, no_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"is not the key of {shown(files.certificate)}"
        else:
            what = f"this or {shown(files.certificate)} is not in the PEM format"
        raise ConfigError(f"{shown(files.key)}: {what}") from None
    except OSError as error:
        raise ConfigError(f"{shown(files.certificate)}: cannot be read: {error.strerror}") from None
    try:
        context.load_verify_locations(files.authority)
    except ssl.SSLError:
        raise ConfigError(f"{shown(files.authority)}: holds no certificate in the PEM format") from None
    except OSError as error:
        raise ConfigError(f"{shown(files.authority)}: cannot be read: {error.strerror}") from None
    return context


def _introduce(
    files: KeyFiles, server: ssl.SSLContext, client: ssl.SSLContext, *, both: bool
) -> dict[str, Any]:
    """Return our own certificate as a side that trusts our authority sees it, by a handshake with ourselves,
    in memory. What others would refuse is found here, before anybody is asked. A tool's certificate is not
    made for a server, so its other half does not look at it."""
    if not both:
        client = _context(files, ssl.PROTOCOL_TLS_CLIENT)
        client.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(to_server, to_client, server_side=True)
    there = client.wrap_bio(to_client, to_server)
    try:
        for _ in range(MEET_ROUNDS):
            for side in (there, here):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    pass
        return dict(here.getpeercert() or {})
    except ssl.SSLError as error:
        why = words(error).removeprefix("its certificate ").replace("our authority", str(files.authority))
        raise ConfigError(f"{shown(files.certificate)}: {why}{_renewal(error)}") from None
    except ValueError:  # no certificate yet: the handshake did not end
        raise ConfigError(f"{shown(files.certificate)}: cannot be used for TLS 1.3") from None


def _renewal(error: ssl.SSLError) -> str:
    expired = isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == 10
    return "; `paxtui certs` with --renew makes a new one" if expired else ""
