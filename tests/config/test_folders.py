"""Where data and logs go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.config.folders import ConfigError, data_root, log_root, replica_folder

Root = Callable[..., Path]
roots = pytest.mark.parametrize(
    ("root", "variable"), [(data_root, "PAXTUI_DATA_DIR"), (log_root, "PAXTUI_LOG_DIR")]
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder and a user of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for variable in ("PAXTUI_DATA_DIR", "PAXTUI_LOG_DIR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@roots
def test_the_flag_goes_first(root: Root, variable: str, elsewhere: Path) -> None:
    assert root("here", {variable: "there"}) == elsewhere / "here"


@roots
def test_the_environment_comes_next(
    root: Root, variable: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "pyproject.toml").write_text('[project]\nname = "paxtui"\n')
    assert root(None, {variable: "there"}) == elsewhere / "there"
    monkeypatch.setenv(variable, "process")
    assert root() == elsewhere / "process"


@roots
def test_a_checkout_of_the_project_uses_its_own_logs_folder(
    root: Root, variable: str, elsewhere: Path
) -> None:
    (elsewhere / "pyproject.toml").write_text('[project]\nname = "paxtui"\n')
    assert root(None, {variable: ""}) == elsewhere / "logs"


@roots
@pytest.mark.parametrize(
    "text", [None, '[project]\nname = "other"\n', "project = 3", "not [ toml", "x=" + "[" * 9999]
)
def test_everywhere_else_it_is_the_users_state_folder(
    root: Root, variable: str, text: str | None, elsewhere: Path
) -> None:
    if text is not None:
        (elsewhere / "pyproject.toml").write_text(text)
    found = root(None, {})
    assert found.name == "paxtui"
    assert found != elsewhere / "logs"
    assert not found.exists()


@roots
def test_a_home_folder_may_be_written_short(
    root: Root, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert root(None, {variable: "~/paxtui"}) == Path("/home/somebody/paxtui")


@roots
def test_a_file_in_place_of_the_folder_or_above_it_is_refused(
    root: Root, variable: str, elsewhere: Path
) -> None:
    (elsewhere / "file").touch()
    for path in ("file", "file/below"):
        with pytest.raises(ConfigError, match=r"file is not a folder$"):
            root(path)
    with pytest.raises(ConfigError, match=rf"file is not a folder \(the folder that {variable} names\)"):
        root(None, {variable: "file"})


@roots
@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_cannot_be_a_folder_is_refused(root: Root, variable: str, path: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a folder"):
        root(path)


def test_each_replica_of_each_cluster_has_its_folder() -> None:
    assert replica_folder(Path("root"), "local-3", 0) == Path("root/local-3/replica-0")


def test_names_that_look_alike_as_folders_stay_apart() -> None:
    names = ["a b", "a_b", "a/b", "a\\b", "..", ".", "../x", "研究室", "研究員"]
    assert len({replica_folder(Path(), name, 0) for name in names}) == len(names)


@given(name=st.text(min_size=1, max_size=64))
def test_no_cluster_name_leaves_the_root(name: str) -> None:
    folder = replica_folder(Path("root"), name, 1)
    assert folder.parts[0] == "root"
    assert len(folder.parts) == 3
    assert folder.parts[1].isascii()
    assert folder.parts[1] not in (".", "..")
    assert folder.parts[1].isprintable()
    assert len(folder.parts[1]) <= 64
