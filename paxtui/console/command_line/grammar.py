"""The words of the palette: how each is used, what it is for, and what may follow it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.console import commands as c
from paxtui.console.command_line import parser as m
from paxtui.console.command_line.parser import NEXT, VIEWS, Context, Meaning
from paxtui.console.export import KINDS
from paxtui.console.model.analysis.presets import PRESETS
from paxtui.console.theme.styles import PALETTES
from paxtui.wire import faults as f

Choices = Callable[[Context], Sequence[tuple[str, str]]]
"""What may come next, each with an explanation."""


class Verb(NamedTuple):
    """One command."""

    name: str
    usage: str
    """Examples; replicas and slots in them are filled in by :meth:`Context.example`."""
    what: str
    mean: Meaning
    choices: Choices | None = None
    links: bool = False
    """Whether it is about links, which one replica has none of."""


# What may come next


def _replica_choices(context: Context) -> list[tuple[str, str]]:
    leader = context.model.leader
    found = [
        (each.name, "leads" if leader is not None and leader[0] == each.id else each.role)
        for each in context.model.replicas
    ]
    return [*found, ("leader", "whoever leads"), ("all", "all of them")]


def _link_choices(context: Context) -> list[tuple[str, str]]:
    n = context.model.n
    every = [(f"r{a}>*", f"all that r{a} sends") for a in range(n)]
    single = [(f"r{a}>r{b}", f"from r{a} to r{b}") for a in range(n) for b in range(n) if a != b]
    return [*every, *single]


def _cut_choices(context: Context) -> list[tuple[str, str]]:
    n = context.model.n
    alone = [(f"r{each}", "from all others, both ways") for each in range(n)]
    sides = [(context.example("{sides}"), "two sides")] if n > 1 else []
    return [*alone, *sides, *_link_choices(context)]


def _words(*pairs: str) -> Choices:
    return lambda context: [(pair.partition(" ")[0], pair.partition(" ")[2]) for pair in pairs]


VERBS: Final = (
    Verb("crash", "crash {last}", "kill the process: nothing is flushed, nothing said",
         m.for_each(c.CrashCommand, "crash {last}"), _replica_choices),
    Verb("restart", "restart {last}, restart all", "start it, or stop and start it",
         m.for_each(c.RestartCommand, "restart {last}"), _replica_choices),
    Verb("pause", "pause {other}", "the process stands still, and hears nothing",
         m.for_each(c.PauseCommand, "pause {other}"), _replica_choices),
    Verb("continue", "continue {other}", "a paused process goes on",
         m.for_each(c.ContinueCommand, "continue {other}"), _replica_choices),
    Verb("crash-proposer", "crash-proposer r0", "its proposer stops; it votes and learns on",
         m.for_each(lambda id: c.InjectCommand(id, f.CrashProposer()), "crash-proposer r0"),
         _replica_choices),
    Verb("restore-proposer", "restore-proposer r0", "its proposer works again",
         m.for_each(c.RestoreProposerCommand, "restore-proposer r0"), _replica_choices),
    Verb("cut", "cut r0>{last}, cut {last}, cut {sides}", "nothing crosses these links",
         m.cut, _cut_choices, links=True),
    Verb("join", "join, join r0>{last}, join {last}", "end cuts; alone, all of them",
         m.join, _cut_choices, links=True),
    Verb("loss", "loss r0>{last} 20", "lose this share of the messages, in percent; 0 ends it",
         m.chance("loss"), _link_choices, links=True),
    Verb("delay", "delay r0>* 50 10", "hold messages back: ms, and jitter; 0 ends it",
         m.delay, _link_choices, links=True),
    Verb("duplicate", "duplicate r0>{last} 20", "send this share twice, in percent; 0 ends it",
         m.chance("duplicate"), _link_choices, links=True),
    Verb("reorder", "reorder r0>{last} 20", "let this share be overtaken, in percent; 0 ends it",
         m.chance("reorder"), _link_choices, links=True),
    Verb("straighten", "straighten r0>{last}", "end every fault on these links",
         m.straighten, _cut_choices, links=True),
    Verb("preset", "preset ring, preset bridge {last}", "a topology for any number; alone, with a preview",
         m.preset, lambda context: [(each.name, each.what) for each in PRESETS.values()], links=True),
    Verb("slow-disk", "slow-disk {other} 50", "each commit takes so many ms longer; 0 ends it",
         m.slow_disk, _replica_choices),
    Verb("disk-error", "disk-error {other}", "its next commit fails, and it stops",
         m.for_each(lambda id: c.InjectCommand(id, f.DiskError()), "disk-error {other}"), _replica_choices),
    Verb("full-disk", "full-disk {other}", "its next commit finds the disk full, and it stops",
         m.for_each(lambda id: c.InjectCommand(id, f.FullDisk()), "full-disk {other}"), _replica_choices),
    Verb("wipe", "wipe {other}", "kill it and delete its data; asks first", m.wipe, _replica_choices),
    Verb("skip", "skip, skip {next}", "the leader leaves its next slot empty: a hole", m.skip),
    Verb("crash-deciding", "crash-deciding r0", "kill it as it next sees a majority",
         m.for_each(c.CrashDecidingCommand, "crash-deciding r0"), _replica_choices),
    Verb("elect", "elect {other}", "make it start an election",
         m.for_each(c.ElectCommand, "elect {other}"), _replica_choices),
    Verb("noop", "noop, noop {slot}", "the leader fills a hole with a no-op", m.noop),
    Verb("heal", "heal", "end all faults, continue and start everything", m.heal),
    Verb("undo", "undo, undo 7", "take back the last deed, or end a fault by its number", m.undo),
    Verb("say", "say hello", "append a message to the log", m.say),
    Verb("goto", "goto {slot}, goto 12:04:07", "put the cursor on a slot or a time",
         m.text_for("go_to_text", "goto {slot}")),
    Verb("find", "find pizza", "the next slot that matches; n and b go on", m.text_for("find", "find pizza")),
    Verb("filter", "filter open, filter off", "show only slots that match", m.show_only,
         _words("open not decided", "blocked chosen, waits", "HOLE nothing voted", "no-op", "off all slots")),
    Verb("next", "next open, next hole", "the next such slot",
         m.one_of("next_slot", NEXT, "kind of slot"),
         _words("open not decided", "hole HOLE or CONFLICT", "match what was looked for", "previous match")),
    Verb("follow", "follow", "the end of the log, and what comes", m.calls("follow_log")),
    Verb("view", "view links", "another view", m.view, _words(*VIEWS)),
    Verb("select", "select {other}", "the replica that keys act on", m.select, _replica_choices),
    Verb("as", "as {other}, as leader", "through whose eyes the chat is seen", m.seen_as, _replica_choices),
    Verb("chat", "chat", "type a message", m.calls("show_view", 5)),
    Verb("freeze", "freeze", "stop the view, or let it go on", m.calls("action_freeze")),
    Verb("maximise", "maximise", "one view alone, and back", m.calls("action_maximise")),
    Verb("copy", "copy", "the selected slot as JSON to the clipboard", m.calls("action_copy_row")),
    Verb("export", "export svg", "the screen as SVG, the slots as JSON or CSV",
         m.one_of("export", KINDS, "format"), _words("svg the screen", "json the slots", "csv the slots")),
    Verb("mark", "mark NAME", "a bookmark among the events", m.text_for("mark", "mark NAME")),
    Verb("scenario", "scenario NAME, scenario stop", "run a scenario on a cluster of its own, and watch it",
         m.scenario, lambda context: [*context.scenarios, ("stop", "back to one's own cluster")]),
    Verb("theme", "theme light", "other colours", m.one_of("set_theme", tuple(PALETTES), "theme"),
         _words(*PALETTES)),
    Verb("arm", "arm", "let keys act on a cluster that somebody else started", m.calls("arm")),
    Verb("observe", "observe FILE, observe stop", "write what this console is told into a file: JSON lines",
         m.observe, _words("stop the file is complete")),
    Verb("record", "record FOLDER, record stop", "each replica writes its whole record, for `paxtui check`",
         m.record, _words("stop from the next start on, none")),
    Verb("attach", "attach HOST:PORT", "look at another cluster in place of this one",
         m.attach, lambda context: context.running),
    Verb("help", "help", "what the pane in focus shows, and all keys", m.calls("action_help")),
    Verb("leave", "leave running", "quit, and let the replicas go on", m.leave, _words("running")),
    Verb("quit", "quit", "quit; asks if that stops replicas", m.calls("action_leave")),
)  # fmt: skip
