"""A connection's way out: nothing is lost, nothing grows without end."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing

from paxtui.replica.transport.frame_writer import FrameWriter
from tests.replica.conditions import eventually


class Slow(trio.abc.SendStream):
    """Takes one send at a time, when it is told to."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.gate = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.gate.wait()
        self.gate = trio.Event()
        self.sent.append(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[trio.SocketStream, trio.SocketStream]]:
    """Two ends of a connection with little room in it."""
    one, other = (trio.SocketStream(trio.socket.from_stdlib_socket(each)) for each in socket.socketpair())
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    async with one, other:
        yield one, other


@pytest.mark.trio
async def test_frames_of_one_turn_leave_as_one(nursery: trio.Nursery) -> None:
    stream = Slow()
    sender = FrameWriter(stream)
    nursery.start_soon(sender.run)
    for frame in (b"a", b"b", b"c"):
        assert sender.push(frame)
    assert stream.sent == []
    sender.flush()
    stream.gate.set()
    await eventually(lambda: stream.sent == [b"abc"], "one send of all three")
    assert sender.waiting_bytes == 0
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_what_comes_during_a_send_gathers_and_follows(nursery: trio.Nursery) -> None:
    stream = Slow()
    sender = FrameWriter(stream)
    nursery.start_soon(sender.run)
    sender.push(b"1")
    sender.flush()
    await trio.testing.wait_all_tasks_blocked()
    for frame in (b"2", b"3"):
        sender.push(frame)
        sender.flush()
    assert sender.midway
    stream.gate.set()
    await eventually(lambda: stream.sent == [b"1"], "the first send")
    stream.gate.set()
    await eventually(lambda: stream.sent == [b"1", b"23"], "the second send")
    await eventually(lambda: not sender.midway, "whole frames only")
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_reader_that_is_too_slow_gets_no_more_than_the_limit() -> None:
    sender = FrameWriter(Slow(), bytes_max=10)
    assert sender.push(b"12345678")
    assert not sender.push(b"123")
    assert sender.overflowed
    assert sender.waiting_bytes == 8
    assert sender.push(b"12")


@pytest.mark.trio
async def test_to_a_socket_everything_arrives_in_order_however_slowly_it_is_read() -> None:
    async with connected() as (near, far), trio.open_nursery() as nursery:
        sender = FrameWriter(near)
        nursery.start_soon(sender.run)
        expected = received = b""
        for number in range(400):
            frame = b"%06d" % number * (1 + number % 300)
            expected += frame
            assert sender.push(frame)
            sender.flush()
            if number % 7 == 0:
                received += await far.receive_some(1000)
        while len(received) < len(expected):
            received += await far.receive_some(65536)
        assert received == expected
        await eventually(lambda: sender.waiting_bytes == 0, "nothing waits")
        await eventually(lambda: not sender.midway, "whole frames only")
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_whoever_waits_for_room_is_woken_also_by_a_flush_that_the_task_did_not_make() -> None:
    async with connected() as (near, far), trio.open_nursery() as nursery:
        sender = FrameWriter(near)
        nursery.start_soon(sender.run)
        await trio.testing.wait_all_tasks_blocked()
        room = trio.Event()

        async def wait_for_room() -> None:
            await sender.wait_below(1)
            room.set()

        sender.push(b"x" * 300_000)
        nursery.start_soon(wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        sender.flush()  # the kernel takes a part; the task is woken for the rest, and has not run yet
        assert sender.midway
        reading = far.socket.fileno()
        while sender.waiting_bytes:
            with suppress(BlockingIOError):
                while os.read(reading, 65536):
                    pass
            sender.flush()
        await room.wait()
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_closing_sends_what_waits_first() -> None:
    near, far = trio.testing.memory_stream_one_way_pair()
    sender = FrameWriter(near)
    sender.push(b"last words")
    sender.close_when_sent()
    assert not sender.push(b"too late")
    assert not sender.overflowed
    await sender.run()
    assert await far.receive_some() == b"last words"


@pytest.mark.trio
async def test_a_broken_connection_ends_the_task() -> None:
    async with connected() as (near, far):
        sender = FrameWriter(near)
        await far.aclose()
        sender.push(b"x")
        sender.flush()
        with pytest.raises(trio.BrokenResourceError):
            await sender.run()
