"""The rows of the table of actions that are about time: the past, marks, and the tape."""

from __future__ import annotations

from typing import Final

from paxtui.console.actions import now
from paxtui.console.actions.controllers import Controllers
from paxtui.console.actions.spec import ActionSpec, Hint
from paxtui.console.command_line.choices import fixed_choices
from paxtui.console.command_line.screen_verbs import ScreenVerbs

_on = ScreenVerbs[Controllers]()

TIME: Final = (
    ActionSpec(
        "event-back", "one event back", "the moment before this event, in the order of cause",
        lambda on: on.time.step(-1), keys="comma", hint=Hint("event back", 2.1, able=now.in_past),
        also="past scrub rewind step",
    ),
    ActionSpec(
        "event-on", "one event on", "the moment after the next event",
        lambda on: on.time.step(1), keys="full_stop",
        hint=Hint("event on", 2.2, able=now.in_past),
    ),
    ActionSpec(
        "seconds-back", "ten seconds back", "the moment ten seconds before",
        lambda on: on.time.jump(-10), keys="less_than_sign",
        hint=Hint("back in time", 14),
    ),
    ActionSpec(
        "seconds-on", "ten seconds on", "the moment ten seconds after",
        lambda on: on.time.jump(10), keys="greater_than_sign",
    ),
    ActionSpec(
        "mark-back", "mark before", "the election, fault, alarm or mark before this moment",
        lambda on: on.time.go_to_mark(-1), keys="left_square_bracket",
        hint=Hint("mark before", 2.4, able=now.in_past),
    ),
    ActionSpec(
        "mark-on", "next mark", "the next election, fault, alarm or mark",
        lambda on: on.time.go_to_mark(1), keys="right_square_bracket",
        hint=Hint("next mark", 2.5, able=now.in_past),
    ),
    ActionSpec(
        "past", "past", "a moment of the tape: everything is shown as it was then",
        usage="past -3m, past 12:04:07, past #1017204",
        meaning=_on.text(lambda on, text: on.time.go(text), "past -3m"),
        choices=fixed_choices("first the first moment", "last the last moment", "-10s", "-1m", "-3m"),
        also="scrub time travel rewind history then",
    ),
    ActionSpec(
        "now", "back to now", "what is now, after a look at the past", lambda on: on.time.go_live(),
        keys="f5", hint=Hint("back to now", 2, able=now.in_past),
        usage="now", meaning=_on.alone(lambda on: on.time.go_live()),
        also="live present",
    ),
    ActionSpec(
        "marks", "marks", "all elections, faults, alarms and marks of the tape",
        lambda on: on.time.show_marks(), keys="M", usage="marks",
        meaning=_on.alone(lambda on: on.time.show_marks()),
        also="bookmarks list",
    ),
    ActionSpec(
        "mark", "mark", "a mark on the tape and among the events; the tape keeps what is around it",
        usage="mark NAME", meaning=_on.text(lambda on, name: on.time.mark(name), "mark NAME"),
        also="bookmark note",
    ),
    ActionSpec(
        "tape", "tape", "the tape of this console into a new file, for paxtui replay",
        usage="tape FILE", meaning=_on.text(lambda on, file: on.time.save_tape(file), "tape FILE"),
        also="save record evidence",
    ),
)  # fmt: skip
