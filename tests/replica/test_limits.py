"""Past each limit, over a real socket: what is refused is told why, is counted under its name, and nobody
else is harmed."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.lowlevel
from msgspec import structs

from paxtui.client import connect
from paxtui.config import cluster_file
from paxtui.config.limits import FIELDS, Limits, problem, with_environment
from paxtui.replica.transport import fd_limit, read_loop
from paxtui.wire import frame
from tests.replica.conditions import PATIENCE_S, eventually
from tests.replica.host import HostedReplica, Raw, Said, hosted

HELLO: Said = {"type": "hello", "version": 1, "role": "client", "name": "ada"}


@asynccontextmanager
async def limited(folder: Path, replicas: int = 1, **limits: float) -> AsyncIterator[HostedReplica]:
    """A replica with these limits; alone, it leads."""
    async with hosted(folder / "r0", replicas=replicas, limits=structs.replace(Limits(), **limits)) as host:
        if replicas == 1:
            await eventually(
                lambda: host.node.status is not None and host.node.status.role == "leader", "leads"
            )
        yield host


async def hung_up(raw: Raw, host: HostedReplica, name: str) -> str:
    """Wait until the connection ends; the reason that it was told, which was counted once under ``name``."""
    last = await raw.last_words()
    assert last is not None
    assert last["type"] in ("problem", "refused")
    assert host.refused == {name: 1}
    return str(last["reason"])


async def flood(raw: Raw, data: bytes, over: Callable[[], bool]) -> None:
    """Send without reading, until it is over."""
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            while True:
                await raw.send(data)
                await trio.lowlevel.checkpoint()

        nursery.start_soon(send)
        await eventually(over, "it is over")
        nursery.cancel_scope.cancel()


# The process


@pytest.mark.trio
async def test_one_connection_too_many_is_told_so_and_the_next_may_come_when_one_has_left(
    tmp_path: Path,
) -> None:
    async with limited(tmp_path, connections=2) as host, host.dial("observer"):
        async with host.dial("client") as ada:
            async with host.dial() as raw:
                assert (await raw.hello("client"))["reason"] == (
                    "2 connections are open here already (limit: connections)"
                )
            assert host.refused == {"connections too many": 1}
            assert (await ada.append(1, "x"))["type"] == "appended"
        await eventually(lambda: host.server.guests.count == 1, "one has left")
        async with host.dial("client"):
            pass


@pytest.mark.trio
async def test_one_address_does_not_take_all_connections(tmp_path: Path) -> None:
    async with limited(tmp_path, connections_an_address=2) as host, host.dial("client"), host.dial("client"):
        async with host.dial() as raw:
            answer = await raw.hello("operator")
        assert answer["reason"] == (
            "2 connections from 127.0.0.1 are open here already (limit: connections_an_address)"
        )
        assert host.refused == {"connections too many from one address": 1}


@pytest.mark.trio
async def test_strangers_and_guests_do_not_keep_a_peer_out(tmp_path: Path) -> None:
    async with limited(tmp_path, replicas=3, connections=1, strangers=2) as host, AsyncExitStack() as stack:
        await stack.enter_async_context(host.dial("client"))
        for _ in range(2):
            await stack.enter_async_context(host.dial())
        async with host.dial("peer", **host.peer(1)):
            await eventually(lambda: 1 in host.server._peers, "the peer is in")


@pytest.mark.trio
async def test_the_oldest_stranger_makes_room(tmp_path: Path) -> None:
    async with limited(tmp_path, strangers=3) as host, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(host.dial()) for _ in range(3)]
        await eventually(lambda: host.server.guests.strangers == 3, "all wait")
        async with host.dial("client") as late:
            assert (await late.append(1, "x"))["type"] == "appended"
        assert await silent[0].last_words() is None
        assert host.refused == {"strangers too many": 1}
        assert (await silent[2].hello("observer"))["type"] == "welcome"


@pytest.mark.trio
async def test_whoever_holds_most_of_all_unfinished_frames_has_to_go(tmp_path: Path) -> None:
    ask = b'{"type":"append","request":1,"text":"' + b"y" * 63_000 + b'"}'
    async with limited(tmp_path, received_bytes=150_000) as host:
        async with host.dial("client") as small, host.dial("client") as large:
            await large.send((100_000).to_bytes(4, "big") + b"x" * 90_000)
            await small.send(frame(ask)[:59_000])
            await eventually(lambda: host.server.guests.received.used >= 149_000, "both are held")
            await small.send(frame(ask)[59_000:61_000])
            reason = await hung_up(large, host, "unfinished frames too many")
            assert reason == "more unfinished frames arrived than may wait, and most of it is yours"
            await small.send(frame(ask)[61_000:])
            assert (await small.hear() or {})["type"] == "appended"
        await eventually(lambda: host.server.guests.received.used == 0, "nothing is left of it")


@pytest.mark.trio
async def test_whoever_lets_most_answers_wait_has_to_go(tmp_path: Path) -> None:
    async with limited(tmp_path, queued_bytes=300_000) as host, host.dial("client") as reader:
        async with host.dial("client") as raw:
            ask = frame(json.dumps({"type": "get-status", "id": 1}).encode()) * 200
            await flood(raw, ask, lambda: bool(host.refused))
            assert host.refused == {"answers that wait too many": 1}
        assert (await reader.append(1, "x"))["type"] == "appended"
        await eventually(lambda: host.server.guests.queued.used == 0, "nothing is left of it")


@pytest.mark.trio
async def test_strangers_do_not_fill_the_log(tmp_path: Path) -> None:
    async with limited(tmp_path, complaints=5) as host:
        for _ in range(40):
            async with host.dial() as raw:
                await raw.send(frame(b"nonsense"))
                assert await raw.last_words() is not None
        assert 5 <= host.lines.getvalue().count("not JSON") < 20
        assert host.refused == {"not JSON": 40}
        with trio.fail_after(PATIENCE_S):
            while "lines like the next were left out" not in host.lines.getvalue():
                await trio.sleep(0.1)
                async with host.dial() as raw:
                    await raw.send(frame(b"nonsense"))
                    assert await raw.last_words() is not None


@pytest.mark.trio
async def test_a_turn_reads_so_much_and_nobody_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_loop, "TURN_BYTES", 1)
    async with limited(tmp_path) as host, AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(host.dial("client")) for _ in range(8)]
        for raw in raws:
            await raw.say(*({"type": "append", "request": number, "text": "x"} for number in range(100)))
        for raw in raws:
            assert [(await raw.hear() or {})["request"] for _ in range(100)] == list(range(100))


# Before hello


@pytest.mark.trio
async def test_a_stranger_has_so_much_time(tmp_path: Path) -> None:
    async with limited(tmp_path, hello_s=0.05) as host, host.dial() as raw:
        assert await hung_up(raw, host, "no hello in time") == "no hello within 0.05 s"


@pytest.mark.trio
async def test_a_first_frame_has_another_limit_than_later_ones(tmp_path: Path) -> None:
    async with limited(tmp_path, hello_bytes=1024) as host:
        async with host.dial() as raw:
            await raw.say(HELLO | {"name": "x" * 1024})
            reason = await hung_up(raw, host, "a frame too long or of nothing")
            assert reason.endswith("bytes; 1 to 1024 are allowed")
        async with host.dial("client") as raw:
            assert (await raw.append(1, "x" * 60_000))["type"] == "appended"


@pytest.mark.trio
async def test_a_name_has_so_many_characters(tmp_path: Path) -> None:
    async with limited(tmp_path, name_chars=8) as host:
        async with host.dial() as raw:
            assert await raw.hello("client", name="x" * 9) == {
                "type": "refused",
                "reason": "a name may have 8 characters",
            }
        assert host.refused == {"hello: name": 1}


# One connection


@pytest.mark.trio
async def test_a_frame_may_be_so_long_but_a_peer_always_sends_what_its_runs_are_cut_for(
    tmp_path: Path,
) -> None:
    text = "x" * 4000
    async with limited(tmp_path, replicas=3, frame_bytes=2048) as host:
        async with host.dial("peer", **host.peer(1)) as peer:
            value = ["x~a@0", 1, text]
            await peer.say({"type": "accept", "ballot": [1, 1], "first": 0, "values": [value]})
            await eventually(lambda: host.node.core and host.node.core.acceptor.votes, "it has voted")
        async with host.dial("client") as raw:
            await raw.say({"type": "append", "request": 1, "text": text})
            assert "1 to 2048 are allowed" in await hung_up(raw, host, "a frame too long or of nothing")


@pytest.mark.trio
async def test_lists_and_objects_lie_only_so_deep_in_each_other(tmp_path: Path) -> None:
    async with limited(tmp_path, nesting=8) as host, host.dial("client") as raw:
        for depth, kind in ((7, "unknown field"), (8, "nested too deeply: 8 levels are allowed")):
            async with host.dial("client") as raw:
                await raw.send(
                    frame(b'{"a":' + b"[" * depth + b"]" * depth + b',"type":"get-status","id":1}')
                )
                last = await raw.last_words()
            assert last is not None
            assert kind in last["reason"]
        assert host.refused == {"not a message": 1, "nested too deeply": 1}


@pytest.mark.trio
async def test_no_more_requests_are_taken_than_may_be_unanswered(tmp_path: Path) -> None:
    async with limited(tmp_path, replicas=3, in_flight=10) as host, host.dial("client") as raw:
        taken: list[int] = []
        propose = host.node.propose
        host.node.propose = lambda client, first, texts: taken.append(first)  # type: ignore[method-assign]
        await raw.say(*({"type": "append", "request": number, "text": "x"} for number in range(50)))
        await eventually(lambda: len(taken) >= 10, "ten are taken")
        for _ in range(20):
            await trio.lowlevel.checkpoint()
        assert taken == list(range(10))
        host.node.propose = propose  # type: ignore[method-assign]


@pytest.mark.trio
async def test_a_flood_past_that_limit_is_answered_whole_and_in_order(tmp_path: Path) -> None:
    async with limited(tmp_path, in_flight=10) as host, host.dial("client") as raw:
        ask = [{"type": "append", "request": number, "text": "x"} for number in range(500)]
        reads = [{"type": "read", "id": number, "first": 0, "limit": 1} for number in range(100)]
        await raw.say(*ask, *reads, {"type": "get-status", "id": 7})
        answers = [await raw.hear() or {} for _ in range(601)]
        assert [each["request"] for each in answers if each["type"] == "appended"] == list(range(500))
        assert sorted(each["id"] for each in answers if each["type"] == "page") == list(range(100))


@pytest.mark.trio
async def test_costly_requests_do_not_hold_up_others(tmp_path: Path) -> None:
    """Thousands of them arrive at once, and more as long as it takes; an append of somebody else is answered
    in between."""
    async with limited(tmp_path) as host, host.dial("client") as raw, host.dial("client") as other:
        asked, seen, answered = 4000, list[Any](), trio.Event()

        async def append() -> None:
            assert (await other.append(1, "x"))["type"] == "appended"
            answered.set()

        await raw.say(*({"type": "get-status", "id": number} for number in range(asked)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(append)
            while len(seen) < asked:
                seen.append(await raw.hear() or {})
                applied = seen[-1]["status"]["watermark"] == 1
                if asked - len(seen) < 2000 and not (applied and answered.is_set()):
                    await raw.say(*({"type": "get-status", "id": asked + number} for number in range(1000)))
                    asked += 1000
                    assert asked < 1_000_000, "the append waits for the end of all of them"
        assert [each["id"] for each in seen] == list(range(asked))
        assert max(each["status"]["watermark"] for each in seen) == 1
        assert min(each["status"]["watermark"] for each in seen) == 0


@pytest.mark.trio
@pytest.mark.parametrize(
    "ask",
    [
        {"type": "tail", "first": 10**15},
        {"type": "read", "first": 0, "consistency": "local"},
        {"type": "observe"},
    ],
    ids=["tail", "local-read", "observe"],
)
async def test_tails_observations_and_local_reads_are_limited_in_number(tmp_path: Path, ask: Said) -> None:
    role = "observer" if ask["type"] == "observe" else "client"
    async with limited(tmp_path, tails=3) as host, host.dial(role) as raw:
        await raw.say(
            *({"type": "observe", "id": 1} if role == "observer" else ask | {"id": 1} for _ in range(40))
        )
        refused = [{"type": ""}]
        while refused[-1]["type"] != "failed":
            refused.append(await raw.hear() or {})
        assert refused[-1]["reason"] == "3 reads run on this connection already"
        assert host.refused["reads too many"] > 0


@pytest.mark.trio
@pytest.mark.parametrize("request_type", ["get-status", "append"])
async def test_a_reader_that_is_too_slow_is_dropped(tmp_path: Path, request_type: str) -> None:
    message = {"type": "append", "request": 1, "text": "x"}
    if request_type == "get-status":
        message = {"type": "get-status", "id": 1}
    data = frame(json.dumps(message).encode()) * 1000
    async with (
        limited(tmp_path, client_bytes=20_000) as host,
        host.dial("client") as bystander,
        host.dial("client") as raw,
    ):
        await flood(raw, data, lambda: host.bad_frames > 0)
        assert host.refused == {"reader too slow": 1}
        assert "too slow: more answers wait for you" in host.lines.getvalue()
        assert (await bystander.append(1, "still here"))["type"] == "appended"
        await eventually(lambda: host.server.guests.count == 1, "its connection is gone")


@pytest.mark.trio
@pytest.mark.parametrize("role", ["client", "observer"])
async def test_a_tail_or_observer_that_takes_nothing_is_dropped_and_little_waits_for_it(
    tmp_path: Path, role: str
) -> None:
    async with limited(tmp_path, stalled_s=0.3, tail_bytes=50_000, observer_bytes=50_000) as host:
        async with host.dial("client") as writer, host.dial(role) as raw:
            ask = (
                {"type": "observe", "id": 1} if role == "observer" else {"type": "tail", "id": 1, "first": 0}
            )
            await raw.say(ask)
            number = most = 0
            with trio.fail_after(2 * PATIENCE_S):
                while not host.refused:
                    number += 1
                    assert (await writer.append(number, "x" * 60_000))["type"] == "appended"
                    most = max(most, host.server.guests.queued.used)
            assert host.refused == {"reader stalled": 1}
            assert 0 < most < 1024 * 1024
        assert "you took nothing of what waits for you for 0.3 s" in host.lines.getvalue()


@pytest.mark.trio
async def test_whoever_says_nothing_and_is_owed_nothing_is_closed(tmp_path: Path) -> None:
    async with limited(tmp_path, idle_s=0.2) as host, host.dial("observer") as observer:
        await observer.say({"type": "observe", "id": 1})
        async with host.dial("client") as tail:
            await tail.say({"type": "tail", "id": 1, "first": 0})
            async with host.dial("operator") as raw:
                reason = await hung_up(raw, host, "idle")
                assert reason == "you said nothing for 0.2 s, and are owed nothing"
            for _ in range(3):
                async with host.dial("operator") as raw:
                    await raw.last_words()
            assert (await tail.append(1, "x"))["type"] in ("appended", "page")  # both are still there
            assert (await observer.hear() or {})["type"] == "snapshot"


@pytest.mark.trio
async def test_a_client_that_was_closed_for_idling_goes_on_when_it_wants_to(tmp_path: Path) -> None:
    async with limited(tmp_path, idle_s=0.1) as host:
        async with connect(host.node.cluster, name="ada") as log:
            first = await log.append("one")
            await eventually(lambda: host.refused.get("idle", 0) >= 1, "it is closed")
            second = await log.append("two")
        assert (first.slot, second.slot) == (0, 1)


@pytest.mark.trio
async def test_a_text_has_so_many_bytes(tmp_path: Path) -> None:
    async with limited(tmp_path, text_bytes=100) as host, host.dial("client") as raw:
        assert (await raw.append(1, "é" * 51))["reason"] == "too-long"
        assert (await raw.append(2, "é" * 50))["type"] == "appended"
        assert host.refused == {"text empty or too long": 1}


# How they are set


def test_every_limit_is_read_from_the_cluster_file_and_written_back(tmp_path: Path) -> None:
    cluster = cluster_file.local(3)
    changed = {name: (FIELDS[name].default // 2 or 1.5) for name in FIELDS}
    changed = {name: FIELDS[name].type(value) for name, value in changed.items()}
    path = tmp_path / "cluster.toml"
    path.write_text(cluster_file.to_toml(structs.replace(cluster, limits=Limits(**changed))))  # type: ignore[arg-type]
    assert cluster_file.load(path).limits == Limits(**changed)  # type: ignore[arg-type]
    assert cluster_file.load(path).digest == cluster.digest  # one process's own matter


@pytest.mark.parametrize("name", FIELDS)
def test_the_environment_goes_over_the_file_and_mistakes_are_named(name: str) -> None:
    variable = f"PAXTUI_LIMIT_{name.upper()}"
    value = FIELDS[name].type(FIELDS[name].default // 2)
    assert with_environment(Limits(), {variable: str(value)}) == structs.replace(Limits(), **{name: value})
    with pytest.raises(ValueError, match=f"{variable} is 'many', expected a"):
        with_environment(Limits(), {variable: "many"})
    with pytest.raises(ValueError, match=f"{variable}: {name} is 0, allowed: "):
        with_environment(Limits(), {variable: "0"})
    with pytest.raises(cluster_file.ConfigError, match=variable):
        cluster_file.find(None, {variable: "-1"})


def test_a_bad_limit_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(cluster_file.to_toml(cluster_file.local(1)) + "\n[limits]\nframe_bytes = 7\n")
    line = len(path.read_text().splitlines())
    with pytest.raises(
        cluster_file.ConfigError, match=rf":{line}: frame_bytes is 7, allowed: 1024 to 1048576"
    ):
        cluster_file.load(path)
    assert problem(Limits()) is None


def test_where_few_files_may_be_open_fewer_connections_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: asked.append(pair))
    limits, note = fd_limit.fit(Limits())
    assert asked == [(1024, 1024)]
    assert (limits.connections, limits.strangers) == (320, 128)
    assert note is not None
    assert "only 1024 files may be open" in note
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    assert fd_limit.fit(Limits()) == (Limits(), None)


@pytest.mark.parametrize("name", ["local-3", "local-5"])
def test_the_comments_of_a_shipped_file_name_every_limit_with_its_default(name: str) -> None:
    text = (Path(__file__).parents[2] / "configs" / f"{name}.toml").read_text()
    table = text.partition("[limits]")[2].partition("[settings]")[0]
    commented = dict(re.findall(r"^# (\w+) = ([\d.]+) ", table, re.MULTILINE))
    assert commented == {key: repr(field.default) for key, field in FIELDS.items()}
