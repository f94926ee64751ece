"""Pictures of the main screens, kept as files: a change of look is read as a change of these.

Run: python -m tests.console.snapshots     to draw them anew, then look at them
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from paxtui.wire import events as e
from paxtui.wire.faults import Cut, Loss, SkipSlot
from paxtui.wire.telemetry import FaultEnded, MessageFaulted, ProposedView, ValueView, VotedView
from paxtui.wire.values import Ballot
from tests.console.pilot import Played, played

FOLDER = Path(__file__).with_name("snapshots")
TEXTUAL = "8.2.8"
"""The version that drew them; another one may draw the same screen in other words."""

SIZES = {"dashboard": (160, 45), "small": (80, 24)}

MORE_SIZES = {f"{width}x{height}": (width, height) for width, height in ((40, 10), (100, 30), (120, 35))} | {
    f"{width}x{height}": (width, height) for width, height in ((200, 60), (300, 100))
}
"""Of each, one picture: how the room is given out among five replicas' panes."""


async def talk(on: Played) -> None:
    """A conversation, a hole, an open slot, a replica that is down and a lossy link."""
    story = on.story
    story.choose(["coffee?", "in a minute", "漢字 and é"], client="bob~s2@0")
    story.later(1)
    story.fault(0, Loss(1, 20))
    story.tell(0, FaultEnded(4, SkipSlot(None), "done"), e.SlotSkipped(story.ballot, 13))
    value = (ValueView("ada~s1@0", 77, "who waits for whom?"),)
    story.tell(0, ProposedView(story.ballot, 14, 1, "client", "fedcba9876543210", value))
    story.tell(0, e.AcceptSent(story.ballot, 14, 1, -1, False))
    story.tell(0, MessageFaulted(1, 3, "accept", story.ballot, 14, 1, 0, ()))
    for id in range(story.n):
        story.report(id)


async def crash(on: Played) -> None:
    """The leader is gone, and another one has proposed again what it found."""
    story = on.story
    slots = story.propose(["did you get this?"])
    story.vote(1, slots)
    story.down(0)
    story.later(1)
    story.elect(1, 2, quorum=(1, 2), end=slots[-1] + 1)
    values = (ValueView("ada~s1@0", 0, "did you get this?"),)
    story.tell(1, ProposedView(Ballot(2, 1), slots[0], 1, "adopted", story.marks(slots), values))
    for id in (1, 2):
        story.vote(id, slots)
        story.report(id)


async def cut(on: Played) -> None:
    """No majority is connected."""
    story = on.story
    for a, b in ((0, 1), (0, 2), (1, 0), (2, 0), (1, 2), (2, 1)):
        story.fault(a, Cut(b))
    story.propose(["anybody?"])
    for id in range(story.n):
        story.report(id)


async def broken(on: Played) -> None:
    """Two acceptors vote for different values at one ballot: what must never be seen."""
    story = on.story
    slots = story.propose(["this"])
    story.vote(1, slots)
    story.tell(2, VotedView(story.ballot, slots[0], 1, "0123456789abcdef"))
    for id in range(story.n):
        story.report(id)


async def hours(on: Played) -> None:
    """Eight minutes of work, in the middle of which one disk was slow."""
    model = on.story.model
    for second in range(480):
        slow = 200 < second < 260
        model.chosen_rate.add(on.story.now, 20 if slow else 60 + second % 50)
        for sample in range(20):
            model.latency.add(on.story.now, (30 if slow else 2) + sample % 7)
        for replica in model.replicas:
            replica.fsync.put(on.story.now, 20.0 if slow and replica.id == 1 else 1.0 + replica.id)
        on.story.later(1)


async def quiet(on: Played) -> None:
    """Nothing happens."""


SCREENS: dict[str, tuple[Callable[[Played], Awaitable[None]], tuple[str, ...]]] = {
    "talk": (talk, ("up", "up")),
    "crash": (crash, ("up",)),
    "cut": (cut, ()),
    "broken": (broken, ()),
    "links": (cut, ("3",)),
    "replicas": (crash, ("2",)),
    "metrics": (talk, ("4",)),
    "curves": (hours, ("4", "m")),
    "chat": (talk, ("5",)),
    "events": (crash, ("6",)),
    "faults": (quiet, ("x",)),
    "help": (quiet, ("question_mark",)),
    "palette": (quiet, ("colon", "l", "o")),
}


def names() -> list[str]:
    """All pictures: views of their own only where there is room for one at a time."""
    whole = ("talk", "crash", "cut", "broken", "curves", "faults", "palette")
    found = [f"{screen}-dashboard" for screen in whole]
    found += [f"{screen}-small" for screen in SCREENS if screen != "curves"]
    return [*found, *(f"talk-{size}" for size in MORE_SIZES)]


def draw(name: str) -> str:
    """The picture ``name`` as SVG."""
    screen, _, size = name.rpartition("-")
    prepare, keys = SCREENS[screen]

    async def main() -> str:
        n = 5 if size in MORE_SIZES else 3
        async with played(n=n, size=(SIZES | MORE_SIZES)[size]) as on:
            await prepare(on)
            on.story.later(1)
            for id in range(on.story.n):
                if on.story.model.replicas[id].process != "down":
                    on.story.report(id)
            on.app.tick()
            await on.look()
            await on.press(*keys)
            await on.look()
            return on.app.export_screenshot(title=name)

    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"  # events have a time of day
    time.tzset()
    try:
        return normal(asyncio.run(main()))
    finally:
        os.environ.pop("TZ")
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()


def normal(svg: str) -> str:
    """Without the number that every picture has of its own."""
    return re.sub(r"terminal-\d+", "terminal", svg)


def main() -> None:
    """Draw all of them anew."""
    if version("textual") != TEXTUAL:
        raise SystemExit(f"these pictures are Textual {TEXTUAL}'s, and this is {version('textual')}")
    FOLDER.mkdir(exist_ok=True)
    for name in names():
        (FOLDER / f"{name}.svg").write_text(draw(name), encoding="utf-8")
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
