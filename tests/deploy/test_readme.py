"""Every command line of paxtui's in the deployment's README is one that paxtui takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from paxtui.config import cluster_file
from tests.deploy.deployed import DEPLOY, PROJECT, parsed

README = (DEPLOY / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


def paxtui_lines() -> list[str]:
    """What stands behind the program's name, in blocks and between backquotes."""
    texts = [*LINES, *re.findall(r"`(paxtui [^`]+)`", README)]
    files = [
        PROJECT / "configs" / "deploy" / name
        for name in ("Containerfile", "kubernetes.yaml", "paxtui@.service")
    ]
    comments = [line for file in files for line in file.read_text().splitlines() if line.startswith("#")]
    texts += [each for line in comments for each in re.findall(r"`(paxtui [^`]+)`", line)]
    found = []
    for text in texts:
        match = re.search(r"(?:^|[ /])paxtui (?!-)(?P<words>[a-z].*)$", text)
        if match is not None and not re.search(r"\b(useradd|install|build|podman)\b", text):
            found.append(match["words"])
    return found


@pytest.mark.parametrize("line", paxtui_lines())
def test_a_command_line_is_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXTUI_ID", "0")  # of which the text says that it may stand for --id
    command, _options = parsed(shlex.split(line))
    assert command.split()[0] in line


def test_there_are_command_lines() -> None:
    assert len(paxtui_lines()) >= 15


def test_the_cluster_file_is_one(tmp_path: Path) -> None:
    (text,) = [text for kind, text in BLOCKS if kind == "toml"]
    (tmp_path / "cluster.toml").write_text(text)
    cluster = cluster_file.load(tmp_path / "cluster.toml")
    assert [str(address) for address in cluster.replicas] == [f"10.0.0.{n}:7400" for n in (1, 2, 3)]
    assert cluster.warm_up == "all"
    assert cluster.tls is not None


def test_the_scrape_configuration_names_files_that_the_steps_make() -> None:
    (text,) = [text for kind, text in BLOCKS if kind == "yaml"]
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert job["job_name"] == "paxtui"
    assert job["tls_config"]["cert_file"] == "certs/observer-health.pem"
    assert "paxtui certs observer health --folder certs" in LINES


def test_files_that_the_text_names_exist() -> None:
    named = {*re.findall(r"configs/deploy/[\w.@-]+", README)}
    assert named
    assert all((PROJECT / name).exists() for name in named)
    table = re.findall(r"^\| `([\w.@-]+)` \|", README.partition("##")[0], re.MULTILINE)
    assert {*table, "README.md"} == {path.name for path in DEPLOY.iterdir()}
