"""A linearizable page holds everything below the slot that the core promised for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxtui.core.output import ReadReady
from paxtui.replica.pending_requests import ReadAnswer
from tests.replica.conditions import eventually
from tests.replica.host import Raw, hosted


async def other_reads_are_answered(raw: Raw) -> None:
    """Give a page that does not wait every occasion to overtake: each of these has an answer of its own."""
    for number in range(10, 16):
        local = await raw.ask({"type": "read", "id": number, "first": 0, "consistency": "local"})
        assert (local["type"], local["id"]) == ("page", number), "the linearizable page did not wait"


@pytest.mark.trio
async def test_a_linearizable_page_waits_for_the_slot_that_it_was_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The applied log may be behind the core, which said that the read is ready."""

    def promise_three_slots(answer: ReadAnswer) -> None:
        answer(ReadReady(1, 3))

    async with hosted(tmp_path / "r0") as r0:
        await eventually(lambda: r0.host.status is not None and r0.host.status.role == "leader", "it leads")
        monkeypatch.setattr(r0.host, "read", promise_three_slots)
        async with r0.dial("client") as reader, r0.dial("client") as writer:
            await reader.say({"type": "read", "id": 4, "first": 0})
            for number in range(3):
                await other_reads_are_answered(reader)
                assert (await writer.append(number, f"text {number}"))["slot"] == number
            page = await reader.hear()
    assert page is not None
    assert (page["type"], page["id"], page["consistency"]) == ("page", 4, "linearizable")
    assert [entry[4] for entry in page["entries"]] == ["text 0", "text 1", "text 2"]
    assert page["applied"] == 3
