"""Every command line in README, guide, CONTRIBUTING and configs is one that paxtui takes."""

from __future__ import annotations

import importlib
import re
import shlex
from typing import Any

import pytest
import typer.main

from paxtui.cli.main import app_of
from paxtui.config.limits import Limits
from tests.guide.pages import CONFIGS, FILES, PROJECT, TEXTS, commands, comments, expanded, lines, spans

GROUP: Any = typer.main.get_command(app_of([]))
DEPLOY = "configs/deploy/README.md"
PAGES = TEXTS | {path: comments(text) for path, text in CONFIGS.items()}
PAGES[DEPLOY] = (PROJECT / DEPLOY).read_text(encoding="utf-8")
LINES = sorted({(page, line) for page, text in PAGES.items() for line in commands(text)})


def options(command: Any) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    found = {"--help": False, "-h": False}
    for parameter in command.params:
        for name in getattr(parameter, "opts", ()):
            found[name] = not getattr(parameter, "is_flag", False)
    return found


def all_options(command: Any) -> set[str]:
    inner = [each for child in getattr(command, "commands", {}).values() for each in all_options(child)]
    return {*options(command), *inner}


def words_of(line: str) -> list[str]:
    """The words of a command up to its end; ``[...]`` only says that something may be left out."""
    line = re.split(r" (?:[;>|]|&&) |; ", line.replace("...", ""))[0]
    line = re.sub(r"\[([^]\[]*)\]", r"\1", line)
    return shlex.split(line)


def mistake(line: str) -> str | None:
    """What is wrong with a command line. Values are taken for placeholders."""
    command, words = GROUP, words_of(line)
    known = options(command)
    while words:
        word = words.pop(0)
        if hasattr(command, "commands") and not word.startswith("-"):
            if word not in command.commands:
                return f"there is no command {word}"
            command = command.commands[word]
            known = options(command)
        elif word.startswith("-") and word != "-":
            name, equals, _value = word.partition("=")
            if name not in known:
                return f"{command.name} has no option {name}"
            if known[name] and not equals and words:
                words.pop(0)
    return None


def test_mistakes_are_found() -> None:
    assert mistake("tail --from N [--follow]") is None
    assert mistake("tail --form N") == "tail has no option --form"
    assert mistake("fault cuts 0-1") == "there is no command cuts"
    assert mistake("run --config configs/local-3.toml") == "run has no option --config"


@pytest.mark.parametrize(("page", "line"), LINES, ids=lambda each: each)
def test_a_command_line_is_understood(page: str, line: str) -> None:
    assert mistake(line) is None, f"{page}: paxtui {line}"


def test_there_are_command_lines_in_readme_and_guide() -> None:
    assert len(LINES) > 100
    assert {page for page, _line in LINES} >= {"README.md", "CONTRIBUTING.md", "paxtui/guide/commands.md"}


@pytest.mark.parametrize("path", CONFIGS)
def test_a_cluster_file_says_how_it_is_started_and_names_options_that_exist(path: str) -> None:
    assert f"up --config {path}" in commands(PAGES[path])
    named = {span.split()[0] for span in spans(PAGES[path]) if span.startswith("--")}
    assert named <= all_options(GROUP)


def test_every_command_stands_on_the_page_of_commands() -> None:
    named = {line.split()[0] for line in commands(TEXTS["paxtui/guide/commands.md"])}
    assert set(GROUP.commands) - named == set()


@pytest.mark.parametrize("group", ["fault", "certs"])
def test_every_verb_of_a_group_stands_on_the_page_of_commands(group: str) -> None:
    (row,) = re.findall(
        rf"^\| `paxtui {group} \.\.\.` \| (.*) \|$", TEXTS["paxtui/guide/commands.md"], re.MULTILINE
    )
    assert {*re.findall(r"`([a-z-]+)`", row)} == set(GROUP.commands[group].commands)


@pytest.mark.parametrize("page", TEXTS)
def test_an_option_that_stands_alone_exists(page: str) -> None:
    text = TEXTS[page]
    named = {span.split()[0].partition("=")[0] for span in spans(text) if span.startswith("--")}
    modules = [PROJECT / name.replace(".", "/") for name in re.findall(r"python -m (tests[.\w]+)", text)]
    tools = [*modules, *(path.with_suffix(".py") for path in modules)]
    files = [file for tool in tools for file in (tool.glob("*.py") if tool.is_dir() else [tool])]
    source = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    assert {each for each in named - all_options(GROUP) if f'"{each}"' not in source} == set()


@pytest.mark.parametrize("page", TEXTS)
def test_tools_of_the_project_exist(page: str) -> None:
    code = " ".join([*spans(TEXTS[page]), *lines(TEXTS[page])])
    for module in re.findall(r"python -m (tests[.\w]+)", code):
        path = PROJECT / module.replace(".", "/")
        assert (path / "__main__.py").is_file() or path.with_suffix(".py").is_file(), module


def test_targets_of_make_exist() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = {line.split()[0] for text in TEXTS.values() for line in commands(text, "make")}
    assert "run" in named
    assert named - targets == set()


def test_what_make_runs_is_understood() -> None:
    for text in TEXTS.values():
        for line in re.findall(r'ARGS="([^"]*)"', text):
            assert mistake(line) is None


def test_variables_of_the_environment_exist() -> None:
    folders = [path for name in ("paxtui", "tests") for path in (PROJECT / name).iterdir()]
    code = [path for folder in folders if folder.name != "guide" for path in folder.rglob("*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in code)
    for page, text in TEXTS.items():
        for name in set(re.findall(r"PAXTUI_[A-Z_]*[A-Z]", text)):
            limit = name.removeprefix("PAXTUI_LIMIT_").lower()
            known = limit in Limits.__struct_fields__ or name in source
            assert known or name == "PAXTUI_LIMIT", f"{page}: {name}"


def palette_words() -> set[str]:
    """All words that may be typed after the colon."""
    try:
        verbs = importlib.import_module("paxtui.console.actions.surfaces").verbs()
    except ModuleNotFoundError:
        verbs = importlib.import_module("paxtui.console.command_line.grammar").VERBS
    return {verb.name for verb in verbs}


def test_words_behind_the_colon_exist() -> None:
    verbs = palette_words()
    for page, text in TEXTS.items():
        for span in spans(text):
            if re.match(r":[a-z]", span):
                assert span[1:].split()[0] in verbs, f"{page}: {span}"
    block = (
        TEXTS["paxtui/guide/console.md"].partition("## Commands behind the colon")[2].partition("\n## ")[0]
    )
    words = [each.split()[0] for line in lines(block) for each in re.split(r" {3,}", line) if each.strip()]
    assert len(words) > 10
    assert set(words) <= verbs


def test_braces_are_expanded() -> None:
    assert expanded("a/{b,c}.py") == ["a/b.py", "a/c.py"]
    assert [file.name for file in FILES[:3]] == ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
