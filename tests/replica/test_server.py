"""The one port: whatever a stranger says, it gets a clear answer, is counted, and harms nobody else."""

from __future__ import annotations

import json
import math
import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from paxtui.config import cluster_file
from paxtui.config.limits import Limits
from paxtui.core.ballot import Ballot
from paxtui.core.messages import CatchUp, Heartbeat, PeerMessage
from paxtui.core.settings import Settings
from paxtui.storage.rows import Peer
from paxtui.wire import FRAME_BYTES_MAX, encode, frame
from paxtui.wire.faults import DiskError
from paxtui.wire.hello import PROTOCOL_VERSION
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, Said, hosted
from tests.wire.strategies import peer_messages

HELLO: dict[str, Any] = {"type": "hello", "version": PROTOCOL_VERSION, "role": "client", "name": "ada"}


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    """One replica that is a cluster of its own."""
    async with hosted(tmp_path / "r0") as replica:
        yield replica


@pytest.fixture
async def one_of_three(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    """Replica 0 of three; the others are whatever the test makes of them."""
    async with hosted(tmp_path / "r0", replicas=3) as replica:
        yield replica


async def leading(host: HostedReplica) -> None:
    await eventually(lambda: host.node.status is not None and host.node.status.role == "leader", "it leads")


def body(message: Said) -> bytes:
    return json.dumps(message).encode()


# Before hello


@pytest.mark.trio
async def test_a_stranger_that_says_nothing_is_told_so(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0", limits=Limits(hello_s=0.05)) as host:
        async with host.dial() as raw:
            assert await raw.last_words() == {"type": "problem", "reason": "no hello within 0.05 s"}
        assert host.bad_frames == 1
        assert host.refused == {"no hello in time": 1}


@pytest.mark.trio
async def test_a_stranger_that_speaks_a_byte_at_a_time_has_no_more_time_than_others(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path / "r0", limits=Limits(hello_s=0.1)) as host,
        host.dial() as raw,
        trio.open_nursery() as nursery,
    ):

        async def drip() -> None:
            for byte in frame(body(HELLO))[:-1] * 20:
                await raw.send(bytes([byte]))
                await trio.sleep(0.01)

        nursery.start_soon(drip)
        assert await raw.last_words() == {"type": "problem", "reason": "no hello within 0.1 s"}
        nursery.cancel_scope.cancel()


GARBAGE = {
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a frame says it has 1195725856 bytes"),
    "TLS": (bytes.fromhex("16030100f8010000f40303") + bytes(200), "this replica runs without certificates"),
    "a length of nothing": (bytes(4), "a frame says it has 0 bytes; 1 to 65536 are allowed"),
    "a negative length": (b"\xff\xff\xff\xff{}", "a frame says it has 4294967295 bytes"),
    "a gigabyte": ((10**9).to_bytes(4, "big") + b"x" * 100_000, "a frame says it has 1000000000 bytes"),
    "no JSON": (frame(b"hello"), "not JSON"),
    "no UTF-8": (frame(b'{"type":"hello","name":"\xff"}'), "not UTF-8: byte 24 is 0xff"),
    "half a surrogate pair": (
        frame(rb'{"type":"hello","version":1,"role":"client","name":"\ud800"}'),
        "not JSON",
    ),
    "a list": (frame(b"[]"), "expected an object, got a list"),
    "a request before hello": (frame(body({"type": "append", "request": 1, "text": "x"})), "`$.type`"),
    "no version": (frame(b'{"type":"hello","role":"client"}'), "missing field `version`"),
    "a role of its own": (frame(b'{"type":"hello","version":1,"role":"king"}'), "`$.role`"),
    "a field of its own": (frame(body(HELLO | {"shoe": 43})), "unknown field `shoe`"),
    "a name of a megabyte": (frame(body(HELLO | {"name": "x" * 60_000})), "`$.name`"),
    "a session of a megabyte": (frame(body(HELLO | {"session": "x" * 60_000})), "`$.session`"),
    "nesting": (frame(b'{"type":"hello","x":' + b"[" * 60_000), "not a message"),
    "nesting objects": (frame(b'{"a":' * 10_000), "nested too deeply: 16 levels are allowed"),
    "a frame of 64 KiB": (frame(b"x" * 65536), "not JSON"),
    "a frame of a megabyte": (frame(b"x" * FRAME_BYTES_MAX), "a frame says it has 1048576 bytes; 1 to 65536"),
}


@pytest.mark.trio
async def test_garbage_is_answered_with_the_reason_and_harms_nobody_else(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client", name="ada") as bystander:
        for number, (name, (data, reason)) in enumerate(GARBAGE.items(), start=1):
            async with host.dial() as raw:
                await raw.send(data)
                problem = await raw.last_words()
            assert problem is not None, name
            assert problem["type"] == "problem", name
            assert reason in problem["reason"], name
            assert host.bad_frames == number, name
            assert (await bystander.append(number, name))["slot"] == number - 1
    async with host.dial("operator") as raw:
        report = await raw.ask({"type": "get-status", "id": 3})
    assert report["counters"]["bad frames"] == len(GARBAGE)
    assert host.lines.getvalue().count("WARNING") == len(GARBAGE)


@pytest.mark.trio
async def test_random_bytes_never_stop_a_replica(host: HostedReplica) -> None:
    dice = random.Random(20_240_601)
    for number in range(1, 101):
        data = dice.randbytes(dice.randrange(1, 64))
        async with host.dial() as raw:
            # Half of them are frames of their own length, so that the body is looked at.
            await raw.send(data if number % 2 else frame(data))
            await raw.stream.send_eof()
            problem = await raw.last_words()
        assert problem is not None, data
        assert problem["type"] == "problem", data
        assert host.bad_frames == number, data


@pytest.mark.trio
async def test_a_hello_that_is_cut_off_at_any_byte_is_counted_and_forgotten(host: HostedReplica) -> None:
    whole = frame(body(HELLO))
    for cut in range(1, len(whole)):
        async with host.dial() as raw:
            await raw.send(whole[:cut])
            await raw.stream.send_eof()
            problem = await raw.last_words()
        assert problem == {"type": "problem", "reason": "the connection ended in the middle of a frame"}
        assert host.bad_frames == cut


@pytest.mark.trio
async def test_whoever_only_looks_whether_the_port_is_open_is_not_counted(host: HostedReplica) -> None:
    async with host.dial() as raw:
        await raw.stream.send_eof()
        assert await raw.hear() is None
    assert host.bad_frames == 0


@pytest.mark.trio
async def test_a_hello_in_single_bytes_is_as_good_as_any(host: HostedReplica) -> None:
    async with host.dial() as raw:
        for byte in frame(body(HELLO)):
            await raw.send(bytes([byte]))
        welcome = await raw.hear()
    assert welcome is not None
    assert welcome["type"] == "welcome"


@pytest.mark.trio
async def test_requests_may_come_in_one_piece_with_hello(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial() as raw:
        await raw.say(HELLO, {"type": "append", "request": 1, "text": "x"})
        assert (await raw.hear() or {})["type"] == "welcome"
        assert (await raw.hear() or {})["type"] == "appended"


# Hello


@pytest.mark.trio
async def test_welcome_tells_a_client_all_it_needs(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial() as raw:
        welcome = await raw.hello("client", name="ada")
    session = welcome.pop("session")
    assert welcome == {
        "type": "welcome",
        "version": PROTOCOL_VERSION,
        "cluster": host.node.cluster.digest,
        "name": "hosted",
        "replica": 0,
        "members": [str(host.node.cluster.address(0))],
        "leader": 0,
        "applied": 0,
        "session_window": 512,
        "faults": True,
        "non_voting": None,
    }
    assert session.startswith("ada~")
    assert session.endswith("@0")


@pytest.mark.trio
async def test_each_connection_gets_a_session_of_its_own_or_goes_on_with_one(host: HostedReplica) -> None:
    sessions = []
    for _ in range(2):
        async with host.dial() as raw:
            sessions.append((await raw.hello("client", name="a~d@a"))["session"])
    assert sessions[0] != sessions[1]
    assert sessions[0].startswith("a-d-a~")
    async with host.dial() as raw:
        assert (await raw.hello("client", name="a~d@a", session=sessions[0]))["session"] == sessions[0]


REFUSALS: dict[str, tuple[dict[str, object], str]] = {
    "another version": (
        {"role": "client", "version": 3},
        "version 3, this replica speaks 1 to 2",
    ),
    "a version of 30 digits": ({"role": "client", "version": 10**30}, f"you speak protocol version {10**30}"),
    "another cluster": ({"role": "client", "cluster": "0123"}, "this is cluster hosted ("),
    "an operator's other cluster": ({"role": "operator", "cluster": "0123"}, "not yours"),
    "control characters": ({"role": "client", "name": "\x1b[2J"}, "a client's name must be printable"),
    "a peer's version": ({"role": "peer", "version": 0}, "you speak protocol version 0"),
    "no id": ({"role": "peer"}, "this cluster's replicas are 0 to 2"),
    "an unknown id": ({"role": "peer", "replica": 3}, "this cluster's replicas are 0 to 2"),
    "the replica's own id": (
        {"role": "peer", "replica": 0},
        "replica 0 is me; two processes have",
    ),
}


@pytest.mark.trio
async def test_whoever_does_not_belong_here_is_refused_with_the_reason(one_of_three: HostedReplica) -> None:
    host = one_of_three
    for number, (name, (hello, reason)) in enumerate(REFUSALS.items(), start=1):
        async with host.dial() as raw:
            refused = await raw.hello(**hello)  # type: ignore[arg-type]
            assert refused["type"] == "refused", name
            assert reason in refused["reason"], name
            assert await raw.hear() is None
        assert host.node.counters["refused hellos"] == number
    assert host.refused == {
        "hello: protocol version": 3,
        "hello: another cluster": 2,
        "hello: name": 1,
        "hello: no such replica": 3,
    }
    assert "\x1b" not in host.lines.getvalue()


@pytest.mark.trio
async def test_a_peer_with_another_list_of_replicas_is_told_which_differs(
    one_of_three: HostedReplica,
) -> None:
    host = one_of_three
    members = [str(address) for address in host.node.cluster.replicas]
    other = [*members[:2], "10.9.8.7:1234"]
    for theirs, reason in [
        (
            other,
            f"lists of replicas differ: replica 2 is {members[2]} with me and 10.9.8.7:1234 with you",
        ),
        (members[:1], "your list has 1 replicas, mine has 3"),
        ([], "your list has 0 replicas, mine has 3"),
        (members, "our session limits (sessions_max, session_window) differ"),
    ]:
        async with host.dial() as raw:
            refused = await raw.hello("peer", **host.peer(1) | {"members": theirs, "cluster": "other"})
            assert refused["type"] == "refused"
            assert reason in refused["reason"]


@pytest.mark.trio
async def test_a_replica_must_say_which_disk_it_has(one_of_three: HostedReplica, tmp_path: Path) -> None:
    host = one_of_three
    async with host.dial("peer", **host.peer(1)):
        pass
    for storage in (None, ""):
        async with host.dial() as raw:
            refused = await raw.hello("peer", **host.peer(1) | {"storage": storage})
            assert refused["type"] == "refused"
            assert "disk" in refused["reason"]
    async with host.dial("peer", **host.peer(1)):
        pass
    await eventually(lambda: host.node.storage.peers() == {1: Peer("1" * 32)}, "it is on disk")


@pytest.mark.trio
async def test_a_peer_that_does_not_name_its_disk_is_refused_and_leaves_no_memory(
    one_of_three: HostedReplica,
) -> None:
    host = one_of_three
    async with host.dial() as raw:
        refused = await raw.hello("peer", **host.peer(1) | {"storage": None})
        assert refused == {"type": "refused", "reason": "a replica must say which disk it has (storage)"}
    async with host.dial("peer", **host.peer(1)):
        pass


@pytest.mark.trio
async def test_a_newer_connection_of_a_peer_takes_the_place_of_the_older(one_of_three: HostedReplica) -> None:
    host = one_of_three
    async with host.dial("peer", **host.peer(1)) as older, host.dial("peer", **host.peer(1)) as newer:
        assert await older.last_words() is None
        await newer.say({"type": "ready"})
        await newer.say(CatchUp(0))
        await eventually(lambda: host.node.counters["received messages"] == 1, "the newer one is heard")


# After hello

WRONG: list[tuple[str, Said, str]] = [
    ("client", HELLO, "'hello' - at `$.type`"),
    (
        "client",
        {"type": "heartbeat", "ballot": [1, 0], "number": 1, "learned": 0},
        "'heartbeat' - at",
    ),
    ("client", {"type": "accept", "ballot": [9, 0], "first": 0, "values": []}, "'accept' - at `$.type`"),
    ("client", {"type": "inject", "id": 1, "fault": {"fault": "crash"}}, "'inject' - at `$.type`"),
    ("client", {"type": "elect", "id": 1}, "'elect' - at `$.type`"),
    ("client", {"type": "undo", "id": 1, "number": None}, "'undo' - at `$.type`"),
    ("client", {"type": "observe", "id": 1}, "'observe' - at `$.type`"),
    (
        "client",
        {"type": "append", "request": -1, "text": "x"},
        "expected a whole number >= 0 - at `$.request`",
    ),
    ("client", {"type": "append", "request": 1, "text": "x" * 70_000}, "length <= 65536 - at `$.text`"),
    ("client", {"type": "read", "id": 1, "first": 10**30}, "at `$.first`"),
    ("operator", {"type": "append", "request": 1, "text": "x"}, "'append' - at `$.type`"),
    (
        "operator",
        {"type": "prepare", "ballot": [9, 0], "first": 0, "forced": True},
        "'prepare' - at",
    ),
    ("operator", {"type": "inject", "id": 1, "fault": {"fault": "cut", "to": 99}}, "at `$.fault.to`"),
    ("observer", {"type": "append", "request": 1, "text": "x"}, "'append' - at `$.type`"),
    ("observer", {"type": "elect", "id": 1}, "'elect' - at `$.type`"),
]


@pytest.mark.trio
async def test_what_a_role_may_not_say_ends_its_connection_and_no_other(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client", name="ada") as bystander:
        for number, (role, message, reason) in enumerate(WRONG, start=1):
            async with host.dial(role) as raw:
                await raw.say(message)
                problem = await raw.last_words()
            assert problem is not None
            assert problem["type"] == "problem"
            assert reason in problem["reason"]
            assert host.bad_frames == number
            assert (await bystander.append(number, "still here"))["type"] == "appended"
    assert len(host.node.board) == 0


@pytest.mark.trio
async def test_what_came_before_a_bad_frame_is_answered_before_the_problem(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client") as raw:
        await raw.say(
            *({"type": "get-status", "id": number} for number in range(50)), {"type": "elect", "id": 0}
        )
        heard = [await raw.hear() for _ in range(51)]
        assert [(message or {}).get("id") for message in heard[:50]] == list(range(50))
        assert (heard[50] or {})["type"] == "problem"


@pytest.mark.trio
async def test_a_peer_may_say_what_peers_say_and_nothing_else(one_of_three: HostedReplica) -> None:
    host = one_of_three
    for message in ({"type": "append", "request": 1, "text": "x"}, {"type": "inject", "id": 1}, HELLO):
        async with host.dial("peer", **host.peer(1)) as raw:
            await raw.say(message)
            problem = await raw.last_words()
        assert problem is not None
        assert "`$.type`" in problem["reason"]


@pytest.mark.trio
async def test_answers_that_nobody_asked_for_and_ballots_of_others_are_dropped(
    one_of_three: HostedReplica,
) -> None:
    host = one_of_three
    messages: list[Said] = [
        {"type": "promise", "ballot": [7, 0], "first": 0, "next": None, "learned": 0, "votes": []},
        {"type": "accepted", "ballot": [7, 0], "first": 0, "count": 5, "learned": 0},
        {"type": "accept", "ballot": [7, 2], "first": 0, "values": [["x", 1, "forged"]]},
        {"type": "heartbeat", "ballot": [2**53 - 1, 1], "number": 1, "learned": 0},
        {"type": "entries", "first": 0, "entries": [[[1, 1], ["x", 1, "forged"]]], "learned": 1},
    ]
    async with host.dial("peer", **host.peer(1)) as raw:
        await raw.say(*messages)
        await eventually(lambda: host.lines.getvalue().count(" drop ") >= 5, "five dropped messages")
    status = host.node.status
    assert status is not None
    assert status.watermark == 0
    assert status.promised.round < 7


@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(messages=st.lists(peer_messages, min_size=60, max_size=60))
def test_no_message_of_a_peer_stops_a_replica(
    tmp_path_factory: pytest.TempPathFactory, messages: list[PeerMessage]
) -> None:
    async def check() -> None:
        async with hosted(tmp_path_factory.mktemp("fuzz") / "r0", replicas=3) as host:
            async with host.dial("peer", **host.peer(1)) as raw:
                await raw.send(b"".join(map(encode, messages)))
                count = len(messages)
                await eventually(lambda: host.node.counters["received messages"] == count, "all are taken")
            async with host.dial("operator") as raw:
                assert (await raw.ask({"type": "get-status", "id": 1}))["status"] is not None

    trio.run(check)


# Clients


@pytest.mark.trio
async def test_a_repeated_request_takes_effect_once_and_numbers_may_come_in_any_order(
    host: HostedReplica,
) -> None:
    await leading(host)
    async with host.dial("client", name="ada") as raw:
        slots = [(await raw.append(number, f"text {number}"))["slot"] for number in (5, 3, 5, 4, 3)]
        assert slots == [0, 1, 0, 2, 1]
        page = await raw.ask({"type": "read", "id": 1, "first": 0})
        assert [entry[4] for entry in page["entries"] if entry[5] is None] == ["text 5", "text 3", "text 4"]


@pytest.mark.trio
async def test_a_frame_of_many_appends_is_answered_in_runs(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client", name="ada") as raw:
        many = await raw.ask({"type": "append-many", "request": 4, "texts": ["a", "b", "c"]})
        assert (many["type"], many["request"], many["slot"], many["count"]) == ("appended", 4, 0, 3)
        one = await raw.append(7, "d")
        assert (one["request"], one["slot"], "count" in one) == (7, 3, False)
        await raw.say({"type": "append-many", "request": 6, "texts": ["c", "d", "e"]})
        known, new = await raw.hear(), await raw.hear()
        assert known is not None
        assert new is not None
        told = {answer["request"]: (answer["slot"], answer.get("count", 1)) for answer in (known, new)}
        assert told == {6: (2, 2), 8: (4, 1)}
        page = await raw.ask({"type": "read", "id": 1, "first": 0})
        assert [(entry[3], entry[4]) for entry in page["entries"]] == list(
            zip(range(4, 9), "abcde", strict=True)
        )


@pytest.mark.trio
async def test_who_never_sent_many_at_once_is_answered_one_by_one(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client") as raw:
        await raw.say(*({"type": "append", "request": number, "text": "x"} for number in range(50)))
        answers = [await raw.hear() for _ in range(50)]
    assert [(answer or {})["request"] for answer in answers] == list(range(50))
    assert not any("count" in (answer or {}) for answer in answers)


@pytest.mark.trio
async def test_of_many_appends_all_are_taken_or_none(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client") as raw:
        await raw.say({"type": "append-many", "request": 1, "texts": ["a", "", "c"]})
        refused = [await raw.hear() for _ in range(3)]
        assert [(answer or {}).get("reason") for answer in refused] == ["empty"] * 3
        assert (await raw.append(2, "b"))["slot"] == 0


@pytest.mark.trio
async def test_no_request_of_many_has_a_number_that_is_too_large(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client") as raw:
        await raw.say({"type": "append-many", "request": 2**53 - 2, "texts": ["a", "b"]})
        assert (await raw.hear() or {})["count"] == 2
    async with host.dial("client") as raw:
        await raw.say({"type": "append-many", "request": 2**53 - 2, "texts": ["a", "b", "c"]})
        last_words = await raw.last_words()
    assert last_words == {
        "type": "problem",
        "reason": "the last request's number is not below 2^53 - at `$.request`",
    }


@pytest.mark.trio
async def test_a_message_must_have_1_to_65536_bytes(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client") as raw:
        assert (await raw.append(1, ""))["reason"] == "empty"
        assert (await raw.append(2, "é" * 32769))["reason"] == "too-long"
        assert (await raw.append(3, "é" * 32768))["type"] == "appended"
        assert (await raw.append(4, "x" * 65536))["type"] == "appended"


@pytest.mark.slow
@pytest.mark.trio
async def test_ten_thousand_requests_in_flight_are_all_answered(host: HostedReplica) -> None:
    await leading(host)
    count = 10_000
    async with host.dial("client") as raw, trio.open_nursery() as nursery:
        messages = ({"type": "append", "request": number % 500, "text": "x"} for number in range(count))
        nursery.start_soon(partial(raw.say, *messages))
        answers = [await raw.hear() for _ in range(count)]
    told = [answer for answer in answers if answer is not None]
    assert len(told) == count
    taken = [answer for answer in told if answer["type"] == "appended"]
    assert 0 < len({answer["slot"] for answer in taken}) <= 500
    # On a busy machine it may push back, or take a while to lead again; it says so, and nothing else.
    assert {answer["reason"] for answer in told if answer not in taken} <= {"busy", "not-leader"}


@pytest.mark.trio
async def test_reads_and_tails_are_limited_in_number(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("client") as raw:
        tails = ({"type": "tail", "id": number, "first": 10**15} for number in range(64))
        await raw.say(*tails)
        refused = await raw.ask({"type": "tail", "id": 64, "first": 0})
    assert refused["type"] == "failed"
    assert refused["id"] == 64
    assert refused["reason"] == "64 reads run on this connection already"


@pytest.mark.trio
async def test_a_slow_tail_is_served_at_its_own_speed_without_loss(host: HostedReplica) -> None:
    await leading(host)
    count = 60
    async with host.dial("client") as writer:
        for number in range(count):
            await writer.append(number, f"{number:03d}" + "x" * 60_000)
    async with host.dial("client") as raw:
        await raw.say({"type": "tail", "id": 9, "first": 0, "follow": False})
        slots: list[int] = []
        last = False
        while not last:
            page = await raw.hear()
            assert page is not None
            slots += [entry[0] for entry in page["entries"]]
            last = page["last"]
    assert slots == list(range(count))


@pytest.mark.trio
async def test_a_replica_that_does_not_lead_says_so(one_of_three: HostedReplica) -> None:
    async with one_of_three.dial("client") as raw:
        assert (await raw.append(1, "x"))["reason"] == "not-leader"
        read = await raw.ask({"type": "read", "id": 4, "first": 0})
        assert (read["type"], read["id"], read["reason"]) == ("failed", 4, "not-leader")
        stale = await raw.ask({"type": "read", "id": 5, "first": 0, "consistency": "local"})
        assert (stale["type"], stale["consistency"]) == ("page", "local")


@pytest.mark.trio
async def test_while_it_warms_up_a_replica_takes_no_requests_and_names_whom_it_awaits(
    tmp_path: Path,
) -> None:
    async with hosted(tmp_path / "r0", replicas=3, warm_up="all") as host:
        async with host.dial("client") as raw:
            assert (await raw.append(1, "x"))["reason"] == "warming-up"
            read = await raw.ask({"type": "read", "id": 4, "first": 0})
            assert (read["type"], read["reason"]) == ("failed", "warming-up")
            report = await raw.ask({"type": "get-status", "id": 1})
            assert (report["status"], report["waiting_for"]) == (None, [1, 2])
        async with host.dial("operator") as raw:
            assert (await raw.ask({"type": "elect", "id": 1}))["reason"] == "it is still warming up"
        async with host.dial("peer", **host.peer(2)) as raw:
            await raw.say({"type": "ready"}, Heartbeat(Ballot(1, 2), 1, 0))
            await eventually(lambda: host.warm_up.missing == (1,), "one is ready")
            await eventually(lambda: host.node.counters["early messages"] == 1, "its message came too early")


# Operators


@pytest.mark.trio
async def test_without_permission_no_fault_begins(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0", faults_allowed=False) as host, host.dial("operator") as raw:
        for fault in ({"fault": "crash"}, {"fault": "pause", "seconds": 9}, {"fault": "disk-error"}):
            failed = await raw.ask({"type": "inject", "id": 1, "fault": fault})
            assert failed["reason"] == "this replica takes no faults; start it with --allow-faults"
        assert (await raw.ask({"type": "list-faults", "id": 2}))["faults"] == []
        assert (await raw.ask({"type": "get-status", "id": 3}))["faults_allowed"] is False


@pytest.mark.trio
async def test_faults_are_injected_listed_and_undone_and_each_leaves_a_line(host: HostedReplica) -> None:
    async with host.dial("operator", name="eve\x1b[2J") as raw:
        inject = {"type": "inject", "id": 1, "fault": {"fault": "slow-disk", "ms": 1}, "for_s": 60}
        assert await raw.ask(inject) == {"type": "done", "id": 1, "number": 1}
        trigger = {
            "type": "inject",
            "id": 2,
            "fault": {"fault": "crash"},
            "when": {"event": "voted", "slot": 9},
        }
        assert (await raw.ask(trigger))["number"] == 10
        listed = (await raw.ask({"type": "list-faults", "id": 3}))["faults"]
        assert [(fault["number"], fault["replica"], fault["fault"]) for fault in listed] == [
            (1, 0, {"fault": "slow-disk", "ms": 1.0}),
            (10, 0, {"fault": "crash"}),
        ]
        assert math.isclose(listed[0]["age_s"] + listed[0]["left_s"], 60)
        failed = await raw.ask({"type": "undo", "id": 4, "number": 7})
        assert failed["reason"] == "fault 7 does not act or wait here"
        assert (await raw.ask({"type": "undo", "id": 5, "number": 10}))["type"] == "done"
        assert (await raw.ask({"type": "undo", "id": 6, "number": None}))["type"] == "done"
        assert (await raw.ask({"type": "list-faults", "id": 7}))["faults"] == []
        refused = await raw.ask({"type": "inject", "id": 8, "fault": {"fault": "cut", "to": 1}})
        assert refused["reason"] == "there is no link from replica 0 to 1"
    lines = host.lines.getvalue()
    for what in ("slow-disk r0 1 ms for 60 s", "crash r0 when voted for slot 9", "undo fault 10", "heal"):
        assert "eve␛[2J from 127.0.0.1" in lines
        assert what in lines


@pytest.mark.trio
async def test_a_disk_error_that_is_undone_in_time_does_not_strike(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("operator") as raw, host.dial("client") as client:
        assert (await client.append(1, "before"))["type"] == "appended"
        host.node.board.inject(DiskError(), trio.current_time(), None, None)
        assert host.node.storage.faults.fail == "error"
        assert (await raw.ask({"type": "undo", "id": 6, "number": None}))["type"] == "done"
        assert host.node.storage.faults.fail is None


@pytest.mark.trio
async def test_a_crashed_proposer_comes_back_when_the_time_is_over(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("operator") as raw, host.dial("client") as client:
        crash = {"type": "inject", "id": 1, "fault": {"fault": "crash-proposer"}, "for_s": 1.5}
        assert (await raw.ask(crash))["type"] == "done"
        assert (await client.append(1, "x"))["reason"] == "not-leader"
        assert (await raw.ask({"type": "elect", "id": 2}))["reason"] == "its proposer is crashed"
        await leading(host)
        assert (await client.append(1, "x"))["type"] == "appended"


@pytest.mark.trio
async def test_an_operator_fills_a_hole(tmp_path: Path) -> None:
    cluster = cluster_file.Cluster(
        name="holes",
        replicas=cluster_file.local(1, free_ports(1)).replicas,
        settings=Settings(hole_timeout_s=3600),
    )
    async with hosted(tmp_path / "r0", cluster=cluster) as host:
        await leading(host)
        async with host.dial("operator") as raw, host.dial("client") as client:
            assert (await raw.ask({"type": "noop", "id": 1, "slot": 0}))[
                "reason"
            ] == "slot 0 is no hole of this leader"
            skip = {"type": "inject", "id": 2, "fault": {"fault": "skip", "slot": None}}
            assert (await raw.ask(skip))["type"] == "done"
            await client.say({"type": "append", "request": 1, "text": "over the hole"})
            await eventually(
                lambda: host.node.status is not None and host.node.status.holes == (0,), "a hole"
            )
            assert (await raw.ask({"type": "noop", "id": 3, "slot": 0}))["type"] == "done"
            assert (await client.hear() or {})["slot"] == 1


# Observers


@pytest.mark.trio
async def test_an_observer_sees_what_happens_from_the_snapshot_on(host: HostedReplica) -> None:
    await leading(host)
    async with host.dial("observer") as watching, host.dial("client", name="ada") as client:
        snapshot = await watching.ask({"type": "observe", "id": 5})
        assert (snapshot["type"], snapshot["id"], snapshot["status"]["role"]) == ("snapshot", 5, "leader")
        await client.append(1, "hello")
        following = snapshot["number"]
        names: list[str] = []
        while "applied-to" not in names:
            delta = await watching.hear()
            assert delta is not None
            assert (delta["type"], delta["first"], delta["dropped"]) == ("delta", following, 0)
            following += len(delta["events"])
            names += [event["event"] for _, event in delta["events"]]
        for expected in ("proposed", "accept-sent", "voted", "chosen-seen", "learned"):
            assert expected in names
    async with host.dial("observer") as watching:
        (slot,) = (await watching.ask({"type": "observe", "id": 6}))["slots"]
        assert (slot[0], slot[4], slot[5]) == (0, "hello", "applied")
