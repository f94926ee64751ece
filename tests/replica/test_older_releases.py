"""A program of the release before this one meets a replica: it hears its own words, and is understood.

What it says and hears is written out here as that release has it (commit 8e93c67, protocol version 1).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from paxtui.client import Failed, Operator
from paxtui.client.connection import answers, dial
from paxtui.config import cluster_file
from paxtui.wire import FrameReader, frame
from paxtui.wire.faults import Clock, Hold
from paxtui.wire.requests import StatusRequest
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, hosted

Said = dict[str, Any]


@pytest.fixture
async def r0(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    async with hosted(tmp_path / "r0") as replica:
        yield replica


def hello(role: str, **fields: object) -> Said:
    """The first frame, with every field that version 1 sends."""
    usual: Said = {"cluster": None, "name": "", "replica": None, "storage": None, "origin": "", "commits": 0}
    usual |= {"held": False, "members": [], "session": None}
    return {"type": "hello", "version": 1, "role": role} | usual | fields


@pytest.mark.trio
async def test_a_client_appends_and_reads_and_is_told_the_status_in_its_words(r0: HostedReplica) -> None:
    await eventually(lambda: r0.host.status is not None and r0.host.status.role == "leader", "it leads")
    async with r0.dial() as raw:
        welcome = await raw.ask(hello("client", name="ada"))
        assert (welcome["type"], welcome["version"], welcome["held"]) == ("welcome", 1, None)
        assert "non_voting" not in welcome
        assert (await raw.append(1, "floor"))["type"] == "appended"
        page = await raw.ask(
            {
                "type": "read",
                "id": 1,
                "first": 0,
                "limit": 10,
                "consistency": "linearizable",
            }
        )
        assert (page["type"], page.get("floor")) == ("page", 0), page
        assert "floor" in json.dumps(page["entries"])
        report = await raw.ask({"type": "get-status", "id": 2})
    assert report["held_here"] == []
    assert (report["status"]["floor"], report["status"]["held"]) == (0, None)
    assert not {"log_start", "non_voting", "program"} & (report.keys() | report["status"].keys())


@pytest.mark.trio
async def test_an_observer_hears_events_and_digests_by_their_earlier_names(r0: HostedReplica) -> None:
    async with r0.dial() as wall, r0.dial() as writer:
        assert (await wall.ask(hello("observer")))["type"] == "welcome"
        await wall.say({"type": "observe", "id": 7})
        snapshot = await wall.hear()
        assert snapshot is not None
        assert (snapshot["type"], snapshot["status"]["floor"]) == ("snapshot", 0)
        await eventually(lambda: r0.host.status is not None and r0.host.status.role == "leader", "it leads")
        assert (await writer.ask(hello("client", name="ada")))["type"] == "welcome"
        await writer.append(1, "x")
        told: dict[str, Said] = {}
        while "learned" not in told:
            delta = await wall.hear()
            assert delta is not None
            told |= {event["event"]: event for _, event in delta.get("events", ())}
    assert "marks" in told["voted"]
    assert "digests" not in told["voted"]


@pytest.mark.trio
async def test_an_operator_names_events_of_a_trigger_by_their_earlier_names(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0") as r0, r0.dial() as raw:
        assert (await raw.ask(hello("operator", name="eve")))["type"] == "welcome"
        crash = {"fault": "crash"}
        done = await raw.ask(
            {
                "type": "inject",
                "id": 1,
                "fault": crash,
                "for_s": None,
                "when": {"event": "marked", "slot": None},
            }
        )
        assert done["type"] == "done", done
        (waiting,) = r0.host.fault_registry.active_faults(trio.current_time())
        assert waiting.when is not None
        assert waiting.when.event == "checkpointed"
        listed = await raw.ask({"type": "list-faults", "id": 2})
        assert listed["faults"][0]["when"]["event"] == "marked"


@pytest.mark.trio
async def test_a_fault_without_a_word_in_it_is_listed_as_one_without_effect_and_can_be_ended(
    r0: HostedReplica,
) -> None:
    async with r0.dial("operator") as newer, r0.dial() as raw, r0.dial() as wall:
        assert (await wall.ask(hello("observer")))["type"] == "welcome"
        await wall.say({"type": "observe", "id": 7})
        assert await wall.hear() is not None
        clock = {"fault": "clock", "percent": 10}
        done = await newer.ask({"type": "inject", "id": 1, "fault": clock, "for_s": 60})
        assert (await raw.ask(hello("operator", name="eve")))["type"] == "welcome"
        (listed,) = (await raw.ask({"type": "list-faults", "id": 2}))["faults"]
        nothing = {"fault": "slow-disk", "ms": 0.0}
        assert (listed["fault"], listed["number"]) == (nothing, done["number"])
        report = await raw.ask({"type": "get-status", "id": 3})
        assert [each["fault"] for each in report["active"]] == [nothing]
        assert (await raw.ask({"type": "undo", "id": 4, "number": done["number"]}))["type"] == "done"
        assert r0.host.protocol_clock.rate == 1
        told: list[Said] = []
        while len(told) < 2:
            delta = await wall.hear()
            assert delta is not None
            told += [each for _, each in delta.get("events", ()) if each["event"].startswith("fault-")]
        assert [each["fault"] for each in told] == [nothing, nothing]


@pytest.mark.trio
async def test_holds_and_steps_are_not_told_and_events_keep_their_numbers(r0: HostedReplica) -> None:
    async with r0.dial("operator") as newer, r0.dial() as raw, r0.dial() as wall:
        assert (await wall.ask(hello("observer")))["type"] == "welcome"
        await wall.say({"type": "observe", "id": 7})
        assert await wall.hear() is not None
        hold = {"fault": "hold", "to": -1, "kinds": ["pre-vote"]}
        done = await newer.ask({"type": "inject", "id": 1, "fault": hold, "for_s": 60})
        assert done["type"] == "done"
        assert (await newer.ask({"type": "tick", "id": 2, "ms": 1}))["type"] == "ticked"
        assert (await raw.ask(hello("operator", name="eve")))["type"] == "welcome"
        (listed,) = (await raw.ask({"type": "list-faults", "id": 2}))["faults"]
        assert listed["fault"] == {"fault": "slow-disk", "ms": 0.0}
        assert not {"clock", "staged"} & (await raw.ask({"type": "get-status", "id": 3})).keys()
        for asked in ("list-staged", "release", "tick"):
            answer = await raw.ask({"type": asked, "id": 4})
            assert (answer["type"], "protocol version 2" in answer["reason"]) == ("failed", True)
        told: list[Said] = []
        follows: int | None = None
        while "message-dropped" not in [each["event"] for each in told]:
            delta = await wall.hear()
            assert delta is not None
            if delta["type"] == "delta":
                assert follows in (None, delta["first"])
                follows = delta["first"] + len(delta["events"])
                told += [each for _, each in delta["events"]]
    (clock,) = [each for each in told if each["event"] == "message-dropped"]
    assert (clock["kind"], clock["sender"]) == ("clock-changed", 0)


class OlderReplica:
    """The listening side of replica 1 of three, of the earlier release."""

    def __init__(self) -> None:
        self.refused = 0
        self.heard: list[Said] = []

    async def serve(self, stream: trio.SocketStream) -> None:
        reader = FrameReader()
        greeted = False
        with trio.move_on_after(60), trio.CancelScope():
            while received := await stream.receive_some(65536):
                for body in reader.feed(received):
                    said = json.loads(body)
                    if greeted:
                        self.heard.append(said)
                        continue
                    if "non_voting" in said:
                        self.refused += 1
                        words = {"type": "problem", "reason": "Object contains unknown field `non_voting`"}
                        await stream.send_all(frame(json.dumps(words).encode()))
                        return
                    greeted = True
                    assert (said["version"], said["held"]) == (1, False)
                    await stream.send_all(frame(json.dumps(self.welcome(said)).encode()))

    def welcome(self, said: Said) -> Said:
        return {
            "type": "welcome", "version": 1, "cluster": said["cluster"] or "", "name": "hosted", "replica": 1,
            "members": said["members"], "leader": None, "applied": 0, "session": None, "session_window": 256,
            "faults": False, "held": None,
        }  # fmt: skip


@asynccontextmanager
async def beside_an_older_one(folder: Path) -> AsyncIterator[tuple[HostedReplica, OlderReplica]]:
    ports = free_ports(3)
    other = OlderReplica()
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(ports[1], host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, other.serve, listeners)
        async with hosted(folder, cluster=cluster_file.local(3, ports, name="hosted")) as r0:
            yield r0, other
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_peer_of_the_earlier_release_is_called_again_in_its_words(tmp_path: Path) -> None:
    async with beside_an_older_one(tmp_path / "r0") as (r0, other):
        await eventually(
            lambda: any(said["type"] == "canvass" for said in other.heard), "it asks for a pre-vote"
        )
        assert other.refused == 1
        assert r0.host.outbound.refused_by == {}
        (asked, *_) = [said for said in other.heard if said["type"] == "canvass"]
        async with r0.dial() as raw:
            own = r0.peer(1)
            assert (await raw.ask(hello("peer", **own)))["type"] == "welcome"
            reply = {"type": "canvass-reply", "ballot": asked["ballot"], "granted": True}
            await raw.say(reply | {"promised": [0, 0], "learned": 0})
            await eventually(lambda: any(said["type"] == "prepare" for said in other.heard), "it prepares")


@pytest.mark.trio
async def test_the_library_falls_back_and_says_nothing_that_an_older_replica_does_not_know() -> None:
    other = OlderReplica()
    (port,) = free_ports(1)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, other.serve, listeners)
        address = cluster_file.Address(1, "127.0.0.1", port)
        async with dial(address, "operator", answers, name="eve") as link:
            assert link.welcome.version == 1
            await link.send(StatusRequest(1))
            await eventually(lambda: bool(other.heard), "it asks")
        nursery.cancel_scope.cancel()
    assert other.refused == 1
    assert other.heard == [{"type": "get-status", "id": 1}]


@pytest.mark.trio
async def test_the_library_slows_no_clock_and_holds_nothing_of_an_older_replica() -> None:
    other = OlderReplica()
    ports = free_ports(3)
    operator = Operator(cluster_file.local(3, ports, name="hosted"), "eve")
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(ports[1], host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, other.serve, listeners)
        with pytest.raises(Failed, match="replica 1 is of an older release: its clock cannot be slowed"):
            await operator.inject(1, Clock(10))
        with pytest.raises(Failed, match="it cannot hold messages"):
            await operator.inject(1, Hold(-1))
        for asked in (operator.staged, operator.release_at, operator.tick):
            with pytest.raises(Failed, match="it cannot be stepped"):
                await asked(1)
        nursery.cancel_scope.cancel()
    assert other.heard == []
