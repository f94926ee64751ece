"""Words of the palette: what they mean, and what is said of wrong ones."""

from __future__ import annotations

import re

import pytest

from paxtui.console import commands as c
from paxtui.console.actions.surfaces import verbs
from paxtui.console.command_line import Call, Context, OperandError, parse, suggest
from paxtui.wire import faults as f
from tests.console.story import Story

KINDS = ("cut", "delay", "loss", "duplicate", "reorder")

SCENARIOS = (("ring-of-five", "a ring"), ("one-way-cut", "a cut"))


VERBS = verbs()


class Recorder:
    """Controllers that only tell what they were asked to do."""

    def __init__(self, path: str = "") -> None:
        self.path = path

    def __getattr__(self, name: str) -> Recorder:
        return Recorder(f"{self.path}.{name}".removeprefix("."))

    def __call__(self, *arguments: object) -> tuple[str, tuple[object, ...]]:
        return self.path, arguments


def meant(text: str, against: Context) -> list[object]:
    """What a line means: commands, and names of controllers' methods with their arguments."""
    found = parse(text, against)
    return [each.run(Recorder(), *each.arguments) if isinstance(each, Call) else each for each in found]


def context(n: int = 5, leader: int | None = 0) -> Context:
    story = Story(n).up(leader)
    if leader is not None:
        story.choose(["hello"])
    return Context(story.model, VERBS, SCENARIOS)


def around(id: int, n: int = 5) -> set[tuple[int, int]]:
    return {(a, b) for a in range(n) for b in range(n) if a != b and id in (a, b)}


MEANINGS = [
    ("crash r3", [c.CrashCommand(3)]),
    ("crash 3", [c.CrashCommand(3)]),
    ("crash leader", [c.CrashCommand(0)]),
    ("CRASH r3", [c.CrashCommand(3)]),
    ("  crash   r3  ", [c.CrashCommand(3)]),
    ("crash r1,r2", [c.CrashCommand(1), c.CrashCommand(2)]),
    ("crash r1 r2 r1", [c.CrashCommand(1), c.CrashCommand(2)]),
    ("restart all", [c.RestartCommand(id) for id in range(5)]),
    ("restart *", [c.RestartCommand(id) for id in range(5)]),
    ("pause r1", [c.PauseCommand(1)]),
    ("continue r1", [c.ContinueCommand(1)]),
    ("crash-proposer r0", [c.InjectCommand(0, f.CrashProposer())]),
    ("crash-deciding r0", [c.CrashDecidingCommand(0)]),
    ("restore-proposer r0", [c.RestoreProposerCommand(0)]),
    ("cut r0>r2", [c.CutCommand(((0, 2),), "r0>r2")]),
    ("cut r0 > r2", [c.CutCommand(((0, 2),), "r0>r2")]),
    ("cut r0-r2", [c.CutCommand(((0, 2), (2, 0)), "r0-r2")]),
    ("cut 0>2 3>4", [c.CutCommand(((0, 2), (3, 4)), "r0>r2 r3>r4")]),
    ("loss r0>r2 20", [c.InjectManyCommand(((0, f.Loss(2, 20)),), "loss r0>r2 20 %")]),
    ("loss r0>r2 20%", [c.InjectManyCommand(((0, f.Loss(2, 20)),), "loss r0>r2 20 %")]),
    ("loss r0>* 2.5", [c.InjectManyCommand(((0, f.Loss(-1, 2.5)),), "loss r0>* 2.5 %")]),
    ("loss r0 20", [c.InjectManyCommand(((0, f.Loss(-1, 20)),), "loss r0>* 20 %")]),
    ("loss r0-r2 20", [c.InjectManyCommand(((0, f.Loss(2, 20)), (2, f.Loss(0, 20))), "loss r0-r2 20 %")]),
    ("loss r0>r2 0", [c.ClearCommand((0, 2), "loss")]),
    ("delay r0>* 50 10", [c.InjectManyCommand(((0, f.Delay(-1, 50, 10)),), "delay r0>* 50 ms +10")]),
    ("delay r0>r1 50", [c.InjectManyCommand(((0, f.Delay(1, 50)),), "delay r0>r1 50 ms")]),
    ("delay r0>r1 50ms", [c.InjectManyCommand(((0, f.Delay(1, 50)),), "delay r0>r1 50 ms")]),
    ("delay r0>r1 0", [c.ClearCommand((0, 1), "delay")]),
    ("duplicate r1>r0 5", [c.InjectManyCommand(((1, f.Duplicate(0, 5)),), "duplicate r1>r0 5 %")]),
    ("reorder r1>r0 5", [c.InjectManyCommand(((1, f.Reorder(0, 5)),), "reorder r1>r0 5 %")]),
    ("straighten r0>r1", [c.ClearCommand((0, 1), kind) for kind in KINDS]),
    ("slow-motion 10", [c.SlowMotionCommand(10)]),
    ("slow-motion off", [c.SlowMotionCommand(1)]),
    ("clock r1 10", [c.InjectCommand(1, f.Clock(10))]),
    ("clock r1 10%", [c.InjectCommand(1, f.Clock(10))]),
    ("slow-disk r1 50", [c.InjectCommand(1, f.SlowDisk(50))]),
    ("disk-error r1", [c.InjectCommand(1, f.DiskError())]),
    ("full-disk r1", [c.InjectCommand(1, f.FullDisk())]),
    ("wipe r1", [("dialogs.ask_wipe", (1,))]),
    ("skip", [c.InjectCommand(0, f.SkipSlot())]),
    ("skip 1290", [c.InjectCommand(0, f.SkipSlot(1290))]),
    ("elect r1", [c.ElectCommand(1)]),
    ("noop 1282", [c.FillHoleCommand(1282)]),
    ("heal", [c.HealCommand()]),
    ("undo", [c.UndoCommand()]),
    ("undo 7", [c.UndoCommand(7)]),
    ("undo #7", [c.UndoCommand(7)]),
    ("say hello  there", [c.AppendCommand("hello there")]),
    ("goto 1282", [("navigation.go_to_text", ("1282",))]),
    ("goto 12:04:07", [("navigation.go_to_text", ("12:04:07",))]),
    ("find pizza now", [("navigation.find", ("pizza now",))]),
    ("filter open", [("navigation.filter", ("open",))]),
    ("filter", [("navigation.filter", ("",))]),
    ("filter off", [("navigation.filter", ("",))]),
    ("next hole", [("navigation.next_slot", ("hole",))]),
    ("follow", [("navigation.follow_log", ())]),
    ("view links", [("view.show_view", (3,))]),
    ("view 6", [("view.show_view", (6,))]),
    ("select r2", [("view.select_replica", (2,))]),
    ("as r2", [("view.see_as", (2,))]),
    ("as leader", [("view.see_as", (None,))]),
    ("chat", [("view.show_view", (5,))]),
    ("freeze", [("view.freeze", ())]),
    ("maximise", [("view.maximise", ())]),
    ("copy", [("view.copy_slot", ())]),
    ("export svg", [("view.export", ("svg",))]),
    ("mark before lunch", [("time.mark", ("before lunch",))]),
    ("past -3m", [("time.go", ("-3m",))]),
    ("now", [("time.go_live", ())]),
    ("marks", [("time.show_marks", ())]),
    ("tape a.tape", [("time.save_tape", ("a.tape",))]),
    ("scenario one-way-cut", [c.RunScenarioCommand("one-way-cut")]),
    ("scenario stop", [c.StopScenarioCommand()]),
    ("theme light", [("view.use_theme", ("light",))]),
    ("panes log why events", [("view.show_panes", (["log", "why", "events"],))]),
    ("layout proof", [("view.use_layout", ("proof",))]),
    ("arm", [("view.arm", ())]),
    ("observe ~/what I saw.jsonl", [c.WriteObservationsCommand("~/what I saw.jsonl")]),
    ("observe stop", [c.WriteObservationsCommand(None)]),
    ("record logs/now", [c.RecordCommand("logs/now")]),
    ("record stop", [c.RecordCommand(None)]),
    ("attach 127.0.0.1:7400", [c.AttachCommand("127.0.0.1:7400")]),
    ("attach a:1, b:2 c:3", [c.AttachCommand("a:1,b:2,c:3")]),
    ("preset", [("dialogs.open_presets", ())]),
    ("help", [("dialogs.open_help", ())]),
    ("legend", [("dialogs.open_legend", ())]),
    ("redo", [c.RedoCommand()]),
    ("scenario-back", [("view.leave_scenario", ())]),
    ("export events what I saw.json", [("view.export_events", ("what I saw.json",))]),
    ("leave running", [("lifecycle.leave_running", ())]),
    ("quit", [("lifecycle.quit", ())]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "intents"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_words_mean(text: str, intents: list[object]) -> None:
    assert meant(text, context()) == intents


def test_two_sides_are_cut_in_both_directions() -> None:
    (found,) = parse("cut r0,r1 | r2,r3,r4", context())
    assert isinstance(found, c.CutCommand)
    assert set(found.links) == {(a, b) for a in range(5) for b in range(5) if (a < 2) != (b < 2)}
    assert found.name == "r0 r1 | r2 r3 r4"
    (three,) = parse("cut r0|r1|r2 r3", context())
    assert isinstance(three, c.CutCommand)
    assert len(three.links) == 10


def test_a_replica_alone_is_cut_from_all_others() -> None:
    (found,) = parse("cut r3", context())
    assert isinstance(found, c.CutCommand)
    assert set(found.links) == around(3)
    assert found.name == "r3"
    (out,) = parse("cut r3>*", context())
    assert isinstance(out, c.CutCommand)
    assert set(out.links) == {(3, b) for b in (0, 1, 2, 4)}
    (into,) = parse("cut *>r3", context())
    assert isinstance(into, c.CutCommand)
    assert set(into.links) == {(a, 3) for a in (0, 1, 2, 4)}


def test_join_alone_ends_every_cut() -> None:
    story = Story(3).up()
    story.fault(0, f.Cut(1))
    story.fault(2, f.Cut(-1))
    expected = [c.JoinCommand(((0, 1), (2, 0), (2, 1)), "all")]
    assert parse("join", Context(story.model, VERBS)) == expected
    assert parse("join all", Context(story.model, VERBS)) == expected
    assert parse("join r0>r1", Context(story.model, VERBS)) == [c.JoinCommand(((0, 1),), "r0>r1")]


def test_loss_on_one_link_of_a_wider_fault_does_not_end_the_wider_one() -> None:
    story = Story(5).up()
    story.fault(0, f.Loss(-1, 20))
    found = Context(story.model, VERBS)
    assert parse("loss r0>r1 0", found) == [c.InjectCommand(0, f.Loss(1, 0))]
    assert parse("loss r0 0", found) == [c.ClearCommand((0, to), "loss") for to in range(1, 5)]


def test_what_stands_can_be_taken_back_in_words() -> None:
    story = Story(3).up()
    disk = story.fault(1, f.SlowDisk(50))
    assert parse("slow-disk r1 0", Context(story.model, VERBS)) == [c.UndoCommand(disk)]
    slow = story.fault(1, f.Clock(10))
    assert parse("clock r1 100", Context(story.model, VERBS)) == [c.UndoCommand(slow)]


def test_noop_alone_takes_the_first_hole() -> None:
    story = Story(3).up()
    story.choose(["a"])
    for each in story.model.replicas:
        each.learned.assign(2, 3, story.ballot)
    assert parse("noop", Context(story.model, VERBS)) == [c.FillHoleCommand(1)]


def test_a_preset_is_a_topology() -> None:
    (found,) = parse("preset leader-alone", context())
    assert isinstance(found, c.CutCommand)
    assert set(found.links) == around(0)
    assert c.words(found) == "preset leader-alone"
    (named,) = parse("preset bridge r4", context())
    assert isinstance(named, c.CutCommand)
    assert all(4 not in link for link in named.links)


PROBLEMS = [
    ("", "type a command"),
    ("crsh r0", "'crsh' is no command; did you mean crash?"),
    ("zzzz", "'zzzz' is no command"),
    ("crash", "something is missing; the words are: crash r4"),
    ("crash r7", "there is no replica r7; they are r0 r1 r2 r3 r4"),
    ("crash bob", "'bob' is no replica; r0 r1 r2 r3 r4, leader and all are"),
    ("elect r-1", "'r-1' is no replica"),
    ("wipe all", "'all' is more than one replica"),
    ("cut", "which link?"),
    ("cut r0>r0", "joins a replica to itself"),
    ("cut r0>", "'r0>' is no link"),
    ("cut r0>r9", "there is no replica r9"),
    ("cut r0 |", "a side is empty"),
    ("cut r0,r1 | r1,r2", "r1 stands on two sides of |"),
    ("join", "nothing is cut"),
    ("loss r0>r2", "something is missing; the words are: loss r0>r4 20"),
    ("loss r0>r2 x", "'x' is no percentage; a number from 0 to 100 is"),
    ("loss r0>r2 101", "percentage 101 is out of range; 0 to 100 is allowed"),
    ("loss r0>r2 nan", "percentage nan is out of range"),
    ("delay r0>r1", "something is missing"),
    ("delay r0>r1 -5", "delay in ms -5 is out of range"),
    ("delay r0>r1 5 999999", "jitter in ms 999999 is out of range; 0 to 600000 is allowed"),
    ("clock r1", "something is missing"),
    ("clock r1 500", "400"),
    ("clock r1 100", "no such clock is slow or fast"),
    ("slow-disk r1", "something is missing"),
    ("slow-disk r1 0", "no such disk is slow"),
    ("skip soon", "'soon' is no slot; a whole number from 0 on is"),
    ("noop", "there is no hole"),
    ("noop -1", "'-1' is no slot"),
    ("noop ²", "'²' is no slot"),
    ("undo all", "'all' is no fault's number"),
    (
        "preset star",
        "'star' is no preset; leader-alone, leader-minority, chained, quorum-loss, constrained, ",
    ),
    ("preset ring r1", "'r1' is too much"),
    ("preset constrained r1 r1", "r1 cannot play two roles"),
    ("view ladder", "'ladder' is no view; log, replicas, links, metrics, chat, events and 1 to 6 are"),
    ("theme pink", "'pink' is no theme; dark, light, colour-blind, ansi, no-color are"),
    ("panes log ladder", "'ladder' is no pane; log, why, safety, replicas, events, chat, faults"),
    ("preset proof", "proof is a layout of panes: layout proof"),
    ("layout new", "'new' is no layout; all, slots, proof, break, load, talk are"),
    ("export pdf", "'pdf' is no format; svg, json, csv are"),
    ("scenario nope", "'nope' is no scenario; ring-of-five, one-way-cut are"),
    ("next", "something is missing"),
    ("heal r0", "'r0' is too much"),
    ("quit now", "'now' is too much"),
    ("leave", "leave running quits"),
    ("attach", "attach HOST:PORT of any of its replicas"),
    ("attach there", '"there" is not HOST:PORT'),
    ("attach there:0", "port 0 is out of range, allowed: 1 to 65535"),
    ("observe", "something is missing; the words are: observe FILE"),
    ("record", "something is missing; the words are: record FOLDER"),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS, ids=[text for text, _ in PROBLEMS])
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    with pytest.raises(OperandError, match=re.escape(problem)):
        parse(text, context())


@pytest.mark.parametrize("text", ["crash leader", "skip", "preset leader-alone", "preset chained"])
def test_without_a_leader_it_is_said_that_no_leader(text: str) -> None:
    with pytest.raises(OperandError, match="no replica leads"):
        parse(text, context(leader=None))


def test_every_command_is_tried_here() -> None:
    tried = {text.split()[0].lower() for text, _ in [*MEANINGS, *PROBLEMS] if text.strip()}
    assert {verb.name for verb in VERBS} <= tried


@pytest.mark.parametrize("n", [3, 5, 9])
def test_every_usage_can_be_typed_and_names_replicas_that_there_are(n: int) -> None:
    story = Story(n).up()
    story.choose(["hello"])
    story.fault(0, f.CrashProposer())
    story.fault(0, f.Cut(n - 1))
    story.fault(n - 1, f.Cut(0))
    for each in story.model.replicas:
        each.learned.assign(2, 3, story.ballot)
    found = Context(story.model, VERBS, SCENARIOS)
    for verb in VERBS:
        if "NAME" in verb.usage or "HOST" in verb.usage:
            continue
        for template in verb.usage.split(", "):
            text = found.example(template)
            assert parse(text, found), text


def test_what_is_shown_and_said_names_replicas_that_there_are() -> None:
    found = context(3)
    shown = [each.shown for each in suggest("", found)]
    assert "crash r2" in shown
    assert "cut r0>r2" in shown
    assert not any("r3" in text or "r4" in text for text in shown)
    assert found.example("{sides}") == "r0 | r1,r2"
    with pytest.raises(OperandError, match=r"crash r2$"):
        parse("crash", found)


def test_one_replica_has_no_links_to_break() -> None:
    found = context(1)
    offered = {each.text.strip() for each in suggest("", found)}
    assert {verb.name for verb in VERBS} - offered == {verb.name for verb in VERBS if verb.links}
    for text in ("cut r0", "loss r0 20", "preset ring", "join"):
        with pytest.raises(OperandError, match="one replica has no links"):
            parse(text, found)


def test_attach_offers_what_other_consoles_started() -> None:
    found = context()._replace(running=[("127.0.0.1:7500,127.0.0.1:7501", "local-5, 5 replicas")])
    assert [each.text for each in suggest("attach ", found)] == ["attach 127.0.0.1:7500,127.0.0.1:7501"]
    with pytest.raises(OperandError, match=r"known: 127.0.0.1:7500,127.0.0.1:7501 \(local-5, 5 replicas\)"):
        parse("attach", found)


def test_the_list_narrows_while_typing() -> None:
    assert len(suggest("", context())) == len(VERBS)
    assert [each.text for each in suggest("cra", context())] == [
        "crash ",
        "crash-proposer ",
        "crash-deciding ",
    ]
    assert "wipe " in [each.text for each in suggest("data", context())]
    assert suggest("hea", context())[0].text == "heal"


def test_what_may_follow_is_offered() -> None:
    assert [each.text for each in suggest("crash ", context(3))] == [
        "crash r0", "crash r1", "crash r2", "crash leader", "crash all",
    ]  # fmt: skip
    assert [each.text for each in suggest("loss r2", context(3))] == ["loss r2>*", "loss r2>r0", "loss r2>r1",
                                                                      "loss r0>r2", "loss r1>r2"]  # fmt: skip
    assert [each.shown for each in suggest("theme d", context())] == ["dark", "colour-blind"]
    assert ("one-way-cut", "a cut") in [(each.shown, each.what) for each in suggest("scenario ", context())]
    assert suggest("loss r0>r2 ", context()) == []
    assert suggest("nonsense ", context()) == []


def test_everything_offered_has_an_explanation_or_says_itself() -> None:
    for verb in VERBS:
        assert verb.help
        assert verb.usage.startswith(verb.name)


def test_a_very_long_line_is_no_work() -> None:
    with pytest.raises(OperandError, match="500 are allowed"):
        parse("crash " + "r0," * 100_000, context())
    assert isinstance(suggest("crash " + "x" * 100_000, context()), list)


MEANT = {
    "split": "cut", "partition": "cut", "isolate": "cut", "run": "scenario", "send": "say", "save": "export",
    "fix": "heal", "kill": "crash", "search": "find", "resume": "continue", "exit": "quit",
}  # fmt: skip


@pytest.mark.parametrize(("word", "name"), MEANT.items())
def test_commands_are_found_by_what_they_mean(word: str, name: str) -> None:
    found = [each.text.strip() for each in suggest(word, context())]
    assert name in found
    with pytest.raises(OperandError, match="did you mean"):
        parse(word, context())


def test_commands_are_grouped() -> None:
    groups = [each.group for each in suggest("", context())]
    assert list(dict.fromkeys(groups)) == ["cluster", "log", "view", "time", "console"]
    assert groups == sorted(groups, key=["cluster", "log", "view", "time", "console"].index)
    assert not any(each.group for each in suggest("crash ", context()))
