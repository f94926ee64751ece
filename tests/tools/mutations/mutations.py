"""The mutations of a Python file: small edits, each of which a test ought to notice.

The edits are textual, at positions of the syntax tree, so nothing but the mutated place changes. Annotations,
docstrings, ``__slots__``, trace events (``.event(...)``), raised texts and ``status`` properties stay as
they are.
"""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
SWAPS: dict[str, tuple[str, ...]] = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "is": ("is not",),
    "is not": ("is",),
    "in": ("not in",),
    "not in": ("in",),
}
BUILTINS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Place:
    """One mutation of one file: bytes ``start`` to ``end`` become ``text``."""

    kind: str
    line: int
    start: int
    end: int
    text: str
    inside: str
    """The function, as ``Class.function``."""


class Places(ast.NodeVisitor):
    """Every mutation of one file."""

    def __init__(self, source: str) -> None:
        self.found: list[Place] = []
        self._names: list[str] = []
        self._bytes = source.encode()
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line.encode()))
        self.visit(ast.parse(source))

    def _at(self, line: int | None, column: int | None) -> int:
        assert line is not None
        assert column is not None
        return self._starts[line - 1] + column

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _between(self, left: ast.expr, right: ast.expr) -> tuple[int, int]:
        return self._span(left)[1], self._span(right)[0]

    def _text(self, span: tuple[int, int]) -> str:
        return self._bytes[slice(*span)].decode()

    def _add(
        self, kind: str, node: ast.expr | ast.stmt, text: str, span: tuple[int, int] | None = None
    ) -> None:
        start, end = span or self._span(node)
        if self._text((start, end)) != text:
            self.found.append(Place(kind, node.lineno, start, end, text, ".".join(self._names)))

    def _replace(self, kind: str, node: ast.expr, old: str, new: str, span: tuple[int, int]) -> None:
        self._add(kind, node, self._text(span).replace(old, new, 1), span)

    def _remove(self, node: ast.stmt) -> None:
        self._add("stmt", node, "pass")

    # Statements

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._names.append(node.name)
        self.generic_visit(node)
        self._names.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name == "status":
            return
        self._names.append(node.name)
        for default in node.args.defaults:
            self.visit(default)
        body = node.body
        if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]
        returns = any(isinstance(each, ast.Return) and each.value is not None for each in ast.walk(node))
        if len(body) > 1 and not returns:
            start = self._span(body[1])[0]
            self._add("early", body[1], "return\n" + " " * body[1].col_offset, (start, start))
        for each in body:
            self.visit(each)
        self._names.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_Raise(self, node: ast.Raise) -> None:
        self._remove(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id == "__slots__":
            return
        if isinstance(target, ast.Attribute | ast.Subscript):
            self._remove(node)
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._remove(node)
        text = self._text(self._span(node))
        for operator, old, new in ((ast.Add, "+=", "-="), (ast.Sub, "-=", "+="), (ast.BitOr, "|=", "=")):
            if isinstance(node.op, operator):
                self._add("arith", node, text.replace(old, new, 1))
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Constant):
            return
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "event":
            return
        self._remove(node)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._remove(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._remove(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._remove(node)

    def visit_Return(self, node: ast.Return) -> None:
        value = node.value
        if value is None:
            self._remove(node)
            return
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            self._add("return", node, f"return {not value.value}")
        elif not (isinstance(value, ast.Constant) and value.value is None):
            self._add("return", node, "return None")
        self.visit(value)

    # Expressions

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        self._add("negate", node.test, f"not ({self._text(self._span(node.test))})")
        self.generic_visit(node)

    visit_IfExp = visit_If  # noqa: N815

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old = SYMBOLS[type(operator)]
            for new in SWAPS[old]:
                self._replace("compare", node, old, new, self._between(left, right))
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._replace("bool", node, old, new, self._between(left, right))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        for operator, old, new in ((ast.Add, "+", "-"), (ast.Sub, "-", "+")):
            if isinstance(node.op, operator):
                self._replace("arith", node, old, new, self._between(node.left, node.right))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._add("negate", node, f"({self._text(self._span(node.operand))})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add("const", node, str(not node.value))
        elif isinstance(node.value, int):
            for new in (node.value + 1, node.value - 1):
                self._add("const", node, str(new) if new >= 0 else f"({new})")

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            self._add("minmax", node, BUILTINS[node.func.id], self._span(node.func))
        self.generic_visit(node)


@dataclass(frozen=True)
class Mutant:
    """A file with one place changed."""

    file: str
    place: Place
    source: str

    @property
    def changed(self) -> str:
        """The mutated file's text."""
        source, place = self.source.encode(), self.place
        return (source[: place.start] + place.text.encode() + source[place.end :]).decode()

    def diff(self, context: int = 2) -> list[str]:
        """What changed, as a unified diff."""
        old, new = self.source.splitlines(), self.changed.splitlines()
        return list(unified_diff(old, new, self.file, self.file, n=context, lineterm=""))

    @property
    def lines(self) -> tuple[str, str]:
        """The lines that changed, as they were and as they are; the white space does not count."""
        listed = self.diff(0)[2:]
        old, new = ([each[1:] for each in listed if each[0] == sign] for sign in "-+")
        return plain("\n".join(old)), plain("\n".join(new))


def plain(text: str) -> str:
    """Make every white space in ``text`` one blank."""
    return " ".join(text.split())


def mutants_of(root: Path, files: Iterable[str]) -> list[Mutant]:
    """Every mutation of ``files`` that compiles, in the order of the text."""
    found = []
    for file in files:
        source = (root / file).read_text(encoding="utf-8")
        for place in Places(source).found:
            mutant = Mutant(file, place, source)
            try:
                compile(mutant.changed, file, "exec")
            except SyntaxError:
                continue
            found.append(mutant)
    return found


def sample(found: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """Draw from each file in proportion to its places; no line has two mutants before each has one."""
    rng = random.Random(seed)
    drawn: list[Mutant] = []
    for file, total in sorted(Counter(each.file for each in found).items()):
        seen: set[int] = set()
        first: list[Mutant] = []
        later: list[Mutant] = []
        for each in rng.sample([each for each in found if each.file == file], total):
            (later if each.place.line in seen else first).append(each)
            seen.add(each.place.line)
        drawn += (first + later)[: max(1, round(count * total / len(found)))]
    return rng.sample(drawn, len(drawn))
