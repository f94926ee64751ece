"""Why a slot is chosen or not; why a message waits; why nobody leads; why nothing moves. From facts alone.

Every answer has a verdict, the evidence for it, and what must happen next.
"""

from paxtui.console.model.analysis.why.answer import Why, names
from paxtui.console.model.analysis.why.cluster import why_moving, why_starting
from paxtui.console.model.analysis.why.leader import why_no_leader
from paxtui.console.model.analysis.why.message import why_message
from paxtui.console.model.analysis.why.slot import why_run, why_slot
from paxtui.console.model.analysis.why.waiting import message_waits, slot_waits

__all__ = [
    "Why",
    "message_waits",
    "names",
    "slot_waits",
    "why_message",
    "why_moving",
    "why_no_leader",
    "why_run",
    "why_slot",
    "why_starting",
]
