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
    writer = FrameWriter(stream)
    nursery.start_soon(writer.run)
    for frame in (b"a", b"b", b"c"):
        assert writer.push(frame)
    assert stream.sent == []
    writer.flush()
    stream.gate.set()
    await eventually(lambda: stream.sent == [b"abc"], "one send of all three")
    assert writer.waiting_bytes == 0
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_what_comes_during_a_send_gathers_and_follows(nursery: trio.Nursery) -> None:
    stream = Slow()
    writer = FrameWriter(stream)
    nursery.start_soon(writer.run)
    writer.push(b"1")
    writer.flush()
    await trio.testing.wait_all_tasks_blocked()
    for frame in (b"2", b"3"):
        writer.push(frame)
        writer.flush()
    assert writer.midway
    stream.gate.set()
    await eventually(lambda: stream.sent == [b"1"], "the first send")
    stream.gate.set()
    await eventually(lambda: stream.sent == [b"1", b"23"], "the second send")
    await eventually(lambda: not writer.midway, "whole frames only")
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_reader_that_is_too_slow_gets_no_more_than_the_limit() -> None:
    writer = FrameWriter(Slow(), bytes_max=10)
    assert writer.push(b"12345678")
    assert not writer.push(b"123")
    assert writer.overflowed
    assert writer.waiting_bytes == 8
    assert writer.push(b"12")


@pytest.mark.trio
async def test_to_a_socket_everything_arrives_in_order_however_slowly_it_is_read() -> None:
    async with connected() as (near, far), trio.open_nursery() as nursery:
        writer = FrameWriter(near)
        nursery.start_soon(writer.run)
        expected = received = b""
        for number in range(400):
            frame = b"%06d" % number * (1 + number % 300)
            expected += frame
            assert writer.push(frame)
            writer.flush()
            if number % 7 == 0:
                received += await far.receive_some(1000)
        while len(received) < len(expected):
            received += await far.receive_some(65536)
        assert received == expected
        await eventually(lambda: writer.waiting_bytes == 0, "nothing waits")
        await eventually(lambda: not writer.midway, "whole frames only")
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_whoever_waits_for_room_is_woken_also_by_a_flush_that_the_task_did_not_make() -> None:
    async with connected() as (near, far), trio.open_nursery() as nursery:
        writer = FrameWriter(near)
        nursery.start_soon(writer.run)
        await trio.testing.wait_all_tasks_blocked()
        room = trio.Event()

        async def wait_for_room() -> None:
            await writer.wait_below(1)
            room.set()

        writer.push(b"x" * 300_000)
        nursery.start_soon(wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        writer.flush()  # the kernel takes a part; the task is woken for the rest, and has not run yet
        assert writer.midway
        reading = far.socket.fileno()
        while writer.waiting_bytes:
            with suppress(BlockingIOError):
                while os.read(reading, 65536):
                    pass
            writer.flush()
        await room.wait()
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_closing_sends_what_waits_first() -> None:
    near, far = trio.testing.memory_stream_one_way_pair()
    writer = FrameWriter(near)
    writer.push(b"last words")
    writer.close_when_sent()
    assert not writer.push(b"too late")
    assert not writer.overflowed
    await writer.run()
    assert await far.receive_some() == b"last words"


@pytest.mark.trio
async def test_a_broken_connection_ends_the_task() -> None:
    async with connected() as (near, far):
        writer = FrameWriter(near)
        await far.aclose()
        writer.push(b"x")
        writer.flush()
        with pytest.raises(trio.BrokenResourceError):
            await writer.run()
