"""Three real replicas, honest clients, and the attacker; then what is left is judged."""

from __future__ import annotations

import base64
import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from paxtui.client import Failed, Log, Operator, Sighting, connect
from paxtui.client.cluster import LocalCluster, local_cluster
from paxtui.config import cluster_file
from paxtui.core.ballot import Ballot
from paxtui.core.messages import Heartbeat, Nack, Prepare
from paxtui.scenarios.history import History
from paxtui.wire import encode
from paxtui.wire.hello import PROTOCOL_VERSION, Hello
from tests.ports import free_ports
from tests.tools.fuzz.attacker import Orders, Report
from tests.tools.fuzz.hostile import Peer
from tests.tools.fuzz.recording import record_guests, record_peers

LIAR = 2
"""Whose place the attacker takes. That replica is stopped meanwhile: the other two are the whole majority, so
whatever stops one of them for a moment is seen in the appends."""

STALL_S_MAX = 1.0
MEMORY_MB_MAX = 48.0
"""How much a replica may grow from the first quarter of the attack to its end: caches of 8 million characters
for entries and as many for readers, and the session table of 1,024 clients, fill up in that time."""

QUARTERS = 4
RIVAL_S = 5.0
RIVALS_A_SECOND = 4
PATIENCE_S = 20.0
HONEST = "honest"


class Spell(msgspec.Struct):
    """A part of the campaign and what honest clients saw in it."""

    name: str
    began: float
    ended: float = 0.0
    appends: int = 0
    worst_s: float = 0.0


class Result(msgspec.Struct):
    """All that is to be told."""

    seed: int
    reports: list[Report] = []
    spells: list[Spell] = []
    memory: list[dict[int, float]] = []
    """Resident megabytes of each replica, before, after each part, at the end."""
    counters: dict[str, int] = {}
    acknowledged: int = 0
    slots: int = 0
    history: str = ""
    problems: list[str] = []

    @property
    def frames(self) -> int:
        return sum(report.frames for report in self.reports)


class Campaign:
    """One run."""

    def __init__(
        self, seed: int, frames: int, seconds: float, folder: Path, *, rival_s: float = RIVAL_S
    ) -> None:
        self.result = Result(seed)
        self._frames = frames
        self._until = time.monotonic() + seconds
        self._folder = folder
        self._rival_s = rival_s
        self._cluster = cluster_file.local(3, free_ports(3), name="fuzz")
        self._history = History()
        self._stopping = False
        self._counters: dict[int, Counter[str]] = {replica: Counter() for replica in range(3)}

    async def run(self) -> Result:
        arguments = ("--warm-up", "majority")
        async with local_cluster(
            self._cluster, self._folder, arguments=arguments, on_line=self._keep_line
        ) as replicas:
            await replicas.start(0)
            await replicas.start(1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._client, f"{HONEST}-0")
                recorded = {"peer": await record_peers(self._cluster, LIAR)}
                nursery.cancel_scope.cancel()
            await replicas.start(LIAR)
            await replicas.wait_ready(30)
            floor = await self._raise_rounds(replicas)
            recorded |= await record_guests(self._cluster, 0)
            async with trio.open_nursery() as nursery:
                for number in range(1, 4):
                    nursery.start_soon(self._client, f"{HONEST}-{number}")
                await self._attack(replicas, recorded, floor)
                self._stopping = True
            await self._judge(replicas)
        self.result.counters = dict(sorted(sum(self._counters.values(), Counter()).items()))
        return self.result

    def _keep_line(self, replica: int, line: str) -> None:
        with (self._folder / f"replica-{replica}.stderr").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    # Before

    async def _raise_rounds(self, replicas: LocalCluster) -> Ballot:
        """Some elections, so that there are rounds that are late; the last one makes replica 0 the leader."""
        for leader in (1, 0, 1, 0):
            with contextlib.suppress(Failed):  # it leads already
                await replicas.operator.elect(leader)
            await replicas.wait_until(lambda all_: led_by(all_, leader), 20, f"replica {leader} leads")  # noqa: B023
        status = (await replicas.operator.status())[0].report
        assert status is not None
        assert status.status is not None
        return status.status.promised

    # Meanwhile

    async def _client(self, name: str) -> None:
        async with connect(self._cluster, name=name) as log:
            number = 0
            while not self._stopping:
                number += 1
                await self._history.append(log, name, number, f"{name}/{number}", PATIENCE_S)
                if number % 20 == 0:
                    await self._look(log)
                await trio.sleep(0.005)

    async def _look(self, log: Log) -> None:
        """Read the end. It counts where it began: what waits for the end of an attack is the attack's."""
        spell = self.result.spells[-1] if self.result.spells else None
        started = trio.current_time()
        await log.read(max(0, self._history.acknowledged - 10), timeout_s=PATIENCE_S)
        if spell is not None:
            spell.worst_s = max(spell.worst_s, trio.current_time() - started)

    @asynccontextmanager
    async def _spell(self, name: str) -> AsyncIterator[None]:
        spell = Spell(name, self._history.now)
        self.result.spells.append(spell)
        yield
        spell.ended = self._history.now
        for each in self._history.appends:
            if each.call >= spell.began:
                ended = each.return_ if each.return_ is not None else spell.ended
                spell.worst_s = max(spell.worst_s, ended - each.call)
                spell.appends += each.outcome == "ok"

    async def _attack(self, replicas: LocalCluster, recorded: dict[str, list[bytes]], floor: Ballot) -> None:
        addresses = [(address.host, address.port) for address in self._cluster.replicas]
        texts = {role: [base64.b64encode(each).decode() for each in said] for role, said in recorded.items()}
        orders = Orders(seed=self.result.seed, frames=0, seconds=0, addresses=addresses, recorded=texts)
        async with self._spell("nobody attacks"):
            await trio.sleep(1.0)
        self._measure(replicas)
        async with self._spell("strangers, clients, operators, observers"):
            await self._send(replicas, orders, int(self._frames * 0.3))
        liars = await self._take_the_place(replicas, orders, floor)
        for quarter in range(1, QUARTERS + 1):
            left = self._frames - self.result.frames
            async with self._spell(f"lying peers and all others, part {quarter}"):
                await self._send(replicas, liars, max(1, left // (QUARTERS + 1 - quarter)))
        if self._rival_s:
            async with self._spell("a rival with higher ballots of its own"):
                await self._outbid(liars)
        async with self._spell("nobody attacks any more"):
            await self._note(replicas)
            await replicas.start(LIAR)
            await replicas.wait_until(serving, 30, "all three serve again")
            await trio.sleep(1.0)
        self._measure(replicas)

    async def _send(self, replicas: LocalCluster, orders: Orders, frames: int) -> None:
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            return
        seed = orders.seed + self.result.frames
        orders = msgspec.structs.replace(orders, frames=frames, seconds=seconds, seed=seed)
        done = await trio.run_process(
            [sys.executable, "-m", "tests.tools.fuzz.attacker"],
            stdin=msgspec.json.encode(orders),
            capture_stdout=True,
        )
        self.result.reports.append(msgspec.json.decode(done.stdout, type=Report))
        self._measure(replicas)

    async def _take_the_place(self, replicas: LocalCluster, orders: Orders, floor: Ballot) -> Orders:
        """Stop the third replica; the attacker has its disk's name and number, which anybody can ask for."""
        await self._note(replicas)
        report = (await replicas.operator.status())[LIAR].report
        assert report is not None
        await replicas.stop(LIAR)
        path = next(self._folder.rglob(f"replica-{LIAR}/replica.db"))
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            commits, slots = db.execute("SELECT commit_number, watermark FROM state").fetchone()
        return msgspec.structs.replace(
            orders,
            addresses=orders.addresses[:LIAR],
            peers=[Peer(LIAR, target, 3, floor.round, slots) for target in range(LIAR)],
            cluster=self._cluster.digest,
            storage=report.storage,
            commits=commits,
            members=list(map(str, self._cluster.replicas)),
        )

    async def _outbid(self, orders: Orders) -> None:
        """What a liar may do with its own ballots, and an honest rival, too: depose leaders."""
        address = self._cluster.address(0)
        rng = random.Random(self.result.seed)
        hello = Hello(
            version=PROTOCOL_VERSION,
            role="peer",
            cluster=orders.cluster,
            replica=LIAR,
            storage=orders.storage,
            commits=orders.commits,
            members=tuple(orders.members),
        )
        async with await trio.open_tcp_stream(address.host, address.port) as stream:
            await stream.send_all(encode(hello))
            for _ in range(int(self._rival_s * RIVALS_A_SECOND)):
                status = (await Operator(self._cluster).status())[0].report
                if status is not None and status.status is not None:
                    seen = status.status.promised
                    higher = Ballot(seen.round + rng.choice((1, 2, 1000)), LIAR)
                    lies = (Prepare(higher, 0, True), Heartbeat(higher, 1, 0), Nack(seen, higher, None, 0))
                    await stream.send_all(encode(rng.choice(lies)))
                await trio.sleep(1 / RIVALS_A_SECOND)

    def _measure(self, replicas: LocalCluster) -> None:
        found: dict[int, float] = {}
        for replica in range(3):
            if replicas.alive(replica) and (pid := replicas.pid(replica)) is not None:
                found[replica] = resident_mb(pid)
        self.result.memory.append(found)

    async def _note(self, replicas: LocalCluster) -> None:
        """Counters die with their process, so they are asked for before it stops."""
        for sighting in await replicas.operator.status():
            if sighting.report is not None:
                self._counters[sighting.replica] = Counter(sighting.report.counters)

    # After

    async def _judge(self, replicas: LocalCluster) -> None:
        result, problems = self.result, self.result.problems
        problems += [f"replica {replica} ended" for replica in range(3) if not replicas.alive(replica)]
        await replicas.wait_until(equal, 60, "all logs are equal")
        before = self._counters[LIAR]
        await self._note(replicas)
        self._counters[LIAR] += before
        log = await replicas.operator.log_of(0)
        result.slots = len(log)
        slots = {entry.text: entry.slot for entry in log if entry.is_message}
        told = {each.text: each.slot for each in self._history.appends if each.outcome == "ok"}
        result.acknowledged = len(told)
        problems += [f"lost: {text}, told {slot}" for text, slot in told.items() if slots.get(text) != slot]
        async with connect(self._cluster, name="judge") as reader:
            read = await self._history.read(reader, "judge", 1, PATIENCE_S)
        read.texts = [text for text in read.texts or [] if text.startswith(HONEST)]
        self._judge_history()
        self._judge_memory()
        for spell in result.spells:
            if "rival" not in spell.name and spell.worst_s > STALL_S_MAX:
                problems.append(f"{spell.name}: an append or read took {spell.worst_s:.2f} s")
            if not spell.appends:
                problems.append(f"{spell.name}: no append was acknowledged")
        unanswered = sum(report.unanswered for report in result.reports)
        if unanswered:
            problems.append(f"{unanswered} connections did not end in time")

    def _judge_history(self) -> None:
        path = self._folder / "history.jsonl"
        self._history.write(path)
        command = [sys.executable, "-m", "paxtui", "check", "--history", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.result.history = (done.stdout + done.stderr).strip()
        if done.returncode:
            self.result.problems.append(f"paxtui check --history ended with {done.returncode}")

    def _judge_memory(self) -> None:
        memory = self.result.memory
        early, late = memory[2], memory[-2]
        for replica in early.keys() & late.keys():
            grown = late[replica] - early[replica]
            if grown > MEMORY_MB_MAX:
                self.result.problems.append(f"replica {replica} grew by {grown:.0f} MB")


def led_by(sightings: list[Sighting], leader: int) -> bool:
    statuses = [sighting.report.status if sighting.report is not None else None for sighting in sightings]
    return all(status is not None and status.leader == leader for status in statuses)


def serving(sightings: list[Sighting]) -> bool:
    statuses = [sighting.report.status if sighting.report is not None else None for sighting in sightings]
    return all(status is not None and status.leader is not None for status in statuses)


def equal(sightings: list[Sighting]) -> bool:
    """All replicas have the same chain at the same watermark."""
    statuses = [sighting.report.status if sighting.report is not None else None for sighting in sightings]
    if any(status is None for status in statuses):
        return False
    return len({(status.watermark, status.chain) for status in statuses if status is not None}) == 1


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
