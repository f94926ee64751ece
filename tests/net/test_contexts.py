"""Certificates are checked before anybody is asked, and read again while connections go on."""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path

import pytest

from paxtui.config.folders import ConfigError
from paxtui.config.identity import Identity
from paxtui.config.tls_files import KeyFiles, Tls
from paxtui.net.tls.credentials import DAY_S, Credentials, of_tool
from tests.net.certificates import Folder, leaf, trusted


@pytest.fixture
def certs(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "certs", "replica-0", "replica-1", "client-ada")


def refusal(files: KeyFiles, replica: int | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        Credentials(files, replica)
    return str(error.value)


def test_what_serves_says_who_we_are_and_until_when(certs: Folder) -> None:
    replica = certs.replica(0)
    assert replica.identity == Identity("replica", "0")
    assert replica.days_left() == 29
    assert abs(replica.until - time.time() - 30 * DAY_S) < 600
    assert Credentials(certs.files("client-ada"), None).identity == Identity("client", "ada")


def test_nothing_below_tls_1_3_and_nobody_without_a_certificate(certs: Folder) -> None:
    replica = certs.replica(0)
    for context in (replica.server, replica.client):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_3
        assert context.verify_mode == ssl.CERT_REQUIRED
    assert replica.server.num_tickets == 0


def test_a_certificate_of_somebody_else_is_refused_at_the_start(certs: Folder) -> None:
    one = certs.files("replica-1")
    assert refusal(one, 0) == f"{one.certificate}: is the certificate of replica/1, not that of replica/0"
    assert refusal(one) == (
        f"{one.certificate}: is the certificate of replica/1, not a client's, operator's or observer's"
    )
    ada = certs.files("client-ada")
    assert refusal(ada, 0).startswith(f"{ada.certificate}: is not made for this")


def test_an_expired_certificate_is_refused_with_the_way_out(certs: Folder) -> None:
    certs.issue("client-ada", days=-1)
    ada = certs.files("client-ada")
    assert refusal(ada) == f"{ada.certificate}: has expired; `paxtui certs` with --renew makes a new one"


def test_a_certificate_of_another_authority_is_refused(certs: Folder, tmp_path: Path) -> None:
    other = Folder(tmp_path / "other", "client-ada")
    files = certs.files("client-ada", authority=other.path)
    assert refusal(files) == f"{files.certificate}: is not from {other.path}/authority.pem"


def test_an_authority_that_another_tool_made_serves(tmp_path: Path) -> None:
    ca = trusted(tmp_path / "foreign")
    from paxtui.config.identity import identity
    from paxtui.net.tls.authority import Authority

    made = Authority(tmp_path / "foreign").issue(identity("operator", "eve"))
    files = KeyFiles(tmp_path / "foreign/authority.pem", made.certificate, made.key)
    assert Credentials(files, None).identity == Identity("operator", "eve")
    anybody = leaf(ca, tmp_path / "foreign", "www")
    assert refusal(anybody).startswith(f"{anybody.certificate}: states no role; one URI such as")
    expired = leaf(ca, tmp_path / "foreign", "old", expired=True)
    assert refusal(expired).startswith(f"{expired.certificate}: has expired;")


def test_files_that_are_no_certificates_are_refused_by_name(certs: Folder) -> None:
    ada = certs.files("client-ada")
    kept = ada.certificate.read_bytes()
    ada.certificate.write_text("hello")
    assert f"{ada.certificate} is not in the PEM format" in refusal(ada)
    ada.certificate.write_bytes(kept)
    assert refusal(KeyFiles(ada.authority, ada.certificate, certs.files("replica-0").key)) == (
        f"{certs.path}/replica-0.key: is not the key of {ada.certificate}"
    )
    ada.authority.write_text("")
    assert refusal(ada) == f"{ada.authority}: holds no certificate in the PEM format"


def test_a_key_with_a_passphrase_asks_nobody(certs: Folder) -> None:
    from cryptography.hazmat.primitives import serialization as s

    ada = certs.files("client-ada")
    key = s.load_pem_private_key(ada.key.read_bytes(), None)
    ada.key.write_bytes(
        key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"secret"))
    )
    assert refusal(ada) == f"{ada.key}: has a passphrase, which no person is there to type; remove it"


# Renewal


def test_what_was_renewed_is_taken_when_told(certs: Folder) -> None:
    replica = certs.replica(0)
    server = replica.server
    certs.issue("replica-0", days=90)
    assert replica.days_left() == 29
    replica.reload()
    assert replica.days_left() == 89
    assert replica.server is not server


@pytest.mark.parametrize("damage", ["garbage", "expired", "readable", "gone", "of another"])
def test_what_cannot_serve_changes_nothing(certs: Folder, damage: str) -> None:
    replica = certs.replica(0)
    server = replica.server
    files = replica.files
    match damage:
        case "garbage":
            files.certificate.write_text("x")
        case "expired":
            certs.issue("replica-0", days=-1)
        case "readable":
            files.key.chmod(0o644)
        case "gone":
            files.key.unlink()
        case "of another":
            certs.files("replica-1").certificate.rename(files.certificate)
            certs.files("replica-1").key.rename(files.key)
    with pytest.raises((ConfigError, OSError)):
        replica.reload()
    assert replica.server is server
    assert replica.days_left() == 29


def test_a_program_that_nobody_signals_takes_what_was_renewed_by_itself(certs: Folder) -> None:
    ada = of_tool(Tls(folder=str(certs.path)))
    assert of_tool(Tls(folder=str(certs.path))) is ada, "files are read once for all connections"
    before = ada.client
    ada.reload_if_changed()
    assert ada.client is before
    certs.issue("client-ada", days=90)
    ada.reload_if_changed()
    assert ada.days_left() == 89


def test_a_pair_that_is_half_written_is_left_alone_until_it_is_whole(certs: Folder) -> None:
    ada = of_tool(Tls(folder=str(certs.path)))
    files = ada.files
    old = files.certificate.read_bytes()
    certs.issue("client-ada", days=90)
    new = files.certificate.read_bytes()
    files.certificate.write_bytes(old)
    ada.reload_if_changed()
    assert ada.days_left() == 29
    files.certificate.write_bytes(new)
    os.utime(files.certificate, ns=(1, 1))
    ada.reload_if_changed()
    assert ada.days_left() == 89
