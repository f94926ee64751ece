"""Collects what every replica holds: its whole log, its chain, its file for people."""

from __future__ import annotations

from pathlib import Path

import trio

from paxtui.client.connection import BROKEN, answers, dial
from paxtui.client.errors import ClientError, Failed
from paxtui.config.cluster_file import Cluster
from paxtui.scenarios.condition_words import TIMEOUT_S, AllEqualCondition
from paxtui.scenarios.stage import ScenarioFailed, Stage
from paxtui.scenarios.verdict import Evidence
from paxtui.wire.requests import LogEntry, LogPage, ReadRequest

PAGE_S = 5.0
"""Time that one page may take."""


async def collect(stage: Stage, log_dir: Path) -> Evidence:
    """Wait until all live replicas hold the same, then take it. What moves meanwhile is taken again."""
    with trio.move_on_after(TIMEOUT_S):
        while True:
            await stage.wait_for(AllEqualCondition(), TIMEOUT_S, "all live replicas have the same log")
            since = trio.current_time()
            evidence = await _take(stage, log_dir)
            await stage.wait_for(AllEqualCondition(), TIMEOUT_S, "all live replicas have the same log")
            marks = {status.watermark for status in stage.look(since).statuses if status is not None}
            if marks == {len(log) for log in evidence.logs.values()}:
                return evidence
    raise ScenarioFailed(f"for {TIMEOUT_S:g} s the log did not come to rest, though no client appends")


async def _take(stage: Stage, log_dir: Path) -> Evidence:
    logs: dict[int, list[LogEntry]] = {}

    async def take(replica: int) -> None:
        logs[replica] = await read_replica(stage.cluster.cluster, replica)

    async with trio.open_nursery() as nursery:
        for replica in stage.live:
            nursery.start_soon(take, replica)
    statuses = [stage.beliefs[replica].status for replica in stage.live]
    dead = [replica for replica in range(stage.n) if replica not in logs]
    return Evidence(
        operations=stage.history.operations,
        logs=logs,
        chains={each.replica: (each.watermark, each.chain) for each in statuses if each is not None},
        lines={replica: message_log(log_dir, replica) for replica in logs},
        dead_lines={replica: message_log(log_dir, replica, torn=True) for replica in dead},
    )


async def read_replica(cluster: Cluster, replica: int) -> list[LogEntry]:
    """Read the whole log as one replica has applied it. Raises :class:`ClientError`."""
    entries: list[LogEntry] = []
    first = 0
    try:
        async with dial(
            cluster.address(replica), "operator", answers, tls=cluster.tls, name="verdict"
        ) as link:
            while True:
                await link.send(ReadRequest(id=0, first=first, consistency="local"))
                with trio.fail_after(PAGE_S):
                    messages = await link.receive()
                page = messages[0] if messages else None
                if not isinstance(page, LogPage):
                    raise ClientError(f"replica {replica} does not tell its log")
                entries += page.entries
                if not page.entries or (first := page.entries[-1].slot + 1) >= page.applied:
                    return entries
    except BROKEN as error:
        raise Failed(
            f"replica {replica} does not tell its log: {str(error) or type(error).__name__}"
        ) from None


def message_log(log_dir: Path, replica: int, *, torn: bool = False) -> list[str]:
    """Read the lines of ``replica-N.log``; with ``torn``, without an end that no line break ended."""
    try:
        text = (log_dir / f"replica-{replica}.log").read_text("utf-8")
    except FileNotFoundError:
        return []
    lines = text.split("\n")
    return lines if lines[-1] and not torn else lines[:-1]
