"""The table of packages: their layers are those of import-linter, and what they use is what they import."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from tests.guide.pages import PACKAGE, PROJECT, TEXTS

TABLE = TEXTS["paxtui/guide/architecture.md"].partition("## The packages")[2].partition("\n## ")[0]
ROWS = [
    (int(layer), package, used)
    for layer, package, used in re.findall(
        r"^\| (\d+) \| `paxtui\.(\w+)` \| [^|]* \|([^|]*)\|$", TABLE, re.MULTILINE
    )
]


def layers_on_the_page() -> list[set[str]]:
    """The packages of each layer, the highest layer first."""
    numbers = sorted({layer for layer, _package, _used in ROWS}, reverse=True)
    assert numbers == list(range(len(numbers), 0, -1))
    return [{package for layer, package, _used in ROWS if layer == number} for number in numbers]


def layers_of_the_linter() -> list[set[str]]:
    """The same, as import-linter holds the packages to it; `__main__` is no package."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = (
        each for each in contracts if each["type"] == "layers" and each["containers"] == ["paxtui"]
    )
    layers = [set(re.split(r" [|:] ", layer)) for layer in contract["layers"]]
    return [layer for layer in layers if layer != {"__main__"}]


def imported(package: str) -> Iterator[str]:
    """What a package imports that is neither of the standard library nor ours."""
    for path in (PACKAGE / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            roots = {name.partition(".")[0] for name in names}
            yield from roots - sys.stdlib_module_names - {"paxtui", ""}


def test_the_layers_on_the_page_are_those_that_are_held() -> None:
    assert layers_on_the_page() == layers_of_the_linter()


def test_every_package_is_on_the_page_once() -> None:
    packages = [package for _layer, package, _used in ROWS]
    assert sorted(packages) == sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def test_what_a_package_uses_is_what_it_imports() -> None:
    for _layer, package, used in ROWS:
        names = set(re.findall(r"\w+", re.sub(r"in `[^`]*`|\band\b", "", used.lower())))
        assert names == set(imported(package)) - {"msgspec"}, package
