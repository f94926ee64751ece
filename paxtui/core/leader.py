"""The leader of one ballot: its proposals, their votes, its clients, its reads.

Everything here belongs to one ballot and is dropped with it, so that nothing of an older ballot can ever
be proposed at a newer one. Paxos Made Moderately Complex has a commander process for each pair of ballot and
slot, which ends the same way. What an implementation carries over by mistake (a queue, a tally, "the value
that I was going to propose") is how a new leader comes to propose against a chosen value.

A leader runs phase 2 alone: phase 1 was done once "for infinitely many instances" (Paxos Made Simple, 3), so
a command costs one round trip and one write on a majority of disks. Slots are proposed in order, up to a
window ahead of what is learned (the paper's alpha), and may be chosen in any order; the learner applies
them without gaps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from paxtui.core.ballot import Ballot, majority
from paxtui.core.events import AcceptedReceived, AcceptSent, ChosenSeen, Proposed, ReadConfirmed, SlotSkipped
from paxtui.core.messages import Accept, Accepted, Chosen, Heartbeat, HeartbeatAck
from paxtui.core.outbox import Outbox
from paxtui.core.output import EVERYONE, Appended, Applied, ReadReady, ReadRefused, Refused
from paxtui.core.settings import Settings
from paxtui.core.values import NOOP, Command, Entry, weight

INFINITY = float("inf")


class InFlightRun:
    """A run of proposals that was sent, for sending it again. Runs, not slots, carry the timer: under load
    a slot lives a millisecond, and a timer for each would cost more than its vote."""

    __slots__ = ("count", "due", "first", "wait_s")

    def __init__(self, first: int, count: int, due: float, wait_s: float) -> None:
        self.first = first
        self.count = count
        self.due = due
        self.wait_s = wait_s


class PendingRead:
    """A linearizable read: it needs acks of heartbeat ``number`` and a watermark of ``upto``. The Raft
    dissertation (6.4) and etcd call the second one the read index."""

    __slots__ = ("number", "ticket", "upto")

    def __init__(self, ticket: int, number: int, upto: int) -> None:
        self.ticket = ticket
        self.number = number
        self.upto = upto


class Leader:
    """A leader's state. Slots below ``base`` are learned, never proposed; up to ``end`` phase 1 decides.

    The two borders are what a majority of promises told. Below ``base`` an acceptor has learned what is
    chosen, and its votes there are gone, so this leader does not know them and must not propose. From
    ``base`` to ``end`` some acceptor reported a vote somewhere: the value of the highest ballot is proposed
    again, and a no-op fills each slot in between that nobody voted for. From ``end`` on no quorum can have
    chosen anything at a lower ballot, so clients' commands go there.
    """

    def __init__(
        self,
        out: Outbox,
        settings: Settings,
        replicas: int,
        ballot: Ballot,
        base: int,
        adopted: dict[int, Command],
        now: float,
    ) -> None:
        self._out = out
        self._settings = settings
        self._replicas = replicas
        self._quorum = majority(replicas)
        self.ballot = ballot
        self.base = base
        self.end = max(base, max(adopted, default=-1) + 1)
        self._adopted = adopted
        """What phase 1 told and is not proposed yet, by slot."""
        self.next_slot = base
        self._proposals: dict[int, Command] = {}
        """What was proposed at this ballot and is not known to be chosen. A slot gets one value here, ever:
        who missed the first would vote for a second at the same ballot, and a majority could mean either."""
        self._tally: dict[int, int] = {}
        """By slot the votes, bit r for replica r: a set, so that a message that comes twice counts once."""
        self._chars = 0
        self._flights: list[InFlightRun] = []
        self.resend_at = INFINITY
        self.holes: dict[int, float] = {}
        """Slots that were skipped, and when each is filled with a no-op."""
        self._queue: deque[Command] = deque()
        self._queue_chars = 0
        self._waiting: set[tuple[str, int]] = set()
        """Who waits for an answer, by (client, request), which names a command for ever."""
        self.heartbeat_at = now
        self._number = 0
        self._acked = dict.fromkeys(range(replicas), 0)
        """The highest heartbeat that each replica, this one included, has acknowledged at this ballot."""
        self.heard = dict.fromkeys(range(replicas), now)
        """When each replica last answered this ballot. A new leader gives all of them the benefit of a
        timeout: those that promised have answered just now, the others may be about to."""
        self._reads: deque[PendingRead] = deque()
        self._read_unsent = False
        """A read waits for a heartbeat, which is sent with this turn's output, one for all its reads."""
        self._progress = (base, now)
        """The watermark that was seen last, and when it moved, for as long as it is below ``base``."""

    # Clients

    def append(self, command: Command) -> None:
        """Queue a command for the next free slot; a repeated one only waits along.

        A full queue is an answer (``busy``), not a longer queue: what waits longer than its client does is
        work for nobody. etcd drops proposals above ``MaxUncommittedEntriesSize`` for the same reason.
        """
        key = (command.client, command.request)
        if key in self._waiting:
            return
        size = weight(command)
        if self._is_full(size):
            self._out.replies.append(Refused(command.client, command.request, "busy", None))
            return
        self._waiting.add(key)
        self._queue.append(command)
        self._queue_chars += size

    def enqueue_internal(self, command: Command) -> bool:
        """Enqueue an internal command (a checkpoint or a trim), for whose answer no client waits; return
        whether there was room."""
        if self._is_full(weight(command)):
            return False
        self._queue.append(command)
        self._queue_chars += weight(command)
        return True

    def _is_full(self, chars: int) -> bool:
        settings = self._settings
        return len(self._queue) >= settings.queue_slots or self._queue_chars + chars > settings.queue_chars

    def on_applied(self, applied: Applied) -> None:
        """Answer those whose requests took effect, or had done so before.

        Only what is applied is answered, not what is chosen: a chosen command may still turn out to repeat
        an earlier one when the slots below it are known, and then the earlier slot is the answer.
        """
        waiting = self._waiting
        if waiting:
            for slot, entry in enumerate(applied.entries, applied.first):
                value = entry.value
                key = (value.client, value.request)
                if key in waiting:
                    waiting.remove(key)
                    self._answer(slot, entry, applied.suppressed.get(slot))
        self._release_reads(applied.first + len(applied.entries))

    def _answer(self, slot: int, entry: Entry, repeats: int | None) -> None:
        """Answer a request with the slot in which it took effect, which may be an earlier one."""
        value = entry.value
        if repeats is not None and repeats < 0:
            self._out.replies.append(Refused(value.client, value.request, "expired", None))
        else:
            told = slot if repeats is None else repeats
            self._out.replies.append(Appended(value.client, value.request, told, entry.ballot))

    # Proposing

    def propose_waiting(
        self, now: float, watermark: int, known: Mapping[int, Entry], skips: set[int]
    ) -> None:
        """Propose what the window allows: first what phase 1 told, no-ops for its gaps, then clients.

        The order is a matter of liveness alone, since a command in a high slot is safe whatever stands
        below. But nothing is applied above a gap, so a leader that served clients first would answer
        nobody until the gaps were filled anyway (Paxos Made Simple, 3, fills them first, too).
        """
        self.next_slot = max(self.next_slot, watermark)
        while self.next_slot < self.end and self._room(watermark):
            self._propose_recovered(now, watermark, known)
        while self._queue and self.next_slot >= self.end and self._room(watermark):
            self._propose_queued(now, watermark, skips)
        if self._read_unsent:
            self.send_heartbeat(watermark)

    def _room(self, watermark: int) -> bool:
        # Without a window a leader that hears no votes would propose, and remember, without end; and the next
        # leader would have to recover all of it. Paxos Made Simple, 3, lets a leader go alpha commands ahead.
        settings = self._settings
        return self.next_slot - watermark < settings.window_slots and self._chars < settings.window_chars

    def _propose_recovered(self, now: float, watermark: int, known: Mapping[int, Entry]) -> None:
        """Propose one run of adopted values, or one of no-ops; pass over what is learned already.

        An adopted value may be chosen, or may have lost: this leader cannot know, and need not. To propose
        it again is right in both cases (P2c), and to propose anything else is wrong in one of them.
        """
        slot = first = self.next_slot
        adopted = first in self._adopted
        values: list[Command] = []
        chars = 0
        limit = min(self.end, watermark + self._settings.window_slots, first + self._settings.run_slots)
        while slot < limit and slot not in known and (slot in self._adopted) == adopted:
            value = self._adopted[slot] if adopted else NOOP
            chars += weight(value)
            if values and chars > self._settings.run_chars:
                break
            values.append(value)
            self._adopted.pop(slot, None)
            slot += 1
        if values:
            self._propose(now, first, tuple(values), "adopted" if adopted else "no-op")
            self.next_slot = slot
        else:
            self._adopted.pop(slot, None)
            self.next_slot = slot + 1

    def _propose_queued(self, now: float, watermark: int, skips: set[int]) -> None:
        """Propose one run of clients' commands in consecutive slots.

        All that came since the last turn leaves as one message: batching by what is there, without a timer,
        costs an idle cluster no latency and a busy one few messages (Raft dissertation, 10.2.2). A slot
        that an operator has asked to skip stays a hole, with a time limit.
        """
        if self.next_slot in skips:
            skips.discard(self.next_slot)
            self.holes[self.next_slot] = now + self._settings.hole_timeout_s
            self._out.event(SlotSkipped(self.ballot, self.next_slot))
            self.next_slot += 1
        first = self.next_slot
        values: list[Command] = []
        chars = 0
        limit = min(self._settings.run_slots, watermark + self._settings.window_slots - first)
        queue = self._queue
        while queue and len(values) < limit and not (skips and first + len(values) in skips):
            size = weight(queue[0])
            chars += size
            if values and chars > self._settings.run_chars:
                break
            values.append(queue.popleft())
            self._queue_chars -= size
        if values:
            self._propose(now, first, tuple(values), "client")
            self.next_slot = first + len(values)

    def fill_hole(self, slot: int, now: float) -> None:
        """Propose a no-op in a hole that this leader left. No other leader can have proposed there at this
        ballot, and phase 1 covered the slot, so any value is allowed (Paxos Made Simple, 3)."""
        del self.holes[slot]
        self._propose(now, slot, (NOOP,), "no-op")

    def _propose(self, now: float, first: int, values: tuple[Command, ...], source: str) -> None:
        """Send phase 2a for a run of slots. It goes to everyone, this replica too, and does not wait for the
        disk: an Accept promises nothing, and the own vote is counted when it is durable, like any other."""
        for slot, value in enumerate(values, first):
            self._proposals[slot] = value
            self._tally[slot] = 0
            self._chars += weight(value)
        wait_s = self._settings.resend_s
        self._flights.append(InFlightRun(first, len(values), now + wait_s, wait_s))
        self.resend_at = min(self.resend_at, now + wait_s)
        self._out.event(Proposed(self.ballot, first, values, source))
        self._out.event(AcceptSent(self.ballot, first, len(values), EVERYONE, False))
        self._out.send(EVERYONE, Accept(self.ballot, first, values))

    # Votes

    def on_accepted(self, sender: int, message: Accepted) -> list[tuple[int, tuple[Entry, ...]]]:
        """Count votes by (slot, ballot), as a set of replicas; return the runs that are now chosen.

        A value is chosen when a majority of acceptors has accepted it *at one ballot*. Votes at different
        ballots must not be added up, even for the same value: the minority that voted at the old ballot
        may be outvoted by a quorum that never heard of it. The caller has checked that the message answers
        this very ballot, and this object never outlives it.
        """
        self._out.event(AcceptedReceived(self.ballot, sender, message.first, message.count))
        tally, proposals, ballot, quorum = self._tally, self._proposals, self.ballot, self._quorum
        bit = 1 << sender
        runs: list[tuple[int, tuple[Entry, ...]]] = []
        run: list[Entry] = []
        # An answer may be about slots that were never proposed here; nothing is looked up for those. A slot
        # that is chosen leaves the tally, so that a vote which comes late finds nothing to count.
        upto = min(message.first + message.count, self.next_slot)
        for slot in range(max(message.first, self.base), upto):
            votes = tally.get(slot)
            if votes is not None:
                votes |= bit
                if votes.bit_count() >= quorum:
                    del tally[slot]
                    value = proposals.pop(slot)
                    self._chars -= weight(value)
                    run.append(Entry(ballot, value))
                    continue
                tally[slot] = votes
            if run:
                runs.append((slot - len(run), tuple(run)))
                run = []
        if run:
            runs.append((upto - len(run), tuple(run)))
        for first, entries in runs:
            self._out.event(ChosenSeen(ballot, first, len(entries)))
            self._out.send(EVERYONE, Chosen(ballot, first, len(entries)))
        return runs

    def first_conflict(self, first: int, entries: tuple[Entry, ...]) -> int | None:
        """Return the first slot in which another value than the one proposed here turns out to be chosen.

        A higher ballot did that (P2c), so this one is over, whether or not a Nack has said so. A leader that
        went on would state a watermark above the slot, and its voters, who still have its lost value at its
        ballot, would take that for the proof that the lost value is chosen.
        """
        for slot, entry in enumerate(entries, first):
            if self._proposals.get(slot, entry.value) != entry.value:
                return slot
        return None

    def drop_slots(self, first: int, count: int) -> None:
        """Stop counting for slots that were learned from another replica: no vote is needed any more."""
        for slot in range(first, first + count):
            value = self._proposals.pop(slot, None)
            if value is not None:
                del self._tally[slot]
                self._chars -= weight(value)
            self.holes.pop(slot, None)

    def unsettled_below(self, upto: int) -> bool:
        """Tell whether something was proposed below ``upto`` and is not known here to be chosen."""
        return any(slot < upto for slot in self._proposals)

    def on_installed(self, upto: int) -> None:
        """Forget plans for slots below ``upto``: all are known to be chosen, though not what is in them."""
        self.holes = {slot: due for slot, due in self.holes.items() if slot >= upto}
        self._adopted = {slot: value for slot, value in self._adopted.items() if slot >= upto}
        self._release_reads(upto)

    # Time

    def send_heartbeat(self, watermark: int) -> None:
        """Send a heartbeat; it also asks every replica to confirm the ballot for waiting reads.

        Its number makes acknowledgements comparable: an ack of an older heartbeat says nothing about a
        read that came after that heartbeat had left.
        """
        self._number += 1
        self._read_unsent = False
        self._out.send(EVERYONE, Heartbeat(self.ballot, self._number, watermark))

    def fill_due(self, now: float) -> None:
        """Fill the holes whose time is over."""
        for slot in [slot for slot, due in self.holes.items() if due <= now]:
            self.fill_hole(slot, now)

    def resend(self, now: float) -> None:
        """Send again what stays unanswered, only to those whose vote is missing, ever more slowly.

        Paxos assumes nothing about delivery, so whoever needs an answer must repeat its question; nobody
        else will. The wait doubles up to ``resend_s_max``, and a tick sends at most ``resend_chars`` to one
        peer: a replica that is down must not fill the links of those that are not, nor be met by all of a
        window at once when it comes back.
        """
        chars: dict[int, int] = {}
        flights: list[InFlightRun] = []
        # Whoever has waited longest goes first, and what no longer fits stays due: in any other order those
        # in front could take the whole of every tick, and a slot behind them, all that is left, nothing.
        for flight in sorted(self._flights, key=lambda flight: flight.due):
            missing = [s for s in range(flight.first, flight.first + flight.count) if s in self._tally]
            if not missing:
                continue
            flights.append(flight)
            if flight.due <= now and self._fits(missing, max(chars.values(), default=0)):
                flight.wait_s = min(2 * flight.wait_s, self._settings.resend_s_max)
                flight.due = now + flight.wait_s
                for first, run, votes in self._same_votes(missing):
                    self._send_again(first, run, votes, chars)
        self._flights = flights
        self.resend_at = now + self._settings.resend_s if flights else INFINITY

    def _fits(self, slots: list[int], chars: int) -> bool:
        """Tell whether a tick that sends ``chars`` already to some peer has room for these, too. The first
        run of a tick always fits, however large, or it would never be sent again."""
        size = sum(weight(self._proposals[slot]) for slot in slots)
        return not chars or chars + size <= self._settings.resend_chars

    def _same_votes(self, slots: list[int]) -> Iterable[tuple[int, tuple[Command, ...], int]]:
        """Group slots into consecutive runs that the same replicas voted for, so that each peer is sent what
        it lacks and nothing else."""
        start = 0
        for at in range(1, len(slots) + 1):
            if (
                at == len(slots)
                or slots[at] != slots[at - 1] + 1
                or self._tally[slots[at]] != self._tally[slots[start]]
            ):
                run = tuple(self._proposals[slot] for slot in slots[start:at])
                yield slots[start], run, self._tally[slots[start]]
                start = at

    def _send_again(self, first: int, run: tuple[Command, ...], votes: int, chars: dict[int, int]) -> None:
        size = sum(map(weight, run))
        for peer in range(self._replicas):
            if votes >> peer & 1:
                continue
            chars[peer] = chars.get(peer, 0) + size
            self._out.event(AcceptSent(self.ballot, first, len(run), peer, True))
            self._out.send(peer, Accept(self.ballot, first, run))

    def lost_majority(self, now: float) -> bool:
        """Tell whether fewer than a majority answered within the longest election timeout.

        Such a leader can choose nothing. It steps down so that its clients look elsewhere, and so that an
        acceptor that hears it, but hears no majority either, stops being loyal to it (Raft dissertation,
        6.2; ``CheckQuorum`` in etcd). No safety depends on it: it might as well wait.
        """
        since = now - self._settings.election_s_max
        return sum(at >= since for at in self.heard.values()) < self._quorum

    def stuck_below_base(self, now: float, watermark: int) -> bool:
        """Tell whether the slots that a promise left out as learned cannot be learned, because the replica
        that knew them is gone.

        They are chosen, so a majority voted for them; but the quorum that elected this leader was allowed to
        leave them out. Only a new phase 1, without the replica that is gone, finds their votes. Progress,
        not time since the election, is what counts: a leader that is far behind may need long.
        """
        if watermark >= self.base or watermark != self._progress[0]:
            self._progress = (watermark, now)
        return watermark < self.base and now - self._progress[1] > 3 * self._settings.election_s_max

    # Reads

    def read(self, ticket: int, watermark: int) -> None:
        """Start a linearizable read: it must see every append that was acknowledged before it was asked.

        Those of earlier leaders were chosen below ``end``, which phase 1 saw; those of this one were applied
        below this watermark. A later leader needs promises of a majority, which meets the majority whose
        acks are awaited: whoever acknowledged this ballot had not promised a higher one by then, so what a
        later leader chose was acknowledged after the read was asked, and the read may miss it.

        This is the read index of the Raft dissertation (6.4), where a new leader first commits an empty
        entry to learn what is committed; here ``end`` stands for that entry. Leases (Paxos Made Live, 5.2)
        save the round trip and rest on clocks that do not drift apart; this rests on none.
        """
        if len(self._reads) >= self._settings.reads_max:
            self._out.replies.append(ReadRefused(ticket, "busy", None))
            return
        self._reads.append(PendingRead(ticket, self._number + 1, max(self.end, watermark)))
        self._read_unsent = True

    def on_ack(self, sender: int, message: HeartbeatAck, watermark: int) -> None:
        """Count that a replica confirmed the ballot as of a heartbeat. One ack serves all reads that wait."""
        self._acked[sender] = max(self._acked[sender], message.number)
        self._release_reads(watermark)

    def _release_reads(self, watermark: int) -> None:
        """Answer reads in the order in which they came, as far as they are confirmed and applied."""
        if not self._reads:
            return
        # The highest heartbeat that a majority has acknowledged. The leader acknowledges its own, by the same
        # message: its acceptor may have promised another ballot since.
        confirmed = sorted(self._acked.values(), reverse=True)[self._quorum - 1]
        while self._reads:
            read = self._reads[0]
            if read.number > confirmed or read.upto > watermark:
                break
            self._reads.popleft()
            self._out.event(ReadConfirmed(read.ticket, read.upto))
            self._out.replies.append(ReadReady(read.ticket, read.upto))

    # The end

    def close(self, leader: int | None) -> None:
        """Refuse all who wait: this leader can tell them only where to ask next.

        What was proposed may still be chosen, by the next leader, so the refusal does not say that the
        request failed. A client repeats it under the same number, and the session table answers.
        """
        for client, request in sorted(self._waiting):
            self._out.replies.append(Refused(client, request, "not-leader", leader))
        for read in self._reads:
            self._out.replies.append(ReadRefused(read.ticket, "not-leader", leader))
        self._waiting.clear()
        self._reads.clear()
        self._queue.clear()

    @property
    def beats(self) -> int:
        """Return the number of the last heartbeat that was sent."""
        return self._number

    @property
    def lowest(self) -> int:
        """Return the lowest slot that a command which is queued now could take."""
        return max(self.next_slot, self.end)

    @property
    def in_flight(self) -> int:
        """Count proposed slots without a majority of votes yet."""
        return len(self._tally)

    @property
    def queued(self) -> int:
        """Count commands that wait for the window."""
        return len(self._queue)

    @property
    def has_work(self) -> bool:
        """Tell whether requests wait to be proposed or confirmed."""
        return bool(self._queue) or self._read_unsent or self.next_slot < self.end

    @property
    def deadline(self) -> float:
        """Return when time alone gives the leader something to do."""
        if self._read_unsent:
            return 0.0
        holes = min(self.holes.values(), default=INFINITY)
        return min(self.heartbeat_at, self.resend_at, holes)

    @property
    def timers(self) -> dict[str, float]:
        """Return by name what :attr:`deadline` is the earliest of."""
        holes = min(self.holes.values(), default=INFINITY)
        read = 0.0 if self._read_unsent else INFINITY
        return {"heartbeat": self.heartbeat_at, "resend": self.resend_at, "no-op": holes, "read": read}
