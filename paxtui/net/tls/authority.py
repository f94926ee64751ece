"""A cluster's private authority, and the certificates that it signs. Needs the library ``cryptography``."""

from __future__ import annotations

import datetime
import os
import stat
from pathlib import Path
from typing import Final

from msgspec import Struct

from paxtui.config.folders import ConfigError, shown
from paxtui.config.identity import Identity, NoRole, from_uris
from paxtui.config.tls_files import AUTHORITY, CERTIFICATE_SUFFIX, KEY_SUFFIX, check_key

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:  # the library is there for those who make certificates, not for those who show them
    raise ConfigError("`paxtui certs` needs the library cryptography: pip install 'paxtui[tls]'") from None

AUTHORITY_DAYS: Final = 3650
CERTIFICATE_DAYS: Final = 365
DAYS_MAX: Final = 36_500

CLOCK_SKEW: Final = datetime.timedelta(hours=1)
"""A certificate is valid from a little before it is made: clocks of other machines may be behind."""


class NewCertificate(Struct, frozen=True):
    """The two files of one identity, or of the authority."""

    certificate: Path
    key: Path
    until: datetime.datetime


class StoredCertificate(Struct, frozen=True):
    """A certificate in the folder, as ``paxtui certs show`` tells it."""

    name: str
    says: str
    until: datetime.datetime | None
    problem: str | None


class Authority:
    """The authority in a folder: its certificate, and its key if that is (still) there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._certificate_file = folder / (AUTHORITY + CERTIFICATE_SUFFIX)
        self._key_file = folder / (AUTHORITY + KEY_SUFFIX)

    def create(self, cluster: str, days: int = AUTHORITY_DAYS) -> NewCertificate:
        """Make the folder and the authority. What is there already is never replaced: all
        certificates would be worth nothing."""
        _make_folder(self.folder)
        for path in (self._certificate_file, self._key_file):
            if os.path.lexists(path):
                raise ConfigError(
                    f"{shown(path)}: is there already; an authority is made once, and making another one "
                    "makes all its certificates void. Name another folder with --folder"
                )
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"paxtui authority of {cluster}")
        builder = (
            _builder(name, name, key, days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
        )
        return _write(self.folder, AUTHORITY, builder.sign(key, hashes.SHA256()), key)

    def issue(
        self, identity: Identity, days: int = CERTIFICATE_DAYS, *, renew: bool = False
    ) -> NewCertificate:
        """Make a key, and a certificate for it that states ``identity``."""
        certificate, signer = self._certificate(), self._signer()
        for suffix in (CERTIFICATE_SUFFIX, KEY_SUFFIX):
            path = self.folder / (identity.stem + suffix)
            if os.path.lexists(path) and not renew:
                raise ConfigError(f"{shown(path)}: is there already; --renew replaces it")
        key = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if identity.replica is not None:
            uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(certificate.public_key())  # type: ignore[arg-type]
        builder = (
            _builder(_name(f"paxtui {identity}"), certificate.subject, key, days, certificate)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity.uri)]), critical=False
            )
            .add_extension(authority_key, critical=False)
        )
        return _write(self.folder, identity.stem, builder.sign(signer, hashes.SHA256()), key)  # type: ignore[arg-type]

    def survey(self) -> list[StoredCertificate]:
        """Return all certificates in the folder, the authority first, each with what is wrong with it."""
        authority = self._certificate()
        names = sorted(path.name for path in self.folder.glob(f"*{CERTIFICATE_SUFFIX}"))
        names.sort(key=lambda name: name != self._certificate_file.name)
        return [_survey(self.folder / name, authority) for name in names]

    def _certificate(self) -> x509.Certificate:
        return _read_certificate(self._certificate_file, self.folder)

    def _signer(self) -> PrivateKeyTypes:
        try:
            check_key(self._key_file)
            key = load_pem_private_key(self._key_file.read_bytes(), None)
        except FileNotFoundError:
            raise ConfigError(
                f"{shown(self._key_file)}: no such file; certificates are made where the authority's key is"
            ) from None
        except OSError as error:
            raise ConfigError(f"{shown(self._key_file)}: cannot be read: {error.strerror}") from None
        except (ValueError, TypeError):
            raise ConfigError(f"{shown(self._key_file)}: is no private key in the PEM format") from None
        if _public(key.public_key()) != _public(self._certificate().public_key()):
            raise ConfigError(f"{shown(self._key_file)}: is not the key of {shown(self._certificate_file)}")
        return key


def _make_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter; one that others can enter is refused, unless it is
    empty."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            if any(folder.iterdir()):
                raise ConfigError(
                    f"{shown(folder)}: others can enter this folder; `chmod 700 {shown(folder)}`, or name a "
                    "new one with --folder"
                )
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"{shown(folder)}: cannot be made: {error.strerror}") from None


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    days: int,
    authority: x509.Certificate | None = None,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    until = now + datetime.timedelta(days=days)
    if authority is not None:  # what outlives its authority is worth nothing from then on
        until = min(until, authority.not_valid_after_utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, until) - CLOCK_SKEW)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _write(
    folder: Path, stem: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> NewCertificate:
    files = NewCertificate(
        folder / (stem + CERTIFICATE_SUFFIX), folder / (stem + KEY_SUFFIX), certificate.not_valid_after_utc
    )
    # The key first: a replica that reads between the two writes refuses the pair and keeps what it had.
    _replace(files.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _replace(files.certificate, certificate.public_bytes(Encoding.PEM), 0o644)
    return files


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a whole file or none, never readable by others than ``mode`` says."""
    new = path.with_name(path.name + ".new")
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        new.rename(path)
    except OSError as error:
        raise ConfigError(f"{shown(path)}: cannot be written: {error.strerror}") from None


def _read_certificate(path: Path, folder: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            f"{shown(path)}: no such file; make an authority: `paxtui certs init --folder {shown(folder)}`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{shown(path)}: holds no certificate in the PEM format") from None


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _survey(path: Path, authority: x509.Certificate) -> StoredCertificate:
    name = path.name.removesuffix(CERTIFICATE_SUFFIX)
    try:
        certificate = _read_certificate(path, path.parent)
    except ConfigError as error:
        return StoredCertificate(name, "?", None, str(error).partition(": ")[2])
    until = certificate.not_valid_after_utc
    is_authority = name == AUTHORITY
    says = "authority" if is_authority else "no role"
    try:
        if not is_authority:
            says = str(_identity(certificate))
            certificate.verify_directly_issued_by(authority)
        if until < datetime.datetime.now(datetime.UTC):
            return StoredCertificate(name, says, until, "has expired")
        _check_pair(path, certificate, needed=not is_authority)
    except NoRole as error:
        return StoredCertificate(name, says, until, str(error))
    except (InvalidSignature, ValueError, TypeError):
        return StoredCertificate(name, says, until, "is not from this authority")
    except ConfigError as error:
        return StoredCertificate(name, says, until, str(error).partition(": ")[2])
    return StoredCertificate(name, says, until, None)


def _identity(certificate: x509.Certificate) -> Identity:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return from_uris(())
    return from_uris(names.get_values_for_type(x509.UniformResourceIdentifier))


def _check_pair(path: Path, certificate: x509.Certificate, *, needed: bool) -> None:
    """Check the key beside a certificate: who may read it, and whether it belongs there. The authority's key
    may well be elsewhere."""
    key_file = path.with_suffix(KEY_SUFFIX)
    if not key_file.exists():
        if needed:
            raise ConfigError(f"{shown(key_file)}: its key is not here")
        return
    check_key(key_file)
    key = load_pem_private_key(key_file.read_bytes(), None)
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise ConfigError(f"{shown(key_file)}: the key beside it is another certificate's")
