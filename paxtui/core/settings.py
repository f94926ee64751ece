"""Every number of the protocol that a user may set, with the reason for its default."""

from __future__ import annotations

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a replica: times in seconds, sizes in slots or characters. The session limits must be
    equal on all replicas."""

    heartbeat_s: float = 0.1
    """How often a leader says that it lives. Four fit into the shortest election timeout, so a loss of
    30 % costs an election in a hundred timeouts, and an idle cluster stays below 1 % of a core."""

    election_s_min: float = 0.4
    """The shortest time without a leader after which a replica tries to lead; also how long an acceptor
    stays with a leader that it heard from."""

    election_s_max: float = 0.8
    """The longest such time. Each wait is drawn anew from this range, so that duels end."""

    backoff_factor_max: int = 4
    """Failed attempts double the wait up to this factor: enough to let one of several rivals win, little
    enough that a healed network is led again within seconds."""

    resend_s: float = 0.15
    """How long a message may stay unanswered before it is sent again."""

    resend_s_max: float = 1.2
    """Re-sends of the same message slow down to this."""

    hole_timeout_s: float = 1.0
    """How long a skipped slot may stay empty before its leader fills it with a no-op."""

    flush_s: float = 0.2
    """How long a watermark may wait for a write that it can share. Nothing depends on it but how much is
    learned again after a restart."""

    window_slots: int = 8192
    window_chars: int = 8 * 1024 * 1024
    """How far a leader proposes ahead of what it learned. A full window makes clients wait."""

    queue_slots: int = 16384
    queue_chars: int = 16 * 1024 * 1024
    """Requests that wait for the window. Past this a client is told ``busy``."""

    run_slots: int = 2048
    run_chars: int = 128 * 1024
    """The most that one message carries: six bytes a character stay below a frame of 1 MiB."""

    ahead_slots: int = 65536
    ahead_chars: int = 64 * 1024 * 1024
    """How far above its own watermark an acceptor votes. A replica that is further behind catches up
    first: its votes would only fill its memory."""

    catch_up_pages: int = 8
    """Pages that one question brings, one after the other, to a replica that asks for what it missed."""

    resend_chars: int = 1024 * 1024
    """The most that one tick sends again to one peer."""

    cache_slots: int = 16384
    cache_chars: int = 8 * 1024 * 1024
    """Learned slots kept in memory to answer those who are a little behind. Older ones come from disk."""

    sessions_max: int = 1024
    """Clients whose answers are remembered. Replicated state: must be equal on all replicas."""

    session_window: int = 512
    """Answers remembered a client, so at most this many of its requests may be unanswered at once.
    Replicated state: must be equal on all replicas."""

    checkpoint_slots: int = 16384
    """After so many applied slots the session table is written; a restart replays at most this many."""

    checkpoints_max: int = 64
    """States that are kept to trim the log to. A leader makes no more of them until some are removed."""

    snapshot_bytes: int = 256 * 1024
    """The most of a session table that one message carries; it grows by a third on the wire."""

    reads_max: int = 4096
    """Linearizable reads that may wait for their confirmation at once."""
