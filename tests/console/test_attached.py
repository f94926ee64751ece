"""A console that attaches knows nothing of the time before: it shows blanks and `?`, and no zeros."""

from __future__ import annotations

import re
import time

from paxtui.console.model.state.rates import RateCounter
from paxtui.console.rows import metrics, replicas, safety
from paxtui.console.rows.header import header, safety_words
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import events as e
from tests.console.story import WALL, Story


def attached(n: int = 3, watermark: int = 500) -> Story:
    """A console that finds a cluster with a log."""
    story = Story(n)
    story.numbers = [90] * n
    story.roles[0] = "leader"
    for id in range(n):
        story.snapshot(id, watermark=watermark, chain="", accepted_high=watermark, learned_high=watermark)
        story.report(id, status={"watermark": watermark, "chain": ""})
    return story


def scene_of(story: Story) -> ViewState:
    return ViewState(story.model, Styles("dark"), lambda: story.now)


def head(story: Story) -> str:
    return plain(header(scene_of(story), 200))


def line(story: Story, label: str) -> str:
    """A line of the metrics, 70 cells wide: 39 seconds."""
    found = [plain(row) for row in metrics.metrics(scene_of(story), 70, 12)]
    return next(row for row in found if row.startswith(label))


def clock(wall: float) -> str:
    return time.strftime("%H:%M", time.localtime(wall))


def test_a_log_that_is_older_than_the_look_at_it_is_safe_since_then() -> None:
    story = attached()
    since = f"SAFE since {clock(WALL + 1000)}"
    assert since in head(story)
    assert "SAFE 7/7 " not in head(story)
    assert safety.title(scene_of(story)) == f"safety   SAFE 7/7 since {clock(WALL + 1000)}"
    story.later(300)
    assert since in head(story), "it is the begin, and no age"
    story.later(86_400)
    assert time.strftime("SAFE since %d %b %H:%M", time.localtime(WALL + 1000)) in safety_words(
        scene_of(story)
    )


def test_who_is_heard_later_is_judged_since_then() -> None:
    story = attached()
    other = Story(3)
    other.numbers = [90] * 3
    for id in (0, 1):
        other.snapshot(id, watermark=500, chain="")
    assert "UNKNOWN" in head(other)
    other.later(600)
    other.snapshot(2, watermark=500, chain="")
    assert safety_words(scene_of(other)) == f"SAFE since {clock(WALL + 1600)}"
    story.lost(2)
    story.later(600)
    story.snapshot(2, watermark=500, chain="")
    assert safety_words(scene_of(story)) == f"SAFE since {clock(WALL + 1000)}", "a gap is told beside it"


def test_whoever_has_seen_everything_says_seven_of_seven() -> None:
    story = Story(3).up()
    story.choose(["a"])
    assert "SAFE 7/7" in head(story)


def test_before_anybody_is_heard_nothing_is_zero() -> None:
    story = Story(3)
    text = head(story)
    assert "chosen ?" in text
    assert "applied ?" in text
    assert "?/s" in text
    assert "leader ?" in text
    for height in (3, 6, 12):
        for row in replicas.replicas(scene_of(story), 70, height):
            told = re.sub(r"at [\d.:]+|r0", "", plain(row))  # where they listen is known before
            assert "0" not in told, plain(row)
    for row in metrics.metrics(scene_of(story), 100, 20):
        told = plain(row).replace("r0", "").replace("p50", "").replace("-10 min", "")
        assert "0" not in told, told


def test_an_empty_log_that_is_heard_has_zero_slots() -> None:
    text = head(Story(3).up())
    assert "chosen 0" in text
    assert "applied 0" in text


def test_sparklines_are_blank_where_nothing_was_seen() -> None:
    story = attached()
    low = Styles("dark").spark[0]
    assert low not in line(story, "chosen/s")
    story.later(4)
    for label in ("chosen/s", "resent/s", "lost/s", "elections"):
        assert line(story, label).count(low) == 4, label
    story.lost(0)  # the leader: what it decides meanwhile is not told
    story.later(6)
    assert line(story, "chosen/s").count(low) == 5, "the second in which it was lost was begun"
    assert "?" in line(story, "chosen/s")
    story.snapshot(0, watermark=500, chain="")
    story.later(3)
    assert line(story, "chosen/s").count(low) == 8
    assert "   0 max 0" in line(story, "chosen/s")


def test_a_replica_that_is_down_does_nothing_for_certain() -> None:
    story = attached()
    story.lost(2)
    story.down(2)
    story.later(5)
    low = Styles("dark").spark[0]
    assert line(story, "lost/s").count(low) == 5
    assert line(story, "elections").rstrip().endswith("0 seen")


def test_decisions_are_counted_as_long_as_the_leader_is_seen() -> None:
    story = attached(5)
    story.lost(4)
    story.later(5)
    low = Styles("dark").spark[0]
    assert line(story, "chosen/s").count(low) == 5
    assert line(story, "elections").count(low) < 5, "r4 may have been elected unseen"


def test_a_counter_tells_what_it_was_told_and_nothing_of_what_it_missed() -> None:
    counter = RateCounter()
    assert counter.rate(100.0) is None
    assert counter.last(100.0, 2) == [None, None]
    counter.add(102.5, 3)
    counter.watch(103.0, True)
    assert counter.last(105.0, 5) == [None, None, 3, 0, 0][-5:]
    assert counter.rate(105.0) == 0
    counter.watch(105.0, False)
    assert counter.last(108.0, 3) == [0, None, None]
    assert counter.rate(108.0) is None


def test_rates_of_messages_are_unknown_until_they_are_measured() -> None:
    story = attached()
    assert story.model.replicas[0].message_rate is None
    assert "?" in line(story, "messages/s")
    story.later(1)
    story.counts = {(a, b): 50 for a in range(3) for b in range(3)}
    for id in range(3):
        story.report(id)
    assert story.model.replicas[0].message_rate == 100


def test_of_a_leader_that_is_not_heard_nobody_knows_the_queue() -> None:
    story = attached()
    story.later(10)
    assert "?  r0 leads, not heard" in line(story, "in flight")
    story.model.leaders.clear()
    assert "?  who leads, not heard" in line(story, "in flight")
    for id in range(3):
        story.report(id)
    story.roles[0] = "follower"
    story.tell(0, e.SteppedDown(story.ballot, "a higher ballot"))
    assert "no leader" in line(story, "in flight")
