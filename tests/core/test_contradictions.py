"""What contradicts itself, or what is known to be chosen, is dropped; what only looks like it is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paxtui.core.ballot import Ballot
from paxtui.core.messages import Accept, Accepted, Chosen, PreVoteReply, Promise, Snapshot
from paxtui.core.settings import Settings
from paxtui.core.validation import BAD_PAGE, BAD_VALUE, NOT_THE_CHOSEN
from paxtui.core.values import TEXT_BYTES_MAX, Command, Vote, trim
from tests.core.cluster import Cluster


def test_an_accept_against_a_slot_that_was_chosen_without_an_own_vote_is_dropped() -> None:
    """The leader had no room for its own vote in slot 1, and a majority voted without it. Slot 1 is known,
    and lies above every own vote."""
    cluster = Cluster(3, Settings(ahead_slots=1), checked=False)
    cluster.lead(0)
    cluster.propose(0, Command("ada@0", 1, "a"), Command("ada@0", 2, "b"))
    ballot = cluster[0].status.ballot
    for voter in (1, 2):
        cluster.inject(voter, 0, Accepted(ballot, 1, 1, 0))
    assert (cluster[0].status.watermark, sorted(cluster[0].replica.learner.known)) == (0, [1])
    assert cluster[0].replica.acceptor.high == 1
    cluster.inject(1, 0, Accept(Ballot(9, 1), 1, (Command("eve@0", 1, "other"),)))
    assert cluster[0].drops()[-1] == NOT_THE_CHOSEN
    assert cluster[0].leads


def test_a_state_at_slot_0_contradicts_itself() -> None:
    """Nothing is applied below slot 0, so no replica keeps such a state."""
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, PreVoteReply(Ballot(1, 2), False, Ballot.ZERO, 5))
    page = Snapshot(0, 1000, bytes(32), -1, "", (), True, 5)
    cluster.inject(0, 2, page)
    assert cluster[2].drops()[-1] == BAD_PAGE
    cluster.inject(0, 2, replace(page, upto=1))
    assert cluster[2].status.watermark == 1


def test_a_vote_at_the_very_ballot_of_the_promise_is_no_contradiction() -> None:
    """A Prepare that comes twice, and late, is answered with the votes that its own ballot has got."""
    cluster = Cluster(3, checked=False)
    cluster.elect(0)
    cluster.drop()
    ballot = Ballot(1, 0)
    promise = Promise(ballot, 0, None, 0, (Vote(0, ballot, Command("ada@0", 1, "a")),))
    cluster.inject(1, 0, promise)
    assert cluster[0].leads
    assert cluster[0].drops() == []


@pytest.mark.parametrize(
    ("chars", "allowed"), [(TEXT_BYTES_MAX // 4, True), (TEXT_BYTES_MAX // 4 + 1, False)]
)
def test_a_text_is_measured_in_bytes(chars: int, allowed: bool) -> None:
    value = Command("ada@0", 1, "\N{GRINNING FACE}" * chars)
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (value,)))
    assert cluster[2].drops() == ([] if allowed else [BAD_VALUE])
    assert sorted(cluster[2].disk.rows) == ([0] if allowed else [])


def test_a_trim_that_no_mark_precedes_removes_nothing() -> None:
    """No honest leader proposes one."""
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (Command("ada@0", 1, "a"), trim(9, Ballot(1, 0)))))
    cluster.inject(0, 2, Chosen(Ballot(1, 0), 0, 2))
    assert cluster[2].status.watermark == 2
    assert (cluster[2].status.log_start, cluster[2].disk.log_start) == (0, 0)
