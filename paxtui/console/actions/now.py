"""What can be done now, and in which words: for the key line and for labels that change."""

from __future__ import annotations

from typing import Final

from paxtui.console.model.state.replica import ReplicaView
from paxtui.console.rows.faults import broken
from paxtui.console.view_state import ViewState
from paxtui.wire.text import visible

WORDS_MAX: Final = 32
"""Characters of what ``u`` would undo, on the key line."""


def selected(view_state: ViewState) -> ReplicaView:
    """Return the replica that keys act on."""
    return view_state.model.replicas[view_state.selected]


def has_links(view_state: ViewState) -> bool:
    """Return whether there are links."""
    return view_state.model.n > 1


def runs(view_state: ViewState) -> bool:
    """Return whether the selected replica has a process."""
    return selected(view_state).process != "down"


def is_paused(view_state: ViewState) -> bool:
    """Return whether the selected replica is paused."""
    return selected(view_state).process == "paused"


def leads(view_state: ViewState) -> bool:
    """Return whether a replica leads."""
    return view_state.model.leader is not None


def is_broken(view_state: ViewState) -> bool:
    """Return whether there is a fault to heal."""
    return bool(broken(view_state.model, view_state.now))


def can_undo(view_state: ViewState) -> bool:
    """Return whether there is something to undo."""
    return bool(view_state.next_undo)


def can_redo(view_state: ViewState) -> bool:
    """Return whether something was undone that can be done again."""
    return bool(view_state.next_redo)


def restart(view_state: ViewState) -> str:
    """Name what ``r`` does."""
    return "restart" if runs(view_state) else "start it again"


def pause(view_state: ViewState) -> str:
    """Name what ``p`` does."""
    return "continue" if is_paused(view_state) else "pause"


def undo(view_state: ViewState) -> str:
    """Name what ``u`` undoes."""
    return f"undo {visible(view_state.next_undo, WORDS_MAX)}".rstrip()


def redo(view_state: ViewState) -> str:
    """Name what ``U`` does again."""
    return f"redo {visible(view_state.next_redo, WORDS_MAX)}".rstrip()


def in_past(view_state: ViewState) -> bool:
    """Return whether a moment is shown that is over."""
    return view_state.moment is not None


def is_live(view_state: ViewState) -> bool:
    """Return whether what is shown is now."""
    return view_state.moment is None


def freeze(view_state: ViewState) -> str:
    """Name what the space bar does."""
    return "freeze" if view_state.frozen_at is None else "go on"
