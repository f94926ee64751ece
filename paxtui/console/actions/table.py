"""The one table of actions. Keys, the command line, buttons, menus, the key line, help and the guide's table
of keys are made of it by :mod:`paxtui.console.actions.surfaces`, in the order of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paxtui.console import commands as c
from paxtui.console.actions import now
from paxtui.console.actions.controllers import Controllers
from paxtui.console.actions.spec import ActionSpec, ButtonSpec, Hint, Toggle
from paxtui.console.actions.time_table import TIME
from paxtui.console.command_line import parser as m
from paxtui.console.command_line.choices import (
    cut_choices,
    fixed_choices,
    link_choices,
    preset_choices,
    replica_choices,
)
from paxtui.console.command_line.screen_verbs import ScreenVerbs
from paxtui.console.export import KINDS
from paxtui.console.geometry import LAYOUTS, PANES
from paxtui.console.theme.styles import PALETTES
from paxtui.console.view_state import VIEWS
from paxtui.wire import faults as f

NEXT: Final = ("open", "hole", "match", "previous")

_on = ScreenVerbs[Controllers]()

CLUSTER: Final = (
    ActionSpec(
        "crash", "crash replica", "kill the process (SIGKILL): nothing is flushed",
        lambda on: on.replica.crash(), armed=True, keys="c", hint=Hint("crash", 5, able=now.runs), menu="c",
        usage="crash {last}", meaning=m.for_each(c.CrashCommand, "crash {last}"), choices=replica_choices,
        button=ButtonSpec(2),
        also="kill stop sigkill terminate down",
    ),
    ActionSpec(
        "crash-proposer", "crash proposer", "its proposer stops; acceptor and learner go on",
        lambda on: on.replica.crash_proposer(), armed=True, keys="C", menu="C",
        hint=Hint("crash proposer", 13, able=now.runs), usage="crash-proposer r0", choices=replica_choices,
        meaning=m.for_each(lambda id: c.InjectCommand(id, f.CrashProposer()), "crash-proposer r0"),
        toggle=Toggle(lambda view_state: now.selected(view_state).proposer_crashed, "restore-proposer"),
        button=ButtonSpec(1, 18),
        also="stop proposing",
    ),
    ActionSpec(
        "restore-proposer", "restore proposer", "its proposer works again", armed=True,
        usage="restore-proposer r0", choices=replica_choices,
        meaning=m.for_each(c.RestoreProposerCommand, "restore-proposer r0"),
        also="uncrash proposer",
    ),
    ActionSpec(
        "crash-deciding", "crash as it decides", "leader dies with a majority; the next must find it",
        lambda on: on.replica.crash_deciding(), armed=True, keys="A", menu="A", usage="crash-deciding r0",
        meaning=m.for_each(c.CrashDecidingCommand, "crash-deciding r0"), choices=replica_choices,
        also="kill leader majority",
    ),
    ActionSpec(
        "restart", "restart", "start the replica, or stop it and start it again",
        lambda on: on.replica.restart(), armed=True,
        keys="r",
        hint=Hint(now.restart, 6), menu="r", usage="restart {last}, restart all",
        meaning=m.for_each(c.RestartCommand, "restart {last}"), choices=replica_choices, button=ButtonSpec(3),
        also="start boot run up again",
    ),
    ActionSpec(
        "pause", "pause", "SIGSTOP: the replica neither hears nor speaks",
        lambda on: on.replica.pause(), armed=True,
        keys="p", hint=Hint(now.pause, 14, able=now.runs), menu="p", usage="pause {other}",
        meaning=m.for_each(c.PauseCommand, "pause {other}"), choices=replica_choices,
        toggle=Toggle(now.is_paused, "continue"),
        button=ButtonSpec(4, 10),
        also="stop sigstop suspend hang",
    ),
    ActionSpec(
        "continue", "continue", "a paused process goes on", armed=True, usage="continue {other}",
        meaning=m.for_each(c.ContinueCommand, "continue {other}"), choices=replica_choices,
        also="resume sigcont unpause go on",
    ),
    ActionSpec(
        "cut", "cut", "nothing crosses these links", lambda on: on.replica.cut(), armed=True, keys="t",
        own={"links": "cut"}, hint=Hint("cut", 7, able=now.has_links),
        menu="t", link_menu="t",
        usage="cut r0>{last}, cut {last}, cut {sides}", meaning=m.cut, choices=cut_choices, links=True,
        toggle=Toggle(lambda view_state: view_state.model.cut_off(view_state.selected), "join"),
        button=ButtonSpec(5, 6),
        also="split partition isolate disconnect block network",
    ),
    ActionSpec(
        "join", "join", "end cuts; alone, all of them", armed=True, usage="join, join r0>{last}, join {last}",
        meaning=m.join, choices=cut_choices, links=True,
        also="reconnect unite merge mend link",
    ),
    ActionSpec(
        "less-loss", "less loss", "lose 5 % less of what the replica sends",
        lambda on: on.replica.change_loss(-1),
        armed=True, keys="minus", own={"links": "loss(-1)"},
        button=ButtonSpec(6, 3, lambda view_state: "-" if view_state.styles.ascii else "−", below=True),
    ),
    ActionSpec(
        "loss", "loss ...", "lose this share of messages, in percent; 0 ends it",
        lambda on: on.dialogs.ask_fault("loss"), armed=True, keys="L", menu="L", link_menu="l",
        usage="loss r0>{last} 20", meaning=m.chance("loss"), choices=link_choices, links=True,
        button=ButtonSpec(
            7, 12, lambda view_state: f"Loss {now.selected(view_state).loss_to(-1):g} %", below=True
        ),
        also="drop lose packet",
    ),
    ActionSpec(
        "more-loss", "more loss", "lose 5 % more of what the replica sends",
        lambda on: on.replica.change_loss(1),
        armed=True, keys="plus,equals_sign", own={"links": "loss(1)"},
        button=ButtonSpec(8, 3, lambda view_state: "+", below=True),
    ),
    ActionSpec(
        "delay", "delay ...", "hold messages back: ms, and jitter; 0 ends it",
        lambda on: on.dialogs.ask_fault("delay"), armed=True, menu="d", link_menu="d",
        usage="delay r0>* 50 10", meaning=m.delay, choices=link_choices, links=True,
        also="latency slow jitter lag",
    ),
    ActionSpec(
        "duplicate", "duplicate ...", "send this share twice, in percent; 0 ends it",
        lambda on: on.dialogs.ask_fault("duplicate"), armed=True, menu="D", link_menu="D",
        usage="duplicate r0>{last} 20", meaning=m.chance("duplicate"), choices=link_choices, links=True,
        also="repeat twice",
    ),
    ActionSpec(
        "reorder", "reorder ...", "let this share be overtaken, in percent; 0 ends it",
        lambda on: on.dialogs.ask_fault("reorder"), armed=True, menu="R", link_menu="R",
        usage="reorder r0>{last} 20", meaning=m.chance("reorder"), choices=link_choices, links=True,
        also="shuffle swap overtake",
    ),
    ActionSpec(
        "straighten", "straighten", "end every fault on these links", armed=True, link_menu="0",
        usage="straighten r0>{last}", meaning=m.straighten, choices=cut_choices, links=True,
        also="mend repair links",
    ),
    ActionSpec(
        "slow-disk", "slow disk ...", "each commit takes so many ms longer; 0 ends it",
        lambda on: on.dialogs.ask_fault("slow-disk"), armed=True, menu="K", usage="slow-disk {other} 50",
        meaning=m.slow_disk, choices=replica_choices,
        also="latency fsync io",
    ),
    ActionSpec(
        "clock", "clock", "the protocol's clock at so many percent; 0 stands, 100 ends it", armed=True,
        usage="clock {other} 10", meaning=m.clock, choices=replica_choices,
    ),
    ActionSpec(
        "disk-error", "disk error", "the next commit fails, and the replica stops",
        lambda on: on.replica.fail_disk(full=False), armed=True, menu="E", usage="disk-error {other}",
        meaning=m.for_each(lambda id: c.InjectCommand(id, f.DiskError()), "disk-error {other}"),
        choices=replica_choices,
        also="io fail eio",
    ),
    ActionSpec(
        "full-disk", "full disk", "its next commit finds the disk full, and it stops",
        lambda on: on.replica.fail_disk(full=True), armed=True, menu="F", usage="full-disk {other}",
        meaning=m.for_each(lambda id: c.InjectCommand(id, f.FullDisk()), "full-disk {other}"),
        choices=replica_choices,
        also="enospc space",
    ),
    ActionSpec(
        "skip", "skip the next slot", "the leader leaves its next slot empty: a hole",
        lambda on: on.replica.skip(), armed=True, keys="s", hint=Hint("skip", 15, able=now.leads), menu="s",
        usage="skip, skip {next}", meaning=m.skip,
        also="hole gap",
    ),
    ActionSpec(
        "noop", "no-op in the hole", "the leader fills a hole with a no-op",
        lambda on: on.replica.fill_hole(), armed=True, keys="S", usage="noop, noop {slot}",
        meaning=m.noop,
        also="fill hole gap no-op",
    ),
    ActionSpec(
        "elect", "start an election", "the replica tries to lead, even if another leads",
        lambda on: on.replica.elect(),
        armed=True, keys="e", hint=Hint("elect", 16, able=now.runs), menu="e", usage="elect {other}",
        meaning=m.for_each(c.ElectCommand, "elect {other}"), choices=replica_choices,
        also="leader election vote campaign",
    ),
    ActionSpec(
        "wipe", "wipe ...", "kill the replica and delete its data; asks first",
        lambda on: on.dialogs.ask_wipe(),
        armed=True, keys="w", menu="w", usage="wipe {other}", choices=replica_choices,
        meaning=_on.replica(lambda on, id: on.dialogs.ask_wipe(id), "wipe {other}"),
        also="erase delete format disk",
    ),
    ActionSpec(
        "slow-motion", "slow motion", "clocks and links of all replicas run ten times slower, and back",
        lambda on: on.replica.slow_motion(), armed=True, keys="f8", usage=m.SLOW_MOTION_USAGE,
        choices=fixed_choices("2 links 40 ms", "10 links 200 ms", "50 links 1 s", "off"),
        meaning=m.slow_motion,
    ),
    ActionSpec(
        "preset", "presets ...", "topologies for any number, with a preview",
        lambda on: on.dialogs.open_presets(), armed=True, keys="P", menu="P", links=True,
        usage="preset leader-alone, preset bridge {last}",
        meaning=_on.preset(lambda on: on.dialogs.open_presets()),
        choices=preset_choices,
        also="topology split partition isolate ring bridge quorum",
    ),
    ActionSpec(
        "undo", "undo", "undo the last act, or end a fault by its number", lambda on: on.replica.undo(),
        armed=True, keys="u",
        hint=Hint(now.undo, 8, able=now.can_undo), menu="u", usage="undo, undo 7", meaning=m.undo,
        also="back revert",
    ),
    ActionSpec(
        "redo", "redo", "do again what was undone last", lambda on: on.replica.redo(), armed=True, keys="U",
        hint=Hint(now.redo, 9, able=now.can_redo), usage="redo", meaning=m.redo,
        also="again repeat",
    ),
    ActionSpec(
        "heal", "heal all", "end all faults, continue and start everything", lambda on: on.replica.heal(),
        armed=True, keys="W",
        hint=Hint("heal", 12, able=now.is_broken), menu="W", usage="heal", meaning=m.heal,
        button=ButtonSpec(9, below=True),
        also="fix repair mend end all faults",
    ),
    ActionSpec(
        "fault-menu", "everything that breaks", "a menu of all that can be done to the selected replica",
        lambda on: on.dialogs.open_fault_menu(), armed=True, keys="x", hint=Hint("fault", 4),
    ),
    ActionSpec(
        "scenario", "scenario", "run a scenario on a cluster of its own, and watch it", armed=True,
        usage="scenario NAME, scenario stop", meaning=m.scenario,
        choices=lambda context: [*context.scenarios, ("stop", "back to your own cluster")],
        also="run play test story",
    ),
    ActionSpec(
        "scenario-back", "back to your own cluster", "out of a scenario, which ends it if it still runs",
        lambda on: on.view.leave_scenario(), keys="escape", usage="scenario-back",
        meaning=_on.alone(lambda on: on.view.leave_scenario()),
        also="leave return own",
    ),
    ActionSpec(
        "record", "record", "each replica writes its whole record, for `paxtui check`", armed=True,
        usage="record FOLDER, record stop", meaning=m.record,
        choices=fixed_choices("stop from the next start on, none"),
        also="save log trace",
    ),
)  # fmt: skip
"""What acts on the cluster: a read-only console does none of it."""

LOG: Final = (
    ActionSpec(
        "chat", "write in the chat", "type a message", lambda on: on.view.show_view(5), armed=True, keys="i",
        hint=Hint("chat", 3), usage="chat", meaning=_on.alone(lambda on: on.view.show_view(5)),
        also="send write message talk",
    ),
    ActionSpec(
        "say", "say", "append a message to the log", armed=True, usage="say hello", meaning=m.say,
        also="send append write post message",
    ),
    ActionSpec(
        "goto", "go to a slot or time", "put the cursor on a slot, or on an event by its time",
        lambda on: on.navigation.ask_slot(), keys="g", pane="log", own={"events": "goto"},
        hint=Hint("go", 18, read_only=True),
        usage="goto {slot}, goto 12:04:07",
        meaning=_on.text(lambda on, text: on.navigation.go_to_text(text), "goto {slot}"),
        also="jump slot time",
    ),
    ActionSpec(
        "find", "find", "the next slot or event that matches; n and b go on",
        lambda on: on.navigation.ask_find(), keys="slash", pane="log", own={"events": "find"},
        hint=Hint("find", 17, read_only=True), usage="find pizza",
        meaning=_on.text(lambda on, text: on.navigation.find(text), "find pizza"),
        also="search look grep",
    ),
    ActionSpec(
        "filter", "show only what matches", "show only slots that match",
        lambda on: on.navigation.ask_filter(), keys="backslash", pane="log", usage="filter open, filter off",
        meaning=_on.filter(lambda on, text: on.navigation.filter(text)),
        choices=fixed_choices(
            "open not decided", "blocked chosen, waits", "HOLE nothing voted", "no-op", "off all slots"
        ),
        also="search only show where",
    ),
    ActionSpec(
        "next", "next", "the next such slot", usage="next open, next hole",
        meaning=_on.one_of(lambda on, kind: on.navigation.next_slot(kind), NEXT, "kind of slot"),
        choices=fixed_choices(
            "open not decided", "hole HOLE or CONFLICT", "match what was looked for", "previous match"
        ),
        also="jump open hole",
    ),
    ActionSpec(
        "follow", "follow", "the end of the log, and what comes", keys="f", pane="lines",
        own={"lines": "follow"}, hint=Hint("follow", 11), usage="follow",
        meaning=_on.alone(lambda on: on.navigation.follow_log()),
        also="tail live end",
    ),
    ActionSpec(
        "copy", "copy the row as JSON", "the selected slot or event as JSON to the clipboard",
        lambda on: on.view.copy_slot(), keys="y", pane="log", own={"events": "copy"}, usage="copy",
        meaning=_on.alone(lambda on: on.view.copy_slot()),
        also="clipboard yank",
    ),
)  # fmt: skip

VIEW: Final = (
    ActionSpec(
        "select-previous", "previous replica", "keys act on the replica before",
        lambda on: on.view.select_next(-1), keys="left,h",
    ),
    ActionSpec(
        "select-next", "next replica", "keys act on the next replica", lambda on: on.view.select_next(1),
        keys="right,l",
    ),
    ActionSpec(
        "select", "select", "the replica that keys act on", usage="select {other}", choices=replica_choices,
        meaning=_on.replica(lambda on, id: on.view.select_replica(id), "select {other}"),
        also="choose replica",
    ),
    ActionSpec(
        "view", "show a view", "another view", keys="1,2,3,4,5,6", key_name="1 - 6",
        run_key=lambda on, key: on.view.show_view(int(key)), usage="view links",
        choices=fixed_choices(*VIEWS), meaning=_on.view(lambda on, number: on.view.show_view(number)),
        also="show pane tab",
    ),
    ActionSpec(
        "next-pane", "next pane", "focus the next pane", lambda on: on.view.focus_next_pane(), keys="tab"
    ),
    ActionSpec(
        "maximise", "maximise", "the pane in focus alone, and back", lambda on: on.view.maximise(), keys="m",
        usage="maximise", meaning=_on.alone(lambda on: on.view.maximise()),
        also="zoom full",
    ),
    ActionSpec(
        "freeze", "freeze the view", "stop the view, or let it go on", lambda on: on.view.freeze(),
        keys="space",
        hint=Hint(now.freeze, 9),
        usage="freeze", meaning=_on.alone(lambda on: on.view.freeze()),
        also="stop hold still pause view",
    ),
    ActionSpec(
        "as", "look through another replica", "the replica through which the chat looks and sends",
        lambda on: on.view.see_as_next(), keys="v", hint=Hint("view as", 19, read_only=True),
        usage="as {other}, as leader", choices=replica_choices,
        meaning=_on.viewer(lambda on, viewer: on.view.see_as(viewer), "as {other}, as leader"),
        also="viewer eyes through",
    ),
    ActionSpec(
        "theme", "theme", "other colours", lambda on: on.view.use_next_theme(), keys="f2",
        usage="theme light",
        meaning=_on.one_of(lambda on, name: on.view.use_theme(name), PALETTES, "theme"),
        choices=lambda context: [(name, "") for name in PALETTES],
        also="colour color dark light",
    ),
    ActionSpec(
        "export", "export", "the screen as SVG, the slots as JSON or CSV, the events",
        usage="export svg, export events FILE",
        meaning=_on.export(
            lambda on, kind: on.view.export(kind), lambda on, file: on.view.export_events(file), KINDS
        ),
        choices=fixed_choices(
            "svg the screen", "json the slots", "csv the slots",
            "events all events into a file: JSON lines or text, by its suffix",
        ),
        also="save write dump file picture screenshot",
    ),
    ActionSpec(
        "panes", "panes on and off", "which panes are shown on screens of this size",
        lambda on: on.dialogs.choose_panes(on.view), keys="f6", usage="panes log why events",
        meaning=_on.some_of(lambda on, names: on.view.show_panes(names), PANES, "pane"),
        choices=fixed_choices(*PANES),
    ),
    ActionSpec(
        "layout", "next layout", "a set of panes that go together", lambda on: on.view.use_next_layout(),
        keys="f4", usage="layout proof",
        meaning=_on.one_of(lambda on, name: on.view.use_layout(name), tuple(LAYOUTS), "layout"),
        choices=fixed_choices(*(f"{name} {what}" for name, (what, _) in LAYOUTS.items())),
    ),
)  # fmt: skip

CONSOLE: Final = (
    ActionSpec(
        "arm", "arm", "let keys act on a cluster that this console did not start",
        hint=Hint("lets keys act", 3, read_only=True, able=now.is_live), usage="arm",
        meaning=_on.alone(lambda on: on.view.arm()),
        also="enable unlock write",
    ),
    ActionSpec(
        "observe", "observe", "write what this console is told into a file: JSON lines",
        usage="observe FILE, observe stop", meaning=m.observe,
        choices=fixed_choices("stop the file is complete"),
        also="save record watch",
    ),
    ActionSpec(
        "attach", "attach", "look at another cluster in place of this one", usage="attach HOST:PORT",
        meaning=m.attach, choices=lambda context: context.running,
        also="connect open other cluster",
    ),
    ActionSpec(
        "help", "help for this pane", "what the pane in focus shows, and all keys",
        lambda on: on.dialogs.open_help(), keys="question_mark,f1", hint=Hint("help", 1), usage="help",
        meaning=_on.alone(lambda on: on.dialogs.open_help()),
        also="keys manual",
    ),
    ActionSpec(
        "legend", "what the signs mean", "every sign on the screen in words",
        lambda on: on.dialogs.open_legend(), keys="f3", hint=Hint("signs", 20), usage="legend",
        meaning=_on.alone(lambda on: on.dialogs.open_legend()),
        also="signs glyphs symbols icons",
    ),
    ActionSpec(
        "palette", "type a command", "a line to type commands, with what fits above it",
        lambda on: on.dialogs.open_palette(), keys="colon,ctrl+p", hint=Hint("command", 2),
    ),
    ActionSpec(
        "leave", "leave running", "quit, and let the replicas go on", usage="leave running",
        meaning=_on.leave(lambda on: on.lifecycle.leave_running()), choices=fixed_choices("running"),
        also="detach background",
    ),
    ActionSpec(
        "quit", "quit", "quit; asks if that stops replicas", lambda on: on.lifecycle.quit(), keys="q",
        priority_keys="ctrl+q", hint=Hint("quit", 10), usage="quit",
        meaning=_on.alone(lambda on: on.lifecycle.quit()),
        also="exit close stop",
    ),
    ActionSpec(
        "interrupt", "twice: quit", "typed twice, quit without a question",
        lambda on: on.lifecycle.interrupt(), priority_keys="ctrl+c",
    ),
    ActionSpec(
        "suspend", "back to the shell until `fg`", "give the terminal back until `fg`",
        lambda on: on.lifecycle.suspend(), priority_keys="ctrl+z",
    ),
)  # fmt: skip

ACTIONS: tuple[ActionSpec, ...] = (*CLUSTER, *LOG, *VIEW, *TIME, *CONSOLE)

GROUPS: Final = {"cluster": CLUSTER, "log": LOG, "view": VIEW, "time": TIME, "console": CONSOLE}
"""In which groups help and the palette show the actions."""


def rebind(keys: Mapping[str, str]) -> None:
    """Give actions other keys: by their names, Textual's names of keys with commas between."""
    global ACTIONS
    ACTIONS = tuple(spec._replace(keys=keys.get(spec.name, spec.keys)) for spec in ACTIONS)
