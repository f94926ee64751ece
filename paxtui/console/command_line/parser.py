"""What the words of the palette become: commands for the driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paxtui.config.cluster_file import ConfigError, parse_addresses
from paxtui.console import command_builders
from paxtui.console import commands as c
from paxtui.console.command_line.operands import (
    OperandError,
    links,
    names,
    number,
    replica,
    replicas,
    whole,
)
from paxtui.console.model.analysis.presets import PRESETS, cuts
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.rows.faults import broken
from paxtui.wire import faults as f

SLOW_MOTION_USAGE: Final = "slow-motion 10, slow-motion off"

SLOWEST: Final = 100
"""The largest factor of slow motion: an election then takes a minute."""


class Call(NamedTuple):
    """Something that the screen does: ``run`` gets all controllers of the console, then ``arguments``."""

    run: Callable[..., object]
    arguments: tuple[object, ...] = ()


Intent = c.ConsoleCommand | Call


class Context(NamedTuple):
    """The cluster and the names against which words are understood."""

    model: ClusterModel
    verbs: Sequence[Verb] = ()
    """All commands that there are."""
    scenarios: Sequence[tuple[str, str]] = ()
    """Names, and what they show."""
    running: Sequence[tuple[str, str]] = ()
    """Addresses of other clusters that consoles started, and what they are."""

    def example(self, template: str) -> str:
        """Return a usage with replicas and slots that there are."""
        n, half = self.model.n, self.model.n // 2
        sides = (",".join(f"r{id}" for id in side) for side in (range(half), range(half, n)))
        return template.format(
            last=f"r{n - 1}",
            other=f"r{min(1, n - 1)}",
            sides=" | ".join(sides),
            slot=max(0, self.model.end - 1),
            next=self.model.end,
        )


Meaning = Callable[[Sequence[str], Context], list[Intent]]

Choices = Callable[[Context], Sequence[tuple[str, str]]]
"""What may come next, each with an explanation."""


class Verb(NamedTuple):
    """One command."""

    name: str
    usage: str
    """Examples; replicas and slots in them are filled in by :meth:`Context.example`."""
    help: str
    meaning: Meaning
    choices: Choices | None = None
    links: bool = False
    """Whether it is about links, which one replica has none of."""
    group: str = ""
    also: str = ""
    """Other words for it, by which it is found."""


def need(words: Sequence[str], low: int, high: int, usage: str, context: Context) -> None:
    """Check how many words there are. Raises :class:`OperandError`."""
    if not low <= len(words) <= high:
        wrong = "something is missing" if len(words) < low else f"{words[high]!r} is too much"
        raise OperandError(f"{wrong}; the words are: {context.example(usage)}")


def for_each(make: Callable[[int], c.ConsoleCommand], usage: str) -> Meaning:
    """Make one command for each replica that is named."""

    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        need(words, 1, 9, usage, context)
        found = [id for word in words for id in replicas(word, context.model)]
        return [make(id) for id in dict.fromkeys(found)]

    return mean


# On links


def cut(words: Sequence[str], context: Context) -> list[Intent]:
    """Read links that nothing crosses."""
    found = links(words, context.model)
    name = " ".join(" ".join(words).replace(",", " ").split()) if "|" in " ".join(words) else ""
    return [command_builders.cut(context.model.n, found, name)]


def join(words: Sequence[str], context: Context) -> list[Intent]:
    """Read the end of cuts."""
    model = context.model
    found = command_builders.join(model, None if not words or list(words) == ["all"] else links(words, model))
    if not found:
        raise OperandError("nothing is cut")
    return list(found)


def chance(kind: str) -> Meaning:
    """Read a probability in percent on links."""

    def mean(words: Sequence[str], context: Context) -> list[Intent]:
        need(words, 2, 9, kind + " r0>{last} 20", context)
        percent = number(words[-1], "percentage", 0, 100)
        return list(
            command_builders.chance(
                context.model, links(words[:-1], context.model, alone="from"), kind, percent
            )
        )

    return mean


def delay(words: Sequence[str], context: Context) -> list[Intent]:
    """Read links and ms, and maybe jitter."""
    need(words, 2, 9, "delay r0>{last} 50, delay r0>* 50 10", context)
    jitter = 0.0
    rest = list(words)
    if len(rest) > 2 and _is_number(rest[-2]):
        jitter = number(rest.pop(), "jitter in ms", 0, 600_000)
    ms = number(rest.pop(), "delay in ms", 0, 600_000)
    return list(command_builders.delay(context.model, links(rest, context.model, alone="from"), ms, jitter))


def _is_number(word: str) -> bool:
    return word.removesuffix("ms").replace(".", "", 1).isdecimal()


def straighten(words: Sequence[str], context: Context) -> list[Intent]:
    """Read links without faults."""
    return list(command_builders.straighten(context.model, links(words, context.model)))


def preset(words: Sequence[str], context: Context) -> list[Intent]:
    """Read a topology, maybe with who plays which role."""
    if words[0] not in PRESETS:
        raise OperandError(f"{words[0]!r} is no preset; {', '.join(PRESETS)} are")
    preset, model = PRESETS[words[0]], context.model
    roles = preset.roles
    usage = f"preset {preset.name} {' '.join(f'[{role}]' for role in roles)}".rstrip()
    need(words[1:], 0, len(roles), usage, context)
    named = [replica(word, model) for word in words[1:]]
    if len(set(named)) < len(named):
        raise OperandError(f"r{named[0]} cannot play two roles")
    leader = model.leader
    if leader is None and "leader" in roles[len(named) :]:
        raise OperandError(f"no replica leads; name one: preset {preset.name} {names(model).split()[0]}")
    found = cuts(preset, model.n, leader[0] if leader is not None else 0, named)
    orders_ = command_builders.topology(model, found, f"preset {preset.name}")
    if not orders_:
        raise OperandError(f"preset {preset.name} changes nothing here")
    return list(orders_)


# At replicas


def slow_disk(words: Sequence[str], context: Context) -> list[Intent]:
    """Read replicas and ms."""
    need(words, 2, 2, "slow-disk {other} 50", context)
    ms = number(words[1], "time in ms", 0, 60_000)
    found = [
        o
        for id in replicas(words[0], context.model)
        for o in command_builders.slow_disk(context.model, id, ms)
    ]
    if not found:
        raise OperandError("no such disk is slow")
    return list(found)


def clock(words: Sequence[str], context: Context) -> list[Intent]:
    """Read replicas and percent of real time."""
    need(words, 2, 2, "clock {other} 10", context)
    percent = number(words[1], "percentage", 0, f.CLOCK_PERCENT_MAX)
    ids = replicas(words[0], context.model)
    found = [each for id in ids for each in command_builders.clock(context.model, id, percent)]
    if not found:
        raise OperandError("no such clock is slow or fast")
    return list(found)


def slow_motion(words: Sequence[str], context: Context) -> list[Intent]:
    """Read a factor, or `off`."""
    need(words, 1, 1, SLOW_MOTION_USAGE, context)
    if words[0] == "off":
        return [c.SlowMotionCommand(1)]
    factor = number(words[0].removeprefix("x"), "factor", 1, SLOWEST)
    return [c.SlowMotionCommand(factor)]


def skip(words: Sequence[str], context: Context) -> list[Intent]:
    """Read the slot that the leader leaves empty."""
    need(words, 0, 1, "skip, skip {next}", context)
    slot = whole(words[0], "slot") if words else None
    return [c.InjectCommand(replica("leader", context.model), f.SkipSlot(slot))]


def noop(words: Sequence[str], context: Context) -> list[Intent]:
    """Read the hole that is filled."""
    need(words, 0, 1, "noop, noop {slot}", context)
    if words:
        return [c.FillHoleCommand(whole(words[0], "slot"))]
    hole = context.model.hole
    if hole is None:
        raise OperandError("there is no hole; noop and a number name a slot")
    return [c.FillHoleCommand(hole)]


def heal(words: Sequence[str], context: Context) -> list[Intent]:
    """Read nothing: everything is mended."""
    need(words, 0, 0, "heal", context)
    return [c.HealCommand()]


def undo(words: Sequence[str], context: Context) -> list[Intent]:
    """Read nothing, or a fault's number. What the list of faults shows as one ends as one."""
    need(words, 0, 1, "undo, undo 7", context)
    if not words:
        return [c.UndoCommand()]
    number = whole(words[0], "fault's number")
    row = next((row for row in broken(context.model, 0.0) if row.label == f"#{number}"), None)
    return [row.mend if row is not None and row.mend is not None else c.UndoCommand(number)]


def redo(words: Sequence[str], context: Context) -> list[Intent]:
    """Read nothing: what was undone last is done again."""
    need(words, 0, 0, "redo", context)
    return [c.RedoCommand()]


def say(words: Sequence[str], context: Context) -> list[Intent]:
    """Read a message."""
    need(words, 1, 999, "say hello", context)
    return [c.AppendCommand(" ".join(words))]


# Files, and other clusters


def record(words: Sequence[str], context: Context) -> list[Intent]:
    """Read a folder, or `stop`."""
    need(words, 1, 99, "record FOLDER, record stop", context)
    return [c.RecordCommand(None if list(words) == ["stop"] else " ".join(words))]


def observe(words: Sequence[str], context: Context) -> list[Intent]:
    """Read a file, or `stop`."""
    need(words, 1, 99, "observe FILE, observe stop", context)
    return [c.WriteObservationsCommand(None if list(words) == ["stop"] else " ".join(words))]


def attach(words: Sequence[str], context: Context) -> list[Intent]:
    """Read addresses of another cluster."""
    if not words:
        known = "; ".join(f"{at} ({what})" for at, what in context.running)
        raise OperandError(
            "where? attach HOST:PORT of any of its replicas" + (f"; known: {known}" if known else "")
        )
    at = ",".join(part for word in words for part in word.split(",") if part)
    try:
        parse_addresses(at)
    except ConfigError as error:
        raise OperandError(str(error).removeprefix("addresses: ")) from None
    return [c.AttachCommand(at)]


def scenario(words: Sequence[str], context: Context) -> list[Intent]:
    """Read the name of a scenario, or `stop`."""
    need(words, 1, 1, "scenario NAME, scenario stop", context)
    if words[0] == "stop":
        return [c.StopScenarioCommand()]
    known = [name for name, _ in context.scenarios]
    if known and words[0] not in known:
        raise OperandError(f"{words[0]!r} is no scenario; {', '.join(known)} are")
    return [c.RunScenarioCommand(words[0])]
