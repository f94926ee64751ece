"""Names that the guide uses and that the code is about to have: each counts as there while the old one is.

Remove a row as soon as the new name is there, and this file with its last row.
"""

from __future__ import annotations

from typing import Final

MODULES: Final = {"paxtui.core.durability_gate": "paxtui.core.outbox"}
CLASSES: Final = {"DurabilityGate": "Outbox", "PreVote": "Canvass"}
FILES: Final = {"paxtui/core/durability_gate.py": "paxtui/core/outbox.py"}
TAGS: Final = {"pre-vote": "canvass", "pre-vote-reply": "canvass-reply", "log_start": "floor"}
TARGETS: Final = {"check": "test", "unit": "test"}
"""Of the Makefile."""
