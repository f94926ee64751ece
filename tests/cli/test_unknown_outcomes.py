"""The exit code of an append that was not answered says that it may have taken effect."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator

import pytest
from trio.testing import MockClock

from paxtui.cli.append import _Results, _send
from paxtui.cli.client import _client
from paxtui.wire.requests import AppendManyRequest, AppendRequest, RefusedReply
from tests.client.scripted import Caller, Script, scripted, silence


def refuse_the_first_of_two(clock: MockClock) -> Script:
    """Refuse a message for good, answer nothing to the next, and let the time go by that is waited."""

    async def script(caller: Caller) -> None:
        heard = 0
        while heard < 2:
            request = await caller.hear()
            assert isinstance(request, AppendRequest | AppendManyRequest)
            if not heard:
                await caller.say(RefusedReply(request.request, "too-long", None))
            heard += len(request.texts) if isinstance(request, AppendManyRequest) else 1
        clock.jump(30.1)
        await silence(caller)

    return script


@pytest.mark.trio
async def test_send_ends_with_3_if_one_of_its_messages_is_unknown(
    capsys: pytest.CaptureFixture[str], mock_clock: MockClock
) -> None:
    async with scripted([refuse_the_first_of_two(mock_clock)]) as replicas:
        results = _Results("message", False)
        await _send(["no", "perhaps"], replicas.cluster, "ada", 30.0, results)
    code = results.exit_code()
    told = capsys.readouterr().err
    assert code == 3
    assert "message 2: no answer within 30 s; the message may have been appended" in told


@pytest.mark.trio
async def test_client_ends_with_3_if_one_of_its_messages_is_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mock_clock: MockClock
) -> None:
    async def lines() -> AsyncGenerator[str, None]:
        yield "no"
        yield "perhaps"

    monkeypatch.setattr("paxtui.cli.client.stdin_lines", lines)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    async with scripted([refuse_the_first_of_two(mock_clock)]) as replicas:
        code = await _client(replicas.cluster, "ada", 30.0)
    failed, unknown = capsys.readouterr().out.splitlines()
    assert code == 3
    assert failed == "  ! failed: the replica refused it: too-long"
    assert unknown.startswith("  ? unknown: no answer within 30 s; the message may have been appended")
