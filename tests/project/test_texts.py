"""Texts that people read name what they speak of: a replica, a client, a program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import paxtui

PACKAGE = Path(paxtui.__file__).parent

PRONOUNS = re.compile(
    r"\b(nobody|somebody|anybody|everybody|someone|anyone|everyone|whoever|no one|deeds?)\b", re.I
)

NOT_SHOWN = ("sim/mutants",)
"""Folders whose texts are for those who read the simulator's code."""


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Iterate over strings that are no docstring, each with its line."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_no_text_has_a_pronoun_where_a_replica_or_a_client_is_meant() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {text}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if not str(file.relative_to(PACKAGE)).startswith(NOT_SHOWN)
        for line, text in texts(file.read_text(encoding="utf-8"))
        if PRONOUNS.search(text)
    ]
    assert found == []


def test_docstrings_and_comments_are_no_texts() -> None:
    source = '"""Nobody."""\nA = "whoever leads"  # somebody\n"""Anyone."""\nB = f"{A}: no one"\n'
    assert [text for _, text in texts(source) if PRONOUNS.search(text)] == ["whoever leads", ": no one"]
