"""One link under two senders, what is left of a message that left in part, and how long a route waits."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from paxtui.client import Failed, Log, Operator, connect
from paxtui.client.connection import Connection, answers
from paxtui.client.route import Route
from paxtui.config import cluster_file
from paxtui.wire import FrameReader
from paxtui.wire.requests import AppendedReply, AppendRequest, LogPage, ReadRequest, StatusRequest
from paxtui.wire.values import Ballot
from tests.client.scripted import Caller, scripted, silence
from tests.client.test_route import welcome


@pytest.mark.trio
async def test_nothing_is_sent_in_the_middle_of_what_another_task_sends() -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener:
        stream = await trio.testing.open_stream_to_socket_listener(listener)
        async with stream:
            begun, go_on = trio.Event(), trio.Event()

            async def send_all(data: Any) -> None:
                begun.set()
                await go_on.wait()

            stream.send_all = send_all  # type: ignore[method-assign]
            link = Connection(stream, FrameReader(), welcome(0, 0), answers)
            assert link.send_now(AppendRequest(1, "before"))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.send, StatusRequest(1))
                await begun.wait()
                assert not link.send_now(AppendRequest(2, "meanwhile"))
                go_on.set()
            assert link.send_now(AppendRequest(3, "after"))


@pytest.mark.trio
async def test_what_is_left_of_a_message_leaves_although_nothing_follows_it() -> None:
    sent = trio.Event()

    class Link:
        midway = False

        def send_now(self, message: object) -> bool:
            self.midway = True
            return True

        async def send(self, *messages: object) -> None:
            assert self.midway
            self.midway = False
            sent.set()

    log = Log(cluster_file.local(3), "ada")
    link: Any = Link()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log._send, link)
        await trio.testing.wait_all_tasks_blocked()
        assert log._link is link
        await log.submit("x")
        with trio.fail_after(20):
            await sent.wait()
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_leader_that_is_named_is_asked_at_once_and_all_others_after_a_pause() -> None:
    route = Route(cluster_file.local(3))
    assert route.pause_s() > 0
    assert route.detour(welcome(0, 1))
    assert route.pause_s() == 0
    route.failed(ConnectionRefusedError())
    assert route.pause_s() > 0
    route.worked()
    assert route.detour(welcome(0, 1))
    assert route.pause_s() == 0, "what worked makes up for what failed"


@pytest.mark.trio
async def test_who_names_another_leader_in_its_welcome_is_asked_nothing() -> None:
    heard: list[object] = []

    async def follow(caller: Caller) -> None:
        heard.append(await caller.hear())

    async def lead(caller: Caller) -> None:
        request = await caller.hear()
        assert isinstance(request, AppendRequest)
        await caller.say(AppendedReply(request.request, 5, Ballot(1, 1)))
        await silence(caller)

    async with (
        scripted([follow], [lead], [silence], leader=1) as replicas,
        connect(replicas.cluster, via=0) as log,
    ):
        done = await log.append("x")
    assert (done.replica, done.slot) == (1, 5)
    assert replicas.dialled == [0, 1]
    assert heard in ([], [None])


@pytest.mark.trio
async def test_a_replica_that_hangs_up_before_its_welcome_has_taken_nothing() -> None:
    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.aclose()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, hang_up, [listener])
        with pytest.raises(Failed, match="hung up"):
            await Operator(cluster_file.local(1, [port])).elect(0)
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_read_whose_replica_hung_up_is_asked_again_as_it_was() -> None:
    heard: list[object] = []

    async def hang_up(caller: Caller) -> None:
        heard.append(await caller.hear())

    async def answer(caller: Caller) -> None:
        read = await caller.hear()
        heard.append(read)
        assert isinstance(read, ReadRequest)
        await caller.say(LogPage(id=read.id, entries=(), applied=9, consistency=read.consistency, last=True))
        await silence(caller)

    async with scripted([hang_up, answer]) as replicas, connect(replicas.cluster) as log:
        page = await log.read(7, 3, timeout_s=20)
    assert page.applied == 9
    assert heard == [ReadRequest(id=1, first=7, limit=3, consistency="linearizable")] * 2
