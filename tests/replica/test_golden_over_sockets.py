"""Each golden script of the core ends on real replicas, played by hold, release and tick, as in the core."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import trio

from paxtui.core.settings import Settings
from paxtui.core.status import Status
from paxtui.replica.transport.outbound import OutboundLinks
from tests.core.cluster import Node
from tests.core.test_golden import GOLDEN, STORIES, Story, _filter, _number
from tests.replica.stepped_cluster import SteppedCluster, SteppedNode

State = list[dict[str, Any]]

NOT_AS_WRITTEN = {
    "leader_without_a_vote": (
        ['deny 0 "its disk went back in time"', "deliver accept"],
        ["deliver accept", 'deny 0 "its disk went back in time"'],
        "a replica that gives up its vote lets nothing leave any more, so it forgets what is staged",
    ),
    "catch_up_in_pages": (
        ["heal"],
        ["run 0.21", "heal"],
        "pages are read from the disk, which has the slots when the watermark's timer has come",
    ),
}
"""By script: what real replicas do not do in that order, what is done in its place, and why. All else is
played as it is written. A kill is the end of a core, a writer and a disk, as
:mod:`tests.replica.stepped_cluster` says; ``hold`` and ``persist`` stop and step the thread that writes."""


class ModelStory(Story):
    """A script in the core's own cluster; the state at the end of each of its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[State] = []
        self._begun = False

    def do_replicas(self, count: str, **numbers: str) -> None:
        self.end()
        super().do_replicas(count, **numbers)
        self._begun = True

    def end(self) -> None:
        if self._begun:
            self.states.append([state_of(node) for node in self._cluster.nodes])


def state_of(node: Node) -> dict[str, Any]:
    """What is on its disk, and what it believes.

    Learned slots and votes are one list, as a timer decides when the disk's watermark is written. Whom it
    follows is left out: a host lets a new leader's first heartbeat, which is due at once, leave at once, and
    a script only when it lets time pass.
    """
    saved, voteless = node.disk.state, node.disk.non_voting is not None
    rows = [
        (slot, row.ballot, row.value)
        for slot, row in sorted(node.disk.rows.items())
        if slot < saved.watermark or not voteless
    ]
    return {
        "promised": saved.promised,
        "round": saved.round,
        "rows": rows,
        "from": node.disk.log_start,
        "non-voting": node.disk.non_voting,
        **_belief(node.status if node.core is not None else None),
    }


def _belief(status: Status | None) -> dict[str, Any]:
    if status is None:
        return {"role": "down"}
    return {"role": status.role, "learned": status.watermark, "chain": status.chain}


class SocketStory(Story):
    """The same on real replicas."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        super().__init__()
        self.states: list[State] = []
        self._folder = folder
        self._nursery = nursery
        self._stepped: SteppedCluster | None = None
        self.lines = io.StringIO()
        self.unsent: list[str] = []

    def do_replicas(self, count: str, **numbers: str) -> None:
        self.end()
        settings = Settings(**{name: _number(text) for name, text in numbers.items()})  # type: ignore[arg-type]
        folder = self._folder / str(len(self.states))
        self._stepped = SteppedCluster(folder, int(count), settings, self.lines, self._nursery)
        trio.from_thread.run(self._stepped.open)
        self._cluster = self._stepped  # type: ignore[assignment]
        self._told = [0] * int(count)

    def end(self) -> None:
        if self._stepped is not None:
            stepped = self._stepped
            self.unsent += stepped.unsent
            self.states.append([trio.from_thread.run_sync(stepped_state, node) for node in stepped.nodes])
            self._stepped = None
            trio.from_thread.run(stepped.close)

    async def close(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        if self._stepped is not None:
            await self._stepped.close()

    def do_deliver(self, *what: str) -> None:
        """The copies of a message leave together."""
        for letter in dict.fromkeys(self._cluster.flying(**_filter(what))):
            self._cluster.flight.remove(letter)
            self._cluster.put_in([letter])

    def do_flight(self) -> None: ...
    def do_log(self) -> None: ...
    def do_status(self) -> None: ...
    def do_disk(self, who: str) -> None: ...


def stepped_state(node: SteppedNode) -> dict[str, Any]:
    """The same of a real replica. The disk of one that is down is opened once more."""
    storage = node.storage if node.up else node.open_storage()
    try:
        saved = storage.saved()
        entries, _ = storage.read(saved.log_start, 10_000, 10**9)
        log = [(slot, entry.ballot, entry.value) for slot, entry in enumerate(entries, saved.log_start)]
        return {
            "promised": saved.promised,
            "round": saved.round,
            "rows": log + [(vote.slot, vote.ballot, vote.value) for vote in saved.votes],
            "from": saved.log_start,
            "non-voting": saved.non_voting,
            **_belief(node.status if node.up else None),
        }
    finally:
        if not node.up:
            storage.close()


def over_sockets(path: Path) -> list[str]:
    """The commands as real replicas can carry them out."""
    lines = commands(path)
    before, after, _ = NOT_AS_WRITTEN.get(path.stem, ([], [], ""))
    starts = [at for at in range(len(lines)) if before and lines[at : at + len(before)] == before]
    assert len(starts) == bool(before)
    for at in starts:
        lines[at : at + len(before)] = after
    return lines


def commands(path: Path) -> list[str]:
    """The commands of a script, without what they print."""
    found: list[str] = []
    answering = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line == "----":
            answering = True
        elif not line:
            answering = False
        elif not answering and not line.startswith("#"):
            found.append(line)
    return found


async def played(path: Path, folder: Path) -> tuple[list[State], list[State], list[str]]:
    """The states after each part of a script, in the core and over sockets; what nothing carried."""
    model = ModelStory()
    for line in commands(path):
        model.play(line)
    model.end()
    async with trio.open_nursery() as nursery:
        story = SocketStory(folder, nursery)

        def play() -> None:
            for line in over_sockets(path):
                story.play(line)
            story.end()

        try:
            await trio.to_thread.run_sync(play)
        finally:
            await story.close()
    return model.states, story.states, story.unsent


@pytest.mark.trio
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
async def test_a_script_ends_over_sockets_as_it_ends_in_the_core(path: Path, tmp_path: Path) -> None:
    expected, found, unsent = await played(path, tmp_path)
    assert unsent == []
    assert found == expected


@pytest.mark.trio
async def test_a_script_ends_otherwise_where_a_dropped_message_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison itself can fail."""
    release = OutboundLinks.release

    def planted(self: OutboundLinks, taken: Any, how: Any, *, watched: bool) -> tuple[int, int]:
        return release(self, taken, "deliver" if how == "drop" else how, watched=watched)

    monkeypatch.setattr(OutboundLinks, "release", planted)
    expected, found, _ = await played(GOLDEN / "minority_vote_then_crash.txt", tmp_path)
    assert found != expected
