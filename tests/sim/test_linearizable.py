"""The checker of client histories, judged by hand-made bad ones and by the general search."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paxtui.sim.cluster.linearizable import Op, check, jepsen, porcupine, search


def append(text: str, call: float, ends: float | None, slot: int | None, outcome: str = "ok") -> Op:
    return Op(op="append", client="a", text=text, call=call, return_=ends, slot=slot, outcome=outcome)  # type: ignore[arg-type]


def read(call: float, ends: float, *texts: str) -> Op:
    return Op(op="read", client="r", call=call, return_=ends, texts=list(texts), outcome="ok")


GOOD = {
    "one after another": [append("x", 0, 1, 0), append("y", 2, 3, 1), read(4, 5, "x", "y")],
    "overlapping appends in the other order": [
        append("x", 0, 5, 1),
        append("y", 1, 2, 0),
        read(6, 7, "y", "x"),
    ],
    "a read beside an append may miss it": [append("x", 0, 5, 0), read(1, 2), read(6, 7, "x")],
    "an unknown append happened": [append("x", 0, None, None, "unknown"), read(5, 6, "x")],
    "an unknown append never happened": [append("x", 0, None, None, "unknown"), read(5, 6)],
    "an unknown append happened late": [
        append("x", 0, None, None, "unknown"),
        append("y", 1, 2, 0),
        read(3, 4, "y"),
        read(5, 6, "y", "x"),
    ],
    "a failed append is not there": [append("x", 0, 1, None, "failed"), read(2, 3)],
    "a slot that holds a no-op": [append("x", 0, 1, 0), append("y", 2, 3, 7), read(4, 5, "x", "y")],
}

BAD = {
    "a lost acknowledgement": [append("x", 0, 1, 0), read(2, 3)],
    "a duplicate": [append("x", 0, 1, 0), read(2, 3, "x", "x")],
    "an invented message": [append("x", 0, 1, 0), read(2, 3, "x", "ghost")],
    "real time broken": [append("x", 0, 1, 1), append("y", 2, 3, 0), read(4, 5, "y", "x")],
    "diverged reads": [append("x", 0, 9, 0), append("y", 0, 9, 1), read(1, 2, "x"), read(1, 2, "y")],
    "two in a slot": [append("x", 0, 1, 0), append("y", 2, 3, 0), read(4, 5, "x", "y")],
    "a failed append visible": [append("x", 0, 1, None, "failed"), read(2, 3, "x")],
    "a wrong suffix": [
        append("x", 0, 1, 0),
        append("y", 0, 9, 1),
        append("z", 0, 9, 2),
        read(2, 3, "x", "y"),
        read(4, 5, "x", "z"),
    ],
    "a stale read": [append("x", 0, 1, 0), append("y", 2, 3, 1), read(4, 5, "x"), read(6, 7, "x", "y")],
    "a read that goes back": [append("x", 0, 9, 0), read(1, 2, "x"), read(3, 4)],
    "a message read before it was sent": [read(0, 1, "x"), append("x", 2, 3, 0)],
    "slots against the order of reads": [append("x", 0, 9, 1), append("y", 0, 9, 0), read(1, 2, "x", "y")],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history_is_safe(name: str) -> None:
    assert check(GOOD[name]).verdict == "safe", check(GOOD[name]).problems


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_violated(name: str) -> None:
    verdict = check(BAD[name])
    assert verdict.verdict == "violated"
    assert verdict.problems


def test_equal_texts_cannot_be_judged() -> None:
    assert check([append("x", 0, 1, 0), append("x", 2, 3, 1)]).verdict == "unknown"


@st.composite
def histories(draw: st.DrawFn) -> list[Op]:
    """Up to four appends and three reads with random intervals, slots and lists: good and bad ones."""
    texts = "wxyz"[: draw(st.integers(1, 4))]
    slots = draw(st.permutations(range(len(texts))))
    ops: list[Op] = []
    for text, slot in zip(texts, slots, strict=True):
        call = draw(st.integers(0, 9))
        outcome = draw(st.sampled_from(["ok", "ok", "ok", "unknown", "failed"]))
        ends = None if outcome == "unknown" else call + draw(st.integers(0, 6))
        ops.append(append(text, call, ends, slot if outcome == "ok" else None, outcome))
    order = sorted(texts, key=lambda text: slots[texts.index(text)])
    for _ in range(draw(st.integers(0, 3))):
        call = draw(st.integers(0, 15))
        seen = order if draw(st.booleans()) else list(draw(st.permutations(order)))
        seen = seen[: draw(st.integers(0, len(seen)))]
        ops.append(read(call, call + draw(st.integers(0, 4)), *seen))
    return ops


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(histories())
def test_the_quick_check_agrees_with_the_general_search(history: list[Op]) -> None:
    assert (check(history).verdict == "safe") == search(history)


def test_exports_have_a_line_for_each_operation_and_each_of_its_ends() -> None:
    history = [*GOOD["one after another"], append('q"', 9, None, None, "unknown")]
    assert len(list(porcupine(history))) == 4
    lines = list(jepsen(history))
    assert len(lines) == 8
    assert lines[0] == '{:process 0, :type :invoke, :f :txn, :value [[:append :log "x"]], :time 0, :index 0}'
    assert '[[:r :log ["x" "y"]]]' in "".join(lines)
    assert lines[-1].startswith("{:process 0, :type :info")
