"""The words of the palette: what each takes, and what it becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.console import commands as c
from paxtui.console import orders
from paxtui.console.exports import KINDS
from paxtui.console.look import PALETTES
from paxtui.console.model.cluster import ClusterModel
from paxtui.console.model.presets import PRESETS, cuts
from paxtui.console.palette.places import Problem, links, names, number, replica, replicas, whole
from paxtui.wire import faults as f

VIEWS: Final = ("log", "replicas", "links", "metrics", "chat", "events")
NEXT: Final = ("open", "hole", "match", "previous")


class Call(NamedTuple):
    """Something that the screen does: a method of the app, and what it is called with."""

    method: str
    arguments: tuple[object, ...] = ()


Intent = c.Command | Call


class Context(NamedTuple):
    """What words are understood against."""

    model: ClusterModel
    scenarios: Sequence[tuple[str, str]] = ()
    """Names, and what they show."""


Meaning = Callable[[Sequence[str], Context], list[Intent]]
Choices = Callable[[Context], Sequence[tuple[str, str]]]
"""What may come next, each with an explanation."""


class Verb(NamedTuple):
    """One command."""

    name: str
    usage: str
    what: str
    mean: Meaning
    choices: Choices | None = None


def _need(words: Sequence[str], low: int, high: int, usage: str) -> None:
    if not low <= len(words) <= high:
        wrong = "something is missing" if len(words) < low else f"{words[high]!r} is too much"
        raise Problem(f"{wrong}; the words are: {usage}")


def _each(make: Callable[[int], c.Command], usage: str) -> Meaning:
    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        _need(words, 1, 9, usage)
        found = [id for word in words for id in replicas(word, context.model)]
        return [make(id) for id in dict.fromkeys(found)]

    return mean


def _call(method: str, *arguments: object) -> Meaning:
    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        _need(words, 0, 0, "it stands alone")
        return [Call(method, arguments)]

    return mean


def _text(method: str, usage: str) -> Meaning:
    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        _need(words, 1, 999, usage)
        return [Call(method, (" ".join(words),))]

    return mean


def _one_of(method: str, allowed: Sequence[str], what: str) -> Meaning:
    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        _need(words, 1, 1, "|".join(allowed))
        if words[0] not in allowed:
            raise Problem(f"{words[0]!r} is no {what}; {', '.join(allowed)} are")
        return [Call(method, (words[0],))]

    return mean


# On links


def _cut(words: Sequence[str], context: Context) -> list[Intent]:
    found = links(words, context.model)
    name = " ".join(" ".join(words).replace(",", " ").split()) if "|" in " ".join(words) else ""
    return [orders.cut(context.model.n, found, name)]


def _join(words: Sequence[str], context: Context) -> list[Intent]:
    model = context.model
    found = orders.join(model, None if not words or list(words) == ["all"] else links(words, model))
    if not found:
        raise Problem("nothing is cut")
    return list(found)


def _chance(kind: str) -> Meaning:
    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        _need(words, 2, 9, f"{kind} r0>r2 20")
        percent = number(words[-1], "percentage", 0, 100)
        return list(
            orders.chance(context.model, links(words[:-1], context.model, alone="from"), kind, percent)
        )

    return mean


def _delay(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 2, 9, "delay r0>r2 50, delay r0>* 50 10")
    jitter = 0.0
    rest = list(words)
    if len(rest) > 2 and _is_number(rest[-2]):
        jitter = number(rest.pop(), "jitter in ms", 0, 600_000)
    ms = number(rest.pop(), "delay in ms", 0, 600_000)
    return list(orders.delay(context.model, links(rest, context.model, alone="from"), ms, jitter))


def _is_number(word: str) -> bool:
    return word.removesuffix("ms").replace(".", "", 1).isdecimal()


def _straighten(words: Sequence[str], context: Context) -> list[Intent]:
    return list(orders.straighten(context.model, links(words, context.model)))


def _preset(words: Sequence[str], context: Context) -> list[Intent]:
    if not words:
        return [Call("action_presets")]
    if words[0] not in PRESETS:
        raise Problem(f"{words[0]!r} is no preset; {', '.join(PRESETS)} are")
    preset, model = PRESETS[words[0]], context.model
    roles = preset.roles
    _need(
        words[1:], 0, len(roles), f"preset {preset.name} {' '.join(f'[{role}]' for role in roles)}".rstrip()
    )
    named = [replica(word, model) for word in words[1:]]
    if len(set(named)) < len(named):
        raise Problem(f"r{named[0]} cannot play two roles")
    leader = model.leader
    if leader is None and "leader" in roles[len(named) :]:
        raise Problem(f"nobody leads; name it: preset {preset.name} {names(model).split()[0]}")
    found = cuts(preset, model.n, leader[0] if leader is not None else 0, named)
    orders_ = orders.topology(model, found, f"preset {preset.name}")
    if not orders_:
        raise Problem(f"preset {preset.name} changes nothing here")
    return list(orders_)


# At replicas


def _slow_disk(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 2, 2, "slow-disk r1 50")
    ms = number(words[1], "time in ms", 0, 60_000)
    found = [o for id in replicas(words[0], context.model) for o in orders.slow_disk(context.model, id, ms)]
    if not found:
        raise Problem("no such disk is slow")
    return list(found)


def _skip(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 0, 1, "skip, skip 1290")
    slot = whole(words[0], "slot") if words else None
    return [c.Inject(replica("leader", context.model), f.SkipSlot(slot))]


def _noop(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 0, 1, "noop, noop 1282")
    if words:
        return [c.FillHole(whole(words[0], "slot"))]
    hole = context.model.hole
    if hole is None:
        raise Problem("there is no hole; noop 1282 names a slot")
    return [c.FillHole(hole)]


def _heal(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 0, 0, "heal")
    return [c.Heal()]


def _undo(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 0, 1, "undo, undo 7")
    return [c.Undo(whole(words[0], "fault's number") if words else None)]


def _wipe(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 1, 1, "wipe r1")
    return [Call("ask_wipe", (replica(words[0], context.model),))]


def _say(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 1, 999, "say hello")
    return [c.Say(" ".join(words))]


# The view


def _view(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 1, 1, "view " + "|".join(VIEWS))
    word = words[0]
    if word in VIEWS:
        return [Call("show_view", (VIEWS.index(word) + 1,))]
    if word.isdecimal() and 1 <= int(word) <= len(VIEWS):
        return [Call("show_view", (int(word),))]
    raise Problem(f"{word!r} is no view; {', '.join(VIEWS)} and 1 to {len(VIEWS)} are")


def _select(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 1, 1, "select r1")
    return [Call("select_replica", (replica(words[0], context.model),))]


def _as(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 1, 1, "as r1, as leader")
    return [Call("see_as", (None if words[0] == "leader" else replica(words[0], context.model),))]


def _filter(words: Sequence[str], context: Context) -> list[Intent]:
    return [Call("filter", ("" if list(words) in ([], ["off"]) else " ".join(words),))]


def _scenario(words: Sequence[str], context: Context) -> list[Intent]:
    _need(words, 1, 1, "scenario NAME, scenario stop")
    if words[0] == "stop":
        return [Call("stop_scenario")]
    known = [name for name, _ in context.scenarios]
    if known and words[0] not in known:
        raise Problem(f"{words[0]!r} is no scenario; {', '.join(known)} are")
    return [Call("run_scenario", (words[0],))]


def _leave(words: Sequence[str], context: Context) -> list[Intent]:
    if list(words) != ["running"]:
        raise Problem("leave running quits and lets the replicas go on; quit asks")
    return [Call("leave_running")]


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
    half = n // 2
    sides = ",".join(f"r{each}" for each in range(half)) + " | " + ",".join(f"r{e}" for e in range(half, n))
    alone = [(f"r{each}", "from all others, both ways") for each in range(n)]
    return [*alone, *([(sides, "two sides")] if half else []), *_link_choices(context)]


def _words(*pairs: str) -> Choices:
    return lambda context: [(pair.partition(" ")[0], pair.partition(" ")[2]) for pair in pairs]


VERBS: Final = (
    Verb("crash", "crash r3", "kill the process: nothing is flushed, nothing said",
         _each(c.Crash, "crash r3"), _replica_choices),
    Verb("restart", "restart r3, restart all", "start it, or stop and start it",
         _each(c.Restart, "restart r3"), _replica_choices),
    Verb("pause", "pause r1", "the process stands still, and hears nothing",
         _each(c.Pause, "pause r1"), _replica_choices),
    Verb("continue", "continue r1", "a paused process goes on",
         _each(c.Continue, "continue r1"), _replica_choices),
    Verb("crash-proposer", "crash-proposer r0", "its proposer stops; it votes and learns on",
         _each(lambda id: c.Inject(id, f.CrashProposer()), "crash-proposer r0"), _replica_choices),
    Verb("restore-proposer", "restore-proposer r0", "its proposer works again",
         _each(c.RestoreProposer, "restore-proposer r0"), _replica_choices),
    Verb("cut", "cut r0>r2, cut r3, cut r0,r1 | r2,r3,r4", "nothing crosses these links", _cut, _cut_choices),
    Verb("join", "join, join r0>r2, join r3", "end cuts; alone, all of them", _join, _cut_choices),
    Verb("loss", "loss r0>r2 20", "lose this share of the messages, in percent; 0 ends it",
         _chance("loss"), _link_choices),
    Verb("delay", "delay r0>* 50 10", "hold messages back: ms, and jitter; 0 ends it", _delay, _link_choices),
    Verb("duplicate", "duplicate r0>r2 20", "send this share twice, in percent; 0 ends it",
         _chance("duplicate"), _link_choices),
    Verb("reorder", "reorder r0>r2 20", "let this share be overtaken, in percent; 0 ends it",
         _chance("reorder"), _link_choices),
    Verb("straighten", "straighten r0>r2", "end every fault on these links", _straighten, _cut_choices),
    Verb("preset", "preset ring, preset bridge r2", "a topology for any number; alone, with a preview",
         _preset, lambda context: [(each.name, each.what) for each in PRESETS.values()]),
    Verb("slow-disk", "slow-disk r1 50", "each commit takes so many ms longer; 0 ends it",
         _slow_disk, _replica_choices),
    Verb("disk-error", "disk-error r1", "its next commit fails, and it stops",
         _each(lambda id: c.Inject(id, f.DiskError()), "disk-error r1"), _replica_choices),
    Verb("full-disk", "full-disk r1", "its next commit finds the disk full, and it stops",
         _each(lambda id: c.Inject(id, f.FullDisk()), "full-disk r1"), _replica_choices),
    Verb("wipe", "wipe r1", "kill it and delete its data; asks first", _wipe, _replica_choices),
    Verb("skip", "skip, skip 1290", "the leader leaves its next slot empty: a hole", _skip),
    Verb("crash-deciding", "crash-deciding r0", "kill it as it next sees a majority",
         _each(c.CrashDeciding, "crash-deciding r0"), _replica_choices),
    Verb("elect", "elect r1", "make it start an election", _each(c.Elect, "elect r1"), _replica_choices),
    Verb("noop", "noop, noop 1282", "the leader fills a hole with a no-op", _noop),
    Verb("heal", "heal", "end all faults, continue and start everything",
         _heal),
    Verb("undo", "undo, undo 7", "take back the last deed, or end a fault by its number", _undo),
    Verb("say", "say hello", "append a message to the log", _say),
    Verb("goto", "goto 1282, goto 12:04:07", "put the cursor on a slot or a time",
         _text("go_to_text", "goto 1282")),
    Verb("find", "find pizza", "the next slot that matches; n and b go on", _text("find", "find pizza")),
    Verb("filter", "filter open, filter off", "show only slots that match", _filter,
         _words("open not decided", "blocked chosen, waits", "HOLE nothing voted", "no-op", "off all slots")),
    Verb("next", "next open, next hole", "the next such slot",
         _one_of("next_slot", NEXT, "kind of slot"),
         _words("open not decided", "hole HOLE or CONFLICT", "match what was looked for", "previous match")),
    Verb("follow", "follow", "the end of the log, and what comes", _call("follow_log")),
    Verb("view", "view links", "another view", _view, _words(*VIEWS)),
    Verb("select", "select r1", "the replica that keys act on", _select, _replica_choices),
    Verb("as", "as r1, as leader", "through whose eyes the chat is seen", _as, _replica_choices),
    Verb("chat", "chat", "type a message", _call("show_view", 5)),
    Verb("freeze", "freeze", "stop the view, or let it go on", _call("action_freeze")),
    Verb("maximise", "maximise", "one view alone, and back", _call("action_maximise")),
    Verb("copy", "copy", "the selected slot as JSON to the clipboard", _call("action_copy_row")),
    Verb("export", "export svg", "the screen as SVG, the slots as JSON or CSV",
         _one_of("export", KINDS, "format"), _words("svg the screen", "json the slots", "csv the slots")),
    Verb("mark", "mark NAME", "a bookmark among the events", _text("mark", "mark NAME")),
    Verb("scenario", "scenario NAME, scenario stop", "run a scenario on a cluster of its own, and watch it",
         _scenario, lambda context: [*context.scenarios, ("stop", "back to one's own cluster")]),
    Verb("theme", "theme light", "other colours", _one_of("set_theme", tuple(PALETTES), "theme"),
         _words(*PALETTES)),
    Verb("arm", "arm", "let keys act on a cluster that somebody else started", _call("arm")),
    Verb("help", "help", "what the pane in focus shows, and all keys", _call("action_help")),
    Verb("leave", "leave running", "quit, and let the replicas go on", _leave, _words("running")),
    Verb("quit", "quit", "quit; asks if that stops replicas", _call("action_leave")),
)  # fmt: skip
