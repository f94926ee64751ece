"""The files that ``paxtui certs`` makes: who may read them, what is never replaced, what is found wrong."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from paxtui.config.folders import ConfigError
from paxtui.net.tls.authority import Authority
from paxtui.net.tls.identity import identity
from tests.net.certificates import Folder, leaf, trusted


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_enter_the_folder_and_read_the_keys(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "deep" / "certs", "replica-0", "client-ada")
    assert mode(certs.path) == 0o700
    modes = {path.name: mode(path) for path in certs.path.iterdir()}
    assert {name: found for name, found in modes.items() if name.endswith(".key")} == {
        "authority.key": 0o600,
        "replica-0.key": 0o600,
        "client-ada.key": 0o600,
    }
    assert sorted(set(modes) - {name for name in modes if name.endswith(".key")}) == [
        "authority.pem",
        "client-ada.pem",
        "replica-0.pem",
    ]


def test_an_empty_folder_is_closed_to_others_and_a_full_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir(mode=0o755)
    Folder(tmp_path / "empty")
    assert mode(tmp_path / "empty") == 0o700
    (tmp_path / "full").mkdir(mode=0o755)
    (tmp_path / "full" / "x").touch()
    with pytest.raises(ConfigError) as error:
        Folder(tmp_path / "full")
    assert str(error.value) == (
        f"{tmp_path}/full: others can enter this folder; `chmod 700 {tmp_path}/full`, or name a new one with "
        "--folder"
    )
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x"]


@pytest.mark.parametrize("gone", [None, "authority.pem", "authority.key"])
def test_an_authority_is_never_replaced(tmp_path: Path, gone: str | None) -> None:
    certs = Folder(tmp_path / "certs")
    if gone is not None:
        (certs.path / gone).unlink()
    before = {path.name: path.read_bytes() for path in certs.path.iterdir()}
    with pytest.raises(ConfigError, match=r"is there already; an authority is made once"):
        Authority(certs.path).create("again")
    assert {path.name: path.read_bytes() for path in certs.path.iterdir()} == before


def test_a_certificate_is_replaced_only_on_demand_and_with_a_new_key(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada")
    before = (certs.path / "client-ada.key").read_bytes()
    with pytest.raises(ConfigError, match=r"client-ada\.pem: is there already; --renew replaces it"):
        certs.authority.issue(identity("client", "ada"))
    assert (certs.path / "client-ada.key").read_bytes() == before
    certs.authority.issue(identity("client", "ada"), renew=True)
    assert (certs.path / "client-ada.key").read_bytes() != before
    assert not list(certs.path.glob("*.new"))


def test_no_certificate_outlives_its_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certs")
    made = authority.create("short", days=10)
    assert authority.issue(identity("client", "ada"), days=365).until == made.until


def test_without_the_key_of_the_authority_nothing_is_made(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs")
    key = certs.path / "authority.key"
    key.rename(tmp_path / "safe")
    with pytest.raises(ConfigError, match="certificates are made where the authority's key is"):
        certs.issue("client-ada")
    Folder(tmp_path / "other")
    (tmp_path / "other" / "authority.key").rename(key)
    with pytest.raises(ConfigError, match=r"authority\.key: is not the key of .*authority\.pem"):
        certs.issue("client-ada")
    (tmp_path / "safe").rename(key)
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read this private key"):
        certs.issue("client-ada")
    key.chmod(0o600)
    key.write_text("x")
    with pytest.raises(ConfigError, match=r"authority\.key: is no private key in the PEM format"):
        certs.issue("client-ada")
    assert [path.name for path in certs.path.iterdir() if path.name.startswith("client")] == []


def test_without_an_authority_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        Authority(tmp_path / "none").issue(identity("client", "ada"))
    assert str(error.value).endswith(f"make an authority: `paxtui certs init --folder {tmp_path}/none`")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file: cannot be made: File exists"):
        Authority(tmp_path / "file").create("x")


def test_a_survey_finds_what_is_wrong(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada", "client-bob", "client-cid", "client-dan", "client-fay")
    certs.issue("observer-old", days=-1)
    (certs.path / "client-bob.key").chmod(0o640)
    (certs.path / "client-cid.key").unlink()
    (certs.path / "client-dan.pem").write_text("x")
    (certs.path / "client-fay.key").write_bytes((certs.path / "client-ada.key").read_bytes())
    Folder(tmp_path / "other", "operator-eve")
    for suffix in ("pem", "key"):
        (tmp_path / f"other/operator-eve.{suffix}").rename(certs.path / f"operator-eve.{suffix}")
    leaf(trusted(tmp_path / "foreign"), tmp_path / "foreign", "www").certificate.rename(
        certs.path / "www.pem"
    )
    found = {each.name: (each.says, each.problem or "ok") for each in certs.authority.survey()}
    assert next(iter(found)) == "authority"
    assert found["authority"] == ("authority", "ok")
    assert found["client-ada"] == ("client/ada", "ok")
    assert "others can read this private key (mode 0640)" in found["client-bob"][1]
    assert found["client-cid"] == ("client/cid", "its key is not here")
    assert found["client-dan"] == ("?", "holds no certificate in the PEM format")
    assert found["client-fay"][1] == "the key beside it is another certificate's"
    assert found["observer-old"] == ("observer/old", "has expired")
    assert found["operator-eve"] == ("operator/eve", "is not from this authority")
    assert found["www"][1].startswith("states no role")


def test_a_survey_begins_with_the_authority_whatever_else_is_in_the_folder(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada")
    (certs.path / "a-stranger.pem").write_text("x")
    assert [each.name for each in certs.authority.survey()] == ["authority", "a-stranger", "client-ada"]


# The library


@pytest.mark.processes
def test_without_the_library_only_making_certificates_fails(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    program = f"""
import sys
sys.modules["cryptography"] = None
from pathlib import Path
from paxtui.net.tls.credentials import of_replica
from paxtui.config.tls_files import Tls
print(of_replica(Tls(folder={str(certs.path)!r}), 0).identity)
sys.argv[1:] = ["certs", "show", "--folder", {str(certs.path)!r}]
from paxtui.cli.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "replica/0\n"
    assert done.returncode == 2
    assert done.stderr == (
        "paxtui: `paxtui certs` needs the library cryptography: pip install 'paxtui[tls]'\n"
    )


@pytest.mark.processes
def test_neither_a_replica_nor_a_client_loads_the_library() -> None:
    program = "import sys, paxtui.replica.process, paxtui.client; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
