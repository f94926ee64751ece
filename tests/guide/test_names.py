"""Everything that README, guide and CONTRIBUTING name is there: files, links, modules, classes."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from paxtui import guide
from tests.guide.pages import GUIDE, PACKAGE, PROJECT, TEXTS, expanded, lines, prose, spans

README_BYTES_MAX = 12_288

FOLDERS = {"paxtui", "tests", "configs"}
PACKAGES = {path.name for path in PACKAGE.iterdir() if path.is_dir()}

ABOUT_CODE = [
    "CONTRIBUTING.md",
    *(f"paxtui/guide/{topic}.md" for topic in ("architecture", "invariants", "decisions", "glossary")),
]
FOREIGN = {"README.md", "HELP"}
"""What looks like the name of a class and is none."""


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].encode()) <= README_BYTES_MAX


def test_each_page_is_listed_and_says_in_one_line_what_it_is_for() -> None:
    assert sorted(guide.TOPICS) == sorted(path.stem for path in GUIDE.glob("*.md"))
    for page in guide.pages():
        assert page.text.startswith("# ")
        assert page.summary.endswith(".")
        assert len(page.summary) <= 58  # a line of the list, on a terminal of 80 columns
        assert page.text.splitlines()[2:4] == [page.summary, ""]


def test_the_readme_links_to_each_page() -> None:
    linked = re.findall(r"\]\(paxtui/guide/([\w-]+)\.md\)", TEXTS["README.md"])
    assert set(linked) == set(guide.TOPICS)


# Files


def paths(text: str) -> Iterator[str]:
    """What stands as code and looks like a file or a folder of the project."""
    for code in [*spans(text), *lines(text)]:
        for word in re.split(r"[\s'\"()]+|\.\.\.", code):
            for path in expanded(word.rstrip(".,:;")):
                first, slash, rest = path.partition("/")
                last = rest.rstrip("/").rpartition("/")[2]
                if slash and rest and not last.isupper() and (first in FOLDERS or first in PACKAGES):
                    yield path


def is_there(path: str) -> bool:
    return any(any(root.glob(path.rstrip("/"))) for root in (PROJECT, PACKAGE))


@pytest.mark.parametrize("page", TEXTS)
def test_files_exist(page: str) -> None:
    assert [path for path in paths(TEXTS[page]) if not is_there(path)] == []


def test_files_are_found_in_the_texts() -> None:
    assert len({path for text in TEXTS.values() for path in paths(text)}) > 100
    assert not is_there("core/nothing.py")


# Links


def anchors(file: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(file.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    file = PROJECT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(TEXTS[page])):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        to = (file.parent / path).resolve() if path else file
        assert to.exists(), target
        if anchor:
            assert anchor in anchors(to), target


# Modules and classes


def test_modules_and_classes_can_be_imported() -> None:
    names = {name for text in TEXTS.values() for name in re.findall(r"`(paxtui(?:\.\w+)+)`", text)}
    assert len(names) > 80
    assert [name for name in names if not can_be_imported(name)] == []


def can_be_imported(name: str) -> bool:
    """Whether a module, or something in a module, is there under its dotted name."""
    module, attributes = name, list[str]()
    while (found := imported(module)) is None:
        module, _, last = module.rpartition(".")
        attributes.insert(0, last)
    for attribute in attributes:
        found = getattr(found, attribute, None)
    return found is not None


def imported(module: str) -> object | None:
    with suppress(ModuleNotFoundError):
        return importlib.import_module(module)
    return None


def definitions() -> dict[str, set[str]]:
    """By name, the functions and methods of every class; constants and functions have none."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.ClassDef(name=name, body=body):
                    inner = found.setdefault(name, set())
                    inner |= {
                        each.name for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
                    }
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found.setdefault(name, set())
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    found.setdefault(name, set())
    return found


DEFINED = definitions()


@pytest.mark.parametrize("page", ABOUT_CODE)
def test_classes_and_methods_are_defined(page: str) -> None:
    for span in spans(TEXTS[page]):
        if re.fullmatch(r"[A-Z]\w*[A-Za-z]\w*(?:\.\w+)?", span) and span not in FOREIGN:
            name, _, method = span.partition(".")
            assert name in DEFINED, span
            if method:
                assert method in DEFINED[name], span


def test_a_class_beside_a_file_is_in_that_file() -> None:
    beside = re.compile(r"`((?:paxtui/)?[\w/]+\.py)`\s+(?:\(|\| )`(\w+)")
    found = beside.findall(" ".join(TEXTS["paxtui/guide/architecture.md"].split()))
    assert len(found) > 20
    for path, name in found:
        source = (PACKAGE / path.removeprefix("paxtui/")).read_text(encoding="utf-8")
        assert re.search(rf"^class {name}\b", source, re.MULTILINE), f"{path}: {name}"


def test_one_word_has_one_meaning() -> None:
    """No word is both retired and in use."""
    text, _, retired = TEXTS["paxtui/guide/glossary.md"].partition("## Retired words")
    used = re.findall(r"^\| ([^|`]+) \|", text, re.MULTILINE)
    terms = [term.strip() for row in used for term in row.split(",") if row not in ("term", "---")]
    assert len(terms) == len(set(terms))
    old = {
        word.strip()
        for row in re.findall(r"^\| ([^|]+) \|", retired, re.MULTILINE)
        for word in row.split(",")
    }
    assert old & set(terms) == set()
