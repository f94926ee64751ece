"""``paxtui guide``: the list of pages, a page in a pager or as Markdown, and topics that do not exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from paxtui import guide
from paxtui.console.rows.help import GUIDE, HelpKey, help_rows
from tests.cli.terminals import CTRL_C, terminal

pytestmark = pytest.mark.processes


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paxtui", "guide", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def on_a_terminal(*words: str, **environment: str) -> str:
    """What a command shows on a terminal, when it has ended."""
    with terminal("guide", *words, stdin=None, stdout=None, **environment) as shown:
        assert shown.exit_code() == 0, shown.shown
        return shown.shown.replace("\r\n", "\n")


def widths(text: str) -> set[int]:
    return {len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()}


def test_without_a_topic_it_lists_all_pages_with_a_line_each() -> None:
    done = run(COLUMNS="80")
    assert done.returncode == 0, done.stderr
    rows = done.stdout.partition("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows] == list(guide.TOPICS)
    assert [row.split(maxsplit=1)[1] for row in rows] == [page.summary for page in guide.pages()]
    assert max(widths(done.stdout)) <= 80


@pytest.mark.parametrize("name", ["wire", "WIRE", "wire.md"])
def test_into_a_pipe_a_page_is_markdown(name: str) -> None:
    done = run(name)
    assert (done.returncode, done.stdout) == (0, guide.page("wire").text)


def test_a_topic_that_does_not_exist_is_refused_with_what_was_meant() -> None:
    done = run("glosary")
    assert done.returncode == 2
    assert done.stdout == ""
    assert 'no page "glosary"; did you mean glossary?' in done.stderr
    assert all(topic in done.stderr for topic in guide.TOPICS)


def test_what_nobody_can_have_meant_is_refused_as_well() -> None:
    done = run("\x1b[2J")
    assert done.returncode == 2
    assert "did you mean" not in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_on_a_terminal_a_page_has_its_width(columns: int) -> None:
    shown = on_a_terminal("console", PAGER="cat", COLUMNS=str(columns))
    assert max(widths(shown)) <= min(columns, 110)
    assert "\x1b[36m" in shown  # code has a colour
    assert "##" not in shown  # and headings are no Markdown any more
    assert "maximise" in shown


def test_without_colours_there_are_none() -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-7]", on_a_terminal("start", PAGER="cat", NO_COLOR="1")) is None
    assert "\x1b" not in on_a_terminal("start", TERM="dumb")


def test_a_terminal_without_utf_8_gets_signs_that_it_has() -> None:
    shown = on_a_terminal("commands", PAGER="cat", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert shown.isascii()
    assert "the outcome is unknown" in " ".join(shown.split())


def test_the_pager_that_the_user_wants_gets_the_page(tmp_path: Path) -> None:
    on_a_terminal("start", PAGER=f"tee {tmp_path / 'page'}")
    assert "Five minutes in the console" in (tmp_path / "page").read_text()


def test_a_pager_that_cannot_be_started_is_not_missed() -> None:
    assert "Five minutes in the console" in on_a_terminal("start", PAGER="/nowhere/pager")


def test_options_of_less_that_pass_no_colours_get_none(tmp_path: Path) -> None:
    less = tmp_path / "less"
    less.write_text("#!/bin/sh\ncat\n")
    less.chmod(0o755)
    assert "\x1b" not in on_a_terminal("start", PAGER=str(less), LESS="i")
    assert "\x1b" in on_a_terminal("start", PAGER=str(less), LESS="iR")


def test_ctrl_c_is_the_pagers(tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text(
        "#!/bin/sh\ncat >/dev/null\ntrap 'kill $!; echo goes on; exit 0' INT\nsleep 60 &\necho ready\nwait\n"
    )
    pager.chmod(0o755)
    with terminal("guide", "start", PAGER=str(pager)) as shown:
        shown.until_shown("ready")
        shown.press(CTRL_C)
        assert shown.exit_code() == 0
        assert "goes on" in shown.shown


def test_the_page_of_help_in_the_console_names_a_page_that_is_there() -> None:
    rows = help_rows("What the pane shows.", [HelpKey("?", "help")], 70)
    assert GUIDE in "".join(text for text, _style in rows[-1])
    assert GUIDE.removeprefix("paxtui guide ") in guide.TOPICS
