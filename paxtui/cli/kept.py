"""The folder of what is kept between runs."""

from __future__ import annotations

from pathlib import Path


def kept_folder() -> Path | None:
    """Return where consoles keep what is kept between runs; ``None`` for a user who has no home."""
    from platformdirs import user_config_path

    try:
        return user_config_path("paxtui", appauthor=False)
    except RuntimeError:
        return None
