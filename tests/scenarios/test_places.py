"""Folders of runs, and the results as XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from paxtui.config.cluster_file import ConfigError
from paxtui.scenarios.junit import document, write
from paxtui.scenarios.run_folders import places
from paxtui.scenarios.runner import ScenarioResult


def test_a_temporary_folder_is_removed_unless_it_is_kept(tmp_path: Path) -> None:
    with places("a", None, None, tmp_path, keep=False) as found:
        assert found.data.is_dir()
    assert not found.data.exists()
    with places("a", None, None, tmp_path, keep=False) as found:
        found.keep = True
    assert found.data.is_dir()
    found.data.rmdir()


def test_a_named_data_folder_is_never_reused(tmp_path: Path) -> None:
    for name in ("a", "a-2", "a-3"):
        with places("a", tmp_path, None, tmp_path / "logs", keep=False) as found:
            assert found.data == tmp_path / name
        assert found.data.is_dir()


def test_two_runs_do_not_write_to_the_same_message_logs(tmp_path: Path) -> None:
    with places("a", None, None, tmp_path, keep=False) as one:
        with places("a", None, None, tmp_path, keep=False) as other:
            assert (one.logs, other.logs) == (tmp_path / "run" / "a", tmp_path / "run" / "a-2")
        with places("b", None, one.logs / "x", tmp_path, keep=False) as named:
            assert named.logs == one.logs / "x"
        with (
            pytest.raises(ConfigError, match="another run writes"),
            places("b", None, one.logs, tmp_path, keep=False),
        ):
            pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigError, match=r"--data-dir: .*file"),
        places("a", tmp_path / "file", None, tmp_path, keep=False),
    ):
        pass
    with (
        pytest.raises(ConfigError, match=r"--log-dir: .*file"),
        places("a", None, tmp_path / "file", tmp_path, keep=False),
    ):
        pass


def result(name: str, reason: str = "") -> ScenarioResult:
    return ScenarioResult(
        scenario=name,
        passed=not reason,
        reason=reason,
        seed=7,
        seconds=1.5,
        replicas=3,
        beliefs=("r0: leads",),
    )


def test_results_as_xml() -> None:
    suite = ElementTree.fromstring(document([result("a"), result("b", "bad \x1b[31m <&")], [("c", "f")]))[0]
    assert suite.attrib["tests"] == "3"
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["skipped"] == "1"
    failure = suite.find("testcase[@name='b']/failure")
    assert failure is not None
    assert failure.attrib["message"] == "bad ␛[31m <&"
    assert failure.text is not None
    assert "r0: leads" in failure.text


def test_xml_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--junit: .* cannot be written: Is a directory"):
        write(tmp_path, [result("a")])
