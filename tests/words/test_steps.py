"""Steps through a cluster, as they are typed."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.words import WordError
from paxtui.words.steps import (
    KINDS,
    ClockRateStep,
    HoldStep,
    MessageChoice,
    ReleaseStep,
    RunStep,
    StabilizeStep,
    Step,
    TickStep,
    step,
    step_words,
)

ends = st.integers(-1, 8)
pairs = st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1])
links = st.just(((-1, -1),)) | st.lists(pairs, min_size=1, max_size=3, unique=True).map(tuple)
kinds = st.lists(st.sampled_from(KINDS), max_size=3, unique=True).map(tuple)
choices = st.builds(MessageChoice, links, kinds, st.none() | st.integers(0, 2**40))
hows = st.sampled_from(["deliver", "drop", "double"])
steps = st.one_of(
    st.builds(HoldStep, choices),
    st.builds(lambda how, which: ReleaseStep(how, which), hows, choices),
    st.builds(
        lambda how, numbers: ReleaseStep(how, numbers=numbers),
        hows,
        st.lists(st.integers(1, 10**6), min_size=1).map(tuple),
    ),
    st.builds(TickStep, ends, st.none() | st.floats(0, 600_000)),
    st.builds(RunStep, st.floats(0, 600)),
    st.builds(ClockRateStep, ends, st.floats(0, 400)),
    st.just(StabilizeStep()),
)


@given(steps)
def test_what_is_written_is_read_as_the_same_step(said: Step) -> None:
    assert step(step_words(said)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hold r0>r1 accept", HoldStep(MessageChoice(((0, 1),), ("accept",)))),
        ("hold all", HoldStep(MessageChoice())),
        ("hold accept chosen slot 3", HoldStep(MessageChoice(kinds=("accept", "chosen"), slot=3))),
        ("deliver", ReleaseStep("deliver")),
        ("deliver #14", ReleaseStep("deliver", numbers=(14,))),
        ("deliver accept r0>r1", ReleaseStep("deliver", MessageChoice(((0, 1),), ("accept",)))),
        ("deliver 0> accept", ReleaseStep("deliver", MessageChoice(((0, -1),), ("accept",)))),
        ("drop accept >1", ReleaseStep("drop", MessageChoice(((-1, 1),), ("accept",)))),
        ("drop r0-r1", ReleaseStep("drop", MessageChoice(((0, 1), (1, 0))))),
        ("double #14 #23", ReleaseStep("double", numbers=(14, 23))),
        ("tick", TickStep()),
        ("tick r1", TickStep(1)),
        ("tick all 50ms", TickStep(-1, 50.0)),
        ("run 0.2", RunStep(0.2)),
        ("clock all 0", ClockRateStep(-1, 0.0)),
        ("clock r1 10%", ClockRateStep(1, 10.0)),
        ("stabilize", StabilizeStep()),
    ],
)
def test_each_step_has_its_words(text: str, said: Step) -> None:
    assert step(text) == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no step"),
        ("delivre", "did you mean deliver?"),
        ("hold", "hold what?"),
        ("hold acept", "did you mean accept?"),
        ("hold slot", "slot needs its number"),
        ("deliver #x", "is no number of a message"),
        ("deliver #1 accept", "is no number of a message"),
        ("drop r0>r0", "joins a replica to itself"),
        ("run", "run needs one value"),
        ("run -1", "out of range"),
        ("clock r1", "needs a replica and a percentage"),
        ("clock r1 500", "out of range"),
        ("tick x", "is no replica"),
        ("stabilize now", "stands alone"),
    ],
)
def test_a_step_that_cannot_be_understood_is_told_why(text: str, why: str) -> None:
    with pytest.raises(WordError, match=why.replace("?", r"\?")):
        step(text)


def test_every_step_is_written() -> None:
    assert len(typing.get_args(Step)) == 6
