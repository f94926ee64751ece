"""What observers are told of an event: the same from a replica that runs and from a record."""

from __future__ import annotations

from paxtui.core import events as e
from paxtui.core.ballot import Ballot
from paxtui.core.values import NOOP, Command, Entry
from paxtui.wire.telemetry import LearnedView, ProposedView, ValueView, VotedView, digest
from paxtui.wire.views import FLUSH_VALUES, views

B = Ballot(3, 1)
C = Ballot(4, 0)
ADA = Command("ada", 1, "coffee?")
SHOWN = (ValueView("ada", 1, "coffee?"), ValueView("", 0, ""))


def test_values_are_told_in_a_lighter_form_and_all_else_as_it_is() -> None:
    digests = digest(ADA) + digest(NOOP)
    happened: list[tuple[float, e.Event]] = [
        (1.00001, e.Proposed(B, 7, (ADA, NOOP), "client")),
        (1.1, e.Voted(B, 7, (ADA, NOOP))),
        (1.2, e.Learned(7, (Entry(B, ADA), Entry(C, NOOP)))),
        (1.3, e.PrepareSent(C, 7, -1)),
    ]
    assert list(views(happened)) == [
        (
            1.0,
            ProposedView(B, 7, 2, "client", digests, SHOWN),
        ),
        (1.1, VotedView(B, 7, 2, digests)),
        (
            1.2,
            LearnedView(7, 2, ((B, 1), (C, 1)), digests, SHOWN),
        ),
        (1.3, e.PrepareSent(C, 7, -1)),
    ]


def test_values_beyond_the_budget_of_a_flush_are_left_out_and_their_digests_stay() -> None:
    many = (ADA,) * FLUSH_VALUES
    happened: list[tuple[float, e.Event]] = [
        (0.0, e.Proposed(B, 0, many, "client")),
        (0.0, e.Learned(9, (Entry(B, ADA),))),
    ]
    (_, whole), (_, cut) = views(happened)
    assert isinstance(whole, ProposedView)
    assert whole.values is not None
    assert len(whole.values) == FLUSH_VALUES
    assert cut == LearnedView(9, 1, ((B, 1),), digest(ADA), None)
