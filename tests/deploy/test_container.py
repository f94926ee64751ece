"""The container file, as far as it can be tried without a container: what it copies, builds and runs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.deployed import DEPLOY, PROJECT, parsed

CONTAINERFILE = DEPLOY / "Containerfile"
WORDS = {
    *(
        "FROM",
        "COPY",
        "RUN",
        "USER",
        "VOLUME",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    )
}


def instructions() -> list[tuple[str, str]]:
    """Instruction and argument of each logical line."""
    lines = [line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines() if line.strip()]


def only(word: str) -> str:
    (argument,) = [argument for each, argument in instructions() if each == word]
    return argument


def environment_of_the_image() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(only("ENV")))


def test_only_instructions_that_exist_are_used() -> None:
    assert {word for word, _ in instructions()} <= WORDS
    assert instructions()[0] == ("FROM", "python:3.11-slim AS build")


def test_it_does_not_run_as_root() -> None:
    words = [word for word, _ in instructions()]
    uid = only("USER")
    assert uid.isdigit()
    assert int(uid) > 0
    assert any(f"--uid {uid}" in argument for word, argument in instructions() if word == "RUN")
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_the_python_is_one_that_paxtui_runs_on() -> None:
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == ">=3.11"
    images = [argument.split()[0] for word, argument in instructions() if word == "FROM"]
    assert set(images) == {"python:3.11-slim"}


def test_entry_point_and_command_are_a_headless_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = json.loads(only("ENTRYPOINT"))
    assert entry in tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    monkeypatch.setenv("PAXTUI_ID", "2")
    for name, value in environment_of_the_image().items():
        monkeypatch.setenv(name, value)
    command, options = parsed(json.loads(only("CMD")))
    assert (command, options["id"], options["headless"]) == ("replica", 2, True)
    assert str(options["data_dir"]) == only("VOLUME")
    assert str(options["log_dir"]).startswith(only("VOLUME"))


def test_its_health_is_that_of_its_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXTUI_ID", "2")
    flags, _, words = only("HEALTHCHECK").partition("CMD ")
    program, *rest = json.loads(words)
    command, options = parsed(rest)
    assert (program, command, options["local"], options["id"]) == ("paxtui", "health", True, 2)
    given_s = re.search(r"--timeout=(\d+)s", flags)
    assert given_s is not None
    assert options["timeout"] < int(given_s[1])


@pytest.mark.processes
def test_what_it_copies_is_enough_to_build_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for word, argument in instructions():
        if word == "COPY" and not argument.startswith("--from"):
            *names, place = argument.split()
            for name in names:
                into = tmp_path / place.lstrip("/")
                if (PROJECT / name).is_dir():
                    shutil.copytree(PROJECT / name, into, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(PROJECT / name, into)
    (build,) = [argument for word, argument in instructions() if argument.startswith("pip wheel")]
    words = build.replace("/wheels", str(tmp_path / "wheels")).replace("/src", str(source)).split()
    # The backend that the network would bring is here already.
    command = [sys.executable, "-m", *words, "--no-build-isolation", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheels").glob("paxtui-*.whl")
    (install,) = [argument for word, argument in instructions() if argument.startswith("pip install")]
    named = re.search(r'"\$\(echo (\S+)\)\[(\w+)\]"', install)
    assert named is not None
    shown = subprocess.run(
        ["sh", "-c", f"echo {named[1].replace('/wheels', str(tmp_path / 'wheels'))}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == str(wheel)
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert named[2] in extras
