"""What clients and operators ask of a leader: appends, reads, holes, checkpoints, trims.

All of it is refused by a replica that does not lead, with a hint whom to ask. No replica passes a request on
to the leader: a request that travels by two ways at once is one more repeat for the session table to find,
and a client that knows its leader saves a hop for all requests that follow (the Raft dissertation, 6.2,
discusses both).
"""

from __future__ import annotations

import itertools
from typing import Final

from paxtui.core.learner import Learner
from paxtui.core.outbox import Outbox
from paxtui.core.output import Appended, ReadRefused, Refused
from paxtui.core.proposer import Proposer
from paxtui.core.sessions import birth
from paxtui.core.settings import Settings
from paxtui.core.values import Command, checkpoint, trim

SKIPS_MAX = 256
"""Slots that may wait to be skipped: enough to play with, and each holds the log up for a hole's time."""

QUEUE_FULL: Final = "its queue is full"


class LeaderRequests:
    """The requests to one replica, answered or handed to its leader role. It has no state of its own."""

    def __init__(self, out: Outbox, settings: Settings, learner: Learner, proposer: Proposer) -> None:
        self._out = out
        self._settings = settings
        self._learner = learner
        self._proposer = proposer

    def append(self, command: Command) -> None:
        """Answer a client's request from the session table, queue it, or refuse it.

        The table is looked at twice, here and when the command is applied. Only the second look makes a
        request take effect once: a repeat may be on its way through another leader. The first saves a slot
        for what is known to be a repeat.
        """
        leader, key = self._proposer.leader, (command.client, command.request)
        if leader is None:
            self._out.replies.append(Refused(*key, "not-leader", self._proposer.leader_hint))
            return
        sessions = self._learner.sessions
        slot = sessions.find(*key)
        if slot is None and command.client not in sessions and self._born_later(command.client):
            self._out.replies.append(Refused(*key, "not-leader", None))
        elif slot is None:
            leader.append(command)
        elif slot < 0:
            self._out.replies.append(Refused(*key, "expired", None))
        else:
            # The first answer again: a request takes effect once, however often it is asked. The slot is the
            # answer; the ballot is only where the reader may look.
            self._out.replies.append(Appended(*key, slot, leader.ballot))

    def _born_later(self, client: str) -> bool:
        """Tell whether the session id claims a birth above every slot that a command could take here.

        All slots below a true birth are chosen, and a leader knows of every chosen slot: phase 1 told it of
        those of earlier ballots, and it proposed the others itself. So the id is invented, or there is a
        newer leader. The table of sessions rests on this: an id that is born after its own commands could
        take effect again after it was evicted. Of a session that the table knows, the first command was
        asked.
        """
        leader = self._proposer.leader
        lowest = self._learner.watermark if leader is None else max(leader.lowest, self._learner.watermark)
        return birth(client) > lowest

    def read(self, ticket: int) -> None:
        """Start a linearizable read, or refuse it: only a leader can know what has been acknowledged."""
        leader = self._proposer.leader
        if leader is None:
            self._out.replies.append(ReadRefused(ticket, "not-leader", self._proposer.leader_hint))
        else:
            leader.read(ticket, self._learner.watermark)

    def skip(self, slot: int | None) -> str | None:
        """Leave ``slot`` (``None``: the next one) empty when its turn comes; return the reason if it cannot.

        A hole is what a leader that dies in the middle of a window leaves. Operators make one to see the
        rest of the log wait for it.
        """
        leader = self._proposer.leader
        used = self._learner.watermark if leader is None else leader.lowest
        skips = self._proposer.skips = {each for each in self._proposer.skips if each >= used}
        if len(skips) >= SKIPS_MAX:
            return f"{SKIPS_MAX} slots wait to be skipped already"
        if slot is None:
            if leader is None:
                return "it does not lead, so it has no next slot"
            slot = next(each for each in itertools.count(used) if each not in skips)
        elif slot < used:
            return f"slot {slot} is used already"
        skips.add(slot)
        return None

    def fill_hole(self, slot: int, now: float) -> str | None:
        """Fill a hole with a no-op now; return the reason if it cannot."""
        leader = self._proposer.leader
        if leader is None:
            return "it does not lead"
        if slot not in leader.holes:
            return f"slot {slot} is no hole of this leader"
        leader.fill_hole(slot, now)
        return None

    def checkpoint(self, wall_s: int) -> str | None:
        """Propose a checkpoint; return the reason if it cannot."""
        leader = self._proposer.leader
        if leader is None:
            return "it does not lead"
        if len(self._learner.checkpoints) >= self._settings.checkpoints_max:
            return f"{self._settings.checkpoints_max} states are kept already"
        return None if leader.enqueue_internal(checkpoint(wall_s, leader.ballot)) else QUEUE_FULL

    def trim(self, upto: int) -> str | None:
        """Propose to remove what is below the last checkpoint not above ``upto``; return the reason if it
        cannot."""
        leader = self._proposer.leader
        if leader is None:
            return "it does not lead"
        if not any(self._learner.log_start < kept.upto <= upto for kept in self._learner.checkpoints):
            return f"no state is kept between slot {self._learner.log_start} and slot {upto}"
        return None if leader.enqueue_internal(trim(upto, leader.ballot)) else QUEUE_FULL
