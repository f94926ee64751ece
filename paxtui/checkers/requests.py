"""Requests of clients and the replies to them (invariants 6, 7, 9, 10).

Linearizability is decided by position: the log orders all appends, and a read of everything below ``upto``
stands between slots ``upto - 1`` and ``upto``. Such an order respects real time exactly if nothing that was
invoked after another operation ended has a smaller position. So one number suffices: the *floor*, the
highest position that anybody was told so far.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from paxtui.checkers.broken import Invariant, InvariantBroken
from paxtui.core.output import Appended, Applied, PutSnapshot, ReadReady, Refused
from paxtui.core.sessions import EMPTY, birth
from paxtui.core.values import CHECKPOINT, TRIM, Command, SessionRow, verb

EXPIRED = -1

Key = tuple[str, int]


class SessionModel:
    """The session table as the documentation tells it, written without looking for speed."""

    def __init__(self, sessions_max: int, window: int) -> None:
        self._sessions_max = sessions_max
        self._window = window
        self._sessions: dict[str, tuple[int, dict[int, int]]] = {}
        self._horizon = -1

    def find(self, client: str, request: int) -> int | None:
        """Find the slot of the first effect: ``None`` if new, ``EXPIRED`` if forgotten."""
        if client not in self._sessions:
            return None if birth(client) > self._horizon else EXPIRED
        _, slots = self._sessions[client]
        if slots and request <= max(slots) - self._window:
            return EXPIRED
        return slots.get(request)

    def apply(self, slot: int, command: Command) -> int | None:
        """Do as :meth:`find`, and let the command take its turn in ``slot``."""
        found = self.find(command.client, command.request)
        if found == EXPIRED and command.client not in self._sessions:
            return found
        _, slots = self._sessions.pop(command.client, (slot, {}))
        if found is None:
            slots[command.request] = slot
            floor = max(slots) - self._window
            for request in [request for request in slots if request <= floor]:
                del slots[request]
        self._sessions[command.client] = (slot, slots)
        if len(self._sessions) > self._sessions_max:
            idle = min(self._sessions, key=lambda client: self._sessions[client][0])
            self._horizon = max(self._horizon, self._sessions.pop(idle)[0])
        return found

    def state(self) -> KeptState:
        """Copy the table as it is now."""
        return KeptState(self._window, self._horizon, dict(self._sessions))


class KeptState:
    """The session table at a mark: what every replica keeps there, and sends to those that are behind."""

    def __init__(self, window: int, horizon: int, sessions: dict[str, tuple[int, dict[int, int]]]) -> None:
        self._window = window
        self.horizon = horizon
        # The slots of a session are changed in place, so they are copied as well.
        self._sessions = {client: (last, dict(slots)) for client, (last, slots) in sessions.items()}

    @property
    def clients(self) -> set[str]:
        """Whose answers are remembered."""
        return set(self._sessions)

    def is_row(self, row: SessionRow) -> bool:
        """Tell whether this is the session as it was."""
        if row.client not in self._sessions:
            return False
        last, slots = self._sessions[row.client]
        answers = array("q")
        answers.frombytes(row.answers)
        top = max(slots)
        recent = range(max(0, top - self._window + 1), top + 1)
        return (row.last_slot, row.top, len(answers)) == (last, top, self._window) and all(
            answers[request % self._window] == slots.get(request, EMPTY) for request in recent
        )


class Requests:
    """The clients' side of the ghost state."""

    def __init__(self, replicas: int, sessions_max: int, window: int) -> None:
        self._model = SessionModel(sessions_max, window)
        self._asked: dict[Key, tuple[Command, int]] = {}
        self.answers: dict[Key, int] = {}
        """The slot in which each request took effect."""
        self._outcome: list[int | None] = []
        self._reads: dict[tuple[int, int], int] = {}
        self._applied = [0] * replicas
        self._states: dict[int, KeptState] = {}
        """By slot, the table at each mark."""
        self._floors: set[int] = set()
        """The floors that trims have set."""
        self.floor = 0

    def asked(self, command: Command) -> None:
        """Note that a client sends a request, for the first time or again."""
        self._asked.setdefault((command.client, command.request), (command, self.floor))

    def proposed(self, proposer: int, values: tuple[Command, ...]) -> None:
        """Check that nothing but no-ops and requests is proposed (invariant 6)."""
        for value in values:
            asked = self._asked.get((value.client, value.request))
            if not value.is_noop and (asked is None or asked[0] != value):
                raise InvariantBroken(
                    Invariant.VALIDITY, f"it proposes {value}, which no client asked for", proposer
                )

    def applied(self, learner: int, applied: Applied) -> None:
        """Move the model by the first replica that applies a slot; compare all others with it."""
        outcome = self._outcome
        slot = applied.first
        suppressed = applied.suppressed
        for entry in applied.entries:
            if slot == len(outcome):
                outcome.append(self._apply(learner, slot, entry.value))
            if outcome[slot] != suppressed.get(slot):
                raise InvariantBroken(
                    Invariant.ONCE,
                    f"slot {slot}, {entry.value}: it says {suppressed.get(slot)}, right is {outcome[slot]} "
                    "(None: it takes effect)",
                    learner,
                )
            slot += 1
        self._applied[learner] = slot

    def _apply(self, learner: int, slot: int, command: Command) -> int | None:
        if command.is_noop:
            if verb(command) == CHECKPOINT:
                self._states[slot + 1] = self._model.state()
            elif verb(command) == TRIM:
                below = [upto for upto in self._states if upto <= command.request]
                self._floors.add(max(below, default=0))
            return None
        key = command.client, command.request
        if key not in self._asked or self._asked[key][0] != command:
            raise InvariantBroken(Invariant.VALIDITY, f"slot {slot}: no client asked for {command}", learner)
        if birth(command.client) > slot:
            raise InvariantBroken(
                Invariant.ONCE, f"slot {slot} holds {command}, whose session is born later", learner
            )
        outcome = self._model.apply(slot, command)
        if outcome is None:
            if key in self.answers:
                raise InvariantBroken(
                    Invariant.ONCE, f"{command} took effect in slots {self.answers[key]} and {slot}", learner
                )
            if slot < self._asked[key][1]:
                raise InvariantBroken(
                    Invariant.LINEARIZABLE,
                    f"{command} took effect in slot {slot}, was asked after {self._asked[key][1]} was told",
                    learner,
                )
            self.answers[key] = slot
        return outcome

    # States that are kept and sent (invariants 8, 9)

    def kept(self, replica: int, upto: int, horizon: int) -> None:
        """Note that a replica keeps its state at a mark."""
        self._same_horizon(replica, upto, horizon)

    def trimmed(self, replica: int, floor: int) -> None:
        """Check that a replica removes what is below ``floor`` because of a trim, to a state that is kept."""
        if floor not in self._floors or floor not in self._states:
            raise InvariantBroken(
                Invariant.ORDER, f"it removes slots below {floor}, as no trim says", replica
            )

    def state_told(self, replica: int, upto: int, horizon: int, sessions: Iterable[SessionRow]) -> None:
        """Check a page of the state at a mark that leaves."""
        state = self._same_horizon(replica, upto, horizon)
        for row in sessions:
            if not state.is_row(row):
                raise InvariantBroken(
                    Invariant.ONCE, f"it sends another session of {row.client} than there was", replica
                )

    def state_stored(self, replica: int, write: PutSnapshot) -> None:
        """Check that another replica's state is on the disk of one that was behind, and all of it."""
        self.state_told(replica, write.checkpoint.upto, write.horizon, write.sessions)
        missing = self._states[write.checkpoint.upto].clients - {row.client for row in write.sessions}
        if missing:
            raise InvariantBroken(
                Invariant.ONCE, f"it goes on without the sessions of {', '.join(sorted(missing))}", replica
            )

    def snapshot_taken(self, replica: int, upto: int) -> None:
        """Go on from that state."""
        self._applied[replica] = upto

    def _same_horizon(self, replica: int, upto: int, horizon: int) -> KeptState:
        state = self._states.get(upto)
        if state is None or state.horizon != horizon:
            raise InvariantBroken(
                Invariant.ONCE,
                f"its state at slot {upto} has horizon {horizon}, "
                f"right is {'no state' if state is None else state.horizon}",
                replica,
            )
        return state

    def appended(self, replica: int, reply: Appended) -> None:
        """Check that an answer is true, and the same each time (invariants 7, 9)."""
        slot = self.answers.get((reply.client, reply.request))
        if slot != reply.slot:
            raise InvariantBroken(
                Invariant.ACKNOWLEDGED if slot is None else Invariant.ONCE,
                f"it answers slot {reply.slot} to {reply.client} {reply.request}; the effect was in {slot}",
                replica,
            )
        self.floor = max(self.floor, slot + 1)

    def refused(self, replica: int, reply: Refused) -> None:
        """Check ``expired`` against the model: it is for ever (invariant 9)."""
        if reply.reason == "expired" and self._model.find(reply.client, reply.request) != EXPIRED:
            raise InvariantBroken(
                Invariant.ONCE, f"it calls {reply.client} {reply.request} expired, which it is not", replica
            )

    def read_started(self, replica: int, ticket: int) -> None:
        """Note that a linearizable read arrived."""
        self._reads[replica, ticket] = self.floor

    def read_ready(self, replica: int, reply: ReadReady, watermark: int) -> None:
        """Check that a read sees everything that was acknowledged before it arrived (invariant 10)."""
        floor = self._reads.pop((replica, reply.ticket), None)
        if floor is None:
            raise InvariantBroken(Invariant.LINEARIZABLE, f"read {reply.ticket} was not asked here", replica)
        if reply.upto < floor:
            raise InvariantBroken(
                Invariant.LINEARIZABLE,
                f"read {reply.ticket} sees all below slot {reply.upto}; {floor} was told before it began",
                replica,
            )
        if reply.upto > watermark:
            raise InvariantBroken(
                Invariant.LINEARIZABLE,
                f"read {reply.ticket} is to see slot {reply.upto - 1}, which is not applied here",
                replica,
            )
        self.floor = max(self.floor, reply.upto)
