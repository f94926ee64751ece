"""Names that the guide uses and that the code is about to have: each counts as there while the old one is.

Remove a row as soon as the new name is there, and this file with its last row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODULES: Final = {
    "paxtui.core.durability_gate": "paxtui.core.outbox",
    "paxtui.console.actions.table": "paxtui.console.command_line.grammar",
}
CLASSES: Final = {"DurabilityGate": "Outbox"}
FILES: Final = {
    "paxtui/core/durability_gate.py": "paxtui/core/outbox.py",
    "paxtui/console/actions/table.py": "paxtui/console/command_line/grammar.py",
}
FOLDERS: Final = ("tests/tools",)
"""What is in them is not looked up while they are not there."""

TARGETS: Final = {"check": "test", "unit": "test"}
"""Of the Makefile."""


def is_pending(path: Path) -> bool:
    """Whether a file is in a folder that is not there yet."""
    project = Path(__file__).parents[2]
    folders = [project / folder for folder in FOLDERS]
    return any(path.is_relative_to(folder) and not folder.exists() for folder in folders)
