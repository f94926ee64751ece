"""How much prose the core has: reasons and sources beside the rules.

A rule of consensus that says what it does, but not why it holds or what breaks without it, is changed by the
next reader. h11 has some 85 lines of docstrings and comments for 100 lines of code, etcd's raft some 49.

``python -m tests.project.test_prose`` prints the measure file by file.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import paxtui

PACKAGE = Path(paxtui.__file__).parent

CORE_LEAST = 45
"""Lines of prose for 100 lines of code in ``paxtui/core``, at the least."""

EMPTY = frozenset({tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})


def counted(source: str) -> tuple[int, int]:
    """Count lines of prose (docstrings and whole-line comments, also those of constants and attributes)
    and lines of code. A line with both is code; an empty one is neither, also inside a docstring."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            prose.update(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            prose.add(token.start[0])
        elif token.type not in EMPTY and token.start[0] not in prose:
            code.update(range(token.start[0], token.end[0] + 1))
    full = {number for number, line in enumerate(source.splitlines(), 1) if line.strip()}
    return len((prose - code) & full), len(code & full)


def density(folder: Path) -> dict[str, tuple[int, int]]:
    """Count prose and code of each module of a folder, by path."""
    files = sorted(folder.rglob("*.py"))
    return {str(file.relative_to(PACKAGE)): counted(file.read_text(encoding="utf-8")) for file in files}


def per_hundred(counts: dict[str, tuple[int, int]]) -> float:
    """Return the lines of prose for 100 lines of code of all modules together."""
    prose, code = (sum(each) for each in zip(*counts.values(), strict=True))
    return 100 * prose / code


def test_lines_are_counted_as_one_reads_them() -> None:
    source = '"""One.\n\nTwo."""\n\n# Three\nA = 1  # with a word\n"""Four."""\nB = """\nnot prose\n"""\n'
    assert counted(source) == (4, 4)


def test_the_core_says_why() -> None:
    assert per_hundred(density(PACKAGE / "core")) >= CORE_LEAST


if __name__ == "__main__":
    counts = density(PACKAGE / "core")
    for name, (prose, code) in sorted(counts.items(), key=lambda each: each[1][0] / max(1, each[1][1])):
        print(f"{100 * prose / max(1, code):6.0f} {prose:4} {code:4}  {name}")
    print(f"{per_hundred(counts):6.1f}  together")
