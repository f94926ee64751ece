"""Where certificates and keys lie: what the cluster file and the environment say, and who may read a key.

A folder that `paxtui certs` made holds ``authority.pem`` and, for each identity, ``ROLE-NAME.pem`` and
``ROLE-NAME.key``. Files of other names, such as another tool makes them, are named one by one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from paxtui.config.folders import ConfigError, quoted, shown
from paxtui.config.identity import NoRole, identity

AUTHORITY: Final = "authority"
CERTIFICATE_SUFFIX: Final = ".pem"
KEY_SUFFIX: Final = ".key"
VARIABLE_PREFIX: Final = "PAXTUI_TLS_"


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[tls]`` of a cluster file; the environment's ``PAXTUI_TLS_FOLDER`` and so on go over it.

    Paths are absolute. Where nothing at all is said, there is no ``Tls``, and connections are plain.
    """

    folder: str | None = None
    """A folder that ``paxtui certs`` made."""
    identity: str | None = None
    """Which certificate of the folder tools show, such as ``operator-eve``. Replicas show their own."""
    authority: str | None = None
    """The file with the authority's certificate, or several of them, in place of the folder's."""
    certificate: str | None = None
    """The file with the certificate to show, in place of one in the folder; ``key`` goes with it."""
    key: str | None = None


TLS_KEYS: Final = tuple(field.name for field in structs.fields(Tls))
PATH_KEYS: Final = tuple(key for key in TLS_KEYS if key != "identity")


class KeyFiles(Struct, frozen=True):
    """The three files that one side of a connection needs."""

    authority: Path
    certificate: Path
    key: Path


def with_environment(tls: Tls | None, env: Mapping[str, str] | None = None) -> Tls | None:
    """Put what the environment says over what the file says. Relative paths start at the current folder."""
    env = os.environ if env is None else env
    said = {key: env.get(VARIABLE_PREFIX + key.upper()) for key in TLS_KEYS}
    changes = {key: text for key, text in said.items() if text}
    if not changes:
        return tls
    if tls is not None and "identity" in changes:
        # A user who names an identity means it, and not a file that the cluster file names for replicas.
        tls = structs.replace(tls, certificate=None, key=None)
    return structs.replace(tls or Tls(), **absolute(changes, Path.cwd()))


def absolute(texts: Mapping[str, str | None], base: Path) -> dict[str, str | None]:
    """Make each path absolute, seen from ``base``."""
    found = dict(texts)
    for key in PATH_KEYS:
        text = found.get(key)
        if text is not None:
            found[key] = os.path.abspath(base / os.path.expanduser(text))
    return found


def without_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Remove our variables from an environment, for a child to whom a file says all."""
    return {key: text for key, text in env.items() if not key.startswith(VARIABLE_PREFIX)}


def for_replica(tls: Tls, replica: int) -> KeyFiles:
    """Find the files that replica ``replica`` shows. Raises :class:`ConfigError` where files are not told."""
    return _files(tls, f"replica-{replica}", f"paxtui certs replica {replica}")


def for_tools(tls: Tls) -> KeyFiles:
    """Find the files that a client, an operator or an observer shows. Raises :class:`ConfigError` where it is
    not clear."""
    if tls.certificate is not None or tls.key is not None:
        return _files(tls, "", "")
    stem = tls.identity or _only_identity(tls)
    role, _, name = stem.partition("-")
    try:
        said = identity(role, name)
    except NoRole:
        said = None
    if said is None or said.role == "replica":
        raise ConfigError(
            f"{_origin('identity')}: {quoted(stem)} is no identity of a tool; "
            "one is such as operator-eve, client-ada or observer-wall"
        )
    return _files(tls, stem, f"paxtui certs {said.role} {said.name}")


def _files(tls: Tls, stem: str, command: str) -> KeyFiles:
    if (tls.certificate is None) != (tls.key is None):
        missing = "key" if tls.key is None else "certificate"
        raise ConfigError(f"{_origin(missing)}: is not told; a certificate and its key go together")
    if tls.folder is None and (tls.authority is None or tls.certificate is None):
        missing = "authority" if tls.authority is None else "certificate"
        raise ConfigError(f"{_origin(missing)}: is not told, nor is a folder that holds it")
    folder = Path(tls.folder or "")
    certificate = Path(tls.certificate) if tls.certificate else folder / (stem + CERTIFICATE_SUFFIX)
    key = Path(tls.key) if tls.key else folder / (stem + KEY_SUFFIX)
    authority = Path(tls.authority) if tls.authority else folder / (AUTHORITY + CERTIFICATE_SUFFIX)
    for path, way in ((authority, "paxtui certs init"), (certificate, command), (key, command)):
        made_by_us = tls.folder is not None and path.parent == folder
        _check_there(path, f"; make it with `{way} --folder {shown(folder)}`" if made_by_us and way else "")
    check_key(key)
    return KeyFiles(authority, certificate, key)


def _origin(key: str) -> str:
    return f"[tls] {key} or {VARIABLE_PREFIX}{key.upper()}"


def _only_identity(tls: Tls) -> str:
    """Find the one certificate in the folder that is no replica's: with several, the user has to say
    which."""
    folder = Path(tls.folder or "")
    if tls.folder is None:
        raise ConfigError(f"{_origin('certificate')}: is not told, nor is a folder that holds it")
    found = sorted(
        path.name.removesuffix(KEY_SUFFIX)
        for path in _entries(folder)
        if path.name.endswith(KEY_SUFFIX) and path.name.startswith(("client-", "operator-", "observer-"))
    )
    if not found:
        raise ConfigError(
            f"{shown(folder)}: holds no certificate of a client, operator or observer; make one with "
            f"`paxtui certs operator NAME --folder {shown(folder)}`"
        )
    if len(found) > 1:
        raise ConfigError(
            f"{shown(folder)}: holds several identities; say which with {_origin('identity')}: "
            + ", ".join(map(shown, found))
        )
    return found[0]


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{shown(folder)}: cannot be read: {error.strerror}") from None


def _check_there(path: Path, way_out: str) -> None:
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        raise ConfigError(f"{shown(path)}: no such file{way_out}") from None
    except OSError as error:
        raise ConfigError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    if not regular:
        raise ConfigError(f"{shown(path)}: is not a plain file")


def check_key(path: Path) -> None:
    """Refuse a private key that others can read.

    A key of root's that a group may read is allowed to those who are not root: so do systems hand keys to a
    service that runs under a user of its own.
    """
    status = path.stat()
    mode, me = stat.S_IMODE(status.st_mode), os.geteuid()
    if status.st_uid not in (me, 0):
        raise ConfigError(f"{shown(path)}: belongs to another user, who can read this private key")
    handed = status.st_uid == 0 and me != 0
    if mode & (0o037 if handed else 0o077):
        raise ConfigError(
            f"{shown(path)}: others can read this private key (mode {mode:04o}); `chmod 600 {shown(path)}`"
        )
