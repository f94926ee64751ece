"""Tests write nothing below the home of the user who runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.cli.kept import kept_folder
from paxtui.config.folders import data_root, log_root
from tests import homes

seen: list[Path] = []


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_folders_that_no_other_has(
    _: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = kept_folder()
    assert kept is not None
    for folder in (kept, data_root(env={}), log_root(env={})):
        assert not folder.exists()
        assert not folder.is_relative_to(homes.CONFIG_OF_THE_USER)
        assert not folder.is_relative_to(Path.home())
    assert kept not in seen
    seen.append(kept)
