"""The gate between a replica and its peers: which messages leave at once, and which wait for the disk.

"An acceptor records its intended response in stable storage before actually sending the response" (Paxos
Made Simple, 2.5). The core cannot keep that rule alone, because it does not know when the disk is done; its
host does, but a rule that each host writes anew is a rule that the simulator proves for itself only. So
the rule stands here once, without I/O and without a clock, and whoever hosts a core (a replica process, the
simulator, the tests) passes every :class:`~paxtui.core.output.Output` through a gate of its own.

The order that results:

1. ``sends`` of an output leave as soon as the output is taken. Nothing in them binds anybody.
2. ``sends_durable`` leave once the output's batch is on disk: at once, if it is there already (a repeated
   answer writes nothing, so it has the number of an older batch), else when :meth:`DurabilityGate.durable`
   says so, oldest batch first.
3. Among messages that wait, order is kept. Between the two kinds there is none: a heartbeat may overtake a
   vote, as it may on any network, and Paxos bears that ("messages can take arbitrarily long to be
   delivered, can be duplicated, and can be lost", 2.1).

etcd's raft leaves the same decision to its user: ``Ready`` says in prose that messages must be sent after
entries and hard state are stored, and its later asynchronous mode turns the waiting messages into the
``Responses`` of a storage message. In both, each application writes the loop itself.
"""

from __future__ import annotations

from collections import deque

from paxtui.core.output import Envelope, Output


class DurabilityGate:
    """The messages of one running replica that wait for its disk. A restart begins with a new gate: what
    waited is lost like any message, and what it answered will be asked again."""

    def __init__(self) -> None:
        self.batch = 0
        """The last batch that is known to be on disk, and with it all before."""
        self._waiting: deque[tuple[int, tuple[Envelope, ...]]] = deque()

    def admit(self, output: Output) -> tuple[Envelope, ...]:
        """Return what may leave now, in order; keep what has to wait for the output's batch.

        Two outputs may have one batch's number. The second has written nothing, but what it says may rest
        on what the first wrote (the repeated Accepted of a vote that is still on its way to the disk), so
        it waits for the same commit.
        """
        waits = output.sends_durable
        if not waits:
            return output.sends
        if output.batch <= self.batch:
            return output.sends + waits
        self._waiting.append((output.batch, waits))
        return output.sends

    def durable(self, batch: int) -> tuple[Envelope, ...]:
        """Note that ``batch`` and all before it are on disk; return what waited for them, oldest first.

        The host sends these before it calls ``Replica.durable``, which may decide on more. A commit that
        failed is never reported here: its outcome is unknown, and what waits for it must not leave.
        """
        self.batch = max(self.batch, batch)
        waiting = self._waiting
        freed: tuple[Envelope, ...] = ()
        while waiting and waiting[0][0] <= self.batch:
            freed += waiting.popleft()[1]
        return freed

    def discard(self) -> None:
        """Drop all that waits: the replica has lost its vote, so no promise or vote of it may leave any more,
        whether or not the disk has it (``Replica.become_learner``)."""
        self._waiting.clear()

    @property
    def held(self) -> tuple[tuple[int, tuple[Envelope, ...]], ...]:
        """Return what waits, with the batch that it waits for, oldest first."""
        return tuple(self._waiting)
