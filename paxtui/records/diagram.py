"""A space-time diagram of the end of a run, as text: a column a replica, time downwards.

An arrow is a message that arrives; where it was sent from, its line begins. What is lost is not drawn. Where
messages are not told, arrows are those answers that their receivers tell of (``answers``).
"""

from __future__ import annotations

from collections import deque

from paxtui.core.durable_state import DurableState
from paxtui.core.events import (
    AcceptedReceived,
    AppliedTo,
    Bound,
    ChosenSeen,
    Elected,
    ElectionTimeout,
    Event,
    Learned,
    NackReceived,
    Promised,
    PromiseReceived,
    Proposed,
    Restored,
    RoundTaken,
    SlotSkipped,
    SnapshotTaken,
    SteppedDown,
    Trimmed,
    Voted,
)
from paxtui.core.messages import (
    Accept,
    Accepted,
    CatchUp,
    Chosen,
    Entries,
    Heartbeat,
    HeartbeatAck,
    Nack,
    PeerMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Snapshot,
    SnapshotAsk,
)
from paxtui.records.parts import EndPart, EventPart, FaultPart, Gap, MessagePart, Part

ROWS = 48
"""Lines that fit on a screen, about."""

TIME_CHARS = 10

WIDTH_CHARS = 132
"""Characters of the whole diagram: wide clusters get narrow columns."""

COLUMN_CHARS_MAX = 24


class SpaceTime:
    """A recorder that keeps the last rows."""

    def __init__(self, replicas: int, rows: int = ROWS, *, answers: bool = False) -> None:
        self._replicas = replicas
        self.answers = answers
        self._column = min(COLUMN_CHARS_MAX, (WIDTH_CHARS - TIME_CHARS) // replicas)
        self._rows: deque[str] = deque(maxlen=rows)

    @property
    def lines(self) -> list[str]:
        """Return the diagram."""
        heads = "".join(f"replica {replica}".ljust(self._column) for replica in range(self._replicas))
        return [f"{'time':>{TIME_CHARS - 1}} {heads}".rstrip(), *self._rows]

    def life(self, at: float, replica: int, saved: DurableState) -> None:
        """Draw nothing: the event ``restored`` tells of it."""

    def ended(self, at: float, replica: int, why: str) -> None:
        """Draw nothing: a note tells of it."""

    def event(self, at: float, replica: int, event: Event) -> None:
        """Draw a decision of one replica."""
        label = _decision(event)
        if label:
            self._point(at, replica, f"o {label}")
        elif self.answers:
            match event:
                case PromiseReceived(ballot=ballot, sender=sender, votes=votes):
                    self._arrow(at, sender, replica, f"promise {ballot}" + (f" +{votes}" if votes else ""))
                case AcceptedReceived(ballot=ballot, sender=sender, first=first, count=count):
                    self._arrow(at, sender, replica, f"accepted {ballot} {_slots(first, count)}")
                case NackReceived(ballot=ballot, sender=sender):
                    self._arrow(at, sender, replica, f"nack {ballot}")

    def note(self, at: float, replica: int | None, what: str, detail: str) -> None:
        """Draw something that was done to one replica, or between them."""
        if replica is None:
            self._rows.append(f"{at:{TIME_CHARS - 1}.4f} *** {what} {detail}".rstrip())
        else:
            self._point(at, replica, f"X {what}")

    def message(self, at: float, sender: int, to: int, message: PeerMessage) -> None:
        """Draw the arrival of a message."""
        label = _label(message)
        if label:
            self._arrow(at, sender, to, label)

    def _arrow(self, at: float, sender: int, to: int, label: str) -> None:
        if sender == to:
            return
        left, right = min(sender, to), max(sender, to)
        inner = (right - left) * self._column - 1
        text = f" {label} "[: max(inner - 4, 0)]
        line = text.center(inner - 1, "-")
        arrow = f"{line}>" if sender < to else f"<{line}"
        self._rows.append((self._lead(at, left) + "|" + arrow + "|" + self._rest(right)).rstrip())

    def part(self, part: Part, began: float) -> None:
        """Draw a part of a record, at seconds since ``began``."""
        at = part.at - began
        match part:
            case EventPart(event=event):
                self.event(at, part.replica, event)
            case MessagePart(sender=sender, message=message):
                self.answers = False
                self.message(at, sender, part.replica, message)
            case FaultPart(several=several, what=what, detail=detail):
                self.note(at, None if several else part.replica, what, detail)
            case Gap():
                self._point(at, part.replica, "? something is missing")
            case EndPart(why=why):
                self._point(at, part.replica, f"X ends: {why}")

    def _point(self, at: float, replica: int, text: str) -> None:
        text = text[: self._column - 1] if replica + 1 < self._replicas else text
        row = self._lead(at, replica) + text.ljust(self._column)
        self._rows.append((row + self._bars(replica + 1)).rstrip())

    def _lead(self, at: float, before: int) -> str:
        return f"{at:{TIME_CHARS - 1}.4f} " + "".join("|".ljust(self._column) for _ in range(before))

    def _bars(self, first: int) -> str:
        return "".join("|".ljust(self._column) for _ in range(first, self._replicas))

    def _rest(self, right: int) -> str:
        return " " * (self._column - 1) + self._bars(right + 1)


def _slots(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}" if count else f"{first}: none"


def _decision(event: Event) -> str:
    match event:
        case Restored():
            return f"starts, promised {event.promised}, below {event.watermark}"
        case ElectionTimeout():
            return "timeout"
        case RoundTaken():
            return f"takes {event.ballot}"
        case Promised():
            return f"promises {event.ballot}"
        case Elected():
            return f"leads at {event.ballot}"
        case Proposed():
            return f"proposes {_slots(event.first, len(event.values))}"
        case SlotSkipped():
            return f"skips {event.slot}"
        case Bound():
            return f"is bound by {event.ballot}"
        case Voted():
            return f"votes {event.ballot} {_slots(event.first, len(event.values))}"
        case ChosenSeen():
            return f"chosen {event.ballot} {_slots(event.first, event.count)}"
        case Learned():
            return f"learns {_slots(event.first, len(event.entries))}"
        case AppliedTo():
            return f"applied below {event.watermark}"
        case Trimmed():
            return f"removes below {event.log_start}"
        case SnapshotTaken():
            return f"takes the state at {event.upto}"
        case SteppedDown():
            return f"gives up {event.ballot}"
        case _:
            return ""  # what is sent shows where it arrives


def _label(message: PeerMessage) -> str:
    match message:
        case Prepare() | Nack():
            return f"{message.__struct_config__.tag} {message.ballot}"
        case Promise():
            votes = len(message.votes)
            return f"promise {message.ballot}" + (f" +{votes}" if votes else "")
        case Accept():
            return f"accept {message.ballot} {_slots(message.first, len(message.values))}"
        case Accepted() | Chosen():
            tag = message.__struct_config__.tag
            return f"{tag} {message.ballot} {_slots(message.first, message.count)}"
        case Heartbeat():
            return f"heartbeat {message.ballot} <{message.learned}"
        case CatchUp():
            return f"catch-up {message.first}"
        case Entries():
            return f"entries {_slots(message.first, len(message.entries))}"
        case SnapshotAsk():
            return f"snapshot? {message.upto}"
        case Snapshot():
            return f"snapshot {message.upto} +{len(message.sessions)}"
        case HeartbeatAck() | PreVote() | PreVoteReply():
            return ""  # so many that they would hide the rest
