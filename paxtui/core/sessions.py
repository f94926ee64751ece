"""The session table: which requests of which clients already took effect, and in which slot.

Paxos chooses one value a slot; nothing in it keeps one command out of two slots. A client that hears no
answer repeats its request, perhaps to another leader, and both may propose it. So the state machine itself
must know what it has done already (Raft dissertation, 6.3; the client table of Viewstamped Replication
Revisited, 4). Each request carries its client's id and a number that grows; the second time it takes no
effect, and is answered with the slot of the first.

The table is replicated state: every replica changes it only by applying slots in order, so all tables are
equal at equal watermarks, and so are their evictions. Both bounds (clients, answers a client) are
therefore part of the cluster's identity.

Viewstamped Replication keeps one answer a client, because its clients have one request open at a time. Here
they may have up to a window of them, in any order, so the table keeps a ring of answers.

A session id ends in ``@`` and the slot of its *birth*: the watermark of the replica that issued it. The
table remembers its *horizon*, the last use of any evicted session. An unknown session born after the
horizon cannot have been evicted (an evicted one was last used after its own birth), so it is new;
one born before it may have taken effect already and is refused. That closes the gap in which an evicted
client's retry would be applied twice, without a slot spent to open each session (Raft's ``RegisterClient``
spends one, and it, too, refuses a session that it has forgotten, rather than guess).

This holds only if no command stands in a slot below its session's birth. A leader sees to that before it
proposes (:meth:`paxtui.core.leader_requests.LeaderRequests.append`). The rule is not repeated when a slot is
applied: what a slot does must not depend on the release of the replica that applies it, and logs that earlier
releases wrote may hold such commands.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from paxtui.core.output import PutSessions
from paxtui.core.values import Command, SessionRow

EXPIRED: Final = -1
"""In place of a slot: the session, or this request's answer, is no longer remembered."""

EMPTY: Final = -1
"""A cell of the ring of answers that holds no slot."""


def birth(client: str) -> int:
    """Return the slot at which the session id was issued; 0 where the id does not say. An id
    that leaves it out is refused, if it is unknown, from the first eviction on."""
    tail = client.rpartition("@")[2]
    return int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 17 else 0


class Session:
    """One client's answers: a ring of the last ``len(answers)`` request numbers up to ``top``."""

    __slots__ = ("answers", "last_slot", "top")

    def __init__(self, answers: array[int], top: int, last_slot: int) -> None:
        self.answers = answers
        self.top = top
        self.last_slot = last_slot

    def find(self, request: int) -> int | None:
        """Return the slot in which ``request`` took effect, ``None`` if it never did, or :data:`EXPIRED`.

        What is below the window may have taken effect or not; "expired" says exactly that. To call it new
        would be to apply it twice.
        """
        if request > self.top:
            return None
        window = len(self.answers)
        if request <= self.top - window:
            return EXPIRED
        slot = self.answers[request % window]
        return None if slot == EMPTY else slot

    def record(self, request: int, slot: int) -> None:
        """Remember that ``request`` took effect in ``slot``; what falls out of the window is forgotten.

        Numbers that are passed over become empty cells, not old answers of other requests: they may still
        come, by another way, and must then take effect.
        """
        window = len(self.answers)
        if request > self.top:
            for missing in range(max(self.top + 1, request - window + 1), request):
                self.answers[missing % window] = EMPTY
            self.top = request
        self.answers[request % window] = slot
        self.last_slot = slot


class Sessions:
    """The table of all clients, ordered by their last use, which is a slot: clocks differ, slots do not."""

    def __init__(self, sessions_max: int, window: int) -> None:
        self._sessions_max = sessions_max
        self._window = window
        self._table: dict[str, Session] = {}
        self._changed: set[str] = set()
        self._evicted: set[str] = set()
        self.horizon = -1
        self.evicted_last: str | None = None

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, client: str) -> bool:
        return client in self._table

    def load(self, rows: Iterable[SessionRow], horizon: int) -> None:
        """Start from a checkpoint, or from another replica's state."""
        self._table.clear()
        self._changed.clear()
        self._evicted.clear()
        self.horizon = horizon
        for row in sorted(rows, key=lambda row: row.last_slot):
            answers = array("q")
            answers.frombytes(row.answers)
            self._table[row.client] = Session(answers, row.top, row.last_slot)

    def find(self, client: str, request: int) -> int | None:
        """Return where the request took effect, ``None`` if it is new, :data:`EXPIRED` if nobody can know."""
        session = self._table.get(client)
        if session is not None:
            return session.find(request)
        return None if birth(client) > self.horizon else EXPIRED

    def apply(self, slot: int, command: Command) -> int | None:
        """Apply a command; return ``None`` if it takes effect, else what :meth:`find` says of it.

        Also a repeat renews the session's last use: its client lives, and may repeat more.
        """
        self.evicted_last = None
        client = command.client
        session = self._table.pop(client, None)
        if session is None:
            if birth(client) <= self.horizon:
                return EXPIRED
            session = Session(array("q", [EMPTY]) * self._window, -1, slot)
        found = session.find(command.request)
        session.last_slot = slot
        self._table[client] = session
        self._changed.add(client)
        if found is None:
            session.record(command.request, slot)
        if len(self._table) > self._sessions_max:
            self._evict()
        return found

    def _evict(self) -> None:
        """Forget the client that was silent the longest. The horizon rises to its last use, so that no other
        session of that age is taken for new either."""
        client = next(iter(self._table))
        self.horizon = max(self.horizon, self._table.pop(client).last_slot)
        self._changed.discard(client)
        self._evicted.add(client)
        self.evicted_last = client

    def checkpoint(self, upto: int) -> PutSessions:
        """Return what changed since the last checkpoint; the table now stands after every slot below
        ``upto``. Rows are sorted, so that equal tables are equal bytes."""
        changed = tuple(
            SessionRow(client, session.last_slot, session.top, session.answers.tobytes())
            for client, session in ((client, self._table[client]) for client in sorted(self._changed))
        )
        evicted = tuple(sorted(self._evicted - self._table.keys()))
        self._changed.clear()
        self._evicted.clear()
        return PutSessions(upto, self.horizon, changed, evicted)

    def digest_rows(self) -> list[tuple[str, int, int, bytes]]:
        """Return the whole table in its order, for comparison between replicas. The order counts: it decides
        who is evicted next."""
        return [(c, s.last_slot, s.top, s.answers.tobytes()) for c, s in self._table.items()]
