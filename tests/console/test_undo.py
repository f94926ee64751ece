"""`u` takes back the last action: exactly what it changed, no more and no less."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from paxtui.client.errors import Failed
from paxtui.console import command_builders
from paxtui.console import commands as c
from paxtui.console.actions.surfaces import verbs
from paxtui.console.command_line import Call, Context, OperandError, parse
from paxtui.console.model.analysis.link_status import cut_now
from paxtui.console.model.analysis.presets import PRESETS, cuts
from paxtui.console.rows.faults import broken
from paxtui.wire import faults as f
from tests.console.board import Console, run


def deed(on: Console, text: str) -> c.ConsoleCommand:
    """What the palette would order."""
    intents = parse(text, Context(on.model, verbs()))
    found = tuple(intent for intent in intents if not isinstance(intent, Call))
    return found[0] if len(found) == 1 else c.CompoundCommand(found, text)


DEEDS = [
    "cut r0>r1",
    "cut r1",
    "join",
    "join r0>r1",
    "loss r0>r1 20",
    "loss r0 30",
    "loss r0>r1 0",
    "loss r0 0",
    "delay r0 40 5",
    "delay r0>r2 0",
    "duplicate r1>r0 50",
    "reorder r2 10",
    "straighten r0>r1",
    "straighten r0",
    "preset leader-alone",
    "preset chained",
    "heal",
    "crash r1",
    "pause r2",
    "continue r2",
    "undo 1",
]


def test_undo_cuts_again_what_join_joined() -> None:
    async def act(on: Console) -> None:
        await on.do(deed(on, "cut r0"))
        cut = on.boards.shapes()
        await on.do(deed(on, "join"))
        assert not cut_now(on.model)
        assert (
            await on.do(c.UndoCommand()) == "undo join all: again cut r0>r1; cut r0>r2; cut r1>r0 and 1 more"
        )
        assert on.boards.shapes() == cut
        await on.do(c.UndoCommand())
        assert not cut_now(on.model)
        with pytest.raises(Failed, match="nothing to undo"):
            await on.do(c.UndoCommand())

    run(act)


def test_undo_of_a_preset_brings_the_topology_before_it_back() -> None:
    async def act(on: Console) -> None:
        model = on.model
        for name in ("ring", "bridge"):
            commands = command_builders.topology(model, cuts(PRESETS[name], 5, 0), f"preset {name}")
            await on.do(c.CompoundCommand(tuple(commands), name))
        ring = cuts(PRESETS["ring"], 5, 0)
        assert cut_now(model) == cuts(PRESETS["bridge"], 5, 0) != ring
        await on.do(c.UndoCommand())
        assert cut_now(model) == ring
        await on.do(c.UndoCommand())
        assert not cut_now(model)

    run(act, n=5)


def test_undo_of_a_larger_loss_brings_the_smaller_one_back() -> None:
    async def act(on: Console) -> None:
        for percent in (5, 10, 15):
            await on.do(c.InjectCommand(0, f.Loss(-1, percent)))
        for percent in (10, 5):
            await on.do(c.UndoCommand())
            assert on.boards.faults(0) == [f.Loss(-1, percent)]
        await on.do(c.UndoCommand())
        assert on.boards.faults(0) == []

    run(act)


def test_a_wider_fault_that_comes_back_does_not_outdo_what_was_said_after_it() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(0, f.Loss(-1, 20)))
        await on.do(c.InjectCommand(0, f.Loss(1, 5)))
        before = on.boards.shapes()
        await on.do(c.InjectCommand(0, f.Loss(-1, 30)))
        assert on.boards.shapes() != before
        await on.do(c.UndoCommand())
        assert on.boards.shapes() == before

    run(act)


def test_joining_one_link_of_a_cut_to_all_leaves_the_others_cut() -> None:
    async def act(on: Console) -> None:
        on.boards.boards[0].inject(f.Cut(-1), 0.0, None, None)  # by somebody else
        await on.told()
        await on.do(c.JoinCommand(((0, 1),), "r0>r1"))
        assert cut_now(on.model) == {(0, 2)}
        await on.do(c.UndoCommand())
        assert on.boards.faults(0) == [f.Cut(-1)]

    run(act)


def state(on: Console) -> tuple[Any, ...]:
    """What acts on every link, or will when its replica is back, and who is down or paused."""
    return on.boards.shapes(), set(on.boards.down), set(on.boards.paused)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(DEEDS), min_size=1, max_size=7))
def test_whatever_was_done_undo_leads_back_step_by_step(texts: list[str]) -> None:
    async def act(on: Console) -> None:
        before: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = []
        """What was before each deed that changed something, and after it."""
        for text in texts:
            now, done = state(on), len(on.executor.history._done)
            try:
                await on.do(deed(on, text))
            except (OperandError, Failed):
                pass  # nothing is cut, nobody leads, it is down already, or it is paused and hears nothing
            if len(on.executor.history._done) > done:
                before.append((now, state(on)))
            else:
                assert state(on) == now
        for now, _ in reversed(before):
            await on.do(c.UndoCommand())
            assert state(on) == now
        for _, then in before:
            await on.do(c.RedoCommand())
            assert state(on) == then
        with pytest.raises(Failed, match="nothing to do again"):
            await on.do(c.RedoCommand())
        for now, _ in reversed(before):
            await on.do(c.UndoCommand())
            assert state(on) == now
        with pytest.raises(Failed, match="nothing to undo"):
            await on.do(c.UndoCommand())

    run(act)


# Processes


def test_undo_of_heal_brings_everything_back_that_it_mended() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashCommand(1))
        await on.do(c.PauseCommand(2))
        await on.do(deed(on, "loss r0 20"))
        broken = state(on)
        assert await on.do(c.HealCommand()) == "healed: 1 fault ended, r2 goes on, r1 started"
        assert not on.boards.down | on.boards.paused
        assert on.boards.faults(0) == []
        await on.do(c.UndoCommand())
        assert state(on) == broken

    run(act)


def test_one_line_is_one_deed() -> None:
    async def act(on: Console) -> None:
        await on.do(deed(on, "crash r0,r2"))
        assert on.boards.down == {0, 2}
        assert await on.do(c.UndoCommand()) == "undo crash r0,r2: r0 starts, r2 starts"
        assert on.boards.down == set()

    run(act)


def test_a_fault_ended_by_its_number_comes_back() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(1, f.SlowDisk(40)))
        (active,) = on.boards.boards[1].active_faults(0.0)
        await on.do(c.UndoCommand(active.number))
        assert on.boards.faults(1) == []
        with pytest.raises(Failed, match="no fault"):
            await on.do(c.UndoCommand(active.number))
        assert await on.do(c.UndoCommand()) == "undo end of #2: again slow-disk r1 40 ms"
        assert on.boards.faults(1) == [f.SlowDisk(40)]

    run(act)


def test_a_skip_is_taken_back_only_before_it_was_done() -> None:
    async def act(on: Console) -> None:
        await on.do(c.InjectCommand(0, f.SkipSlot()))
        assert await on.do(c.UndoCommand()) == "undo skip r0 next slot: ended skip r0 next slot"
        assert on.boards.faults(0) == []
        await on.do(c.InjectCommand(0, f.SkipSlot()))
        on.boards.skipped(0)
        await on.told()
        with pytest.raises(Failed, match="S fills the hole"):
            await on.do(c.UndoCommand())

    run(act)


def test_a_leader_that_was_to_die_as_it_decides_lives_on_or_is_started_again() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashDecidingCommand(0))
        assert await on.do(c.UndoCommand()) == "undo crash-deciding r0: ended crash r0"
        assert on.boards.faults(0) == []
        await on.do(c.CrashDecidingCommand(0))
        await on.boards.kill(0)  # it saw a majority
        await on.told()
        assert await on.do(c.UndoCommand()) == "undo crash-deciding r0: r0 starts"
        assert on.boards.down == set()

    run(act)


# Replicas that are not there


def test_a_fault_on_links_of_a_dead_replica_acts_when_it_is_back() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashCommand(1))
        said = await on.do(deed(on, "loss r1>r2 20"))
        assert said == "loss r1>r2 20 %: it acts as soon as r1 is back"
        assert on.model.replicas[1].loss_to(2) == 20
        assert [each.what for each in broken(on.model, 0.0) if each.waits] == ["loss r1>r2 20 %"]
        said = await on.do(deed(on, "cut r1"))
        assert said.startswith("cut r1  #")
        assert said.endswith("; the rest acts as soon as r1 is back")
        await on.do(c.RestartCommand(1))
        await on.told()
        assert on.boards.faults(1) == [f.Loss(2, 20), f.Cut(0), f.Cut(2)]
        assert on.model.replicas[1].waiting == ()

    run(act)


def test_what_waits_for_a_dead_replica_can_be_joined_or_undone() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashCommand(1))
        await on.do(deed(on, "cut r1"))
        assert cut_now(on.model) == {(1, 0), (1, 2), (0, 1), (2, 1)}
        await on.do(deed(on, "join r1"))
        assert not cut_now(on.model)
        await on.do(c.UndoCommand())
        assert cut_now(on.model) == {(1, 0), (1, 2), (0, 1), (2, 1)}
        await on.do(c.UndoCommand())
        assert not cut_now(on.model)

    run(act)


def test_what_a_paused_replica_cannot_be_told_it_is_told_when_it_goes_on() -> None:
    async def act(on: Console) -> None:
        await on.do(deed(on, "loss r2 20"))
        await on.do(c.PauseCommand(2))
        await on.do(deed(on, "loss r2 0"))
        await on.do(deed(on, "cut r2>r0"))
        assert on.model.replicas[2].loss_to(1) == 0
        assert cut_now(on.model) == {(2, 0)}
        assert on.boards.faults(2) == [f.Loss(-1, 20)]
        await on.do(c.ContinueCommand(2))
        assert on.boards.faults(2) == [f.Cut(0)]
        assert not on.model.replicas[2].waiting
        assert not on.model.replicas[2].ending

    run(act)


def test_other_faults_need_a_replica_that_runs() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashCommand(1))
        for command in (
            c.InjectCommand(1, f.CrashProposer()),
            c.InjectCommand(1, f.SlowDisk(5)),
            c.PauseCommand(1),
        ):
            with pytest.raises(Failed, match=r"r1 is down.*r starts it"):
                await on.do(command)
        assert on.model.replicas[1].process == "down"
        with pytest.raises(Failed, match="r1 is down already"):
            await on.do(c.CrashCommand(1))
        with pytest.raises(Failed, match="r0 is not paused"):
            await on.do(c.ContinueCommand(0))

    run(act)


def test_a_replica_that_refuses_faults_is_not_said_to_be_away() -> None:
    async def act(on: Console) -> None:
        on.boards.refusing.add(1)
        with pytest.raises(Failed, match="not started with --allow-faults"):
            await on.do(deed(on, "loss r1>r2 20"))
        assert on.model.replicas[1].waiting == ()
        said = await on.do(deed(on, "cut r1"))
        assert "--allow-faults" in said
        assert "as soon as" not in said

    run(act)


# Replicas of somebody else


def test_heal_says_what_it_cannot_mend_in_somebody_elses_cluster() -> None:
    async def act(on: Console) -> None:
        on.boards.down.add(1)
        on.boards.paused.add(2)
        on.model.process(2, "paused", 0.0)
        await on.told()
        assert await on.do(c.HealCommand()) == (
            "heal: nothing could be mended; "
            "r1 stays down: only its owner can start it; "
            "r2 goes on by itself within 10 minutes, and with that the faults there end"
        )
        with pytest.raises(Failed, match="r1 was not started by this console: only its owner"):
            await on.do(c.RestartCommand(1))

    run(act, ours=False)


def test_a_fault_for_a_dead_replica_of_somebody_else_acts_when_it_is_back_for_ten_minutes() -> None:
    async def act(on: Console) -> None:
        on.boards.down.add(1)
        await on.told()
        said = await on.do(deed(on, "loss r1>r2 20"))
        assert said == "loss r1>r2 20 %: it acts as soon as r1 is back"
        await on.boards.start(1)
        await on.told()
        (active,) = on.boards.boards[1].active_faults(0.0)
        assert active.fault == f.Loss(2, 20)
        assert active.left_s is not None
        assert 590 < active.left_s - time.monotonic() <= 600

    run(act, ours=False)


def test_what_cannot_be_taken_back_says_why() -> None:
    async def act(on: Console) -> None:
        await on.do(c.CrashCommand(1))
        with pytest.raises(Failed, match="crash r1 cannot be undone: r1 was not started by this console"):
            await on.do(c.UndoCommand())

    run(act, ours=False)


# Records


def test_a_record_begins_with_the_next_start_of_each_replica(tmp_path: Path) -> None:
    async def act(on: Console) -> None:
        said = await on.do(c.RecordCommand(str(tmp_path / "records")))
        assert "restart all" in said
        assert on.boards.arguments[1] == ()
        await on.do(c.RestartCommand(1))
        assert on.boards.arguments[1] == ("--record", str(tmp_path / "records" / "r1.jsonl"))
        await on.do(c.RecordCommand(None))
        await on.do(c.RestartCommand(1))
        assert on.boards.arguments[1] == ()
        with pytest.raises(Failed, match="no replica was told"):
            await on.do(c.RecordCommand(None))

    run(act)


def test_a_folder_that_cannot_be_made_and_replicas_of_others_are_refused(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    async def mine(on: Console) -> None:
        with pytest.raises(Failed, match="Not a directory"):
            await on.do(c.RecordCommand(str(blocked / "records")))

    async def theirs(on: Console) -> None:
        with pytest.raises(Failed, match="`observe FILE` writes what it is told"):
            await on.do(c.RecordCommand(str(tmp_path)))

    run(mine)
    run(theirs, ours=False)


def test_a_new_act_makes_an_end_of_what_could_be_done_again_and_a_look_does_not() -> None:
    async def act(on: Console) -> None:
        with pytest.raises(Failed, match="nothing to do again"):
            await on.do(c.RedoCommand())
        await on.do(deed(on, "cut r0>r1"))
        await on.do(c.UndoCommand())
        assert on.executor.history.next_redo == "cut r0>r1"
        with pytest.raises(Failed, match="r2 is not paused"):
            await on.do(c.ContinueCommand(2))
        assert (await on.do(c.RedoCommand())).startswith("redo cut r0>r1: cut r0>r1  #")
        await on.do(c.UndoCommand())
        await on.do(deed(on, "loss r0 5"))
        assert on.executor.history.next_redo == ""

    run(act)


def test_undo_says_beforehand_what_it_would_undo() -> None:
    async def act(on: Console) -> None:
        history = on.executor.history
        assert history.next_undo == ""
        await on.do(deed(on, "loss r0 5"))
        await on.do(deed(on, "crash r1"))
        assert history.next_undo == "crash r1"
        await on.do(c.RestartCommand(1))
        assert history.next_undo == "loss r0>* 5 %"
        assert "undo loss" in await on.do(c.UndoCommand())
        await on.do(c.InjectCommand(0, f.SkipSlot()))
        on.boards.skipped(0)
        await on.told()
        on.executor._fault_tracker._tracked.clear()

    run(act)


def test_what_came_of_an_act_is_said_with_the_number_of_the_list_of_faults() -> None:
    async def act(on: Console) -> None:
        assert await on.do(deed(on, "crash r2")) == "r2 killed; r starts it again"
        assert await on.do(c.RestartCommand(2)) == "r2 starts"
        for text in ("cut r0", "cut r1>r2", "loss r0>r1 5", "cut r0>r1 r1>r0", "preset chained"):
            said = await on.do(deed(on, text))
            rows = broken(on.model, time.monotonic())
            labels = [row.label for row in rows]
            for number in [word for word in said.split() if word.startswith("#")]:
                assert number in labels, (text, said, labels)
        await on.do(c.HealCommand())
        await on.do(deed(on, "cut r0"))
        await on.do(deed(on, "loss r1>r2 5"))
        (label, *_), _ = broken(on.model, time.monotonic())
        assert await on.do(deed(on, f"undo {label}")) == "join r0 | r1 r2: 4 faults ended"
        await on.do(c.UndoCommand())
        assert len(broken(on.model, time.monotonic())) == 2
        assert await on.do(c.HealCommand()) == "healed: 2 faults ended"
        await on.do(c.CrashCommand(1))
        assert await on.do(c.HealCommand()) == "healed: r1 started"
        assert await on.do(c.HealCommand()) == "heal: nothing was broken"

    run(act)
