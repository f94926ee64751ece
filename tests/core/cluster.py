"""Real replicas with simulated disks, a clock set by hand, and an explicit list of messages in flight.

Nothing here is a mock: each replica is a :class:`Replica`, and everything that it says reaches the others as
it was said, when a test says so. Beside them stands a ghost that no crash can erase. It remembers every
vote that reached a disk and checks, in every test that uses a :class:`Cluster`, that

- at most one value is voted for in a slot at a ballot, and at most one is ever chosen in a slot;
- what a replica calls learned is chosen at that moment;
- a value proposed above the ballot of a chosen one is that chosen value;
- promises, votes and own rounds are on the disk before the message that rests on them leaves;
- what is on a disk never goes backwards, and its hash chain is that of its entries;
- a state that a replica goes on from has the head of the chain of all that is chosen below it.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from paxtui.core.ballot import Ballot, majority
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.durable_state import CHAIN_START, DurableState
from paxtui.core.events import Event, Learned, MessageDropped, Proposed, SnapshotTaken
from paxtui.core.hash_chain import link
from paxtui.core.messages import Accepted, PeerMessage, Prepare, Promise, Snapshot
from paxtui.core.output import (
    EVERYONE,
    Appended,
    Checkpoint,
    Envelope,
    Fetch,
    FetchState,
    Installed,
    Output,
    PutCheckpoint,
    PutEntries,
    PutLogStart,
    PutNonVoting,
    PutSessions,
    PutSnapshot,
    PutState,
    PutSuppressed,
    PutVotes,
    ReadReady,
    Write,
)
from paxtui.core.replica import Replica, Status
from paxtui.core.settings import Settings
from paxtui.core.values import Command, Entry, SessionRow, Vote, weight

E = TypeVar("E", bound=Event)
M = TypeVar("M")

STEPS_MAX: Final = 20_000
"""A cluster that is not quiet after so many deliveries will never be."""


class Letter:
    """One message on its way from one replica to one other."""

    __slots__ = ("message", "sender", "to")

    def __init__(self, sender: int, to: int, message: PeerMessage) -> None:
        self.sender = sender
        self.to = to
        self.message: Any = message
        """Any, since a test that asks for letters of a kind reads the fields of that kind."""

    @property
    def kind(self) -> str:
        """The message's wire name."""
        return str(type(self.message).__struct_config__.tag)


class Batch:
    """What an output wants on disk, under its number."""

    __slots__ = ("number", "writes")

    def __init__(self, number: int, writes: tuple[Write, ...]) -> None:
        self.number = number
        self.writes = writes


class Disk:
    """What survives a crash. One row a slot, as the storage keeps it: the last vote, or the chosen entry."""

    def __init__(self) -> None:
        self.state = PutState(Ballot.ZERO, 0, 0, CHAIN_START)
        self.rows: dict[int, Entry] = {}
        self.suppressed: dict[int, int] = {}
        self.sessions: dict[str, SessionRow] = {}
        self.sessions_upto = 0
        self.horizon = -1
        self.non_voting: str | None = None
        self.log_start = 0
        self.kept: dict[int, tuple[Checkpoint, bytes, int, dict[str, SessionRow]]] = {}
        """By slot: the checkpoint, the chain's head, the horizon and the sessions there."""

    def commit(self, writes: Iterable[Write]) -> None:
        """One transaction."""
        last: Write | None = None
        for last in writes:
            match last:
                case PutVotes(ballot, first, values):
                    for slot, value in enumerate(values, first):
                        assert slot >= self.state.watermark, f"a vote in applied slot {slot}"
                        self.rows[slot] = Entry(ballot, value)
                case PutEntries(first, entries):
                    self.rows.update(enumerate(entries, first))
                case PutSuppressed(slot, first):
                    self.suppressed[slot] = first
                case PutSessions(upto, horizon, changed, evicted):
                    for client in evicted:
                        self.sessions.pop(client, None)
                    self.sessions.update((row.client, row) for row in changed)
                    self.sessions_upto, self.horizon = upto, horizon
                case PutNonVoting(reason):
                    self.non_voting = reason
                case PutCheckpoint(checkpoint, chain, horizon):
                    assert self.sessions_upto == checkpoint.upto, (
                        "a copy of another table than the one at the checkpoint"
                    )
                    self.kept[checkpoint.upto] = (checkpoint, chain, horizon, dict(self.sessions))
                case PutLogStart(log_start):
                    self._trim(log_start)
                case PutSnapshot():
                    self._replace(last)
                case PutState():
                    self._put_state(last)
        assert isinstance(last, PutState), "a batch is closed by the small state"

    def _trim(self, log_start: int) -> None:
        assert log_start >= self.log_start, "the log start fell on disk"
        assert log_start in self.kept, "slots are removed without a state to go on from"
        self.log_start = log_start
        self.kept = {slot: kept for slot, kept in self.kept.items() if slot >= log_start}
        self.rows = {slot: row for slot, row in self.rows.items() if slot >= log_start}
        self.suppressed = {slot: first for slot, first in self.suppressed.items() if slot >= log_start}

    def _replace(self, put: PutSnapshot) -> None:
        upto = put.checkpoint.upto
        assert upto > put.emptied >= self.state.watermark, "a state that is older than what is learned"
        self.sessions = {row.client: row for row in put.sessions}
        self.sessions_upto, self.horizon = upto, put.horizon
        self.kept = {upto: (put.checkpoint, put.chain, put.horizon, dict(self.sessions))}
        self.state = PutState(self.state.promised, self.state.round, upto, put.chain)
        self._trim(upto)

    def page(self, fetch: FetchState) -> Snapshot | None:
        """What a host reads of a state that is kept; nothing, if it is not."""
        if fetch.upto not in self.kept:
            return None
        checkpoint, chain, horizon, sessions = self.kept[fetch.upto]
        rows: list[SessionRow] = []
        size = 0
        for client in sorted(client for client in sessions if client > fetch.after):
            size += len(sessions[client].answers)
            if rows and size > fetch.bytes_max:
                break
            rows.append(sessions[client])
        last = not rows or rows[-1].client == max(sessions)
        return Snapshot(checkpoint.upto, checkpoint.wall_s, chain, horizon, fetch.after, tuple(rows), last, 0)

    def _put_state(self, state: PutState) -> None:
        old = self.state
        assert state.promised >= old.promised, "a promise fell on disk"
        assert state.round >= old.round, "a round fell on disk"
        chain = old.chain
        if self.log_start > old.watermark:  # a trim of what the same batch learned
            chain = self.kept[self.log_start][1]
        for slot in range(max(old.watermark, self.log_start), state.watermark):
            chain = link(chain, slot, self.rows[slot].value)
        assert state.watermark >= old.watermark
        assert state.chain == chain, "the chain is not that of the rows"
        self.state = state

    def saved(self) -> DurableState:
        """What a replica that starts from this disk is given."""
        state = self.state
        return DurableState(
            promised=state.promised,
            round=state.round,
            watermark=state.watermark,
            chain=state.chain,
            sessions_upto=self.sessions_upto,
            horizon=self.horizon,
            sessions=tuple(self.sessions.values()),
            replay=[self.rows[slot] for slot in range(self.sessions_upto, state.watermark)],
            votes=tuple(
                Vote(slot, row.ballot, row.value)
                for slot, row in sorted(self.rows.items())
                if slot >= state.watermark and self.non_voting is None
            ),
            non_voting=self.non_voting,
            log_start=self.log_start,
            checkpoints=tuple(kept[0] for _, kept in sorted(self.kept.items())),
        )


class Node:
    """One replica, its disk, and all that it told its host."""

    def __init__(self, me: int) -> None:
        self.me = me
        self.disk = Disk()
        self.core: Replica | None = None
        self.automatic = True
        """Whether its disk commits at once; else :meth:`Cluster.persist` does it."""
        self.batches: deque[Batch] = deque()
        self.gate = DurabilityGate()
        self.base = 0
        """The slot at which :attr:`log` begins."""
        self.log: list[Entry] = []
        self.suppressed: dict[int, int] = {}
        self.replies: list[Any] = []  # of a Reply, as with a letter's message
        self.events: list[Event] = []
        self.fetches: list[Any] = []  # of Fetch and FetchState
        self.starts = 0

    @property
    def replica(self) -> Replica:
        """The running replica."""
        assert self.core is not None, f"replica {self.me} is down"
        return self.core

    @property
    def status(self) -> Status:
        """Its own picture of itself."""
        return self.replica.status

    @property
    def leads(self) -> bool:
        """Whether it believes to lead."""
        return self.core is not None and self.status.role == "leader"

    @property
    def texts(self) -> list[str]:
        """The log as a reader sees it: texts of effective messages, in order."""
        return self.texts_from(self.base)

    def texts_from(self, first: int) -> list[str]:
        """The same, without the slots below ``first``."""
        return [
            entry.value.text
            for slot, entry in enumerate(self.log, self.base)
            if slot >= first and not entry.value.is_noop and slot not in self.suppressed
        ]

    def seen(self, kind: type[E]) -> list[E]:
        """All its events of one class so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def drops(self) -> list[str]:
        """Why it dropped messages so far."""
        return [event.reason for event in self.seen(MessageDropped)]

    def answers(self, kind: type[M]) -> list[M]:
        """All its replies of one class so far."""
        return [reply for reply in self.replies if isinstance(reply, kind)]

    def slot_of(self, command: Command) -> int | None:
        """Where the replica says that ``command`` took effect."""
        for reply in self.answers(Appended):
            if (reply.client, reply.request) == (command.client, command.request):
                return reply.slot
        return None

    def read_ready(self, ticket: int) -> bool:
        """Whether the read was confirmed."""
        return any(reply.ticket == ticket for reply in self.answers(ReadReady))


class Ghost:
    """Remembers what reached any disk, and objects to what Paxos forbids."""

    def __init__(self, replicas: int) -> None:
        self.quorum = majority(replicas)
        self.values: dict[tuple[int, Ballot], Command] = {}
        self.votes: dict[tuple[int, Ballot], set[int]] = defaultdict(set)
        self.chosen: dict[int, tuple[Ballot, Command]] = {}

    def voted(self, who: int, write: PutVotes) -> None:
        """A vote is on disk: invariants 1 and 4."""
        for slot, value in enumerate(write.values, write.first):
            key = slot, write.ballot
            assert self.values.setdefault(key, value) == value, f"two values in slot {slot} at {write.ballot}"
            self.votes[key].add(who)
            if len(self.votes[key]) >= self.quorum:
                ballot, old = self.chosen.setdefault(slot, (write.ballot, value))
                assert old == value, f"slot {slot}: {old} chosen at {ballot}, then {value} at {write.ballot}"

    def told(self, event: Event) -> None:
        """A replica said something: invariants 3 (in part) and 5."""
        match event:
            case Learned(first, entries):
                for slot, entry in enumerate(entries, first):
                    assert slot in self.chosen, f"slot {slot} is learned, but not chosen"
                    assert self.chosen[slot][1] == entry.value, f"slot {slot} is learned wrongly"
            case Proposed(ballot, first, values):
                for slot, value in enumerate(values, first):
                    chosen = self.chosen.get(slot)
                    if chosen is not None and ballot > chosen[0]:
                        assert chosen[1] == value, f"{ballot} proposes against chosen slot {slot}"
            case SnapshotTaken(upto=upto, chain=chain):
                head = CHAIN_START
                for slot in range(upto):
                    head = link(head, slot, self.chosen[slot][1])
                assert head.hex() == chain, f"the state at slot {upto} is that of another log"


Filter = Callable[[Letter], bool]


class Cluster:
    """``Cluster(3)`` is three replicas that have just started, with nothing on their disks."""

    def __init__(
        self, replicas: int = 3, settings: Settings | None = None, *, seed: int = 1, checked: bool = True
    ) -> None:
        self.settings = settings or Settings()
        self.now = 100.0
        self.flight: list[Letter] = []
        self.cuts: set[tuple[int, int]] = set()
        self.ghost = Ghost(replicas)
        self._checked = checked
        """Off where a test plays a liar; then the ghost would rightly object."""
        self._seed = seed
        self._requests: dict[str, int] = defaultdict(int)
        self.told: list[str] = []
        self.listener: Callable[[int, Event | Letter], None] | None = None
        self.nodes = [Node(me) for me in range(replicas)]
        for node in self.nodes:
            self._start(node)

    def __getitem__(self, me: int) -> Node:
        return self.nodes[me]

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def alive(self) -> list[Node]:
        """The nodes that run."""
        return [node for node in self.nodes if node.core is not None]

    # Life and death

    def _start(self, node: Node) -> None:
        node.starts += 1
        rng = random.Random(f"{self._seed}/{node.me}/{node.starts}")
        disk = node.disk
        node.base = disk.log_start
        node.log = [disk.rows[slot] for slot in range(disk.log_start, disk.state.watermark)]
        node.suppressed = {s: f for s, f in disk.suppressed.items() if s < disk.state.watermark}
        node.gate = DurabilityGate()
        node.core = Replica(node.me, len(self.nodes), self.settings, rng, disk.saved(), self.now)
        self.pump(node.me)

    def crash(self, me: int, *, batches: int = 0) -> None:
        """Kill a replica: what is not on its disk is gone. ``batches`` first reach the disk unreported."""
        node = self.nodes[me]
        for batch in list(node.batches)[:batches]:
            self._commit(node, batch)
        node.batches.clear()
        node.core = None

    def restart(self, me: int) -> None:
        """Start it again from its disk."""
        self._start(self.nodes[me])

    # The disk

    def hold(self, *who: int) -> None:
        """From now on these disks commit only when :meth:`persist` says so."""
        for me in who:
            self.nodes[me].automatic = False

    def release(self, *who: int) -> None:
        """Let these disks (all, if none is named) commit at once again."""
        for me in who or range(len(self.nodes)):
            self.nodes[me].automatic = True
            if self.nodes[me].core is not None:
                self.pump(me)

    def persist(self, me: int, batches: int | None = None, *, silent: bool = False) -> None:
        """Commit the oldest ``batches`` (``None``: all) of a replica; ``silent``: nobody is told yet."""
        node = self.nodes[me]
        for _ in range(len(node.batches) if batches is None else batches):
            batch = node.batches.popleft()
            self._commit(node, batch)
            if not silent:
                self._report(node, batch)
        self.pump(me)

    def _commit(self, node: Node, batch: Batch) -> None:
        node.disk.commit(batch.writes)
        if self._checked:
            for write in batch.writes:
                if isinstance(write, PutVotes):
                    self.ghost.voted(node.me, write)

    def _report(self, node: Node, batch: Batch) -> None:
        self._post(node, node.gate.durable(batch.number))
        node.replica.durable(batch.number, self.now)

    # Outputs

    def pump(self, me: int) -> None:
        """Take outputs until the replica has nothing more to say."""
        node = self.nodes[me]
        for _ in range(STEPS_MAX):
            output = node.replica.take(self.now)
            self._spread(node, output)
            ready = list(node.batches) if node.automatic else []
            for batch in ready:
                node.batches.popleft()
                self._commit(node, batch)
                self._report(node, batch)
            if not ready and not output.fetches:
                return
        raise AssertionError(f"replica {me} never comes to rest")

    def _spread(self, node: Node, output: Output) -> None:
        for event in output.events:
            node.events.append(event)
            if self.listener is not None:
                self.listener(node.me, event)
            if self._checked:
                self.ghost.told(event)
        self._post(node, node.gate.admit(output))
        for applied in output.applied:
            if isinstance(applied, Installed):
                assert applied.upto > node.base + len(node.log), "a state that is older than what is applied"
                node.base, node.log, node.suppressed = applied.upto, [], {}
                continue
            assert applied.first == node.base + len(node.log), "slots are applied in order, each once"
            node.log.extend(applied.entries)
            node.suppressed.update(applied.suppressed)
        node.replies.extend(output.replies)
        if output.writes:
            node.batches.append(Batch(output.batch, output.writes))
        for fetch in output.fetches:
            node.fetches.append(fetch)
            self._fetch(node, fetch)

    def _fetch(self, node: Node, fetch: Fetch | FetchState) -> None:
        if isinstance(fetch, Fetch):
            node.replica.fetched(fetch.peer, fetch.first, _page(node, fetch), self.now)
        elif (page := node.disk.page(fetch)) is not None:
            node.replica.fetched_state(fetch.peer, page, self.now)

    def _post(self, node: Node, envelopes: Iterable[Envelope]) -> None:
        for envelope in envelopes:
            if self._checked:
                assert_durable(node.disk, envelope.message)
            for to in range(len(self.nodes)) if envelope.to == EVERYONE else (envelope.to,):
                if to != node.me:
                    letter = Letter(node.me, to, envelope.message)
                    lost = (node.me, to) in self.cuts
                    if not lost:
                        self.flight.append(letter)
                    if self.listener is not None:
                        self.listener(node.me, letter)

    # Inputs

    def say(self, me: int, client: str, text: str, request: int | None = None) -> Command:
        """A client asks a replica to append; requests are numbered from 1 where no number is given."""
        if request is None:
            request = self._requests[client] + 1
        self._requests[client] = max(request, self._requests[client])
        command = Command(f"{client}@0" if "@" not in client else client, request, text)
        self.propose(me, command)
        return command

    def propose(self, me: int, *commands: Command) -> None:
        """Clients' requests that arrive together."""
        for command in commands:
            self.nodes[me].replica.propose(command, self.now)
        self.pump(me)

    def read(self, me: int, ticket: int) -> None:
        """A linearizable read."""
        self.nodes[me].replica.read(ticket, self.now)
        self.pump(me)

    def elect(self, me: int) -> str | None:
        """The operator forces an election; messages stay in flight."""
        reason = self.nodes[me].replica.elect(self.now)
        self.pump(me)
        return reason

    def skip(self, me: int, slot: int | None = None) -> str | None:
        """The operator skips a slot."""
        reason = self.nodes[me].replica.skip_slot(slot, self.now)
        self.pump(me)
        return reason

    def fill(self, me: int, slot: int) -> str | None:
        """The operator fills a hole."""
        reason = self.nodes[me].replica.fill_hole(slot, self.now)
        self.pump(me)
        return reason

    def checkpoint(self, me: int, wall_s: int = 1000) -> str | None:
        """A replica is asked to have the state kept at the next slot."""
        reason = self.nodes[me].replica.checkpoint(wall_s, self.now)
        self.pump(me)
        return reason

    def trim(self, me: int, upto: int) -> str | None:
        """A replica is asked to have old slots removed."""
        reason = self.nodes[me].replica.trim(upto, self.now)
        self.pump(me)
        return reason

    def deny(self, me: int, reason: str) -> None:
        """Others say that a replica has no vote any more."""
        self.nodes[me].replica.become_learner(reason, self.now)
        self.nodes[me].gate.discard()
        self.pump(me)

    def lose_disk(self, me: int, reason: str) -> None:
        """A replica is killed, and comes back with an empty disk; the others have let it in as a learner."""
        self.crash(me)
        self.nodes[me].disk = Disk()
        self.nodes[me].disk.non_voting = reason
        self.restart(me)

    def crash_proposer(self, me: int) -> None:
        """Stop the proposer role."""
        self.nodes[me].replica.crash_proposer(self.now)
        self.pump(me)

    def restore_proposer(self, me: int) -> None:
        """Let it work again."""
        self.nodes[me].replica.restore_proposer(self.now)
        self.pump(me)

    def inject(self, sender: int, to: int, message: PeerMessage) -> list[Letter]:
        """Deliver a message that no replica sent; return what the receiver sent in answer."""
        before = len(self.flight)
        self.nodes[to].replica.receive(sender, message, self.now)
        self.pump(to)
        return self.flight[before:]

    # The network

    def flying(
        self, kind: str | None = None, sender: int | None = None, to: int | None = None
    ) -> list[Letter]:
        """Messages in flight that match, oldest first."""
        return [letter for letter in self.flight if _matches(letter, kind, sender, to)]

    def deliver(
        self,
        kind: str | None = None,
        sender: int | None = None,
        to: int | None = None,
        *,
        count: int | None = None,
    ) -> int:
        """Deliver what is in flight now and matches, oldest first; return how many arrived."""
        letters = self.flying(kind, sender, to)[:count]
        for letter in letters:
            self.flight.remove(letter)
            self._arrive(letter)
        return len(letters)

    def _arrive(self, letter: Letter) -> None:
        node = self.nodes[letter.to]
        if node.core is not None and (letter.sender, letter.to) not in self.cuts:
            node.core.receive(letter.sender, letter.message, self.now)
            self.pump(letter.to)

    def drop(self, kind: str | None = None, sender: int | None = None, to: int | None = None) -> int:
        """Lose what is in flight and matches."""
        letters = self.flying(kind, sender, to)
        for letter in letters:
            self.flight.remove(letter)
        return len(letters)

    def take_out(self, kind: str, sender: int | None = None, to: int | None = None) -> list[Letter]:
        """Keep matching messages back, to be given to :meth:`put_in` much later."""
        letters = self.flying(kind, sender, to)
        self.drop(kind, sender, to)
        return letters

    def put_in(self, letters: Iterable[Letter]) -> None:
        """Late, or repeated, messages arrive now."""
        for letter in letters:
            self._arrive(letter)

    def cut(self, *links: tuple[int, int]) -> None:
        """Cut directed links: what is sent or in flight on them is lost."""
        self.cuts.update(links)
        self.flight = [x for x in self.flight if (x.sender, x.to) not in self.cuts]

    def isolate(self, *group: int) -> None:
        """Cut all links between these replicas and the others, both ways."""
        others = set(range(len(self.nodes))) - set(group)
        self.cut(*((a, b) for a in group for b in others), *((b, a) for a in group for b in others))

    def heal(self) -> None:
        """Undo all cuts."""
        self.cuts.clear()

    def stabilize(self) -> None:
        """Deliver and commit until nothing moves; no time passes."""
        for _ in range(STEPS_MAX):
            if self.flight:
                self._arrive(self.flight.pop(0))
            elif any(node.batches for node in self.alive):
                for node in self.alive:
                    self.persist(node.me)
            else:
                return
        raise AssertionError("the cluster never comes to rest")

    # Time

    def wake(self, me: int) -> None:
        """The time of one replica's deadline comes (only this one is woken)."""
        deadline = self.nodes[me].replica.deadline
        assert deadline < float("inf"), "it waits for nothing"
        self.now = max(self.now, deadline)
        self.nodes[me].replica.wake(self.now)
        self.pump(me)

    def pre_vote(self, me: int) -> None:
        """Its election timeout passes; messages stay in flight."""
        self.now = max(self.now, self.nodes[me].replica.proposer.election_at)
        self.nodes[me].replica.wake(self.now)
        self.pump(me)

    def tick(self, seconds: float, *, deliver: bool = False) -> None:
        """Time passes and whoever has something to do is woken; with ``deliver`` messages arrive at once."""
        end = self.now + seconds
        if deliver:
            self.stabilize()
        for _ in range(STEPS_MAX):
            due = min((node.replica.deadline for node in self.alive), default=end)
            if due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            for node in self.alive:
                if node.replica.deadline <= self.now:
                    node.replica.wake(self.now)
                    self.pump(node.me)
            if deliver:
                self.stabilize()
        raise AssertionError("time does not pass")

    def run(self, seconds: float) -> None:
        """Time passes and messages arrive at once."""
        self.tick(seconds, deliver=True)

    # Pictures

    def lead(self, me: int) -> None:
        """Make ``me`` the leader that everybody follows."""
        assert self.elect(me) is None
        self.stabilize()
        assert self.nodes[me].leads
        self.wake(me)
        self.stabilize()

    @property
    def leaders(self) -> list[int]:
        """Who believes to lead."""
        return [node.me for node in self.alive if node.leads]

    def logs(self) -> Iterator[list[str]]:
        """The readable logs of all that run."""
        return (node.texts for node in self.alive)

    def assert_agreement(self) -> None:
        """All that run have the same log, to the hash."""
        assert len({node.status.chain for node in self.alive}) == 1
        base = max(node.base for node in self.alive)
        assert len({tuple(node.texts_from(base)) for node in self.alive}) == 1
        assert len({tuple(node.replica.learner.sessions.digest_rows()) for node in self.alive}) == 1


def _matches(letter: Letter, kind: str | None, sender: int | None, to: int | None) -> bool:
    return kind in (None, letter.kind) and sender in (None, letter.sender) and to in (None, letter.to)


def _page(node: Node, fetch: Fetch) -> tuple[Entry, ...]:
    """What a host reads from its disk for a fetch."""
    entries: list[Entry] = []
    chars = 0
    assert fetch.first >= node.disk.log_start, "removed slots are read from disk"
    first = fetch.first - node.base
    for entry in node.log[first : first + fetch.slots_max]:
        chars += weight(entry.value)
        if entries and chars > fetch.chars_max:
            break
        entries.append(entry)
    return tuple(entries)


def assert_durable(disk: Disk, message: PeerMessage) -> None:
    """Paxos Made Simple, 2.5: what must be in stable storage before this message leaves."""
    match message:
        case Promise():
            assert disk.state.promised >= message.ballot, "a promise left before it was durable"
            assert disk.state.watermark >= message.learned, "a promise leaves out what is not on disk"
        case Accepted():
            assert disk.state.promised >= message.ballot, "a vote left before its promise was durable"
            for slot in range(message.first, message.first + message.count):
                voted = slot in disk.rows and disk.rows[slot].ballot >= message.ballot
                assert voted or slot < disk.state.watermark, (
                    f"a vote in slot {slot} left before it was durable"
                )
        case Prepare():
            assert disk.state.round >= message.ballot.round, "a ballot left before its round was durable"
