"""``paxtui certs`` as a person runs it."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.replica.processes import PAXTUI, environment

pytestmark = pytest.mark.processes

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def certs(tmp_path: Path) -> Run:
    """Run ``paxtui certs WORDS...`` in an empty folder."""
    (tmp_path / "here").mkdir()

    def run(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PAXTUI, "certs", *map(str, words)],
            cwd=tmp_path / "here",
            env=environment(tmp_path) | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_from_nothing_to_a_cluster_and_its_people(certs: Run, tmp_path: Path) -> None:
    made = certs("init", "--cluster", "demo")
    assert made.returncode == 0, made.stderr
    assert made.stdout == (
        "certs/authority.pem  goes to all replicas and tools\n"
        "certs/authority.key  signs certificates; who has it can make any of them: keep it away from "
        "replicas\n"
        "next: paxtui certs replica 0 1 2; paxtui certs operator NAME\n"
    )
    replicas = certs("replica", 0, 1, 2)
    assert [line.rpartition(", until ")[0] for line in replicas.stdout.splitlines()] == [
        f"certs/replica-{id}.pem  certs/replica-{id}.key  replica/{id}" for id in range(3)
    ]
    assert certs("client", "ada").returncode == 0
    assert certs("operator", "eve").returncode == 0
    assert certs("observer", "wall", "--days", 1).returncode == 0
    shown = certs("show")
    assert shown.returncode == 0
    assert [line.split()[:2] for line in shown.stdout.splitlines()] == [
        ["file", "says"],
        ["authority.pem", "authority"],
        ["client-ada.pem", "client/ada"],
        ["observer-wall.pem", "observer/wall"],
        ["operator-eve.pem", "operator/eve"],
        *([f"replica-{id}.pem", f"replica/{id}"] for id in range(3)),
    ]
    assert [line.split()[-1] for line in shown.stdout.splitlines()[1:]] == ["ok"] * 7
    folder = tmp_path / "here" / "certs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_is_wrong_is_shown_with_exit_code_1(certs: Run, tmp_path: Path) -> None:
    certs("init")
    certs("client", "ada")
    (tmp_path / "here/certs/client-ada.key").chmod(0o644)
    shown = certs("show")
    assert shown.returncode == 1
    assert shown.stdout.splitlines()[2].endswith(
        "others can read this private key (mode 0644); `chmod 600 certs/client-ada.key`"
    )


def test_the_folder_is_named_by_flag_or_environment(certs: Run, tmp_path: Path) -> None:
    made = certs("init", "--folder", tmp_path / "a")
    assert f"next: paxtui certs replica 0 1 2 --folder {tmp_path}/a; " in made.stdout
    assert certs("client", "ada", PAXTUI_TLS_FOLDER=str(tmp_path / "a")).returncode == 0
    assert (tmp_path / "a" / "client-ada.pem").exists()


MISTAKES: dict[str, tuple[list[str], str]] = {
    "a second authority": (["init"], "certs/authority.pem: is there already; an authority is made once"),
    "a second certificate": (
        ["client", "ada"],
        "certs/client-ada.pem: is there already; --renew replaces it",
    ),
    "a name that is none": (["client", "a/b"], "certs client: 'a/b' is no name; allowed are 1 to 64 letters"),
    "a replica that is none": (["replica", "0", "9"], "certs replica: '9' is no replica's id; 0 to 8 are"),
    "no authority": (
        ["client", "bob", "--folder", "none"],
        "none/authority.pem: no such file; make an authority: `paxtui certs init --folder none`",
    ),
    "nothing to show": (["show", "--folder", "none"], "none/authority.pem: no such file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_and_changes_nothing(certs: Run, tmp_path: Path, mistake: str) -> None:
    certs("init")
    certs("client", "ada")
    before = {path: path.read_bytes() for path in (tmp_path / "here").rglob("*.*")}
    words, why = MISTAKES[mistake]
    done = certs(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"paxtui: {why}")
    assert len(done.stderr.splitlines()) == 1
    assert {path: path.read_bytes() for path in (tmp_path / "here").rglob("*.*")} == before


def test_renewing_replaces_the_certificate_and_the_key(certs: Run, tmp_path: Path) -> None:
    certs("init")
    certs("replica", 0)
    folder = tmp_path / "here" / "certs"
    before = [(folder / f"replica-0.{suffix}").read_bytes() for suffix in ("pem", "key")]
    assert certs("replica", 0, "--renew").returncode == 0
    after = [(folder / f"replica-0.{suffix}").read_bytes() for suffix in ("pem", "key")]
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert certs("show").returncode == 0
