"""The gate by itself: which messages leave at once, which wait for which batch, and in what order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paxtui.core.ballot import Ballot
from paxtui.core.durability_gate import DurabilityGate
from paxtui.core.messages import Accepted, Heartbeat
from paxtui.core.output import Envelope, Output

BALLOT = Ballot(1, 0)


def sign(number: int) -> Envelope:
    """A message that binds nobody."""
    return Envelope(1, Heartbeat(BALLOT, number, 0))


def vote(number: int) -> Envelope:
    """A message that must not leave before the disk has what it says."""
    return Envelope(1, Accepted(BALLOT, number, 1, 0))


def output(batch: int, sends: tuple[Envelope, ...] = (), waits: tuple[Envelope, ...] = ()) -> Output:
    """An output in which only messages matter."""
    return Output(batch, (), sends, waits, (), (), (), ())


def test_what_binds_nobody_leaves_before_the_disk_is_done() -> None:
    gate = DurabilityGate()
    assert gate.admit(output(1, (sign(0),), (vote(0),))) == (sign(0),)
    assert gate.held == ((1, (vote(0),)),)


def test_a_vote_leaves_when_its_batch_is_on_disk() -> None:
    gate = DurabilityGate()
    gate.admit(output(1, waits=(vote(0), vote(1))))
    assert gate.durable(1) == (vote(0), vote(1))
    assert gate.held == ()
    assert gate.durable(1) == ()


def test_a_batch_frees_nothing_that_waits_for_a_later_one() -> None:
    gate = DurabilityGate()
    for batch in (1, 2, 3):
        gate.admit(output(batch, waits=(vote(batch),)))
    assert gate.durable(1) == (vote(1),)
    assert gate.held == ((2, (vote(2),)), (3, (vote(3),)))


def test_one_report_frees_all_earlier_batches_oldest_first() -> None:
    gate = DurabilityGate()
    for batch in (1, 2, 3):
        gate.admit(output(batch, waits=(vote(batch),)))
    assert gate.durable(2) == (vote(1), vote(2))


def test_a_repeated_answer_leaves_at_once_if_its_batch_is_on_disk() -> None:
    gate = DurabilityGate()
    gate.admit(output(1, waits=(vote(0),)))
    gate.durable(1)
    assert gate.admit(output(1, (sign(0),), (vote(0),))) == (sign(0), vote(0))


def test_a_repeated_answer_waits_for_the_batch_that_it_rests_on() -> None:
    gate = DurabilityGate()
    gate.admit(output(1, waits=(vote(0),)))
    assert gate.admit(output(1, waits=(vote(0),))) == ()
    assert gate.durable(1) == (vote(0), vote(0))


def test_a_replica_that_never_wrote_anything_may_answer_at_once() -> None:
    assert DurabilityGate().admit(output(0, waits=(vote(0),))) == (vote(0),)


def test_a_report_that_comes_late_takes_nothing_back() -> None:
    gate = DurabilityGate()
    gate.durable(3)
    gate.durable(2)
    assert gate.batch == 3
    assert gate.admit(output(3, waits=(vote(0),))) == (vote(0),)


def test_what_waits_when_the_vote_is_lost_never_leaves() -> None:
    gate = DurabilityGate()
    gate.admit(output(1, waits=(vote(0),)))
    gate.discard()
    assert gate.durable(1) == ()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("say"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("durable"), st.integers(0, 4), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS)
def test_every_message_leaves_once_in_order_and_never_before_its_batch(
    steps: list[tuple[str, int, int]],
) -> None:
    gate = DurabilityGate()
    batch = durable = number = 0
    needs: dict[int, int] = {}
    left: list[int] = []
    for what, sends, waits in steps:
        if what == "durable":
            durable = min(batch, durable + sends)
            freed = gate.durable(durable)
        else:
            batch += what == "write"
            signs = tuple(sign(number + each) for each in range(sends))
            votes = tuple(vote(number + each) for each in range(waits))
            for each in range(waits):
                needs[number + each] = batch
            number += max(sends, waits)
            freed = gate.admit(output(batch, signs, votes))
            assert freed[:sends] == signs
            freed = freed[sends:]
        for envelope in freed:
            assert isinstance(envelope.message, Accepted)
            assert needs[envelope.message.first] <= durable
            left.append(envelope.message.first)
        assert all(held > durable for held, _ in gate.held)
    for envelope in gate.durable(batch):
        assert isinstance(envelope.message, Accepted)
        left.append(envelope.message.first)
    assert left == sorted(needs)
