"""The console's first line says so where replicas let everybody in, however narrow the screen is."""

from __future__ import annotations

import pytest

from paxtui.console.rows import header
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from tests.console.story import Story


def first_line(*security: str, width: int) -> str:
    """What stands there when each replica reports what keeps strangers from it."""
    story = Story(len(security)).up()
    for replica, word in enumerate(security):
        story.report(replica, security=word)
    return plain(header.header(ViewState(story.model, Styles(), lambda: story.now), width))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_one_replica_that_lets_everybody_in_is_enough(width: int) -> None:
    assert " INSECURE " in first_line("loopback", "insecure", "loopback", width=width)
    assert " INSECURE " in first_line("tls", "tls", "insecure", width=width)


@pytest.mark.parametrize("security", ["loopback", "tls"])
def test_nothing_is_said_where_strangers_are_kept_out(security: str) -> None:
    assert "INSECURE" not in first_line(*[security] * 3, width=160)
