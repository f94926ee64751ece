"""The age of messages: elapsed time that the cluster agrees on, never a time of day.

Messages are as old as the first checkpoint behind them, so only checkpoints have ages. Each replica counts,
with its monotonic clock, how long ago it applied each checkpoint. A leader stamps a new checkpoint with the
stamp of the checkpoint before it plus that checkpoint's age. So the stamps in the log count elapsed
seconds, and a replica that was not there when a checkpoint was applied (it was down, or it took another
one's state) has the checkpoint's age from the stamps behind it. Only the first checkpoint of a log has the
wall clock in it, so that stamps look like times; nothing depends on that.

- *Wall clocks are not asked.* A leader whose clock was a year ahead for a moment would remove nearly
  everything, and checkpoints from that moment would be younger than now for a year. Kafka compares the wall
  clock with timestamps of records, and a timestamp in the future keeps a segment for as long (KIP-937 had
  to bound them). etcd counts its leases by elapsed time at the leader, and hands what is left of them to
  the next leader by way of the log; this does the same with ages.
- *Time in which a replica does not run does not count.* No clock that can be trusted measures it, and keeping
  messages for longer is the error that can be corrected. A file beside the database has the age of the last
  checkpoint, once a minute, so that replicas that are restarted every night still come to the next
  checkpoint.
- *Stamps are only believed within bounds.* Checkpoints of older versions have the wall clock of their leader,
  and a cluster that is being upgraded has leaders of both kinds. Of two checkpoints in a row the later one is
  not older (a stamp that goes back counts as no time), and at most a step and a little younger. So a wrong
  stamp makes the messages before it older by one step, and a stamp from the future delays nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from paxtui.core.ballot import NUMBER_LIMIT
from paxtui.core.output import Checkpoint

LEEWAY_S: Final = 5.0
"""What may pass beyond a step between two checkpoints in a row: leaders look once a second, and may be
busy."""

AGE_FILE: Final = "ages"


class Ages:
    """The ages of the checkpoints that are kept, as far as this replica knows; true ages are never less."""

    def __init__(self, step_s: float, known: tuple[int, float] | None = None) -> None:
        """Begin with what is known: ``step_s`` is the time after which the next checkpoint is due; ``known``
        is a checkpoint's slot and its age at the start of this process."""
        self._elapsed_max_s = max(step_s, LEEWAY_S)
        self._gap_max_s = step_s + LEEWAY_S
        self._ages: dict[int, float] = {} if known is None else dict([known])
        self._looked_at: float | None = None

    def count_elapsed(self, checkpoints: Sequence[Checkpoint], now: float) -> None:
        """Count the time since the last look. ``checkpoints`` are those that are kept, in order; ``now`` is
        the monotonic clock."""
        elapsed = 0.0 if self._looked_at is None else now - self._looked_at
        elapsed = min(max(elapsed, 0.0), self._elapsed_max_s)
        self._looked_at = now
        ages: dict[int, float] = {}
        following: Checkpoint | None = None
        for checkpoint in reversed(checkpoints):
            age = self._ages[checkpoint.upto] + elapsed if checkpoint.upto in self._ages else 0.0
            if following is not None:
                gap = min(max(following.wall_s - checkpoint.wall_s, 0), self._gap_max_s)
                age = max(age, ages[following.upto] + gap)
            ages[checkpoint.upto] = age
            following = checkpoint
        self._ages = ages

    def age_of(self, checkpoint: Checkpoint) -> float:
        """Return how long ago, at least, a checkpoint of the last look was applied."""
        return self._ages[checkpoint.upto]

    def stamp(self, last: Checkpoint | None, wall_s: float) -> int:
        """Return the stamp of a checkpoint that follows ``last``. Of the first one it is the wall clock,
        which may be anything."""
        seconds = wall_s if last is None else last.wall_s + self.age_of(last)
        return int(min(max(seconds, 0), NUMBER_LIMIT - 1))


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    storage: str
    upto: int
    age_s: float


class AgeFile:
    """The age of the last checkpoint, for the next start. Where the file is missing, torn or of another
    disk, that checkpoint counts as new, and messages are kept for a little longer."""

    def __init__(self, folder: Path, storage_id: str) -> None:
        self._path = folder / AGE_FILE
        self._storage_id = storage_id

    def read(self) -> tuple[int, float] | None:
        """Return the checkpoint's slot and its age."""
        try:
            line = msgspec.json.decode(self._path.read_bytes(), type=_Line)
        except (OSError, msgspec.DecodeError):
            return None
        sound = line.storage == self._storage_id and line.age_s >= 0
        return (line.upto, line.age_s) if sound else None

    def write(self, upto: int, age_s: float) -> None:
        """Replace what is there, without a sync. Raises ``OSError``."""
        new = self._path.with_name(AGE_FILE + ".new")
        new.write_bytes(msgspec.json.encode(_Line(self._storage_id, upto, round(age_s, 3))) + b"\n")
        os.replace(new, self._path)
