"""Certificates for tests: of a good authority, of a stranger's, expired ones, and ones that say nonsense."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from paxtui.config.identity import identity
from paxtui.config.tls_files import KeyFiles
from paxtui.net.tls.authority import Authority
from paxtui.net.tls.credentials import Credentials, _context, _Loaded


class Folder:
    """A folder as ``paxtui certs`` makes it, with an authority and whoever is asked for."""

    def __init__(self, path: Path, *stems: str) -> None:
        self.path = path
        self.authority = Authority(path)
        self.authority.create("tests")
        for stem in stems:
            self.issue(stem)

    def issue(self, stem: str, days: int = 30) -> None:
        """Make, or make again, such as ``operator-eve``; with negative days it has expired."""
        role, _, name = stem.partition("-")
        self.authority.issue(identity(role, name), days, renew=True)

    def files(self, stem: str, authority: Path | None = None) -> KeyFiles:
        base = self.path
        return KeyFiles((authority or base) / "authority.pem", base / f"{stem}.pem", base / f"{stem}.key")

    def replica(self, id: int) -> Credentials:
        return Credentials(self.files(f"replica-{id}"), id)


def stranger(files: KeyFiles | None, authority: Path) -> ssl.SSLContext:
    """TLS as some other program does it: it trusts ``authority`` and shows ``files``, whatever they are."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(authority)
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context


def trusted(folder: Path) -> trustme.CA:
    """An authority that another tool made, in a folder of its own, for whom ``paxtui certs`` can go on."""
    folder.mkdir(mode=0o700)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "authority.pem")
    ca.private_key_pem.write_to_path(folder / "authority.key")
    (folder / "authority.key").chmod(0o600)
    return ca


def leaf(ca: trustme.CA, folder: Path, stem: str, *, expired: bool = False) -> KeyFiles:
    """A certificate for ``stem``.example, without a role: what a company's authority hands to anybody."""
    until = datetime.now(UTC) + timedelta(days=-1 if expired else 1)
    made = ca.issue_cert(f"{stem}.example", not_before=until - timedelta(days=30), not_after=until)
    files = KeyFiles(folder / "authority.pem", folder / f"{stem}.pem", folder / f"{stem}.key")
    made.cert_chain_pems[0].write_to_path(files.certificate)
    made.private_key_pem.write_to_path(files.key)
    files.key.chmod(0o600)
    return files


class Careless(Credentials):
    """Shows what no replica would show: nothing is checked before it is used."""

    def __init__(self, files: KeyFiles) -> None:
        contexts = (_context(files, ssl.PROTOCOL_TLS_SERVER), _context(files, ssl.PROTOCOL_TLS_CLIENT))
        self._loaded = _Loaded(*contexts, identity("replica", "0"), 0.0, ())
