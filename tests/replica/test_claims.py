"""What a client says about itself in hello, to a replica without certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paxtui.config import cluster_file
from paxtui.core.ballot import Ballot
from paxtui.core.messages import Heartbeat
from paxtui.wire.hello import SESSION_REFUSED
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, Said, hosted

NEVER = "hello: session never issued"
ANOTHERS = "hello: session of another"
LATER = "hello: session born later"


@pytest.fixture
async def r0(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    async with hosted(tmp_path / "r0") as alone:
        await eventually(lambda: alone.host.status and alone.host.status.role == "leader", "it leads")
        yield alone


async def say_hello(r0: HostedReplica, role: str = "client", **fields: object) -> Said:
    async with r0.dial() as raw:
        return await raw.hello(role, **fields)


async def refusal(r0: HostedReplica, role: str = "client", **fields: object) -> str:
    """Why a session is not taken."""
    answer = await say_hello(r0, role, **fields)
    assert answer["type"] == "refused", answer
    assert answer["reason"].startswith(SESSION_REFUSED)
    return str(answer["reason"].removeprefix(SESSION_REFUSED))


@pytest.mark.trio
async def test_only_a_session_that_a_replica_can_have_issued_is_taken(r0: HostedReplica) -> None:
    invented = [
        "bob",
        "bob~x@1",
        "bob~x@99999999999999999",
        "bob~aaaaaaaa@-5",
        "bob~aaaaaaaa@1e5",
        "bob~ (operator eve)~x@1",
        "bob~aaaaaaaa@0\n",
    ]
    for session in invented:
        assert await refusal(r0, name="bob", session=session) == (
            f'"{session}" is no session that a replica has issued'.replace("\n", "␊")
        )
    assert r0.refused == {NEVER: len(invented)}
    assert (await say_hello(r0, name="bob", session="bob~aaaaaaaa@0"))["session"] == "bob~aaaaaaaa@0"


@pytest.mark.trio
async def test_a_session_of_another_name_is_refused(r0: HostedReplica) -> None:
    session = (await say_hello(r0, name="ada"))["session"]
    assert await refusal(r0, name="eve", session=session) == 'it is of "ada", and you call yourself "eve"'
    assert await refusal(r0, session=session) == 'it is of "ada", and you call yourself ""'
    assert await refusal(r0, name="ada", session="ada~op.aaaaaaaa@0") == (
        "it belongs to a certificate, and this replica runs without"
    )
    assert r0.refused == {ANOTHERS: 3}
    assert (await say_hello(r0, name="ada", session=session))["session"] == session
    nameless = (await say_hello(r0))["session"]
    assert nameless.startswith("client~")
    assert (await say_hello(r0, session=nameless))["session"] == nameless


@pytest.mark.trio
async def test_a_session_born_in_a_slot_of_which_a_replica_knows_nothing_is_refused(
    r0: HostedReplica,
) -> None:
    async with r0.dial("client", name="ada") as raw:
        assert (await raw.append(1, "x"))["type"] == "appended"
    assert await refusal(r0, name="bob", session="bob~aaaaaaaa@2") == (
        "it was born at slot 2, and this replica knows of 1 slots: ask another one"
    )
    assert await refusal(r0, name="bob", session=f"bob~aaaaaaaa@{2**53 - 1}")
    assert r0.refused == {LATER: 2}
    assert (await say_hello(r0, name="bob", session="bob~aaaaaaaa@1"))["type"] == "welcome"


@pytest.mark.trio
async def test_a_replica_that_is_behind_takes_a_session_as_soon_as_it_hears_of_its_birth(
    tmp_path: Path,
) -> None:
    """It need not have learned the slots: what a peer says of them is enough."""
    async with hosted(tmp_path / "r0", replicas=3) as r0:
        assert "knows of 0 slots" in await refusal(r0, name="ada", session="ada~aaaaaaaa@5")
        r0.host.receive(1, Heartbeat(Ballot(1, 1), 1, 5))
        welcome = await say_hello(r0, name="ada", session="ada~aaaaaaaa@5")
        assert welcome["session"] == "ada~aaaaaaaa@5"


@pytest.mark.trio
async def test_a_replica_that_warms_up_does_not_judge_births(tmp_path: Path) -> None:
    """It does not know yet what it will know, and it takes no requests. Then the leader judges."""
    cluster = cluster_file.local(1, free_ports(1), name="hosted")
    async with hosted(tmp_path / "r0", cluster=cluster) as r0:
        core, r0.host.core = r0.host.core, None
        async with r0.dial("client", name="ada", session="ada~aaaaaaaa@5") as raw:
            assert (await raw.append(1, "x"))["reason"] == "warming-up"
            r0.host.core = core
            r0.host.kick()
            await eventually(lambda: core is not None and core.status.role == "leader", "it leads")
            assert (await raw.append(1, "x"))["reason"] == "not-leader"


@pytest.mark.trio
@pytest.mark.parametrize("role", ["operator", "observer"])
async def test_only_a_client_goes_on_with_a_session(r0: HostedReplica, role: str) -> None:
    session = (await say_hello(r0, name="ada"))["session"]
    assert await refusal(r0, role, name="ada", session=session) == (
        f"only a client goes on with a session, and you speak as {role}"
    )


@pytest.mark.trio
async def test_a_name_of_several_words_goes_into_the_log_as_one(r0: HostedReplica) -> None:
    async with r0.dial() as raw:
        session = (await raw.hello("client", name="bob (operator eve)"))["session"]
        assert session.startswith("bob--operator-eve-~")
    again = await say_hello(r0, name="bob (operator eve)", session=session)
    assert again["session"] == session


@pytest.mark.trio
async def test_a_session_of_an_earlier_program_goes_on_or_is_told_that_it_expired(
    r0: HostedReplica,
) -> None:
    """In a rolling upgrade clients come with ids that the old replicas issued. Those programs kept words in
    names, which are not taken any more; a client hears that in words that it knows from them."""
    async with r0.dial("client", name="ada", session="ada~aaaaaaaa@0") as raw:
        assert (await raw.append(1, "x"))["type"] == "appended"
    session = "ada (operator eve)~aaaaaaaa@0"
    async with r0.dial("client", name="ada (operator eve)", session=session) as raw:
        assert await raw.append(1, "x") == {
            "type": "rejected",
            "request": 1,
            "reason": "expired",
            "leader": None,
        }
        await raw.say({"type": "append-many", "request": 2, "texts": ["x", "y"]})
        assert [(await raw.hear() or {})["reason"] for _ in range(2)] == ["expired"] * 2
        page = await raw.ask({"type": "read", "id": 1, "first": 0})
        assert [entry[2] for entry in page["entries"]] == ["ada~aaaaaaaa@0"]


@pytest.mark.trio
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("\x1b[2J", "must be printable"),
        ("a\u202eb", "must be printable"),
        (" ", "must not begin or end with a space"),
        ("ada ", "must not begin or end with a space"),
    ],
)
async def test_a_client_has_no_name_that_a_terminal_could_obey_or_that_nobody_could_see(
    r0: HostedReplica, name: str, problem: str
) -> None:
    assert await say_hello(r0, name=name) == {"type": "refused", "reason": f"a client's name {problem}"}
    assert r0.refused == {"hello: name": 1}


@pytest.mark.trio
async def test_a_name_cannot_be_taken_for_the_words_around_it_in_the_audit(r0: HostedReplica) -> None:
    async with r0.dial("operator", name="eve from 1.2.3.4: elect: done") as raw:
        await raw.ask({"type": "elect", "id": 1})
    await say_hello(r0, "operator", cluster="other", name="eve: \x1b[2J")
    lines = r0.lines.getvalue()
    assert 'audit    "eve from 1.2.3.4: elect: done" from 127.0.0.1:' in lines
    assert 'refused as operator "eve: ␛[2J": this is cluster' in lines
