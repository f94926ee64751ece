"""Golden interaction scripts: short stories of a cluster, with all that it says in the file.

A file in ``golden/`` is a row of blocks. A block is some commands, a line of four dashes, and what they
printed, up to an empty line. Lines that begin with ``#`` are for the reader. After a change of the core,
``PAXTUI_REWRITE_GOLDEN=1 pytest tests/core/test_golden.py`` writes the files anew; the difference is then
read, line by line, like code. The manner is that of etcd-io/raft's interaction tests.

Replies and events are printed under the replica that made them, messages as ``0>1``. Heartbeats, what
answers them, and events that only repeat what a message says are left out unless ``show all`` was given.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paxtui.core.events import (
    AcceptedReceived,
    AcceptSent,
    CatchUpAsked,
    EntriesSent,
    Event,
    NackReceived,
    NackSent,
    PrepareSent,
    PreVoteAnswered,
    PreVoteAsked,
    PromiseReceived,
)
from paxtui.core.messages import Heartbeat, HeartbeatAck
from paxtui.core.settings import Settings
from paxtui.words.links import link_of_ids
from paxtui.words.steps import messages
from tests.core import notation
from tests.core.cluster import Cluster, Letter

GOLDEN = Path(__file__).parent / "golden"
STORIES = sorted(GOLDEN.glob("*.txt"))

ECHOES = (
    AcceptedReceived,
    AcceptSent,
    PreVoteAnswered,
    PreVoteAsked,
    CatchUpAsked,
    EntriesSent,
    NackReceived,
    NackSent,
    PrepareSent,
    PromiseReceived,
)
"""Events that stand beside a message that says the same."""


class Story:
    """Interprets the commands of one file."""

    def __init__(self) -> None:
        self._cluster = Cluster(1)
        self._lines: list[str] = []
        self._verbose = False
        self._told: list[int] = []

    def play(self, line: str) -> None:
        """Run one command; what it prints gathers in :meth:`printed`."""
        words = shlex.split(line)
        command: Callable[..., None] = getattr(self, "do_" + words[0].replace("-", "_"))
        plain = [word for word in words[1:] if "=" not in word]
        named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        command(*plain, **named)
        self._print_replies()

    def printed(self) -> list[str]:
        """What the commands since the last call printed."""
        lines, self._lines = self._lines, []
        return lines or ["ok"]

    # What is heard

    def _listen(self, who: int, what: Event | Letter) -> None:
        if isinstance(what, Letter):
            if self._verbose or not isinstance(what.message, Heartbeat | HeartbeatAck):
                lost = "  (cut)" if (what.sender, what.to) in self._cluster.cuts else ""
                self._lines.append(f"  {who}>{what.to} {notation.message(what.message)}{lost}")
        elif self._verbose or not isinstance(what, ECHOES):
            self._lines.append(f"  {who} {notation.event(what)}")

    def _print_replies(self) -> None:
        for node in self._cluster.nodes:
            for reply in node.replies[self._told[node.me] :]:
                self._lines.append(f"  {node.me} {notation.reply(reply)}")
            self._told[node.me] = len(node.replies)

    def _answer(self, reason: str | None) -> None:
        if reason is not None:
            self._lines.append(f"  no: {reason}")

    # Setting up

    def do_replicas(self, count: str, **numbers: str) -> None:
        """Start a new cluster; numbers are settings."""
        settings = Settings(**{name: _number(text) for name, text in numbers.items()})  # type: ignore[arg-type]
        self._cluster = Cluster(int(count), settings)
        self._cluster.listener = self._listen
        self._told = [0] * int(count)

    def do_show(self, what: str) -> None:
        """``show all`` or ``show most``."""
        self._verbose = what == "all"

    # Clients and operators

    def do_append(self, who: str, client: str, text: str, request: str | None = None) -> None:
        """``append 0 ada "hi" [request=1]``."""
        self._cluster.say(int(who), client, text, None if request is None else int(request))

    def do_read(self, who: str, ticket: str) -> None:
        """``read 0 7``."""
        self._cluster.read(int(who), int(ticket))

    def do_elect(self, who: str) -> None:
        """Force an election."""
        self._answer(self._cluster.elect(int(who)))

    def do_lead(self, who: str) -> None:
        """The same, until all follow; told in one line, since other stories show it."""
        self._cluster.listener = None
        self._cluster.lead(int(who))
        self._cluster.listener = self._listen
        self._lines.append(f"  {who} leads at {self._cluster[int(who)].status.ballot}")

    def do_skip(self, who: str, slot: str | None = None) -> None:
        """``skip 0 [3]``."""
        self._answer(self._cluster.skip(int(who), None if slot is None else int(slot)))

    def do_fill(self, who: str, slot: str) -> None:
        """``fill 0 3``."""
        self._answer(self._cluster.fill(int(who), int(slot)))

    def do_mark(self, who: str, wall_s: str) -> None:
        """``mark 0 1000``: have the state at the next slot kept."""
        self._answer(self._cluster.checkpoint(int(who), int(wall_s)))

    def do_trim(self, who: str, upto: str) -> None:
        """``trim 0 3``: have the slots below the last mark up to there removed."""
        self._answer(self._cluster.trim(int(who), int(upto)))

    def do_deny(self, who: str, reason: str) -> None:
        """The others say that it has no vote any more."""
        self._cluster.deny(int(who), reason)

    def do_lose_disk(self, who: str, reason: str) -> None:
        """It comes back with an empty disk, as a learner."""
        self._cluster.lose_disk(int(who), reason)

    def do_crash_proposer(self, who: str) -> None:
        """Stop one proposer role."""
        self._cluster.crash_proposer(int(who))

    def do_restore_proposer(self, who: str) -> None:
        """Let it work again."""
        self._cluster.restore_proposer(int(who))

    # Messages

    def do_deliver(self, *what: str) -> None:
        """``deliver [0>1] [accept]``: what is in flight now and matches."""
        for letter in self._cluster.flying(**_filter(what)):
            if self._verbose or not isinstance(letter.message, Heartbeat | HeartbeatAck):
                self._lines.append(f"{letter.sender}>{letter.to} {letter.kind} arrives")
            self._cluster.flight.remove(letter)
            self._cluster.put_in([letter])

    def do_twice(self, *what: str) -> None:
        """Put a second copy of what matches in flight."""
        self._cluster.flight.extend(self._cluster.flying(**_filter(what)))

    def do_drop(self, *what: str) -> None:
        """Lose what matches."""
        self._lines.append(f"  {self._cluster.drop(**_filter(what))} lost")

    def do_flight(self) -> None:
        """What is in flight."""
        for letter in self._cluster.flight:
            self._lines.append(f"  {letter.sender}>{letter.to} {notation.message(letter.message)}")

    def do_stabilize(self) -> None:
        """Deliver and commit until nothing moves."""
        self._cluster.stabilize()

    def do_cut(self, *links: str) -> None:
        """``cut 0>1 1>0``, or ``cut 0`` for all of a replica's links."""
        for link in links:
            if ">" in link:
                self._cluster.cut(*link_of_ids(link))
            else:
                self._cluster.isolate(int(link))

    def do_heal(self) -> None:
        """Undo all cuts."""
        self._cluster.heal()

    # Disks, crashes and time

    def do_hold(self, *who: str) -> None:
        """These disks commit only on ``persist`` from now on."""
        self._cluster.hold(*map(int, who))

    def do_release(self, *who: str) -> None:
        """These disks commit at once again."""
        self._cluster.release(*map(int, who))

    def do_persist(self, who: str, batches: str | None = None) -> None:
        """Commit what a disk was given, or its first batches."""
        self._cluster.persist(int(who), None if batches is None else int(batches))

    def do_crash(self, who: str) -> None:
        """Kill a replica."""
        self._cluster.crash(int(who))

    def do_restart(self, who: str) -> None:
        """Start it from its disk."""
        self._cluster.restart(int(who))

    def do_timeout(self, who: str) -> None:
        """One replica's election timeout passes."""
        self._cluster.pre_vote(int(who))

    def do_tick(self, seconds: str) -> None:
        """Time passes, nothing arrives."""
        self._cluster.tick(float(seconds))

    def do_run(self, seconds: str) -> None:
        """Time passes and messages arrive."""
        self._cluster.run(float(seconds))

    # Pictures

    def do_log(self) -> None:
        """Each replica's applied log."""
        for node in self._cluster.alive:
            listed = notation.entries(node.base, tuple(node.log))
            repeats = "".join(f"; {slot} repeats {first}" for slot, first in node.suppressed.items())
            self._lines.append(f"  {node.me} {listed}{repeats}")

    def do_status(self) -> None:
        """Each replica's picture of itself."""
        for node in self._cluster.nodes:
            if node.core is None:
                self._lines.append(f"  {node.me} down")
                continue
            s = node.status
            leader = "nobody" if s.leader is None else s.leader
            holes = f", holes {list(s.holes)}" if s.holes else ""
            self._lines.append(
                f"  {node.me} {s.role}, follows {leader}, promised {s.promised}, learned {s.watermark}{holes}"
            )

    def do_disk(self, who: str) -> None:
        """What would survive a crash now."""
        disk = self._cluster[int(who)].disk
        state = disk.state
        log_start = f", removed below {disk.log_start}" if disk.log_start else ""
        self._lines.append(
            f"  promised {state.promised}, round {state.round}, learned {state.watermark}{log_start}"
        )
        for slot, row in sorted(disk.rows.items()):
            self._lines.append(f"  {slot}={notation.value(row.value)} ({row.ballot})")


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def _filter(words: tuple[str, ...]) -> dict[str, Any]:
    """``0>1``, ``0>``, ``>1`` and a kind, in any order, as everywhere (:mod:`paxtui.words.steps`)."""
    which = messages(words)
    ((sender, to),) = which.links
    kind = which.kinds[0] if which.kinds else None
    return {"kind": kind, "sender": None if sender < 0 else sender, "to": None if to < 0 else to}


def retell(text: str) -> str:
    """The file's text with what the commands print today."""
    story = Story()
    told: list[str] = []
    answering = False
    for line in text.splitlines():
        if line == "----":
            told += [line, *story.printed()]
            answering = True
        elif not line:
            told.append(line)
            answering = False
        elif not answering:
            told.append(line)
            if not line.startswith("#"):
                story.play(line)
    return "\n".join(told) + "\n"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_is_told_as_it_is_written(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    told = retell(written)
    if os.environ.get("PAXTUI_REWRITE_GOLDEN"):
        path.write_text(told, encoding="utf-8")
    else:
        assert told.splitlines() == written.splitlines()


def test_a_story_shows_when_a_leader_is_another() -> None:
    """The runner itself can fail: another leader makes another story."""
    written = (GOLDEN / "normal_append.txt").read_text(encoding="utf-8")
    assert retell(written) == written
    assert retell(written.replace("elect 0", "elect 1")) != written
