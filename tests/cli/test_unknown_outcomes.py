"""The exit code of an append that was not answered says that it may have taken effect."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from trio.testing import MockClock

from paxtui.cli.append import _send
from paxtui.cli.client import _client
from paxtui.wire.requests import Append, AppendMany, AppendRefused
from tests.client.scripted import Caller, Script, scripted, silence


def refuse_the_first_of_two(clock: MockClock) -> Script:
    """Refuse a message for good, answer nothing to the next, and let more time go by than anybody waits."""

    async def script(caller: Caller) -> None:
        heard = 0
        while heard < 2:
            request = await caller.hear()
            assert isinstance(request, Append | AppendMany)
            if not heard:
                await caller.say(AppendRefused(request.request, "too-long", None))
            heard += len(request.texts) if isinstance(request, AppendMany) else 1
        clock.jump(60)
        await silence(caller)

    return script


@pytest.mark.trio
async def test_send_ends_with_3_if_one_of_its_messages_is_unknown(
    capsys: pytest.CaptureFixture[str], mock_clock: MockClock
) -> None:
    async with scripted([refuse_the_first_of_two(mock_clock)]) as replicas:
        code = await _send(["no", "perhaps"], replicas.cluster, "ada", 30.0, False)
    told = capsys.readouterr().err
    assert code == 3
    assert "message 2: no answer within 30 s; the message may have been appended" in told


@pytest.mark.trio
async def test_client_ends_with_3_if_one_of_its_messages_is_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mock_clock: MockClock
) -> None:
    lines = SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(b"no\nperhaps\n"))
    monkeypatch.setattr("sys.stdin", lines)
    async with scripted([refuse_the_first_of_two(mock_clock)]) as replicas:
        code = await _client(replicas.cluster, "ada", 30.0)
    failed, unknown = capsys.readouterr().out.splitlines()
    assert code == 3
    assert failed == "  ! failed: the replica refused it: too-long"
    assert unknown.startswith("  ? unknown: no answer within 30 s; the message may have been appended")
