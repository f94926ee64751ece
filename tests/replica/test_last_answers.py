"""A client that sends no more may still read: it gets the answers to what it asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from paxtui.replica.sessions import client_session
from tests.replica.conditions import PATIENCE_S, eventually
from tests.replica.host import HostedReplica, hosted


@pytest.fixture
async def r0(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    async with hosted(tmp_path / "r0") as replica:
        yield replica


async def until_it_leads(r0: HostedReplica) -> None:
    await eventually(
        lambda: r0.host.status is not None and r0.host.status.role == "leader",
        "it leads",
    )


@pytest.mark.trio
async def test_appends_and_reads_are_answered_after_the_client_has_closed_its_side(
    r0: HostedReplica,
) -> None:
    await until_it_leads(r0)
    async with r0.dial("client", name="ada") as raw:
        await raw.say(
            {"type": "append", "request": 1, "text": "x"},
            {"type": "read", "id": 2, "first": 0, "limit": 1, "consistency": "linearizable"},
            {"type": "tail", "id": 3, "first": 0, "follow": False},
        )
        await raw.stream.send_eof()
        answers = []
        while (answer := await raw.hear()) is not None:
            answers.append((answer["type"], answer.get("id", answer.get("request")), answer.get("last")))
    assert ("appended", 1, None) in answers
    assert ("page", 3, True) in answers
    assert any(kind == "page" and number == 2 for kind, number, _ in answers)


@pytest.mark.trio
async def test_a_tail_that_follows_ends_with_the_side_that_asked_for_it(
    r0: HostedReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_session, "LAST_ANSWERS_S", 3600.0)  # it does not end because of the time
    await until_it_leads(r0)
    async with r0.dial("client", name="ada") as raw:
        await raw.say({"type": "tail", "id": 1, "first": 0, "follow": True})
        await raw.stream.send_eof()
        with trio.fail_after(PATIENCE_S):
            while await raw.hear() is not None:
                pass
