"""What is done with a replica's log never delays the replica, nor its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from paxtui.client import ClientError
from paxtui.client.cluster import LINE_BYTES_MAX, LocalCluster, Process, local_cluster
from paxtui.config import cluster_file

pytestmark = [pytest.mark.trio, pytest.mark.processes]

ALONE = ("--warm-up", "none", "--log-level", "debug")


def alone() -> cluster_file.Cluster:
    return cluster_file.local(1, cluster_file.free_ports(1), name="alone")


def full(_replica: int, _line: str) -> None:
    raise OSError(28, os.strerror(28))


def mistaken(_replica: int, _line: str) -> None:
    raise KeyError("a mistake")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("on_line", "raised", "words"),
    [
        (full, ClientError, "the logs of the replicas cannot be written: .*No space left on device"),
        (mistaken, KeyError, "a mistake"),
    ],
    ids=["full disk", "mistake"],
)
async def test_a_reader_that_fails_stops_no_replica_and_delays_no_stop(
    tmp_path: Path, on_line: Callable[[int, str], None], raised: type[Exception], words: str
) -> None:
    last_words: list[str] = []

    async def serve() -> None:
        async with local_cluster(alone(), tmp_path, arguments=ALONE, on_line=on_line) as replicas:
            await replicas.start_all()
            await replicas.wait_ready()
            await replicas.stop(0)
            assert await replicas.ended(0) == 0
            last_words.append(replicas.last_words(0))

    with trio.fail_after(60), pytest.raises(raised, match=words):
        await serve()
    assert last_words[0].endswith("everything that was decided is on disk")


async def watched(program: str, lines: list[str], **options: Any) -> int:
    """Let a cluster's supervisor watch a program in a replica's place; its exit code."""
    cluster = alone()
    async with trio.open_nursery() as nursery:
        supervisor = LocalCluster(
            cluster,
            Path(),
            Path(),
            Path(),
            nursery,
            arguments=(),
            on_line=lambda _replica, line: lines.append(line),
        )
        process = Process()
        command = [sys.executable, "-c", program]
        handle = await trio.lowlevel.open_process(command, stderr=subprocess.PIPE, **options)
        with trio.fail_after(60):
            await supervisor._watch(0, process, handle)
        assert process.ended.is_set()
        assert handle.stderr is not None
        await handle.stderr.aclose()
    return handle.returncode or 0


async def test_another_process_that_holds_the_pipe_does_not_hide_the_end() -> None:
    """Such as a child of the replica: the pipe does not end with the replica then."""
    reader, writer = os.pipe()  # the child lives until this test closes the writing end
    program = f"""
import os, sys
if os.fork() == 0:
    os.read({reader}, 1)
    os._exit(0)
print("last words", file=sys.stderr)
"""
    lines: list[str] = []
    try:
        assert await watched(program, lines, pass_fds=(reader,)) == 0
        assert lines == ["last words"]
    finally:
        os.close(writer)
        os.close(reader)


async def test_a_last_line_without_an_end_is_a_line_too() -> None:
    lines: list[str] = []
    assert await watched("import os; os.write(2, b'one\\ntwo')", lines) == 0
    assert lines == ["one", "two"]


async def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    lines: list[str] = []
    assert await watched(f"import sys; sys.stderr.write('x' * {3 * LINE_BYTES_MAX})", lines) == 0
    assert len(lines) > 1
    assert sum(map(len, lines)) == 3 * LINE_BYTES_MAX
