"""The folder of a console's new cluster."""

from __future__ import annotations

from pathlib import Path

from paxtui.cli.console import _new_folder


def test_two_new_clusters_of_the_same_second_have_folders_of_their_own(tmp_path: Path) -> None:
    root = tmp_path / "data"
    names = [_new_folder(root, "console-20261101-023000").name for _ in range(3)]
    assert names == [f"console-20261101-023000{suffix}" for suffix in ("", "-2", "-3")]
    assert sorted(path.name for path in root.iterdir()) == names


def test_a_folder_that_cannot_be_made_is_left_to_the_replicas_to_tell(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert _new_folder(tmp_path / "file", "console-1") == tmp_path / "file" / "console-1"
