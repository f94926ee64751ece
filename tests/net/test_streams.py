"""The encrypted stream itself: sizes, slow readers, ends, changes of keys, what was tampered with."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from paxtui.net.tls.stream import Distrust, TlsStream, answer, call
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.read_loop import ReadLoop
from tests.net.certificates import Folder
from tests.replica.conditions import PATIENCE_S, eventually


@asynccontextmanager
async def wire() -> AsyncIterator[tuple[trio.SocketStream, trio.SocketStream]]:
    """Two ends of a connection with small buffers, so that a sender has to wait for its reader."""
    near, far = (trio.SocketStream(trio.socket.from_stdlib_socket(each)) for each in socket.socketpair())
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    async with near, far:
        yield near, far


@asynccontextmanager
async def pair(tmp_path: Path) -> AsyncIterator[tuple[TlsStream, TlsStream]]:
    """Replica 1, and replica 0 which it has dialled."""
    certs = Folder(tmp_path / "certs", "replica-0", "replica-1")
    ends: dict[str, TlsStream] = {}
    async with wire() as (near, far):

        async def dial() -> None:
            ends["near"] = await call(near, certs.replica(1).client, 0)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial)
            ends["far"] = await answer(far, certs.replica(0).server)
        yield ends["near"], ends["far"]


async def read(stream: TlsStream, count: int) -> bytes:
    heard = b""
    while len(heard) < count:
        piece = await stream.receive_some()
        assert piece, f"it ended after {len(heard)} of {count} bytes"
        heard += piece
    return heard


@pytest.mark.trio
async def test_what_is_sent_arrives_whole_and_in_order_in_both_directions(tmp_path: Path) -> None:
    dice = random.Random(6)
    sizes = [1, 16_383, 16_384, 16_385, 100_000, 1_000_000, *(dice.randrange(1, 5000) for _ in range(50))]
    texts = [dice.randbytes(size) for size in sizes]
    async with pair(tmp_path) as (near, far), trio.open_nursery() as nursery:

        async def say(stream: TlsStream) -> None:
            for text in texts:
                await stream.send_all(text)

        for stream in (near, far):
            nursery.start_soon(say, stream)
        whole = b"".join(texts)
        for stream in (far, near):
            assert await read(stream, len(whole)) == whole


@pytest.mark.trio
async def test_both_know_who_the_other_is_and_that_it_is_tls_1_3(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far):
        assert str(near.identity) == "replica/0"
        assert str(far.identity) == "replica/1"
        assert near._tls.version() == far._tls.version() == "TLSv1.3"


@pytest.mark.trio
async def test_the_end_of_one_direction_leaves_the_other_open(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far):
        await near.send_all(b"last words")
        await near.send_eof()
        assert await far.receive_some() == b"last words"
        assert await far.receive_some() == b""
        await far.send_all(b"understood")
        assert await near.receive_some() == b"understood"


@pytest.mark.trio
async def test_bytes_that_were_changed_on_the_way_end_the_connection(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far):
        sealed = bytearray(near.encrypt(b"ten pounds to ada") + near.encrypt(b"more"))
        sealed[8] ^= 1
        with pytest.raises(trio.BrokenResourceError):
            far.decrypt(sealed)
        with pytest.raises(trio.BrokenResourceError):
            far.decrypt(near.encrypt(b"again"))


@pytest.mark.trio
async def test_what_came_before_bytes_that_were_changed_is_handed_out_first(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far):
        good, bad = near.encrypt(b"good"), bytearray(near.encrypt(b"bad"))
        bad[-1] ^= 1
        await near.raw.send_all(good + bad)
        await near.raw.send_eof()
        assert await far.receive_some() == b"good"
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some()


@pytest.mark.trio
async def test_bytes_that_were_left_out_or_repeated_on_the_way_end_the_connection(tmp_path: Path) -> None:
    for order in ([0, 2], [0, 0], [1, 0]):
        async with pair(tmp_path / str(order)) as (near, far):
            sealed = [near.encrypt(b"%d" % number) for number in range(3)]
            first, second = (sealed[number] for number in order)
            if order[0] == 0:
                assert far.decrypt(first) == b"0"
                first = second
            with pytest.raises(trio.BrokenResourceError):
                far.decrypt(first)


@pytest.mark.trio
async def test_who_hangs_up_in_the_middle_of_the_handshake_is_said_to(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    for begin in (answer, lambda raw, context: call(raw, context, 0)):
        async with wire() as (near, far):
            context = certs.replica(0).server if begin is answer else certs.replica(0).client
            await far.aclose()
            with pytest.raises(Distrust, match="it hung up in the middle of the handshake"):
                await begin(near, context)


# Gathered sends and reads


@pytest.mark.trio
@pytest.mark.parametrize("slow", [False, True])
async def test_a_sender_seals_each_frame_once_however_slow_the_reader_is(tmp_path: Path, slow: bool) -> None:
    dice = random.Random(7)
    frames = [dice.randbytes(dice.randrange(1, 30_000)) for _ in range(200)]
    async with pair(tmp_path) as (near, far), trio.open_nursery() as nursery:
        sender = FrameWriter(near)
        nursery.start_soon(sender.run)
        heard = b""
        for number, frame in enumerate(frames):
            assert sender.push(frame)
            if number % 3 == 0:
                sender.flush()
            if not slow or number % 50 == 0:
                await trio.testing.wait_all_tasks_blocked()
                sender.flush()
                while len(heard) < sum(map(len, frames[: number + 1])):
                    heard += await far.receive_some()
        sender.flush()
        heard += await read(far, sum(map(len, frames)) - len(heard)) if slow else b""
        assert heard == b"".join(frames)
        await eventually(lambda: sender.waiting_bytes == 0, "nothing waits")
        assert not sender.midway
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_nothing_may_follow_what_is_sealed_and_has_not_left(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far):
        async with trio.open_nursery() as nursery:
            sender = FrameWriter(near)
            nursery.start_soon(sender.run)
            sender.push(bytes(1_000_000))
            sender.flush()
            assert sender.midway
            assert sender.waiting_bytes > 0
            sender.abandon()
            assert sender.waiting_bytes == 0
            nursery.cancel_scope.cancel()
        assert sender.midway
        await far.aclose()


@pytest.mark.trio
async def test_a_flush_on_a_connection_that_is_gone_raises_nothing_and_the_task_ends(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far):
        sender = FrameWriter(near)
        await far.aclose()
        for _ in range(3):
            sender.push(b"x" * 100_000)
            sender.flush()
        with pytest.raises(trio.BrokenResourceError):
            await sender.run()


@pytest.mark.trio
async def test_what_came_with_the_record_of_hello_is_not_forgotten(tmp_path: Path) -> None:
    """Two records in one piece, read by a task; and half of a third, which another reads to its end."""
    async with pair(tmp_path) as (near, far), trio.open_nursery() as nursery:
        hub = ReadLoop(lambda: None, lambda: None)
        nursery.start_soon(hub.run)
        first, second, third = (near.encrypt(text) for text in (b"hello", b"and", b"more"))
        await near.raw.send_all(first + second + third[:10])
        heard = [await far.receive_some()]
        await near.raw.send_all(third[10:])
        await near.send_eof()
        await hub.read(far, heard.append)
        assert b"".join(heard) == b"helloandmore"
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_bytes_that_were_changed_end_a_gathered_read(tmp_path: Path) -> None:
    async with pair(tmp_path) as (near, far), trio.open_nursery() as nursery:
        hub = ReadLoop(lambda: None, lambda: None)
        nursery.start_soon(hub.run)
        bad = bytearray(near.encrypt(b"bad"))
        bad[-1] ^= 1
        await near.raw.send_all(bad)
        heard: list[bytes] = []
        with pytest.raises(trio.BrokenResourceError):
            await hub.read(far, heard.append)
        assert heard == []
        nursery.cancel_scope.cancel()


# Another implementation


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the command openssl")
@pytest.mark.trio
async def test_the_other_side_may_change_its_keys(tmp_path: Path) -> None:
    """TLS 1.3 lets each side ask for new keys at any time; ``openssl s_client`` does so on the line ``K``."""
    certs = Folder(tmp_path / "certs", "replica-0", "client-ada")
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    ada = certs.files("client-ada")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.socket.getsockname()[1]}"]
    command += ["-CAfile", str(ada.authority), "-cert", str(ada.certificate), "-key", str(ada.key), "-tls1_3"]
    openssl = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert openssl.stdin is not None
    told = openssl.stdout
    assert told is not None
    told = openssl.stdout
    assert told is not None
    said = b""

    async def said_by_openssl(line: bytes, times: int) -> None:
        nonlocal said
        while said.count(line) < times:
            said += await told.receive_some()

    try:
        with trio.fail_after(PATIENCE_S):
            async with listener, await listener.accept() as raw:
                stream = await answer(raw, certs.replica(0).server)
                assert str(stream.identity) == "client/ada"
                for times, line in enumerate((b"one\n", b"two\n", b"three\n"), 1):
                    await openssl.stdin.send_all(line)
                    assert await read(stream, len(line)) == line
                    await stream.send_all(b"heard " + line)
                    await said_by_openssl(b"heard " + line, 1)
                    await openssl.stdin.send_all(b"K\n")
                    await said_by_openssl(b"KEYUPDATE\n", times)
            await openssl.stdin.aclose()
            await openssl.wait()
    finally:
        openssl.kill()
        await openssl.stdin.aclose()
        await openssl.wait()
        await told.aclose()
