"""A log that is trimmed: what is removed, who kept what, and words for checkpoints and trims."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paxtui.console.model.analysis.conversation import Conversation, saying
from paxtui.console.model.analysis.folding import Fold, layout
from paxtui.console.model.analysis.search import matches
from paxtui.console.model.analysis.slots import slot_facts
from paxtui.console.model.analysis.why import why_run, why_slot
from paxtui.console.model.safety.safety import SafetyJudge
from paxtui.console.model.state.journal import Filter
from paxtui.console.rows import log
from paxtui.console.rows.detail import slot_page
from paxtui.console.rows.replicas import card
from paxtui.console.rows.text import plain
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.core.values import NOOP, Command, checkpoint, trim
from paxtui.sim.mutants import MUTANTS
from paxtui.sim.plan.plan_generator import generate_plan
from paxtui.wire import events as e
from paxtui.wire.telemetry import DIGEST_CHARS, LearnedView, ProposedView, VotedView, digest
from paxtui.wire.values import Ballot
from tests.console.pilot import Played
from tests.console.story import Story
from tests.console.test_safety import broken, decide, started
from tests.console.traces import observed
from tests.tools.measurements.judge import BALLOT

Play = Callable[..., None]


def own(story: Story, value: Command) -> int:
    """The leader proposes what the cluster says to itself, and all apply it; its slot."""
    slot = story.model.end
    story.values[slot] = value
    story.tell(0, ProposedView(story.ballot, slot, 1, "client", digest(value), (value,)))  # type: ignore[arg-type]
    for id in range(story.n):
        story.vote(id, range(slot, slot + 1))
    story.chosen = slot + 1
    story.tell(0, e.ChosenSeen(story.ballot, slot, 1))
    for id in range(story.n):
        learned = LearnedView(slot, 1, ((story.ballot, 1),), digest(value), None)
        told = [e.Checkpointed(slot + 1, value.request)] if value.text.startswith("mark") else []
        if value.text.startswith("trim") and value.request > story.model.replicas[id].log_start:
            told = [e.Trimmed(value.request)]  # type: ignore[list-item]
        story.tell(id, learned, *told, e.AppliedTo(slot, slot + 1, story.chain(slot + 1)))
    return slot


def trimmed(n: int = 3) -> Story:
    """Ten messages, a checkpoint in slot 10, ten more, a trim in slot 21 to slot 11, and four more."""
    story = Story(n).up()
    story.choose(f"old {number}" for number in range(10))
    own(story, checkpoint(1_700_000_000, story.ballot))
    story.choose(f"kept {number}" for number in range(10))
    own(story, trim(11, story.ballot))
    slots = story.propose(f"new {number}" for number in range(4))
    for id in range(n):
        story.vote(id, slots)
    story.chosen = slots[-1] + 1
    for id in range(n):
        learned = LearnedView(slots[0], 4, ((story.ballot, 4),), story.marks(slots), None)
        story.tell(id, learned, e.AppliedTo(slots[0], slots[-1] + 1, story.chain(slots[-1] + 1)))
    return story


def behind() -> Story:
    """The same, but r2 was away and has applied and kept only the first five slots."""
    story = trimmed()
    view = story.model.replicas[2]
    view.applied, view.log_start = 5, 0
    view.learned.clear(5)
    view.accepted.clear(5)
    return story


def why(story: Story, slot: int) -> str:
    found = why_slot(story.model, slot, story.now)
    return "\n".join([found.verdict, *found.evidence, *found.next])


def view_state(story: Story) -> ViewState:
    return ViewState(story.model, Styles(), lambda: story.now)


# The model


def test_a_trim_raises_the_floor_and_a_status_tells_it_to_who_attaches() -> None:
    story = trimmed()
    assert [replica.log_start for replica in story.model.replicas] == [11, 11, 11]
    assert story.model.log_start == 11
    late = Story(3, None)
    late.values = story.values
    for id in range(3):
        late.snapshot(id, log_start=7 + id, watermark=20, chain="")
    assert [replica.log_start for replica in late.model.replicas] == [7, 8, 9]
    assert late.model.log_start == 7


def test_the_log_start_is_that_of_the_replicas_that_run() -> None:
    story = behind()
    assert story.model.log_start == 0
    assert story.model.keepers(4) == [2]
    assert story.model.keepers(8) == []
    story.down(2)
    assert story.model.log_start == 11


def test_a_state_that_is_taken_moves_watermark_and_log_start() -> None:
    story = behind()
    story.tell(2, e.SnapshotAsked(0, 11), e.SnapshotTaken(5, 11, story.chain(11)))
    view = story.model.replicas[2]
    assert (view.applied, view.log_start, view.chain) == (11, 11, story.chain(11))


def test_a_slot_is_removed_where_its_replica_is_above_it() -> None:
    story = behind()
    facts = slot_facts(story.model, 4, story.now)
    assert [cell.kind for cell in facts.cells] == ["removed", "removed", "learned"]
    assert facts.state == "applied"
    assert "r0 r1 have removed it since" in why(story, 4)
    assert slot_facts(trimmed().model, 4, 1000.0).state == "removed"


def test_checkpoints_and_trims_have_words_of_their_own() -> None:
    story = trimmed()
    assert slot_facts(story.model, 21, story.now).state == "trim"
    assert "CHOSEN, a trim to 11 at 1.0" in why(story, 21)
    assert "removes the slots below the last checkpoint not above 11" in why(story, 21)
    slot = own(story, checkpoint(1_700_000_001, story.ballot))
    assert slot_facts(story.model, slot, story.now).state == "checkpoint"
    assert "CHOSEN, a checkpoint at 1.0" in why(story, slot)
    assert "keeps its state after this slot" in why(story, slot)
    assert matches(story.model, "checkpoint", story.now) == [slot]
    assert matches(story.model, "trim", story.now) == [21]
    rows = [plain(log.line(view_state(story), each, 100, chosen=False)) for each in (21, slot)]
    assert "trim to 11" in rows[0]
    assert "checkpoint" in rows[1]
    assert "no-op" not in "".join(rows)


def test_why_a_slot_is_removed_names_the_trim_and_the_floor() -> None:
    text = why(trimmed(), 4)
    assert "REMOVED: slots below 11 are not kept any more." in text
    assert "The trim in slot 21 had every replica remove slots below 11." in text
    assert "r0 r1 r2 from slot 11" in text
    assert "The log goes on from slot 11" in text
    assert "down" not in text
    story = behind()
    story.down(2)
    assert "r0 r1 from slot 11" in why(story, 4)
    assert "r2: down; what its disk still has goes when it catches up." in why(story, 4)


def test_removed_slots_are_not_found_by_their_text() -> None:
    story = trimmed()
    assert matches(story.model, "old", story.now) == []
    assert len(matches(story.model, "kept", story.now)) == 10


# What is shown


def test_what_is_removed_everywhere_is_one_line_that_cannot_be_opened() -> None:
    story = trimmed()
    folds = layout(story.model, 20).folds
    assert folds[0] == Fold(0, 11, removed=True)
    assert all(fold.first > 11 for fold in folds[1:])
    assert layout(story.model, 0).folds == folds[:1]
    row = plain(log.fold_line(view_state(story), folds[0], 100, chosen=False))
    assert "#  slots 0 to 10 are removed  the log is kept from slot 11 on" in row
    assert "REMOVED" in why_run(story.model, 0, 11, story.now).verdict


def test_a_removed_slot_is_shown_as_removed_and_never_asked_for() -> None:
    story = behind()
    story.model.values._known.clear()
    kept = plain(log.line(view_state(story), 4, 100, chosen=False))
    gone = plain(log.line(view_state(story), 8, 100, chosen=False))
    assert "#      #      ●" in kept
    assert "removed" in gone
    assert story.model.values.take_wanted(story.model.applied) == (4, 1)
    page = "\n".join(plain(row) for row in slot_page(view_state(story), 8, [], 80))
    assert "has removed it" in page
    assert page.count("removed") >= 3


def test_the_conversation_begins_where_the_log_does() -> None:
    story = trimmed()
    talk = Conversation(story.model)
    assert talk.first == 10
    told = saying(story.model, talk.get(talk.first), 0, "you", story.now)
    assert (told.mark, told.text, told.note) == (
        "removed",
        "slots 0 to 10 are removed",
        "kept from slot 11 on",
    )
    following = saying(story.model, talk.get(talk.first + 1), 0, "you", story.now)
    assert (following.slot, following.text) == (11, "kept 0")
    assert saying(story.model, 21, 0, "you", story.now).note == "trim to 11"


def test_the_card_tells_the_floor_once_there_is_one() -> None:
    for width in (39, 80, 120):
        story = trimmed()
        rows = "\n".join(plain(row) for row in card(view_state(story), story.model.replicas[0], width, 2))
        assert "kept from slot 11" in rows, width
    story = Story(3).up()
    assert "kept from" not in str(card(view_state(story), story.model.replicas[0], 120, 4))


def test_new_events_are_about_slots_and_what_comes_all_the_time_is_quiet() -> None:
    story = behind()
    story.tell(0, e.SnapshotSent(2, 11, 1))
    story.tell(2, e.SnapshotAsked(0, 11), e.SnapshotTaken(5, 11, story.chain(11)))
    journal = story.model.journal
    loud = {type(seen.event) for seen in journal.notable}
    assert {e.Trimmed, e.SnapshotAsked, e.SnapshotTaken} <= loud
    assert not {e.SnapshotSent, e.Checkpointed} & loud
    slots = {type(seen.event) for seen in journal.ring(Filter(everything=True, kind="slots"))}
    assert {e.Checkpointed, e.Trimmed, e.SnapshotAsked, e.SnapshotSent, e.SnapshotTaken} <= slots


# The judge


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["trims", "overtaken"])
@pytest.mark.parametrize("lossy", [False, True], ids=["complete", "lossy"])
def test_no_order_of_reports_makes_trims_look_broken(profile: str, lossy: bool) -> None:
    for seed in range(6):
        judge, result = observed(generate_plan(seed, profile), seed=seed, lossy=lossy)
        assert result.outcome == "ok"
        assert not judge.problems, f"seed {seed}"
        assert judge.light.words == "SAFE 7/7"


def test_a_planted_bug_in_what_is_taken_turns_the_light_red() -> None:
    mutant = MUTANTS["state-without-chain"]
    with mutant.installed():
        for seed in range(mutant.first, mutant.first + 6 * mutant.seeds):
            judge, _ = observed(generate_plan(seed, mutant.profile), seed=seed, blind=True)
            if "same prefix" in broken(judge):
                return
    pytest.fail("it was not seen")


@pytest.mark.parametrize("late", [False, True])
def test_a_state_of_another_log_is_seen_whoever_tells_first(late: bool) -> None:
    """The same watermark, another chain."""
    for chain, wanted in (("11" * 32, []), ("22" * 32, ["same prefix"])):
        judge = started()
        taken = e.SnapshotTaken(0, 3, chain)
        if not late:
            judge.event(0, e.AppliedTo(0, 3, "11" * 32))
            judge.event(2, taken)
        else:
            judge.event(2, taken)
            judge.event(0, e.AppliedTo(0, 3, "11" * 32))
        assert broken(judge) == wanted, judge.problems


def test_a_watermark_never_goes_back_by_a_state() -> None:
    judge = started()
    judge.event(2, e.AppliedTo(0, 5, "11" * 32))
    judge.event(2, e.SnapshotTaken(5, 3, "22" * 32))
    assert broken(judge) == ["same prefix"]
    judge = started()
    judge.event(2, e.AppliedTo(0, 5, "11" * 32))
    judge.event(2, e.SnapshotTaken(4, 9, "22" * 32))
    assert broken(judge) == ["same prefix"]


def test_a_state_is_not_an_application_of_what_is_below() -> None:
    """What was suppressed below it was so before the replica had it."""
    judge = started()
    decide(judge, 0, 4)
    judge.event(2, e.SnapshotTaken(4, 9, "11" * 32))
    for replica in (0, 1):
        judge.event(replica, e.Suppressed(6, "ada~s1@0", 0, 2))
        judge.event(replica, e.AppliedTo(4, 9, "11" * 32))
    assert broken(judge) == []


def told_twice(judge: SafetyJudge, value: Command) -> None:
    """The value stands in slots 0 and 1, and takes effect in both."""
    marks = digest(value) * 2
    judge.event(0, ProposedView(BALLOT, 0, 2, "client", marks, None))
    for replica in range(3):
        judge.event(replica, VotedView(BALLOT, 0, 2, marks))
    for replica in range(3):
        judge.event(0, e.AcceptedReceived(BALLOT, replica, 0, 2))
    judge.event(0, e.ChosenSeen(BALLOT, 0, 2))
    for replica in range(3):
        judge.event(replica, LearnedView(0, 2, ((BALLOT, 2),), marks, None))
        judge.event(replica, e.AppliedTo(0, 2, "11" * 32))


def test_the_same_trim_twice_is_no_repeated_request() -> None:
    """A leader whose trim takes long proposes it again; values are told as marks alone."""
    for value in (trim(5, BALLOT), checkpoint(5, BALLOT)):
        judge = started()
        told_twice(judge, value)
        assert broken(judge) == [], judge.problems
    judge = started()
    told_twice(judge, Command("ada~s1@0", 5, "trim 1.0"))
    assert broken(judge) == ["applied once"]


def test_a_no_op_is_no_client_s_and_marks_and_trims_are_no_no_ops() -> None:
    judge = started()
    judge.event(0, ProposedView(BALLOT, 0, 1, "client", digest(NOOP), None))
    assert broken(judge) == ["validity"]
    judge = started()
    judge.event(0, ProposedView(BALLOT, 0, 1, "no-op", digest(trim(5, BALLOT)), None))
    assert broken(judge) == ["validity"]
    seen = {digest(value) for value in (trim(5, BALLOT), trim(6, BALLOT), checkpoint(5, BALLOT), NOOP)}
    assert len(seen) == 4
    assert {len(each) for each in seen} == {DIGEST_CHARS}
    assert digest(trim(5, BALLOT)) != digest(trim(5, Ballot(2, 1)))


# On screen


def test_the_log_ends_at_the_floor_and_says_so(play: Play) -> None:
    async def act(on: Played) -> None:
        story = on.story
        story.choose(f"old {number}" for number in range(10))
        own(story, checkpoint(1_700_000_000, story.ballot))
        own(story, trim(11, story.ballot))
        story.choose(f"new {number}" for number in range(3))
        await on.look()
        assert "slots 0 to 10 are removed" in on.text("log")
        assert "old 3" not in on.text("log")
        await on.press("home", "up", "up")
        assert on.app.view_state.fold == (0, 11)
        assert "REMOVED" in on.text("why")
        await on.press("enter")
        assert "slots 0 to 10 are removed" in on.said
        assert on.app.view_state.fold == (0, 11)
        on.app.controllers.navigation.go_to_text("4")
        assert "slot 4 is removed; the log is kept from slot 11 on" in on.said
        await on.press("z")
        assert "slots 0 to 10 are removed" in on.text("log")
        assert on.text("log").splitlines()[1].lstrip(" ▶").startswith("#")
        await on.press("5", "escape", "home")
        assert "kept from slot 11 on" in on.text("chat-lines").splitlines()[0]

    play(act, size=(80, 24))
