"""A disk that is wiped has no votes from that moment on, and its replica none for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from paxtui.config.folders import replica_folder
from paxtui.console import commands as c
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why import why_moving, why_slot
from paxtui.console.model.liveness.tolerance import tolerance
from paxtui.console.rows import faults, log, replicas
from paxtui.console.rows.header import header
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.console.widgets.replicas import FaultsPane
from paxtui.wire import events as e
from paxtui.wire.values import Ballot
from tests.console.board import Console, run
from tests.console.pilot import Played
from tests.console.story import Story

Play = Callable[..., None]


def wiped() -> Story:
    """r2 voted in an open slot with nobody else, and in ten that are chosen; then its disk is gone."""
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(10))
    slots = story.propose(["open"])
    story.vote(2, slots)
    assert slot_facts(story.model, 10, story.now).word == "open 1/2"
    story.lost(2)
    story.down(2)
    story.model.wiped(2, story.now)
    return story


def scene_of(story: Story) -> ViewState:
    return ViewState(story.model, Styles("dark"), lambda: story.now)


def said(story: Story) -> str:
    for _ in range(2):
        story.model.liveness.judge(story.model, story.now)
    found = why_moving(story.model, story.now)
    return "\n".join([found.verdict, *found.evidence, *found.next])


def test_votes_of_a_wiped_disk_are_not_counted_or_drawn() -> None:
    story = wiped()
    facts = slot_facts(story.model, 10, story.now)
    assert (facts.word, facts.cells[2].kind) == ("open 0/2", "nothing")
    assert "r2 is down" in "\n".join(why_slot(story.model, 10, story.now).evidence)
    assert "its disk was wiped: it holds no vote" in "\n".join(why_slot(story.model, 10, story.now).evidence)
    chosen = slot_facts(story.model, 3, story.now)
    assert (chosen.state, chosen.votes, chosen.learners) == ("applied", 2, (0, 1))
    assert "r0 r1 accepted it (2 of 3, 2 needed)" in why_slot(story.model, 3, story.now).verdict
    row = plain(log.line(scene_of(story), 3, 100, chosen=False))
    assert row.count("●") == 2
    card = "".join(plain(row) for row in replicas.card(scene_of(story), story.model.replicas[2], 80, 2))
    assert "P0.0 acc 0 app 0" in card
    assert "its disk was wiped" in card
    (doubt,) = story.model.judge.doubts(story.now)
    assert doubt == "r2 is down for 0.0 s, and its disk was wiped: nothing is left to check."


def test_the_end_of_the_process_is_not_why_a_wiped_replica_is_down() -> None:
    story = wiped()
    story.down(2, "killed")  # the one who waits for the process may notice later
    assert story.model.replicas[2].last_words == "its disk was wiped"
    story.model.process(2, "starting", story.now)
    story.down(2, "killed")
    assert story.model.replicas[2].last_words == "killed"


def test_a_lost_vote_stays_among_the_faults_when_all_else_is_healed() -> None:
    story = wiped()
    lines = [
        plain(faults.fault_line(scene_of(story), each, 80, chosen=False))
        for each in faults.broken(story.model, story.now)
    ]
    assert [line[:50].rstrip() for line in lines] == [
        "x     r2 is down",
        "vote  r2 lost its vote with its disk, for ever",
    ]
    assert "r2 lost its vote with its disk: it comes back as a learner only." in said(story)
    story.tell(2, e.Restored(Ballot.ZERO, 0, 0, 0), e.BecameNonVoting("its disk is new"))
    story.report(2, storage="another", status={"role": "non-voting", "non_voting": "its disk is new"})
    assert story.model.replicas[2].process == "up"
    (one,) = faults.broken(story.model, story.now)
    assert (one.what, one.mend) == ("r2 is a learner without vote, for ever", None)
    assert plain(faults.fault_line(scene_of(story), one, 80, chosen=False)).rstrip().endswith("no undo")
    assert "Nothing gives r2 its vote back in this cluster" in said(story)
    assert "0 more may fail before the log stands still: r2 without vote" in said(story)
    assert "spare 0/1" in plain(header(scene_of(story), 200))
    assert "1 fault" in plain(header(scene_of(story), 200))


def test_a_fault_that_nothing_mends_says_so(play: Play) -> None:
    async def act(on: Played) -> None:
        on.story.report(2, status={"role": "non-voting", "non_voting": "its disk is new"})
        await on.look()
        assert "nothing is broken" not in on.text("faults")
        on.app.query_one(FaultsPane).focus()
        assert await on.press("enter") == []
        assert "only a new cluster, of a backup, has all votes again" in on.said

    play(act)


def test_somebody_elses_exchange_of_a_disk_is_noticed_by_its_id() -> None:
    story = Story(3).up()
    story.choose(f"message {number}" for number in range(10))
    story.lost(2)
    story.down(2)
    assert slot_facts(story.model, 3, story.now).votes == 3
    story.model.process(2, "up", story.now)
    story.snapshot(2, promised=Ballot.ZERO, role="non-voting", non_voting="its disk is new")
    story.report(
        2,
        storage="new",
        status={"promised": Ballot.ZERO, "role": "non-voting", "non_voting": "its disk is new"},
    )
    assert slot_facts(story.model, 3, story.now).votes == 2
    assert story.model.replicas[2].promised == Ballot.ZERO
    assert tolerance(story.model, story.now).spare == 0
    story.report(1)
    assert slot_facts(story.model, 3, story.now).votes == 2, "the same disk keeps its votes"


def test_wiping_tells_the_model(tmp_path: Path) -> None:
    async def act(on: Console) -> None:
        on.boards.data_dir = tmp_path  # type: ignore[attr-defined]
        folder = replica_folder(tmp_path, on.model.cluster.name, 1)
        folder.mkdir(parents=True)
        on.boards.story.choose(["a"])
        assert on.model.replicas[1].vote(0) is not None
        await on.do(c.WipeCommand(1))
        assert not folder.exists()
        assert on.model.replicas[1].wiped
        assert on.model.replicas[1].vote(0) is None
        await on.do(c.RestartCommand(1))
        assert not on.model.replicas[1].wiped

    run(act)
