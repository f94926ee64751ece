"""The exit code of an append that was not answered says that it may have taken effect."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from paxtui.cli.append import _send
from paxtui.cli.client import _client
from paxtui.wire.requests import Append, AppendMany, AppendRefused
from tests.client.scripted import Caller, scripted, silence


async def refuse_one(caller: Caller) -> None:
    """Refuse the first message for good, and answer nothing after it."""
    first = await caller.hear()
    assert isinstance(first, Append | AppendMany)
    await caller.say(AppendRefused(first.request, "too-long", None))
    await silence(caller)


@pytest.mark.trio
async def test_send_ends_with_3_if_one_of_its_messages_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted([refuse_one]) as replicas:
        code = await _send(["no", "perhaps"], replicas.cluster, "ada", 0.3, False)
    told = capsys.readouterr().err
    assert code == 3
    assert "message 2: no answer within 0.3 s; the message may have been appended" in told


@pytest.mark.trio
async def test_client_ends_with_3_if_one_of_its_messages_is_unknown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(b"no\nperhaps\n"))
    monkeypatch.setattr("sys.stdin", lines)
    async with scripted([refuse_one]) as replicas:
        code = await _client(replicas.cluster, "ada", 0.3)
    failed, unknown = capsys.readouterr().out.splitlines()
    assert code == 3
    assert failed == "  ! failed: the replica refused it: too-long"
    assert unknown.startswith("  ? unknown: no answer within 0.3 s; the message may have been appended")
