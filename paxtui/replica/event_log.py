"""The headless log: one clear line an event of interest, never one a message."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Final, TextIO

from paxtui.core import events as e
from paxtui.stdio.line_writer import LineWriter
from paxtui.wire.text import visible

LEVELS: Final = ("debug", "info", "warning", "error")

RED: Final = "\x1b[31m"
PLAIN: Final = "\x1b[0m"

DRAIN_S: Final = 0.1
"""How long :meth:`EventLog.drain` holds up the replica at most. A log that is read takes a millisecond."""

WORDLESS: Final = frozenset(
    {e.AcceptSent, e.Voted, e.AcceptedReceived, e.ChosenSeen, e.Learned, e.AppliedTo, e.EntriesSent}
)
"""What happens with every message: left out before the long list of what does not."""


def _is_terminal(file: TextIO) -> bool:
    try:
        return file.isatty()
    except ValueError:
        return False  # it is closed


class EventLog:
    """A log of lines such as ``12:04:07.101 r0 info leader     leads at 3.0``, or JSON objects.
    On a terminal a line about an error is red, unless ``NO_COLOR`` is set.

    The file is written from the thread that decides and answers. So a replica's is a
    :class:`~paxtui.stdio.line_writer.LineWriter`, which never blocks.
    """

    def __init__(self, replica: int, level: str, *, as_json: bool, file: TextIO | None = None) -> None:
        self._replica = replica
        self._level = LEVELS.index(level)
        self._json = as_json
        self._file = file if file is not None else sys.stderr
        self._coloured = _is_terminal(self._file) and not os.environ.get("NO_COLOR")
        if isinstance(self._file, LineWriter):
            self._file.lost_lines = self._lost_lines

    def write(self, level: str, kind: str, text: str) -> None:
        """Write one line, if the level is wanted. Text from others is made harmless here."""
        if LEVELS.index(level) < self._level:
            return
        self._print(level, kind, visible(text), {"text": visible(text)})

    def _lost_lines(self, count: int, reason: str) -> str:
        text = f"{count} log {'line was' if count == 1 else 'lines were'} lost: {reason}"
        return self._line("warning", "log", text, {"text": text})

    def _print(self, level: str, kind: str, text: str, fields: dict[str, str]) -> None:
        try:
            self._file.write(self._line(level, kind, text, fields))
            self._file.flush()
        except (OSError, ValueError):
            # The reader is gone: the log is for people, and no reason to stop a replica.
            pass

    def _line(self, level: str, kind: str, text: str, fields: dict[str, str]) -> str:
        now = time.time()
        if self._json:
            named = {"time": round(now, 3), "replica": self._replica, "level": level, "kind": kind}
            return json.dumps(named | fields) + "\n"
        clock = time.strftime("%H:%M:%S", time.localtime(now)) + f".{int(now * 1000) % 1000:03d}"
        label = "" if level in ("debug", "info") else f"{level.upper()}: "
        line = f"{clock} r{self._replica} {kind:<8} {label}{text}"
        return f"{RED}{line}{PLAIN}\n" if self._coloured and level == "error" else line + "\n"

    def drain(self) -> None:
        """Wait a moment until what was said is written: the process is about to be killed or stopped."""
        if isinstance(self._file, LineWriter):
            self._file.drain(DRAIN_S)

    def debug(self, kind: str, text: str) -> None:
        """Write a line for those who look for a mistake."""
        self.write("debug", kind, text)

    def info(self, kind: str, text: str) -> None:
        """Write a line about something of interest."""
        self.write("info", kind, text)

    def warning(self, kind: str, text: str) -> None:
        """Write a line on which a person may have to act."""
        self.write("warning", kind, text)

    def error(self, kind: str, text: str) -> None:
        """Write a line as the replica cannot go on, or refused something."""
        self.write("error", kind, text)

    def audit(self, who: str, where: str, what: str, result: str) -> None:
        """Write what an operator did to this replica, or tried to. The line is written whatever level is
        wanted."""
        fields = {"who": who, "from": where, "what": what, "result": result}
        shown = {name: visible(text) for name, text in fields.items()}
        line = f"{shown['who']} from {shown['from']}: {shown['what']}: {shown['result']}"
        self._print("info", "audit", line, {"text": line} | shown)

    def write_event(self, event: e.Event) -> None:
        """Write the line for a trace event, if it deserves one."""
        if type(event) in WORDLESS:
            return
        match event:
            case e.Restored(promised, _, watermark, votes):
                if watermark or votes:
                    self.info(
                        "disk",
                        f"restored: promised {promised}, watermark {watermark}, {votes} votes above it",
                    )
            case e.RoundTaken(ballot, forced):
                self.info("ballot", f"prepares {ballot}" + (" on the operator's word" if forced else ""))
            case e.Elected(ballot, first, end, quorum):
                again = f", proposes slots {first} to {end - 1} again" if end > first else ""
                who = " ".join(f"r{replica}" for replica in quorum)
                self.info("leader", f"leads at {ballot}, promised by {who}{again}")
            case e.SteppedDown(ballot, reason):
                self.info("leader", f"gives up {ballot}: {reason}")
            case e.LeaderHeard(ballot):
                if ballot.replica != self._replica:
                    self.info("leader", f"follows r{ballot.replica} at {ballot}")
            case e.NackReceived(ballot, sender, promised, leader):
                why = f"stays with {leader}" if leader is not None else f"promised {promised}"
                self.debug("ballot", f"{ballot} refused by r{sender}, which {why}")
            case e.SlotSkipped(_, slot):
                self.info("slot", f"leaves slot {slot} empty")
            case e.Proposed(_, first, values, "no-op"):
                last = first + len(values) - 1
                what = f"slot {first}" if last == first else f"slots {first} to {last}"
                self.info("slot", f"fills {what} with a no-op")
            case e.Checkpointed(upto, _):
                self.info("keep", f"the state after slot {upto - 1} is kept")
            case e.Trimmed(log_start):
                self.info("keep", f"slots below {log_start} are removed")
            case e.SnapshotAsked(to, upto):
                self.info("keep", f"r{to} has removed what is missing here; its state at {upto} is fetched")
            case e.SnapshotTaken(first, upto, _):
                self.warning(
                    "keep", f"goes on from another replica's state at slot {upto}; it was at {first}"
                )
            case e.CatchUpAsked(to, first, upto):
                self.debug("learn", f"asks r{to} for slots {first} to {upto - 1}")
            case e.Suppressed(slot, client, request, repeats):
                self.debug("session", f"slot {slot} repeats {client} #{request} of slot {repeats}: no effect")
            case e.SessionEvicted(slot, client):
                self.debug("session", f"at slot {slot} the table was full and forgot {client}")
            case e.ProposerCrashed():
                self.warning("fault", "the proposer crashed; acceptor and learner go on")
            case e.ProposerRestored():
                self.info("fault", "the proposer works again")
            case e.BecameNonVoting(reason):
                self.error("no-vote", f"this replica is a learner without vote: {reason}")
            case e.MessageDropped(kind, sender, reason):
                self.debug("drop", f"{kind} from r{sender}: {reason}")
            case e.ElectionTimeout(attempt):
                self.debug("ballot", f"hears no leader (attempt {attempt + 1})")
            case _:
                pass
