"""The frames on the page about the wire are frames, and every message between replicas stands there."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from paxtui.core.messages import PeerMessage
from paxtui.wire.codec import Decoder
from paxtui.wire.hello import OLDEST_VERSION, PROTOCOL_VERSION, DiskProgress, Hello, Ready
from paxtui.wire.requests import AppendedReply, ClientRequest, LogPage, RefusedReply
from paxtui.wire.versions import KEYS, WORDS
from tests.guide.pages import TEXTS, spans

PAGE = TEXTS["paxtui/guide/wire.md"]
FRAMES = [span for span in spans(PAGE) if span.startswith('{"type":')]
ASKED = Decoder[object](Hello | ClientRequest)
ANSWERED = Decoder[object](AppendedReply | RefusedReply)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_is_one(frame: str) -> None:
    answers = ("appended", "rejected")
    kind = re.match(r'\{"type":"([a-z-]+)"', frame)
    assert kind is not None
    (ANSWERED if kind[1] in answers else ASKED).decode(frame.encode())


def test_all_requests_of_a_client_are_shown() -> None:
    shown = {match[1] for frame in FRAMES if (match := re.match(r'\{"type":"([a-z-]+)"', frame))}
    assert {str(kind.__struct_config__.tag) for kind in get_args(ClientRequest)} <= shown


def test_every_message_between_replicas_stands_there_and_no_other() -> None:
    table = PAGE.partition("## Between replicas")[2]
    shown = {
        tag
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for tag in re.findall(r"`(\S+)`", row)
    }
    kinds = {str(kind.__struct_config__.tag) for kind in (*get_args(PeerMessage), Ready, DiskProgress)}
    assert shown == kinds


def test_a_page_of_the_log_says_where_the_log_starts() -> None:
    assert "log_start" in LogPage.__struct_fields__
    assert "log_start" in spans(PAGE)


def test_the_hello_on_the_page_says_the_version_that_the_page_describes() -> None:
    assert {json.loads(frame)["version"] for frame in FRAMES if '"hello"' in frame} == {PROTOCOL_VERSION}
    assert f"This page is version {PROTOCOL_VERSION} of the protocol." in PAGE
    assert f"speaks versions {OLDEST_VERSION} and {PROTOCOL_VERSION}," in PAGE


def test_every_name_that_changed_between_versions_stands_there_and_no_other() -> None:
    table = PAGE.partition("## Versions")[2].partition("\n## ")[0]
    shown: set[tuple[str, str]] = set()
    for newer, older in re.findall(r"^\| (.*`) \| (.*`) \|$", table, re.MULTILINE):
        shown |= set(zip(re.findall(r"`(\S+)`", newer), re.findall(r"`(\S+)`", older), strict=True))
    changed = [KEYS, *WORDS.values()]
    known = {pair for names in changed for pair in names.items()}
    assert shown - {("version 2", "version 1")} == known
