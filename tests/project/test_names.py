"""One word, one meaning, one class: no two classes of the package have the same name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

import paxtui

PACKAGE: Final = Path(paxtui.__file__).parent

TWICE: Final = {
    "Recovery": "of a folder at a start (storage), of a simulated cluster after its last fault (sim): the "
    "field has this word for both, and no module imports both",
}
"""Names that two classes may have, and why."""

TWICE_MAX: Final = 5
"""More exceptions than this are no exceptions."""


def classes() -> dict[str, list[str]]:
    """Every class of the package, also nested ones: its name, and the files that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(PACKAGE)))
    return found


def test_no_class_name_is_defined_twice() -> None:
    twice = {name: files for name, files in classes().items() if len(files) > 1}
    unknown = {name: files for name, files in twice.items() if name not in TWICE}
    assert not unknown, "\n".join(f"{name}: {', '.join(files)}" for name, files in unknown.items())
    assert set(TWICE) == set(twice), "an exception is not needed any more"
    assert len(TWICE) <= TWICE_MAX
