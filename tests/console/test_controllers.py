"""Controllers without an app: what they order, say, ask and show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from paxtui.console import commands as c
from paxtui.console.actions import surfaces, table
from paxtui.console.actions.controllers import Controllers
from paxtui.console.actions.ports import Answered
from paxtui.console.command_line import Context
from paxtui.console.geometry import LAYOUTS, PANES
from paxtui.console.preferences import Preferences
from paxtui.console.rows.text import Row
from paxtui.console.theme.styles import Styles
from paxtui.console.view_state import ViewState
from paxtui.wire import faults as f
from tests.console.story import FakeDriver, cluster


class FakeLog:
    """A log whose cursor is a number."""

    def __init__(self) -> None:
        self.filter = ""
        self.search = ""
        self.did: list[object] = []

    def set_filter(self, text: str) -> None:
        self.filter = text

    def go_to_slot(self, slot: int) -> None:
        self.did.append(slot)

    def follow(self) -> None:
        self.did.append("follow")

    def action_seek(self, kind: str) -> None:
        self.did.append(kind)

    def action_match(self, step: int) -> None:
        self.did.append(("match", step))


class FakeScreen:
    """A screen that counts."""

    def __init__(self) -> None:
        self.log_pane = FakeLog()
        self.did: list[str] = []
        self.ended: float | None = None
        self.copied = ""

    focused_pane = "log"

    def redraw(self) -> None:
        self.did.append("redraw")

    def arrange_view(self) -> None:
        self.did.append("arrange")

    def focus_next_pane(self) -> None:
        self.did.append("next pane")

    def apply_theme(self, name: str) -> None:
        self.did.append(f"theme {name}")

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text

    def export_screenshot(self, *, title: str | None = None) -> str:
        return f"<svg>{title}</svg>"

    def suspend_to_shell(self) -> None:
        self.did.append("suspend")

    def end_soon(self, delay_s: float = 0.0) -> None:
        self.ended = delay_s


class FakeDialogs:
    """Dialogs that are answered at once: each takes the next answer."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.opened: list[str] = []

    def _answer(self, opened: str, answered: Callable[[Any], None] | None) -> None:
        self.opened.append(opened)
        if answered is not None:
            answered(self.answers.pop(0) if self.answers else None)

    def ask_line(self, prompt: str, answered: Answered, *, text: str = "", hint: str = "") -> None:
        self._answer(prompt, answered)

    def ask_question(self, question: str, buttons: Sequence[tuple[str, str]], answered: Answered) -> None:
        assert "cancel" not in [id for id, _ in buttons], "every question has it"
        self._answer(question, answered)

    def ask_wipe(self, name: str, words: str, answered: Callable[[bool | None], None]) -> None:
        self._answer(f"{name}: {words}", answered)

    def open_fault_menu(self) -> None:
        self._answer("fault menu", None)

    def open_link_menu(self, name: str, answered: Answered) -> None:
        self._answer(f"link {name}", answered)

    def open_presets(self, answered: Answered) -> None:
        self._answer("presets", answered)

    def open_panes(self, answered: Answered) -> None:
        self._answer("panes", answered)

    def open_palette(self, context: Context, history: list[str], answered: Answered) -> None:
        self._answer("palette", answered)

    def open_legend(self) -> None:
        self.opened.append("legend")

    def open_help(self) -> None:
        self._answer("help", None)

    def open_page(
        self,
        title: str,
        make: Callable[[int], list[Row]],
        *,
        goes: str = "",
        left: Callable[[bool | None], None] | None = None,
    ) -> None:
        assert make(80)
        self._answer(title, left)


class OnFakes:
    """All controllers, on fakes."""

    def __init__(self, n: int = 3, *, armed: bool = True) -> None:
        self.driver = FakeDriver(n)
        self.story = self.driver.story.up()
        self.story.choose(f"message {number}" for number in range(10))
        self.view_state = ViewState(self.driver.model, Styles(), lambda: self.driver.now)
        self.view_state.armed = armed
        self.preferences = Preferences()
        self.screen = FakeScreen()
        self.dialogs = FakeDialogs()
        self.on = Controllers(
            self.driver, self.view_state, self.preferences, self.screen, self.dialogs, surfaces.verbs
        )

    def perform(self, name: str, *answers: object) -> list[c.ConsoleCommand]:
        """Perform an action of the table; what was ordered by it."""
        self.driver.taken()
        self.dialogs.answers[:] = answers
        surfaces.perform(name, self.on)
        return self.driver.taken()

    @property
    def said(self) -> str:
        return self.driver.notices[-1].text if self.driver.notices else ""


@pytest.fixture
def fakes() -> OnFakes:
    return OnFakes()


ORDERS: list[tuple[str, tuple[object, ...], c.ConsoleCommand]] = [
    ("crash", (), c.CrashCommand(0)),
    ("crash-proposer", (), c.InjectCommand(0, f.CrashProposer())),
    ("crash-deciding", (), c.CrashDecidingCommand(0)),
    ("restart", (), c.RestartCommand(0)),
    ("pause", (), c.PauseCommand(0)),
    ("more-loss", (), c.InjectCommand(0, f.Loss(-1, 5))),
    ("less-loss", (), c.ClearCommand((0, -1), "loss")),
    ("loss", ("20",), c.InjectManyCommand(((0, f.Loss(-1, 20)),), "loss r0>* 20 %")),
    ("delay", ("50 10",), c.InjectManyCommand(((0, f.Delay(-1, 50, 10)),), "delay r0>* 50 ms +10")),
    ("slow-disk", ("20",), c.InjectCommand(0, f.SlowDisk(20))),
    ("disk-error", (), c.InjectCommand(0, f.DiskError())),
    ("full-disk", (), c.InjectCommand(0, f.FullDisk())),
    ("skip", (), c.InjectCommand(0, f.SkipSlot())),
    ("noop", (), c.FillHoleCommand(10)),
    ("elect", (), c.ElectCommand(0)),
    ("wipe", (True,), c.WipeCommand(0)),
    ("undo", (), c.UndoCommand()),
    ("heal", (), c.HealCommand()),
    ("palette", ("elect r2",), c.ElectCommand(2)),
]


@pytest.mark.parametrize(("name", "answers", "order"), ORDERS, ids=[name for name, _, _ in ORDERS])
def test_an_action_orders(fakes: OnFakes, name: str, answers: tuple[object, ...], order: object) -> None:
    assert fakes.perform(name, *answers) == [order]


@pytest.mark.parametrize(("name", "answers", "order"), ORDERS, ids=[name for name, _, _ in ORDERS])
def test_a_read_only_console_orders_nothing(name: str, answers: tuple[object, ...], order: object) -> None:
    assert OnFakes(armed=False).perform(name, *answers) == []


def test_every_action_can_be_performed_by_what_is_not_an_app(fakes: OnFakes) -> None:
    for spec in table.ACTIONS:
        fakes.perform(spec.name)
    assert fakes.screen.did.count("suspend") == 1
    assert {"fault menu", "help", "palette", "presets"} <= set(fakes.dialogs.opened)


def test_what_stands_is_taken_back(fakes: OnFakes) -> None:
    fakes.story.paused(0)
    assert fakes.perform("pause") == [c.ContinueCommand(0)]
    fakes.story.fault(0, f.CrashProposer())
    assert fakes.perform("crash-proposer") == [c.RestoreProposerCommand(0)]
    items = {item.id: item.label for item in surfaces.fault_items(fakes.view_state)}
    assert (items["pause"], items["crash-proposer"], items["cut"]) == ("continue", "restore proposer", "cut")


def test_without_a_leader_its_actions_say_so() -> None:
    fakes = OnFakes()
    fakes.driver.own = type(fakes.driver.own)(cluster(3))
    for name in ("skip", "crash-deciding"):
        assert fakes.perform(name) == []
        assert fakes.said.startswith("no replica leads")


def test_a_number_that_is_none_is_said(fakes: OnFakes) -> None:
    assert fakes.perform("loss", "much") == []
    assert "'much' is no percentage" in fakes.said
    assert fakes.perform("loss", None) == []
    assert fakes.perform("delay", "5 soon") == []
    assert "'soon' is no jitter" in fakes.said


def test_slow_motion_begins_and_ends_with_the_same_key(fakes: OnFakes) -> None:
    assert fakes.perform("slow-motion") == [c.SlowMotionCommand(10)]
    for id in range(3):
        fakes.story.fault(id, f.Clock(50))
    assert fakes.perform("slow-motion") == [c.SlowMotionCommand(1)]


def test_a_link_is_edited_by_its_menu(fakes: OnFakes) -> None:
    fakes.dialogs.answers[:] = ["cut"]
    fakes.on.dialogs.open_link_menu([(0, 1)])
    assert fakes.driver.taken() == [c.CutCommand(((0, 1),), "r0>r1")]
    fakes.dialogs.answers[:] = ["duplicate", "9"]
    fakes.on.dialogs.open_link_menu([(0, 1)])
    assert fakes.driver.taken() == [c.InjectManyCommand(((0, f.Duplicate(1, 9)),), "duplicate r0>r1 9 %")]


def test_a_typed_line_acts_is_kept_and_says_what_is_wrong(fakes: OnFakes) -> None:
    assert fakes.perform("palette", "crash r9") == []
    assert "there is no replica r9" in fakes.said
    fakes.perform("palette", "select r2")
    assert fakes.view_state.selected == 2
    assert fakes.preferences.commands == ["crash r9", "select r2"]


def test_wiping_says_what_may_be_lost(fakes: OnFakes) -> None:
    fakes.story.down(1)
    fakes.story.down(2)
    assert fakes.perform("wipe", False) == []
    assert "What only it and replicas that are down accepted may be lost" in fakes.dialogs.opened[-1]


def test_views_are_shown_and_kept(fakes: OnFakes) -> None:
    surfaces.perform("view", fakes.on, "3")
    assert (fakes.view_state.view, fakes.preferences.view) == (3, 3)
    fakes.perform("maximise")
    assert fakes.preferences.maximised
    assert fakes.screen.did == ["arrange", "arrange"]


def test_panes_are_turned_off_and_on_for_one_kind_of_screen(fakes: OnFakes) -> None:
    fakes.view_state.size_class = "tabs"
    fakes.perform("panes", "why", "chat", "why")
    assert fakes.dialogs.opened == ["panes"] * 4
    assert fakes.view_state.panes == tuple(pane for pane in PANES if pane != "chat")
    assert fakes.preferences.hidden == {"tabs": ("chat",)}
    fakes.view_state.size_class = "dash"
    assert fakes.view_state.panes == PANES


def test_layouts_follow_each_other_and_are_named(fakes: OnFakes) -> None:
    seen = []
    for _ in LAYOUTS:
        fakes.perform("layout")
        seen.append(fakes.view_state.panes)
    assert seen[-1] == PANES
    assert sorted(map(sorted, seen)) == sorted(sorted(panes) for _, panes in LAYOUTS.values())
    fakes.perform("panes", "load")
    assert fakes.view_state.panes == LAYOUTS["load"][1]
    assert "layout load: " in fakes.said


def test_typed_panes_are_shown_and_one_of_them_has_the_focus(fakes: OnFakes) -> None:
    fakes.perform("palette", "panes why events links")
    assert fakes.view_state.panes == ("why", "events", "links")
    assert fakes.view_state.view == 3
    fakes.perform("palette", "panes log window")
    assert "'window' is no pane" in fakes.said
    fakes.perform("palette", "layout talk")
    assert fakes.view_state.panes == LAYOUTS["talk"][1]


def test_the_selection_goes_round(fakes: OnFakes) -> None:
    fakes.perform("select-previous")
    assert fakes.view_state.selected == 2
    fakes.perform("select-next")
    assert fakes.view_state.selected == 0


def test_the_chat_is_seen_through_each_replica_in_turn(fakes: OnFakes) -> None:
    seen = [fakes.view_state.viewer]
    for _ in range(4):
        fakes.perform("as")
        seen.append(fakes.view_state.viewer)
    assert seen == [None, 0, 1, 2, None]


def test_a_frozen_view_keeps_its_model(fakes: OnFakes) -> None:
    fakes.perform("freeze")
    assert fakes.view_state.frozen_at is not None
    assert fakes.view_state.model is not fakes.driver.model
    fakes.perform("freeze")
    assert fakes.view_state.model is fakes.driver.model


def test_themes_are_kept_and_wrong_ones_named(fakes: OnFakes) -> None:
    fakes.on.view.use_theme("light")
    assert fakes.preferences.theme == "light"
    assert fakes.screen.did == ["theme light"]
    fakes.on.view.use_theme("pink")
    assert "there is no theme pink" in fakes.said


def test_arming_is_refused_where_it_was_forbidden(fakes: OnFakes) -> None:
    fakes.view_state.armed = False
    fakes.driver.options = structs.replace(fakes.driver.options, read_only=True)
    fakes.on.view.arm()
    assert not fakes.view_state.armed
    fakes.driver.options = structs.replace(fakes.driver.options, read_only=False)
    fakes.on.view.arm()
    assert fakes.view_state.armed


def test_what_is_taken_out(fakes: OnFakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fakes.perform("copy")
    assert '"slot":9' in fakes.screen.copied
    for kind in ("svg", "json", "csv"):
        fakes.on.view.export(kind)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".json", ".svg"]
    fakes.on.view.export("pdf")
    assert "'pdf' is no format" in fakes.said


def test_one_goes_to_slots_times_and_matches(fakes: OnFakes) -> None:
    log = fakes.screen.log_pane
    fakes.perform("goto", "7")
    fakes.perform("find", "pizza")
    fakes.perform("filter", " open ")
    assert (log.did, log.search, log.filter) == ([7, ("match", 1)], "pizza", "open")
    for wrong, said in (("99", "there is no slot 99 yet"), ("soon", "neither a slot nor a time")):
        fakes.perform("goto", wrong)
        assert said in fakes.said
    log.did.clear()
    for kind in ("open", "hole", "match", "previous"):
        fakes.on.navigation.next_slot(kind)
    fakes.on.navigation.follow_log()
    assert log.did == ["open", "hole", ("match", 1), ("match", -1), "follow"]


def test_a_page_about_an_event_leads_to_its_slot(fakes: OnFakes) -> None:
    events = fakes.driver.model.journal.newest(everything=True)
    seen = next(each for each in events if each.slot is not None)
    fakes.dialogs.answers[:] = [True]
    fakes.on.navigation.show_event(seen)
    assert fakes.screen.log_pane.did == [seen.slot]
    fakes.on.navigation.show_slot(3)
    assert fakes.dialogs.opened == ["event", "slot 3"]


# The end


def test_quitting_asks_if_it_stops_replicas(fakes: OnFakes) -> None:
    fakes.perform("quit", "cancel")
    assert "stops the 3 replicas" in fakes.dialogs.opened[-1]
    assert fakes.screen.ended is None
    assert fakes.perform("quit", "leave") == [c.LeaveCommand()]
    assert fakes.screen.ended
    fakes.perform("quit", "stop")
    assert fakes.screen.ended == 0.0


def test_an_attached_console_quits_without_a_question(fakes: OnFakes) -> None:
    fakes.driver.options = structs.replace(fakes.driver.options, ours=())
    fakes.perform("quit")
    assert fakes.dialogs.opened == []
    assert fakes.screen.ended == 0.0


def test_faults_that_would_act_on_are_asked_about(fakes: OnFakes, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.driver.options = structs.replace(fakes.driver.options, ours=())
    monkeypatch.setattr(fakes.driver, "lasting", lambda *, ours_go_on: ["loss r0>r1 20 %"])
    fakes.perform("quit", "cancel")
    assert fakes.screen.ended is None
    fakes.perform("quit", "end")
    assert fakes.driver.ends_faults
    assert fakes.screen.ended == 0.0


def test_a_cluster_that_was_found_is_what_comes_next(fakes: OnFakes) -> None:
    other = cluster(5)
    fakes.driver.attaching.found = other
    fakes.dialogs.answers[:] = ["stop"]
    fakes.on.lifecycle.attach_found()
    assert fakes.on.lifecycle.onward is other
    assert fakes.screen.ended == 0.0


def test_two_interrupts_quit_and_one_does_not(fakes: OnFakes) -> None:
    fakes.perform("interrupt")
    assert fakes.screen.ended is None
    fakes.perform("interrupt")
    assert fakes.screen.ended == 0.0
