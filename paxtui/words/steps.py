"""Steps through a cluster in words: one vocabulary for golden scripts, the command line and the console.

========================================  ===================================================================
``hold r0>r1 accept slot 3``, ``hold all``  keep messages at their sender
``deliver #14``, ``deliver accept r0>r1``   let staged messages leave; ``deliver`` alone means all
``drop accept r0>*``, ``double #14``        lose them, or let each leave twice
``tick r1``, ``tick r1 50ms``, ``tick``     move a clock to its next timer, or by a time and over no timer
``run 0.2``                               let so many of the protocol's seconds pass, and deliver all
``clock r1 10``, ``clock all 0``            let clocks run at so many percent of real time; 0 stands
``stabilize``                             deliver until nothing is staged
========================================  ===================================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

from paxtui.wire.faults import CLOCK_PERCENT_MAX, MessageKind
from paxtui.words import WordError
from paxtui.words.links import EVERY_REPLICA, Link, link_of_ids
from paxtui.words.numbers import number, whole
from paxtui.words.replicas import ALL, replica_id
from paxtui.words.suggestions import did_you_mean

KINDS: Final[tuple[MessageKind, ...]] = get_args(MessageKind)
VERBS: Final = ("hold", "deliver", "drop", "double", "tick", "run", "clock", "stabilize")
RUN_S_MAX: Final = 600.0
TICK_MS_MAX: Final = 600_000.0
ANY_LINK: Final = (EVERY_REPLICA, EVERY_REPLICA)


class MessageChoice(NamedTuple):
    """Messages by their link, kind and slot; each is left open where it is not named."""

    links: tuple[Link, ...] = (ANY_LINK,)
    kinds: tuple[MessageKind, ...] = ()
    slot: int | None = None

    def __str__(self) -> str:
        """Return the words that are read as this."""
        if self == MessageChoice():
            return "all"
        links = [] if self.links == (ANY_LINK,) else [_arrow(*link) for link in self.links]
        about = [] if self.slot is None else ["slot", str(self.slot)]
        return " ".join([*links, *self.kinds, *about])


class HoldStep(NamedTuple):
    """Keep messages at their sender until they are released."""

    which: MessageChoice


class ReleaseStep(NamedTuple):
    """Release staged messages: by their numbers, or else those that ``which`` means."""

    how: Literal["deliver", "drop", "double"]
    which: MessageChoice = MessageChoice()
    numbers: tuple[int, ...] = ()


class TickStep(NamedTuple):
    """Move clocks: to the next timer, or by ``ms``."""

    replica: int = EVERY_REPLICA
    ms: float | None = None


class RunStep(NamedTuple):
    """Let time pass, and deliver all."""

    seconds: float


class ClockRateStep(NamedTuple):
    """Let clocks run at another rate."""

    replica: int
    percent: float


class StabilizeStep(NamedTuple):
    """Deliver until nothing is staged."""


Step = HoldStep | ReleaseStep | TickStep | RunStep | ClockRateStep | StabilizeStep


def step(text: str) -> Step:
    """Read one step."""
    verb, *words = text.split() or [""]
    match verb:
        case "hold":
            if not words:
                raise WordError("hold what? r0>r1, accept, slot 3, or all")
            return HoldStep(messages(words))
        case "deliver" | "drop" | "double":
            return release(verb, words)
        case "tick":
            return _tick(words)
        case "run":
            return RunStep(number(_only(words, "run", "0.2").removesuffix("s"), "time", 0, RUN_S_MAX))
        case "clock":
            if len(words) != 2:
                raise WordError("clock needs a replica and a percentage: clock r1 10, clock all 0")
            return ClockRateStep(_one_or_all(words[0]), number(words[1], "percentage", 0, CLOCK_PERCENT_MAX))
        case "stabilize":
            if words:
                raise WordError(f"stabilize stands alone, without {words[0]!r}")
            return StabilizeStep()
    raise WordError(f"{verb!r} is no step; {did_you_mean(verb, VERBS)}{', '.join(VERBS)} are")


def release(how: Literal["deliver", "drop", "double"], words: str | Sequence[str]) -> ReleaseStep:
    """Read which staged messages are meant: numbers, or what :func:`messages` reads."""
    words = words.split() if isinstance(words, str) else words
    if words and re.fullmatch(r"#.*|\d+", words[0]):
        return ReleaseStep(how, numbers=tuple(whole(word, "number of a message") for word in words))
    return ReleaseStep(how, messages(words))


def messages(words: Sequence[str]) -> MessageChoice:
    """Read links, kinds and ``slot N`` in any order; ``all``, or nothing, means all messages. ``0>`` is
    ``0>*``, and ``>1`` is ``*>1``."""
    links: list[Link] = []
    kinds: list[MessageKind] = []
    slot: int | None = None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "slot":
            if not rest:
                raise WordError("slot needs its number: slot 3")
            slot = whole(rest.pop(0), "slot")
        elif ">" in word or re.fullmatch(r"[rR]?\d+-[rR]?\d+", word):
            links += link_of_ids(re.sub(r">$", ">*", re.sub(r"^>", "*>", word)))
        elif word in KINDS:
            kinds.append(word)
        elif word != "all":
            near = did_you_mean(word, KINDS)
            raise WordError(f"{word!r} is no kind of message; {near}{', '.join(KINDS)} are")
    if ANY_LINK in links:
        links = []
    return MessageChoice(tuple(dict.fromkeys(links)) or (ANY_LINK,), tuple(dict.fromkeys(kinds)), slot)


def step_words(said: Step) -> str:
    """Return the words that are read as this step."""
    match said:
        case HoldStep(which):
            return f"hold {which}"
        case ReleaseStep(how, which, numbers):
            return f"{how} {' '.join(f'#{each}' for each in numbers) or which}"
        case TickStep(replica, ms):
            return f"tick {_replica_words(replica)}" + ("" if ms is None else f" {ms!r}ms")
        case RunStep(seconds):
            return f"run {seconds!r}"
        case ClockRateStep(replica, percent):
            return f"clock {_replica_words(replica)} {percent!r}"
        case StabilizeStep():
            return "stabilize"


def _tick(words: Sequence[str]) -> TickStep:
    replica, ms = EVERY_REPLICA, None
    for word in words:
        if word.endswith("ms"):
            ms = number(word, "time", 0, TICK_MS_MAX)
        else:
            replica = _one_or_all(word)
    return TickStep(replica, ms)


def _only(words: Sequence[str], verb: str, example: str) -> str:
    if len(words) != 1:
        raise WordError(f"{verb} needs one value: {verb} {example}")
    return words[0]


def _one_or_all(word: str) -> int:
    found = EVERY_REPLICA if word in ALL else replica_id(word)
    if found is None:
        raise WordError(f"{word!r} is no replica; r0, 0 and all are")
    return found


def _replica_words(replica: int) -> str:
    return "all" if replica == EVERY_REPLICA else f"r{replica}"


def _arrow(sender: int, to: int) -> str:
    ends = ("*" if end == EVERY_REPLICA else f"r{end}" for end in (sender, to))
    return ">".join(ends)
