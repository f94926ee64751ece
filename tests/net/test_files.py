"""Which files are taken, by whom, and what is said when they are not there or not safe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from paxtui.config.folders import ConfigError
from paxtui.config.tls_files import (
    Tls,
    for_replica,
    for_tools,
    with_environment,
    without_environment,
)
from tests.net.certificates import Folder

THREE = """[cluster]
name = "x"
[[replica]]
id = 0
host = "127.0.0.1"
port = 7400
"""


@pytest.fixture
def certs(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "certs", "replica-0", "replica-1", "operator-eve")


def refusal(tls: Tls, replica: int | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        for_tools(tls) if replica is None else for_replica(tls, replica)
    return str(error.value)


# The cluster file and the environment


def test_paths_of_a_cluster_file_start_at_that_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "x.toml"
    file.write_text(THREE + '[tls]\nfolder = "certs"\nauthority = "/ca.pem"\nidentity = "operator-eve"\n')
    tls = cluster_file.load(file).tls
    assert tls == Tls(folder=str(tmp_path / "etc/certs"), authority="/ca.pem", identity="operator-eve")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        THREE + '[tls]\ncertificate = "a.pem"\nkey = "a.key"\nauthority = "c.pem"\n'
    )
    cluster = cluster_file.load(tmp_path / "x.toml")
    (tmp_path / "elsewhere").mkdir()
    again = tmp_path / "elsewhere" / "y.toml"
    again.write_text(cluster_file.to_toml(cluster))
    assert cluster_file.load(again).tls == cluster.tls
    assert cluster_file.load(again).digest == cluster.digest


def test_certificates_are_no_part_of_what_all_replicas_must_have_equal(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(THREE)
    plain = cluster_file.load(file)
    file.write_text(THREE + '[tls]\nfolder = "certs"\n')
    assert plain.tls is None
    assert cluster_file.load(file).digest == plain.digest


@pytest.mark.parametrize(
    ("table", "line", "why"),
    [
        ("[tls]\n", 7, "[tls] says nothing; allowed: folder, identity, authority, certificate, key"),
        ('[tls]\nfolders = "x"\n', 8, 'unknown key "folders" in tls; did you mean folder?'),
        ("[tls]\nfolder = 3\n", 8, "tls.folder: expected text"),
        ('[tls]\nfolder = " "\n', 8, "folder is"),
        ('[tls]\nkey = "a\\u0000b"\n', 8, "key is"),
        ("tls = 3\n", None, "tls"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, table: str, line: int | None, why: str
) -> None:
    file = tmp_path / "x.toml"
    file.write_text(THREE + table if line else table + THREE)
    with pytest.raises(ConfigError) as error:
        cluster_file.load(file)
    assert why in str(error.value)
    if line:
        assert str(error.value).startswith(f"{file}:{line}: ")


def test_the_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = Tls(folder="/etc/certs", identity="client-ada")
    assert with_environment(file, {}) == file
    assert with_environment(None, {"PAXTUI_CONFIG": "x"}) is None
    assert with_environment(file, {"PAXTUI_TLS_FOLDER": "mine"}) == Tls(
        folder=str(tmp_path / "mine"), identity="client-ada"
    )
    assert with_environment(None, {"PAXTUI_TLS_AUTHORITY": "/c", "PAXTUI_TLS_KEY": ""}) == Tls(authority="/c")


def test_an_identity_in_the_environment_goes_over_a_certificate_in_the_file() -> None:
    file = Tls(folder="/etc/certs", certificate="/etc/tls.crt", key="/etc/tls.key")
    found = with_environment(file, {"PAXTUI_TLS_IDENTITY": "operator-eve"})
    assert found == Tls(folder="/etc/certs", identity="operator-eve")


def test_the_environment_reaches_whoever_finds_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAXTUI_TLS_FOLDER", str(tmp_path))
    assert cluster_file.find(None).tls == Tls(folder=str(tmp_path))
    assert cluster_file.load(None).tls is None


def test_a_child_to_whom_a_file_says_all_does_not_see_the_environment() -> None:
    assert without_environment({"PAXTUI_TLS_IDENTITY": "x", "PAXTUI_CONFIG": "y"}) == {"PAXTUI_CONFIG": "y"}


# Which files


def test_a_replica_shows_its_own_and_a_tool_the_only_one_that_is_no_replicas(certs: Folder) -> None:
    tls = Tls(folder=str(certs.path), identity=None)
    assert for_replica(tls, 1) == certs.files("replica-1")
    assert for_tools(tls) == certs.files("operator-eve")
    certs.issue("client-ada")
    assert for_tools(Tls(folder=str(certs.path), identity="client-ada")) == certs.files("client-ada")
    told = for_replica(Tls(folder=str(certs.path), identity="client-ada"), 0)
    assert told == certs.files("replica-0"), "an identity is for tools"


def test_files_that_another_tool_made_are_named_one_by_one(certs: Folder) -> None:
    for name in ("tls.crt", "tls.key", "ca.crt"):
        source = {"tls.crt": "replica-0.pem", "tls.key": "replica-0.key", "ca.crt": "authority.pem"}[name]
        (certs.path / source).rename(certs.path / name)
    tls = Tls(
        authority=str(certs.path / "ca.crt"),
        certificate=str(certs.path / "tls.crt"),
        key=str(certs.path / "tls.key"),
    )
    assert for_replica(tls, 0) == for_tools(tls)
    assert for_tools(tls).key == certs.path / "tls.key"


def test_who_could_be_several_is_asked_which(certs: Folder) -> None:
    certs.issue("client-ada")
    assert refusal(Tls(folder=str(certs.path))) == (
        f"{certs.path}: holds several identities; say which with [tls] identity or PAXTUI_TLS_IDENTITY: "
        "client-ada, operator-eve"
    )


def test_who_has_none_is_told_how_to_make_one(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    assert refusal(Tls(folder=str(certs.path))) == (
        f"{certs.path}: holds no certificate of a client, operator or observer; make one with "
        f"`paxtui certs operator NAME --folder {certs.path}`"
    )
    assert refusal(Tls(folder=str(certs.path)), replica=4) == (
        f"{certs.path}/replica-4.pem: no such file; make it with "
        f"`paxtui certs replica 4 --folder {certs.path}`"
    )
    missing = refusal(Tls(folder=str(certs.path), identity="client-ada"))
    assert missing.endswith(f"make it with `paxtui certs client ada --folder {certs.path}`")
    nowhere = refusal(Tls(folder=str(tmp_path / "none")), replica=0)
    assert nowhere.endswith(f"make it with `paxtui certs init --folder {tmp_path}/none`")


@pytest.mark.parametrize("name", ["replica-0", "king-ada", "client-../../x", "client", ""])
def test_an_identity_that_is_no_tools_is_refused(certs: Folder, name: str) -> None:
    said = refusal(Tls(folder=str(certs.path), identity=name or "-"))
    assert "is no identity of a tool; one is such as operator-eve, client-ada or observer-wall" in said


def test_half_of_what_is_needed_is_refused_by_name(certs: Folder) -> None:
    pem, key = str(certs.path / "operator-eve.pem"), str(certs.path / "operator-eve.key")
    assert refusal(Tls(certificate=pem)) == (
        "[tls] key or PAXTUI_TLS_KEY: is not told; a certificate and its key go together"
    )
    assert refusal(Tls(key=key)).startswith("[tls] certificate or PAXTUI_TLS_CERTIFICATE: is not told;")
    assert refusal(Tls(certificate=pem, key=key)) == (
        "[tls] authority or PAXTUI_TLS_AUTHORITY: is not told, nor is a folder that holds it"
    )
    assert refusal(Tls(authority=pem)).startswith("[tls] certificate or PAXTUI_TLS_CERTIFICATE")
    assert refusal(Tls(authority=pem), replica=0).startswith("[tls] certificate or PAXTUI_TLS_CERTIFICATE")


def test_a_folder_in_the_place_of_a_file_is_refused(certs: Folder) -> None:
    (certs.path / "operator-eve.pem").unlink()
    (certs.path / "operator-eve.pem").mkdir()
    assert refusal(Tls(folder=str(certs.path))).endswith("operator-eve.pem: is not a plain file")


# Who may read a key


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660, 0o602, 0o601])
def test_a_key_that_others_can_read_is_refused_with_the_way_out(certs: Folder, mode: int) -> None:
    key = certs.path / "operator-eve.key"
    key.chmod(mode)
    assert refusal(Tls(folder=str(certs.path))) == (
        f"{key}: others can read this private key (mode {mode:04o}); `chmod 600 {key}`"
    )


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_only_its_owner_can_read_is_taken(certs: Folder, mode: int) -> None:
    (certs.path / "operator-eve.key").chmod(mode)
    assert for_tools(Tls(folder=str(certs.path))) == certs.files("operator-eve")


class Owned:
    """``os.stat``'s answer for a key of another owner."""

    def __init__(self, uid: int, mode: int) -> None:
        self.st_uid = uid
        self.st_mode = 0o100000 | mode


@pytest.mark.parametrize(
    ("me", "owner", "mode", "taken"),
    [
        (1000, 1000, 0o600, True),
        (1000, 1000, 0o640, False),
        (1000, 0, 0o640, True),  # handed to a service by way of its group
        (1000, 0, 0o644, False),
        (1000, 0, 0o660, False),
        (0, 0, 0o640, False),
        (1000, 1001, 0o600, False),
        (0, 1001, 0o600, False),
    ],
)
def test_owners_and_modes(
    monkeypatch: pytest.MonkeyPatch, me: int, owner: int, mode: int, taken: bool
) -> None:
    from paxtui.config.tls_files import check_key

    monkeypatch.setattr(os, "geteuid", lambda: me)
    monkeypatch.setattr(Path, "stat", lambda self, **named: Owned(owner, mode))
    if taken:
        check_key(Path("x.key"))
    else:
        with pytest.raises(ConfigError, match=r"x\.key: (others can read|belongs to another user)"):
            check_key(Path("x.key"))
