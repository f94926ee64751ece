"""Real replicas in one Trio, message by message: what is held is listed, released and told, and clocks are
moved from timer to timer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from paxtui.client import Failed, Operator
from paxtui.config import cluster_file
from paxtui.storage.errors import StorageFailed
from paxtui.wire import faults as f
from paxtui.wire.requests import ReleaseRequest, StagedMatch, StagedMessage
from tests.ports import free_ports
from tests.replica.conditions import PATIENCE_S, eventually
from tests.replica.host import HostedReplica, hosted

pytestmark = pytest.mark.trio


class Stepped:
    """Three replicas whose clocks stand and whose messages are held, and their operator."""

    def __init__(self, replicas: list[HostedReplica], operator: Operator) -> None:
        self.replicas = replicas
        self.operator = operator
        self.leader = -1
        self.holds: list[int] = []

    @property
    def followers(self) -> list[int]:
        return [id for id in range(3) if id != self.leader]

    async def stop_all(self) -> None:
        """Wait for a leader; let all clocks stand, and hold everything."""
        await eventually(self._led, "all follow one leader, and nothing is under way")
        for id in range(3):
            await self.operator.inject(id, f.Clock(0), for_s=600)
        for id in range(3):
            number = await self.operator.inject(id, f.Hold(-1), for_s=600)
            assert number is not None
            self.holds.append(number)

    def _led(self) -> bool:
        statuses = [each.host.status for each in self.replicas]
        leaders = {status.leader if status is not None else None for status in statuses}
        self.leader = -1 if leaders in ({None}, set()) or len(leaders) > 1 else leaders.pop() or 0
        return self.leader >= 0 and all(len(each.host.outbound.links) == 2 for each in self.replicas)

    async def staged(self, replica: int, *kinds: str) -> list[StagedMessage]:
        """Wait until messages of ``kinds`` are staged there; all of them."""
        found: list[StagedMessage] = []
        with trio.fail_after(PATIENCE_S):
            while not found:
                listed = await self.operator.staged(replica)
                found = [each for each in listed.messages if not kinds or each.kind in kinds]
        return found

    def propose(self, text: str, request: int = 1) -> None:
        self.replicas[self.leader].host.propose("ada~1", request, [text])

    def learned(self, replica: int) -> int:
        status = self.replicas[replica].host.status
        assert status is not None
        return status.watermark


@asynccontextmanager
async def stepped(folder: Path) -> AsyncIterator[Stepped]:
    cluster = cluster_file.local(3, free_ports(3), name="hosted")
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(hosted(folder / f"r{id}", cluster=cluster, me=id))
            for id in range(3)
        ]
        yield Stepped(replicas, Operator(cluster, "eve"))


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[Stepped]:
    async with stepped(tmp_path) as found:
        await found.stop_all()
        yield found


async def test_an_append_goes_message_by_message(three: Stepped) -> None:
    before = three.learned(three.leader)
    three.propose("one by one")
    accepts = await three.staged(three.leader, "accept")
    one, _ = three.followers
    assert {each.to for each in accepts} == set(three.followers)
    assert {(each.first, each.count, each.replica) for each in accepts} == {(before, 1, three.leader)}
    reply = await three.operator.release([each.number for each in accepts if each.to == one])
    assert (reply.released, reply.unsent) == (1, 0)
    (accepted,) = await three.staged(one, "accepted")
    assert three.learned(three.leader) == before
    await three.operator.release([accepted.number])
    await eventually(lambda: three.learned(three.leader) == before + 1, "two votes are a majority")
    (chosen, _) = await three.staged(three.leader, "chosen")
    assert three.learned(one) == before
    await three.operator.release_at(three.leader, StagedMatch(one, ("chosen",)))
    await eventually(lambda: three.learned(one) == before + 1, "it hears that its vote was one of a majority")
    with pytest.raises(Failed, match=f"message {accepted.number} is not staged here"):
        await three.operator.release([accepted.number])
    assert chosen.kind == "chosen"


async def test_what_is_held_leaves_in_order_when_the_hold_is_over_and_nothing_is_lost(
    three: Stepped,
) -> None:
    before = three.learned(three.leader)
    for request in range(1, 6):
        three.propose(f"text {request}", request)
        await eventually(
            lambda upto=request: len(three.replicas[three.leader].host.outbound.staged) >= 2 * upto,  # type: ignore[misc]
            "its Accepts are staged",
        )
    one = three.followers[0]
    heard: list[int] = []
    core = three.replicas[one].host.core
    assert core is not None
    receive = core.receive

    def listening(sender: int, message: Any, now: float) -> None:
        heard.append(getattr(message, "first", -1))
        receive(sender, message, now)

    core.receive = listening  # type: ignore[method-assign]
    for number in three.holds:
        await three.operator.undo(number)
    await eventually(lambda: three.learned(one) == before + 5, "all that was held has arrived")
    firsts = [first for first in heard if first >= before]
    assert firsts[:5] == list(range(before, before + 5))
    assert all(not len(each.host.outbound.staged) for each in three.replicas)


async def test_a_hold_ends_by_itself_once_it_is_not_renewed_any_more(three: Stepped) -> None:
    for hold in three.holds:
        await three.operator.undo(hold)
    before = three.learned(three.leader)
    lease_s = 0.5
    number = await three.operator.inject(three.leader, f.Hold(-1, ("accept",)), for_s=lease_s)
    assert number is not None
    three.propose("held")
    await three.staged(three.leader, "accept")
    until = trio.current_time() + 2 * lease_s
    while trio.current_time() < until:  # renewed for longer than it would act
        await three.operator.renew_all(three.leader)
        await trio.sleep(0.01)
    assert three.learned(three.leader) == before
    await eventually(lambda: three.learned(three.leader) == before + 1, "the hold is over")
    assert number not in [each.number for each in await three.operator.faults()]


async def test_clients_are_answered_while_all_messages_between_replicas_are_held(three: Stepped) -> None:
    leader = three.replicas[three.leader]
    async with leader.dial("client", name="ada") as raw:
        await raw.say({"type": "append", "request": 1, "text": "hi"})
        accepts = await three.staged(three.leader, "accept")
        await three.operator.release([accepts[0].number])
        (accepted,) = await three.staged(accepts[0].to, "accepted")
        await three.operator.release([accepted.number])
        answer = await raw.hear()
    assert answer is not None
    assert answer["type"] == "appended"


async def test_a_clock_that_stands_is_moved_from_timer_to_timer_and_never_over_one(three: Stepped) -> None:
    host = three.replicas[three.leader].host
    assert host.core is not None
    while (listed := await three.operator.staged(three.leader)).next_timer != "heartbeat":
        await three.operator.tick(three.leader)
    assert listed.in_s is not None
    assert listed.clock == 0
    before = host.protocol_clock.now()
    half = await three.operator.tick(three.leader, listed.in_s * 500)
    assert half.fired is None
    assert host.protocol_clock.now() == pytest.approx(before + listed.in_s / 2)
    assert not (await three.operator.staged(three.leader)).messages
    due = host.core.deadline
    rest = await three.operator.tick(three.leader, 60_000)  # a minute: a dozen timers are on the way
    assert (rest.fired, host.protocol_clock.now()) == ("heartbeat", due)
    assert rest.moved_ms == pytest.approx(listed.in_s * 500)
    beats = await three.staged(three.leader, "heartbeat")
    assert {each.to for each in beats} == set(three.followers)
    status = await three.operator.status()
    report = status[three.leader].report
    assert report is not None
    assert (report.clock, report.staged) == (0, len((await three.operator.staged(three.leader)).messages))


async def test_a_follower_is_brought_to_its_election_by_timers_alone(three: Stepped) -> None:
    one = three.followers[0]
    fired = []
    while "election" not in fired:
        fired.append((await three.operator.tick(one)).fired)
    asks = await three.staged(one, "pre-vote")
    assert {each.to for each in asks} == {0, 1, 2} - {one}


async def test_nothing_leaves_once_the_disk_has_failed(
    three: Stepped, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.propose("never")
    await three.staged(three.leader, "accept")
    host = three.replicas[three.leader].host
    staged = len(host.outbound.staged)
    with monkeypatch.context() as patch:  # no turn comes meanwhile: it would end the replica
        patch.setattr(host, "_failure", StorageFailed("the disk is gone"))
        refused = host.step_control.release(ReleaseRequest(id=1))
        host.fault_registry.undo(three.holds[three.leader])
    assert "nothing may leave it any more" in str(refused)
    assert len(host.outbound.staged) == staged > 0


async def test_a_replica_that_loses_its_vote_forgets_what_is_staged(three: Stepped) -> None:
    three.propose("never")
    await three.staged(three.leader, "accept")
    host = three.replicas[three.leader].host
    host.become_learner("its disk went back in time")
    assert not len(host.outbound.staged)


async def test_every_step_leaves_a_line_of_audit(three: Stepped) -> None:
    three.propose("watched")
    accepts = await three.staged(three.leader, "accept")
    await three.operator.release([accepts[0].number], "drop")
    await three.operator.release_at(three.leader, StagedMatch(accepts[1].to, ("accept",)), "double")
    await three.operator.tick(three.leader, 1)
    lines = three.replicas[three.leader].lines.getvalue()
    leader, to = three.leader, accepts[1].to
    assert f"drop #{accepts[0].number}" in lines
    assert f"double r{leader}>r{to} accept" in lines
    assert "tick 1 ms" in lines


async def test_without_faults_allowed_nothing_is_listed_released_or_moved(tmp_path: Path) -> None:
    async with hosted(tmp_path / "r0", faults_allowed=False) as r0, r0.dial("operator") as raw:
        for asked in (
            {"type": "list-staged", "id": 1},
            {"type": "release", "id": 1},
            {"type": "tick", "id": 1},
            {"type": "inject", "id": 1, "fault": {"fault": "hold", "to": -1}},
        ):
            answer = await raw.ask(asked)
            assert (answer["type"], answer["reason"]) == (
                "failed",
                "this replica takes no faults; start it with --allow-faults",
            )


async def test_observers_are_told_what_is_staged_and_released_and_how_the_clock_runs(tmp_path: Path) -> None:
    async with stepped(tmp_path) as three:
        await eventually(three._led, "all follow one leader")
        leader = three.replicas[three.leader]
        async with leader.dial("observer") as wall:
            await wall.say({"type": "observe", "id": 1})
            assert (await wall.hear() or {})["type"] == "snapshot"
            await three.stop_all()
            three.propose("seen")
            accepts = await three.staged(three.leader, "accept")
            await three.operator.release([accepts[0].number])
            await three.operator.tick(three.leader, 1)
            told: dict[str, Any] = {}
            while (
                not {"message-staged", "message-released"} <= told.keys()
                or told["clock-changed"]["moved_s"] == 0
            ):
                delta = await wall.hear()
                assert delta is not None
                told |= {event["event"]: event for _, event in delta.get("events", ())}
    assert told["message-released"]["number"] == accepts[0].number
    assert told["message-released"]["how"] == "deliver"
    assert told["message-released"]["kind"] == "accept"
    assert (told["clock-changed"]["rate"], told["clock-changed"]["moved_s"]) == (0, pytest.approx(0.001))
