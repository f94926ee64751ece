"""Each certificate, each thing that it may not do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.net.tls_host import TlsHost, tls_hosted
from tests.replica.host import Said

Verb = dict[str, Any]

VERBS: dict[str, tuple[str, Verb]] = {
    "append": ("client", {"type": "append", "request": 1, "text": "x"}),
    "append-many": ("client", {"type": "append-many", "request": 1, "texts": ["x", "y"]}),
    "read": ("client", {"type": "read", "id": 1, "first": 0}),
    "tail": ("client", {"type": "tail", "id": 1, "first": 0, "follow": False}),
    "get-status": ("client", {"type": "get-status", "id": 1}),
    "observe": ("observer", {"type": "observe", "id": 1}),
    "list-faults": ("operator", {"type": "list-faults", "id": 1}),
    "elect": ("operator", {"type": "elect", "id": 1}),
    "noop": ("operator", {"type": "noop", "id": 1, "slot": 0}),
    "inject": (
        "operator",
        {"type": "inject", "id": 1, "fault": {"fault": "slow-disk", "ms": 1}, "for_s": 60},
    ),
    "renew": ("operator", {"type": "renew", "id": 1, "number": 1}),
    "undo": ("operator", {"type": "undo", "id": 1, "number": None}),
}
MAY = {
    "client-ada": {"append", "append-many", "read", "tail", "get-status"},
    "observer-wall": {"observe", "list-faults", "read", "tail", "get-status"},
    "operator-eve": set(VERBS),
}
ACTIONS = {"elect", "noop", "inject", "undo"}


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[TlsHost]:
    async with tls_hosted(tmp_path) as replica:
        yield replica


def forbidden(answer: Said) -> bool:
    return str(answer.get("reason", "")).startswith("forbidden: ")


@pytest.mark.trio
@pytest.mark.parametrize("stem", MAY)
@pytest.mark.parametrize("verb", VERBS)
async def test_a_connection_can_do_what_its_certificate_allows_and_no_more(
    secure: TlsHost, stem: str, verb: str
) -> None:
    role, message = VERBS[verb]
    who = stem.replace("-", "/")
    async with secure.dial(stem, role, name="test") as raw:
        answer = await raw.ask(message)
        assert forbidden(answer) == (verb not in MAY[stem]), answer
        if verb not in MAY[stem]:
            assert answer["reason"] == f"forbidden: your certificate is that of {who}"
            assert answer["type"] == ("rejected" if verb.startswith("append") else "failed")
        # The connection is as good as before.
        alive = {"type": "get-status", "id": 9}
        await raw.say(alive)
        while (heard := await raw.hear()) is not None and heard["type"] != "status":
            pass
        assert heard is not None
    host = secure.replica.host
    if verb in ACTIONS and verb not in MAY[stem]:
        assert f"audit    {who} (test) from 127.0.0.1:" in secure.said
        assert f": refused, forbidden: your certificate is that of {who}" in secure.said
        assert len(host.fault_registry) == 0
    if verb.startswith("append"):
        slots = {"append": 1, "append-many": 2}[verb] if verb in MAY[stem] else 0
        assert host.applied_log.watermark == slots


@pytest.mark.trio
@pytest.mark.parametrize("stem", MAY)
async def test_only_a_replica_may_speak_as_a_peer(secure: TlsHost, stem: str) -> None:
    async with secure.dial(stem) as raw:
        answer = await raw.hello("peer", **secure.replica.peer(1))
    who = stem.replace("-", "/")
    reason = f"your certificate is that of {who}; only a replica may speak as a peer"
    assert answer == {"type": "refused", "reason": reason}
    assert f"refused as peer 1: {reason}" in secure.said


@pytest.mark.trio
@pytest.mark.parametrize("role", ["client", "operator", "observer"])
async def test_a_replica_may_speak_as_a_peer_and_as_nothing_else(secure: TlsHost, role: str) -> None:
    async with secure.dial("replica-1") as raw:
        answer = await raw.hello(role)
    assert (
        answer["reason"] == f"your certificate is that of replica/1; it may speak as a peer and not as {role}"
    )


@pytest.mark.trio
async def test_a_replica_cannot_speak_as_another(tmp_path: Path) -> None:
    async with tls_hosted(tmp_path, replicas=3) as secure:
        async with secure.dial("replica-1") as raw:
            answer = await raw.hello("peer", **secure.replica.peer(2))
        reason = "your certificate is that of replica/1; it cannot speak as replica 2"
        assert answer == {"type": "refused", "reason": reason}
        assert f"refused as peer 2: {reason}" in secure.said
        async with secure.dial("replica-2", "peer", **secure.replica.peer(2)):
            pass


@pytest.mark.trio
async def test_messages_go_into_the_log_under_the_certificates_name(secure: TlsHost) -> None:
    async with secure.dial("client-ada") as raw:
        welcome = await raw.hello("client", name="eve")
        assert welcome["session"].startswith("ada~")
        assert (await raw.append(1, "hello"))["type"] == "appended"
        page = await raw.ask({"type": "read", "id": 1, "first": 0})
    assert page["entries"][0][2] == welcome["session"]


@pytest.mark.trio
async def test_nobody_goes_on_with_the_session_of_somebody_else(secure: TlsHost) -> None:
    async with secure.dial("client-ada", "client") as raw:
        pass
    async with secure.dial("client-ada") as raw:
        mine = (await raw.hello("client"))["session"]
    async with secure.dial("client-ada") as raw:
        assert (await raw.hello("client", session=mine))["session"] == mine
    async with secure.dial("operator-eve") as raw:
        answer = await raw.hello("client", session=mine)
    assert answer["reason"] == (
        "session refused: your certificate is that of operator/eve, and the session is not yours"
    )


@pytest.mark.trio
async def test_every_action_leaves_who_from_where_what_and_the_result(secure: TlsHost) -> None:
    async with secure.dial("operator-eve", "operator", name="console") as raw:
        inject = {"type": "inject", "id": 1, "fault": {"fault": "slow-disk", "ms": 1}, "for_s": 60}
        assert (await raw.ask(inject))["type"] == "done"
        assert (await raw.ask({"type": "undo", "id": 2, "number": 77}))["type"] == "failed"
        assert (await raw.ask({"type": "undo", "id": 3, "number": None}))["type"] == "done"
        elected = await raw.ask({"type": "elect", "id": 4})
        assert (await raw.ask({"type": "noop", "id": 5, "slot": 9}))["type"] == "failed"
        await raw.ask({"type": "list-faults", "id": 6})
        await raw.ask({"type": "get-status", "id": 7})
        where = "{}:{}".format(*raw.stream.transport_stream.socket.getsockname())  # type: ignore[attr-defined]
    lines = [line.partition(" audit    ")[2] for line in secure.said.splitlines() if " audit " in line]
    who = f"operator/eve (console) from {where}: "
    assert [line.removeprefix(who) for line in lines] == [
        "slow-disk r0 1 ms for 60 s: done, fault 1",
        "undo fault 77: refused, fault 77 does not act or wait here",
        "heal: done",
        f"elect: refused, {elected['reason']}",
        "no-op in slot 9: refused, slot 9 is no hole of this leader",
    ]
