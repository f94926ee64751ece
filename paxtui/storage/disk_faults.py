"""A slow, broken or full disk, for the fault tool."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class DiskFaults:
    """The injected faults of the disk; consulted in each commit."""

    slow_s: float = 0.0
    fail: str | None = None
    """``"error"`` or ``"full"``: the next commit fails as it would with a broken or a full disk."""

    def apply(self, path: Path) -> None:
        """Be slow, then fail, as asked. Raises ``OSError``."""
        if self.slow_s > 0:
            time.sleep(self.slow_s)
        if self.fail is not None:
            code = errno.ENOSPC if self.fail == "full" else errno.EIO
            raise OSError(code, f"{os.strerror(code)} (injected)", str(path))
