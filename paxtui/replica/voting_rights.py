"""Which of the other replicas may vote: with which disk each has voted, and how far that disk had come.

An acceptor that has forgotten a promise or a vote breaks what all of Paxos rests on, and it cannot know that
it has: a folder that was emptied, or copied back from last week, looks sound from within. The others can
tell. Each remembers, durably, with which disk a replica came first and the highest number of a commit that
it told; with another disk, or a lower number, it is let in as a learner only. Whatever it says that could
count is dropped here, before it reaches the core, so that safety does not rest on its own good will.

What no replica remembers cannot be noticed: a disk that the others never saw, and commits of the last moments
before it was copied or before all who heard of them were killed (they write the numbers down every
``SAVE_S`` seconds).
"""

from __future__ import annotations

import trio

from paxtui.core.messages import BETWEEN_LEARNERS, PeerMessage
from paxtui.storage.rows import Peer
from paxtui.storage.store import Store

TELL_S = 1.0
"""How often a replica tells the others how many commits its disk has seen, if there are more."""

SAVE_S = 5.0
"""How often what the others told is written down. Each time is a commit for which no client waits."""

UNTIL = (
    "it learns the log and serves local reads, but must not vote; letting it vote again safely needs a "
    "membership entry in the log, which is a later step"
)


class VotingRights:
    """The disks of the other replicas as they are remembered, and which connected replicas have no vote."""

    def __init__(self, storage: Store) -> None:
        self._storage = storage
        self._known = storage.peers()
        self._fresh: set[int] = set()
        self._saving = trio.Lock()
        self.non_voting: dict[int, str] = {}
        """By replica, why it is a learner without vote here, as of its last hello."""

    def judge_disk(self, replica: int, storage_id: str, commits: int, *, gave_up_vote: bool) -> str | None:
        """Judge the disk with which a replica says hello: return why it may not vote, if so. :meth:`save`
        before anything of it is listened to."""
        reason = self._reason(replica, storage_id, commits, gave_up_vote=gave_up_vote)
        known = self._known.get(replica)
        if reason is None:
            self.non_voting.pop(replica, None)
            self._know(replica, Peer(storage_id, commits))
        else:
            self.non_voting[replica] = reason
            if known is not None and known.storage_id == storage_id:
                # Its number may grow beyond the one that gave it away, so this must not be forgotten.
                self._know(replica, known._replace(non_voting=reason))
        return reason

    def _reason(self, replica: int, storage_id: str, commits: int, *, gave_up_vote: bool) -> str | None:
        known = self._known.get(replica)
        if known is not None and known.storage_id != storage_id:
            return (
                f"replica {replica} comes back with another disk (storage {storage_id[:8]}, it voted with "
                f"{known.storage_id[:8]}), so it may have forgotten promises and votes"
            )
        if known is not None and known.non_voting:
            return known.non_voting
        if known is not None and commits < known.commits:
            return (
                f"the disk of replica {replica} went back in time (it is at commit {commits} and had told of "
                f"commit {known.commits}), so it may have forgotten promises and votes"
            )
        return f"replica {replica} says that it has no vote" if gave_up_vote else None

    def note_progress(self, replica: int, commits: int) -> None:
        """Note that a replica that may vote told how many commits its disk has seen."""
        known = self._known.get(replica)
        if known is not None and commits > known.commits:
            self._know(replica, known._replace(commits=commits))

    def _know(self, replica: int, peer: Peer) -> None:
        if self._known.get(replica) != peer:
            self._known[replica] = peer
            self._fresh.add(replica)

    async def save(self) -> None:
        """Write down what is new; what another task is writing down already is awaited. Raises
        ``StorageFailed``."""
        async with self._saving:
            if fresh := self._take_fresh():
                await trio.to_thread.run_sync(self._storage.remember_peers, fresh)

    def save_now(self) -> None:
        """Write down what is new, where nothing else runs any more."""
        if fresh := self._take_fresh():
            self._storage.remember_peers(fresh)

    def _take_fresh(self) -> dict[int, Peer]:
        fresh = {replica: self._known[replica] for replica in self._fresh}
        self._fresh.clear()
        return fresh


def could_count(message: PeerMessage) -> bool:
    """Return whether a message could count as a vote or as a lead. What learners tell each other does not:
    what a replica has learned is chosen, whatever became of that replica's own votes, and each row of it is
    checked when it is read. To take a state in several pages a learner has to ask for each."""
    return not isinstance(message, BETWEEN_LEARNERS)
