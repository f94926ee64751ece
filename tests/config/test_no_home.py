"""A user without a home folder is told what to name; what only is a memory is done without."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import platformdirs
import pytest

from paxtui.cli.kept import kept_folder
from paxtui.config.cluster_file import ConfigError
from paxtui.config.folders import data_root, log_root


@pytest.fixture(autouse=True)
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platformdirs, "user_state_path", none)
    monkeypatch.setattr(platformdirs, "user_config_path", none)


def test_data_and_logs_need_a_name() -> None:
    with pytest.raises(ConfigError, match="no home folder: name --data-dir or PAXTUI_DATA_DIR"):
        data_root(env={})
    with pytest.raises(ConfigError, match="no home folder: name --log-dir or PAXTUI_LOG_DIR"):
        log_root(env={})
    assert data_root(env={"PAXTUI_DATA_DIR": "/srv"}) == Path("/srv")


def test_consoles_remember_nothing() -> None:
    assert kept_folder() is None
