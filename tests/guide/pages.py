"""The texts for people: README, the guide, CONTRIBUTING and CHANGELOG, and what stands in them as code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "paxtui"
GUIDE = PACKAGE / "guide"
FILES = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(GUIDE.glob("*.md")),
]
TEXTS = {str(file.relative_to(PROJECT)): file.read_text(encoding="utf-8") for file in FILES}
"""By path, every text."""

CONFIGS = {
    str(file.relative_to(PROJECT)): file.read_text(encoding="utf-8")
    for file in sorted((PROJECT / "configs").glob("*.toml"))
}
"""By path, the cluster files, whose comments are for people too."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)


def prose(text: str) -> str:
    """A text without its blocks of code."""
    return FENCE.sub("", text)


def spans(text: str) -> list[str]:
    """What stands between backquotes, with line breaks as spaces and without the backslashes of tables."""
    return [" ".join(found[1].split()).replace("\\|", "|") for found in SPAN.findall(prose(text))]


def lines(text: str) -> Iterator[str]:
    """The lines of all blocks of code that are no program."""
    for language, block in FENCE.findall(text):
        if language != "python":
            yield from block.splitlines()


def commands(text: str, program: str = "paxtui") -> list[str]:
    """Every command line of a program, without the program's name."""
    found = [span.removeprefix("$ ") for span in spans(text)]
    for line in lines(text):
        found += re.split(r"\$ | {3,}", line.partition(" #")[0])
    beginning = f"{program} "
    return [each.removeprefix(beginning).strip() for each in found if each.startswith(beginning)]


def comments(text: str) -> str:
    """What a cluster file says to people, as a text whose indented lines are code."""
    lines = [line[1:] for line in text.splitlines() if line.startswith("#")]
    return re.sub(r"^ {2,}(.*)$", r"```\n\1\n```", "\n".join(lines), flags=re.MULTILINE)


def expanded(path: str) -> list[str]:
    """``a/{b,c}.py`` as ``a/b.py`` and ``a/c.py``."""
    match = re.search(r"\{([^{}]*)\}", path)
    if match is None:
        return [path]
    return [
        each
        for choice in match[1].split(",")
        for each in expanded(path[: match.start()] + choice + path[match.end() :])
    ]
