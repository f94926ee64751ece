"""``paxtui demo``: the whole story in a few seconds, on three real replicas."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.signals import run_async
from paxtui.cli.streams import can_show

if TYPE_CHECKING:
    from paxtui.client import Sighting
    from paxtui.client.cluster import LocalCluster
    from paxtui.wire.requests import LogEntry

SAYINGS = {
    "ada": [
        "morning",
        "coffee?",
        "who broke the leader?",
        "look, a new one",
        "same log",
        "nothing is lost",
        "back to work",
    ],
    "bob": [
        "morning!",
        "in a minute",
        "me, with SIGKILL",
        "yes, was",
        "that was quick",
        "nor is it twice",
        "eve says hi",
    ],
}

KILL_AFTER = 5
"""Acknowledged messages after which the leader is killed, with others still on their way."""


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the temporary folder, and say where it is.")
    ] = False,
) -> int:
    """Kill the leader of three replicas and show what follows.

    Two clients send messages. The leader is killed, another replica takes over, and the dead one restarts and
    catches up. Exit code 0 only if all logs agree and have every acknowledged message once.

    Example: paxtui demo --keep
    """
    folder = Path(tempfile.mkdtemp(prefix="paxtui-demo-"))
    try:
        return run_async(_demo, folder)
    finally:
        if keep:
            print(f"kept in {folder}")
        else:
            import shutil

            shutil.rmtree(folder, ignore_errors=True)


async def _demo(folder: Path) -> int:
    from paxtui.client.cluster import local_cluster
    from paxtui.config import cluster_file

    cluster = cluster_file.local(3, cluster_file.free_ports(3), name="demo")
    say("three replicas start, each a process with a disk of its own; they wait for each other")
    async with local_cluster(cluster, folder) as replicas:
        await replicas.start_all()
        await replicas.wait_ready()
        leader = await _leader(replicas)
        say(f"replica {leader} leads; ada and bob send {sum(map(len, SAYINGS.values()))} messages through it")
        acknowledged = await _converse(replicas, leader)
        say(f"replica {leader} starts again from its disk and catches up")
        await replicas.start(leader)
        await replicas.wait_until(_equal, 10, "all replicas have applied the same slots")
        logs = [await replicas.operator.log_of(replica) for replica in range(3)]
        print()
        print(table(logs))
        print()
        return _verdict(logs, acknowledged)


def say(text: str) -> None:
    """Tell the person what happens, as it happens."""
    print(f"  {text}", flush=True)


async def _leader(replicas: LocalCluster) -> int:
    from paxtui.cli.guard import Failure

    for sighting in await replicas.operator.status():
        status = sighting.report.status if sighting.report is not None else None
        if status is not None and status.role == "leader":
            return sighting.replica
    raise Failure("no replica leads")


async def _converse(replicas: LocalCluster, leader: int) -> dict[str, int]:
    """Let two clients talk, and kill the leader in the middle; return the slots of the acknowledged
    messages."""
    import trio

    from paxtui.client import connect

    acknowledged: dict[str, int] = {}
    enough, another = trio.Event(), trio.Event()
    killed = False

    async def talk(name: str, texts: list[str]) -> None:
        async with connect(replicas.cluster, name=name) as log:
            for text in texts:
                done = await log.append(text)
                acknowledged[f"{name}: {text}"] = done.slot
                if killed:
                    another.set()
                if len(acknowledged) >= KILL_AFTER:
                    enough.set()

    async def murder() -> None:
        nonlocal killed
        await enough.wait()
        started = trio.current_time()
        await replicas.kill(leader)
        killed = True
        so_far = len(acknowledged)
        say(f"SIGKILL: replica {leader} is gone, with messages on their way ({so_far} acknowledged so far)")
        await another.wait()
        took_ms = (trio.current_time() - started) * 1000
        say(f"the others elected replica {await _leader(replicas)}; the next message took {took_ms:.0f} ms")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(murder)
        for name, texts in SAYINGS.items():
            nursery.start_soon(talk, name, texts)
    say(f"all {len(acknowledged)} messages are acknowledged by the two that are left")
    return acknowledged


def _equal(sightings: list[Sighting]) -> bool:
    statuses = [sighting.report.status if sighting.report is not None else None for sighting in sightings]
    heads = {(status.watermark, status.chain) for status in statuses if status is not None}
    return len(heads) == 1 and None not in statuses


def table(logs: list[list[LogEntry]]) -> str:
    """Slot by replica: whether it is learned, and the ballot of the vote; then the value."""
    from paxtui.wire.text import client_name, visible

    learned, noop, nothing = "●◆·" if can_show("●◆·") else "o*."
    heads = "".join(f"{f'r{replica}':<9}" for replica in range(len(logs)))
    lines = [f"  slot   {heads}value"]
    for slot in range(max(map(len, logs))):
        entries = [log[slot] if slot < len(log) else None for log in logs]
        cells = ""
        for entry in entries:
            glyph = nothing if entry is None else f"{learned if entry.client else noop} {entry.ballot}"
            cells += f"{glyph:<9}"
        known = next(entry for entry in entries if entry is not None)
        value = f"{client_name(known.client)}: {visible(known.text)}" if known.client else "no-op"
        if known.repeats is not None:
            value += f"  (repeats slot {known.repeats}: no effect)"
        lines.append(f"  {slot:>4}   {cells}{value}")
    lines.append(f"  {learned} voted at this ballot, learned and applied   {noop} no-op   {nothing} nothing")
    return "\n".join(lines)


def _verdict(logs: list[list[LogEntry]], acknowledged: dict[str, int]) -> int:
    from paxtui.wire.text import client_name

    values = [[(entry.client, entry.request, entry.text, entry.repeats) for entry in log] for log in logs]
    equal = all(each == values[0] for each in values)
    texts = {
        entry.slot: f"{client_name(entry.client)}: {entry.text}" for entry in logs[0] if entry.is_message
    }
    lost = [text for text, slot in acknowledged.items() if texts.get(slot) != text]
    twice = len(texts) - len(set(texts.values()))
    say("all three logs are equal" if equal else "THE LOGS DIFFER")
    if lost or twice:
        say(f"LOST: {lost}; applied twice: {twice}")
    else:
        say(f"each of {len(acknowledged)} acknowledged messages is in the slot that was told, and only there")
    return 0 if equal and not lost and not twice else 1
