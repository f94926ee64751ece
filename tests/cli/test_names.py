"""The name under which a person writes in the console."""

from __future__ import annotations

import pytest

from paxtui.cli.console import _name
from paxtui.config.cluster_file import ConfigError


@pytest.mark.parametrize("name", ["x" * 65, "\x1b[2J", " ada", "ada "])
def test_a_name_that_no_replica_would_take_is_refused_before_the_screen_opens(name: str) -> None:
    with pytest.raises(ConfigError, match="at most 64 printable characters are allowed"):
        _name(name)


@pytest.mark.parametrize(
    ("user", "name"), [("ada", "ada"), ("ada lovelace ", "ada-lovelace-"), ("\x1b" * 99, "-" * 64)]
)
def test_a_user_whose_name_no_replica_would_take_gets_one_that_it_takes(
    monkeypatch: pytest.MonkeyPatch, user: str, name: str
) -> None:
    monkeypatch.setenv("LOGNAME", user)
    assert _name(None) == name
