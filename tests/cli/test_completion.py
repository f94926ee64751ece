"""What a shell completes: commands, options and values, asked in the way of each shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from paxtui.cli import completion
from paxtui.cli.completers import SHELLS
from paxtui.config import cluster_file
from tests.replica.processes import PAXTUI

pytestmark = pytest.mark.processes

FIVE = cluster_file.to_toml(cluster_file.local(5, range(9000, 9005), name="five"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a cluster file of five replicas, and a program `paxtui`."""
    (tmp_path / "five.toml").write_text(FIVE)
    program = tmp_path / "bin" / "paxtui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {PAXTUI[0]} -m paxtui "$@"\n')
    program.chmod(0o755)
    return tmp_path


def in_bash(folder: Path, line: str) -> list[str]:
    """What bash gets for a line whose last word is completed, in quotes as typed."""
    script = f"""
        source <("{folder}/bin/paxtui" completion bash)
        COMP_WORDS=({line})
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        complete -p paxtui >/dev/null && _paxtui_completion paxtui
        (( ${{#COMPREPLY[@]}} )) && printf '%s\\n' "${{COMPREPLY[@]}}"
        true
    """
    environment = {
        **os.environ,
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(folder / "home"),
    }
    environment.pop("PAXTUI_CONFIG", None)
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("paxtui clu", ["clusters"]),
        ("paxtui fault cr", ["crash", "crash-proposer"]),
        ("paxtui run --jso", ["--json"]),
        ("paxtui run leader", ["leader-killed-mid-stream"]),
        ("paxtui guide gloss", ["glossary"]),
        ("paxtui elect ''", ["0", "1", "2"]),
        ("paxtui elect --config five.toml r", ["r0", "r1", "r2", "r3", "r4"]),
        ("paxtui fault cut r1-", ["r1-r2"]),
        ("paxtui fault crash 0 --when accept-s", ["accept-sent"]),
        ("paxtui sim --mutants lowest-ballot", ["lowest-ballot-wins"]),
        ("paxtui sim --profile chu", ["churn"]),
        ("paxtui help compl", ["completion"]),
        ("paxtui completion z", ["zsh"]),
        ("paxtui attach loc", ["local-3"]),
        ("paxtui status --at loc", ["local-3"]),
        ("paxtui elect --at local-3 ''", ["0", "1", "2"]),
        ("paxtui verify ''", []),
        ("paxtui elect --config nope.toml ''", []),
    ],
)
def test_bash_completes(folder: Path, line: str, found: list[str]) -> None:
    assert in_bash(folder, line) == found


IN_OTHER_SHELLS = [
    ("paxtui clu", ["clusters"]),
    ("paxtui fault cr", ["crash", "crash-proposer"]),
    ("paxtui run --jso", ["--json"]),
    ("paxtui guide gloss", ["glossary"]),
    ("paxtui elect --config five.toml r", ["r0", "r1", "r2", "r3", "r4"]),
    ("paxtui elect --config fiv", ["five.toml"]),
    ("paxtui fault crash 0 --when accept-s", ["accept-sent"]),
    ("paxtui attach loc", ["local-3"]),
    ("paxtui status --at loc", ["local-3"]),
]
"""A line, and what is offered for its last word."""


def environment_of(folder: Path) -> dict[str, str]:
    """What a shell gets: the program, and no configuration of its user."""
    kept = {key: text for key, text in os.environ.items() if key not in ("PAXTUI_CONFIG", "ZDOTDIR")}
    return {**kept, "PATH": f"{folder}/bin:{os.environ['PATH']}", "TERM": "xterm", "HOME": str(folder)}


def in_fish(folder: Path, line: str) -> list[str]:
    """What fish offers for the last word of a line; each without its meaning."""
    script = f"{folder}/bin/paxtui completion fish | source; complete -C $argv[1]"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, line],
        cwd=folder,
        env=environment_of(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [row.partition("\t")[0] for row in done.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(
    ("line", "found"),
    [*IN_OTHER_SHELLS, ("paxtui fault cut r0", ["r0>*", "r0>r1", "r0>r2", "r0-r1", "r0-r2"])],
)
def test_fish_completes(folder: Path, line: str, found: list[str]) -> None:
    assert in_fish(folder, line) == found


ZSH_ASKS = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PS2= RPS1=; stty -echo; source ./setup.zsh"
zpty -r -m shell ready '*SET UP*'
zpty -w shell "$1"$'\t'
while zpty -r shell; do :; done
"""
"""A line is typed into a zsh on a terminal of its own, and tab after it; then that shell ends."""

ZSH_SETUP = r"""
bindkey '^M' undefined
bindkey '^J' undefined
bindkey '^I' complete-word
null-line () { echo -E - $'\0' }
compprefuncs=( null-line )
comppostfuncs=( exit )
zstyle ':completion:*' insert-tab false
compadd () {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    typeset -a found
    builtin compadd -A found "$@"
    (( $#found )) && printf 'offered %s\n' $found
    return 1
}
print SET\ UP
"""
"""What would be offered is printed in place of being inserted."""

ZSH_LOADS = {
    "from a folder of functions": "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D",
    "by a line of its start file": "autoload -Uz compinit; compinit -u -D; source ./_paxtui",
}
"""The two ways in which a person takes the lines over."""


def in_zsh(folder: Path, line: str, loads: str) -> list[str]:
    """What zsh offers for the last word of a line."""
    environment = environment_of(folder)
    (folder / "_paxtui").write_text(completion.SCRIPTS["zsh"])
    (folder / "setup.zsh").write_text(f"{loads}\n{ZSH_SETUP}")
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH_ASKS, "zsh", line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return [row[8:] for row in done.stdout.replace("\r", "").splitlines() if row.startswith("offered ")]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
@pytest.mark.parametrize(
    ("line", "found"),
    [*IN_OTHER_SHELLS, ("paxtui fault cut r0", ["r0-r1", "r0-r2", r"r0\>r1", r"r0\>r2", r"r0\>\*"])],
)
def test_zsh_completes(folder: Path, line: str, found: list[str]) -> None:
    assert in_zsh(folder, line, ZSH_LOADS["from a folder of functions"]) == found


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
@pytest.mark.parametrize("loads", ZSH_LOADS.values(), ids=ZSH_LOADS)
def test_zsh_completes_from_the_first_tab_on(folder: Path, loads: str) -> None:
    assert in_zsh(folder, "paxtui clu", loads) == ["clusters"]


def asked(folder: Path, **environment: str) -> str:
    done = subprocess.run(
        PAXTUI, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_a_link_of_one_direction_is_offered_only_where_the_shell_leaves_its_arrow_alone(folder: Path) -> None:
    ask = {"_PAXTUI_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    assert ">" not in asked(folder, COMP_WORDS="paxtui fault cut r0", **ask)
    assert "r0>r2" in asked(folder, COMP_WORDS="paxtui fault cut 'r0", **ask).splitlines()


def test_zsh_and_fish_get_values_with_their_meaning(folder: Path) -> None:
    zsh = asked(folder, _PAXTUI_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="paxtui guide gloss")
    assert '"glossary":"Every word' in zsh
    fish = {"_PAXTUI_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    shown = asked(folder, _TYPER_COMPLETE_ARGS="paxtui fault cut r0>", **fish).splitlines()
    assert "r0>r1\tfrom r0 to r1" in shown


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_lines_that_ask_this_program(shell: str) -> None:
    script = completion.SCRIPTS[shell]
    assert completion.VARIABLE in script
    assert f"complete_{shell}" in script


@pytest.mark.parametrize(("shell", "code"), [("/bin/bash", 0), ("/usr/bin/fish", 0), ("/bin/sh", 2), ("", 2)])
def test_without_a_name_it_is_the_shell_of_the_user(folder: Path, shell: str, code: int) -> None:
    command = [*PAXTUI, "completion"]
    done = subprocess.run(
        command, env={**os.environ, "SHELL": shell}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == completion.SCRIPTS.get(Path(shell).name, "")
