"""Files get names that replace nothing, also on file systems without hard links."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from paxtui.storage.file_names import keep_as, rename_exclusively


@pytest.fixture(params=[0, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hard links, or none."""
    number = request.param

    def refuse(source: object, target: object) -> None:
        raise OSError(number, os.strerror(number))

    if number:
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("links")
def test_a_draft_gets_its_name_and_replaces_nothing(tmp_path: Path) -> None:
    draft, target = tmp_path / "draft", tmp_path / "target"
    draft.write_text("new")
    rename_exclusively(draft, target)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    draft.write_text("newer")
    with pytest.raises(FileExistsError):
        rename_exclusively(draft, target)
    assert (draft.read_text(), target.read_text()) == ("newer", "new")


@pytest.mark.usefixtures("links")
def test_what_is_kept_under_a_second_name_stays_under_the_first(tmp_path: Path) -> None:
    path, kept = tmp_path / "path", tmp_path / "kept"
    path.write_bytes(b"x" * 3_000_000)
    keep_as(path, kept)
    assert path.read_bytes() == kept.read_bytes() == b"x" * 3_000_000
    with pytest.raises(FileExistsError):
        keep_as(path, kept)


def test_a_full_disk_is_no_lack_of_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "draft").write_text("new")
    with pytest.raises(OSError, match="full"):
        rename_exclusively(tmp_path / "draft", tmp_path / "target")
    assert not (tmp_path / "target").exists()
