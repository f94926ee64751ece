"""A mistake in the user's own file of keys and themes, told by the program as a person starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.config import cluster_file
from tests.cli.terminals import terminal
from tests.ports import free_ports

MISTAKES = {
    "no TOML": ("[keys\n", "console.toml:1: is not TOML"),
    "an action that is none": ('[keys]\ncrsh = "c"\n', '"crsh" is no action with a key; did you mean crash?'),
    "a style that is none": ('[themes.mine]\nbase = "dark"\nbadd = "red"\n', '"badd" is no style'),
}


@pytest.mark.processes
@pytest.mark.parametrize("command", ["console", "attach"])
@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_the_exit_code_is_2_and_nothing_starts(tmp_path: Path, text: str, said: str, command: str) -> None:
    home = tmp_path / "home"
    (home / "paxtui").mkdir(parents=True)
    (home / "paxtui" / "console.toml").write_text(text)
    file = tmp_path / "one.toml"
    file.write_text(cluster_file.to_toml(cluster_file.local(1, free_ports(1), name="one")))
    data = tmp_path / "data"
    words = ["attach"] if command == "attach" else []
    with terminal(*words, "--config", file, XDG_CONFIG_HOME=str(home), PAXTUI_DATA_DIR=str(data)) as shown:
        assert shown.exit_code() == 2
    line = " ".join(shown.shown.split())
    assert line.startswith("paxtui: ")
    assert said in line
    assert "\x1b" not in shown.shown, "the screen has not been opened"
    assert not data.exists()
    assert [path.name for path in (home / "paxtui").iterdir()] == ["console.toml"]
