"""What a learner may call chosen, and how it gets what it missed."""

from __future__ import annotations

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import CatchUpAsked, Elected, EntriesSent, Learned
from paxtui.core.messages import Accept, CatchUp, Chosen, Entries, Heartbeat
from paxtui.core.settings import Settings
from paxtui.core.validation import NOT_THE_CHOSEN
from paxtui.core.values import NOOP, Command, Entry
from tests.core.cluster import Cluster


def test_a_deposed_leader_that_catches_up_makes_nobody_learn_its_lost_proposal() -> None:
    """A leader's watermark tells its voters that their votes at its ballot are chosen. That is true only
    while it learns no other value in a slot where it proposed (correctness, invariants 4 and 5)."""
    cluster = Cluster(5)
    cluster.lead(1)
    cluster.isolate(0)
    cluster.say(1, "ada", "first")
    cluster.stabilize()
    cluster.heal()
    cluster.elect(0)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    assert cluster[0].leads
    question = cluster.take_out("catch-up", sender=0)
    cluster.say(0, "bob", "lost")
    cluster.deliver("accept", to=4)
    cluster.isolate(0, 4)
    cluster.lead(1)
    cluster.say(1, "cyd", "chosen")
    cluster.stabilize()
    cluster.heal()
    cluster.put_in(question)
    cluster.deliver("entries", to=0)
    assert cluster[0].texts == ["first", "chosen"]
    assert not cluster[0].leads
    cluster.run(3.0)
    assert list(cluster.logs()) == [["first", "chosen"]] * 5


def test_a_tally_teaches_only_those_who_voted_at_the_very_ballot() -> None:
    """Paxos Made Simple, 2.2: a value is chosen by votes for one proposal. A vote of an older ballot in the
    same slot may be for another value."""
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (Command("old@0", 1, "old"),)))
    cluster.inject(1, 2, Chosen(Ballot(2, 1), 0, 1))
    assert cluster[2].log == []
    cluster.inject(0, 2, Chosen(Ballot(1, 0), 0, 1))
    assert cluster[2].texts == ["old"]


def test_a_watermark_teaches_only_those_who_voted_at_the_very_ballot() -> None:
    """Mistake 11: a lost announcement is made good by the next heartbeat, by votes of its ballot alone."""
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (Command("old@0", 1, "old"),)))
    (_, ask) = cluster.inject(1, 2, Heartbeat(Ballot(2, 1), 1, 1))
    assert cluster[2].log == []
    assert ask.message == CatchUp(0)
    cluster.inject(0, 2, Heartbeat(Ballot(1, 0), 1, 1))
    assert cluster[2].texts == ["old"]


def test_a_watermark_teaches_nothing_above_it() -> None:
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 0, (Command("a@0", 1, "a"), Command("a@0", 2, "b"))))
    cluster.inject(0, 2, Heartbeat(Ballot(1, 0), 1, 1))
    assert cluster[2].texts == ["a"]


def test_a_lost_announcement_is_made_good_by_the_next_heartbeat() -> None:
    """Mistake 11."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    cluster.deliver("accepted")
    cluster.drop("chosen")
    cluster.run(0.15)
    assert list(cluster.logs()) == [["a"]] * 3
    assert cluster[1].seen(CatchUpAsked) == []


def test_nothing_is_applied_above_a_hole() -> None:
    """Paxos Made Simple, 3: commands are executed in the order of their slots."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.drop("accept")
    cluster.say(0, "ada", "b")
    cluster.stabilize()
    assert [len(node.seen(Learned)) for node in cluster.nodes] == [1, 1, 1]
    assert list(cluster.logs()) == [[], [], []]
    cluster.run(0.3)
    assert list(cluster.logs()) == [["a", "b"]] * 3


def behind(limits: Settings, texts: str = "abcdefgh") -> Cluster:
    """Replica 2 missed everything; the others have it."""
    cluster = Cluster(3, limits)
    cluster.lead(0)
    cluster.isolate(2)
    for text in texts:
        cluster.say(0, "ada", text)
    cluster.stabilize()
    cluster.heal()
    return cluster


@pytest.mark.parametrize(("pages", "asked"), [(1, [0, 3, 6]), (2, [0, 6]), (8, [0])])
def test_what_was_missed_is_asked_for_and_comes_in_pages_from_memory(pages: int, asked: list[int]) -> None:
    cluster = behind(Settings(run_slots=3, catch_up_pages=pages))
    cluster.run(0.11)
    assert cluster[2].texts == list("abcdefgh")
    assert [len(cluster[0].fetches), len(cluster[1].fetches)] == [0, 0]
    assert [event.first for event in cluster[2].seen(CatchUpAsked)] == asked
    assert [(event.first, event.count) for event in cluster[0].seen(EntriesSent)] == [(0, 3), (3, 3), (6, 2)]


def test_a_page_of_several_that_is_lost_is_asked_for_again() -> None:
    cluster = behind(Settings(run_slots=3))
    cluster.tick(0.1)
    cluster.deliver("heartbeat", to=2)
    cluster.deliver("catch-up")
    assert cluster.deliver("entries", count=1) == 1
    assert cluster.drop("entries") == 2
    cluster.run(1.0)
    assert cluster[2].texts == list("abcdefgh")
    assert [event.first for event in cluster[2].seen(CatchUpAsked)] == [0, 3]


def test_what_is_no_longer_in_memory_comes_from_disk() -> None:
    """Mistakes 23 and 33: memory is bounded, learned slots stay answerable."""
    cluster = behind(Settings(run_slots=3, cache_slots=2))
    cluster.run(0.11)
    assert cluster[2].texts == list("abcdefgh")
    assert [fetch.first for fetch in cluster[0].fetches] == [0, 3]
    assert all(fetch.slots_max == 3 for fetch in cluster[0].fetches)


def test_a_page_is_limited_in_characters_but_holds_at_least_one_slot() -> None:
    cluster = behind(Settings(run_chars=100))
    cluster.run(0.2)
    assert cluster[2].texts == list("abcdefgh")
    assert {event.count for event in cluster[0].seen(EntriesSent)} == {2}
    cluster = behind(Settings(run_chars=1))
    cluster.run(0.2)
    assert cluster[2].texts == list("abcdefgh")


def test_anyone_may_be_asked_and_another_one_if_the_first_is_silent() -> None:
    """Mistake 11: not only the leader."""
    cluster = behind(Settings())
    cluster.deliver("heartbeat")
    cluster.tick(0.1)
    cluster.deliver("heartbeat")
    cluster.deliver("heartbeat-ack")
    assert [event.to for event in cluster[2].seen(CatchUpAsked)] == [0]
    cluster.drop("catch-up")
    cluster[2].replica.learner.note_watermark(1, 8, cluster.now)
    cluster.cut((2, 0))
    cluster.run(0.5)
    assert [event.to for event in cluster[2].seen(CatchUpAsked)] == [0, 1]
    assert cluster[2].texts == list("abcdefgh")


def test_a_page_that_nobody_asked_for_is_dropped() -> None:
    cluster = behind(Settings())
    entries = Entries(5, (Entry(Ballot(1, 0), Command("liar@0", 1, "x")),), 6)
    cluster.inject(1, 2, entries)
    assert cluster[2].log == []
    assert cluster[2].drops() == ["answers nothing that is asked now"]


def test_a_page_that_arrives_twice_is_applied_once() -> None:
    cluster = behind(Settings(run_slots=3, catch_up_pages=1))
    cluster.tick(0.1)
    cluster.deliver("heartbeat", to=2)
    cluster.deliver("catch-up")
    (page,) = cluster.flying("entries")
    cluster.deliver("entries")
    cluster.put_in([page])
    assert cluster[2].texts == ["a", "b", "c"]


def test_two_chosen_values_in_a_slot_stop_the_replica() -> None:
    """Agreement, the rule that all others serve: better no replica than a wrong one."""
    cluster = Cluster(3, checked=False)
    cluster.inject(0, 2, Accept(Ballot(1, 0), 1, (Command("a@0", 1, "a"),)))
    cluster.inject(0, 2, Chosen(Ballot(1, 0), 1, 1))
    cluster.inject(0, 2, Heartbeat(Ballot(1, 0), 1, 2))
    lie = (Entry(Ballot(1, 0), NOOP), Entry(Ballot(2, 0), Command("a@0", 1, "b")))
    cluster.inject(0, 2, Entries(0, lie, 2))
    assert cluster[2].drops()[-1] == NOT_THE_CHOSEN  # the word of another replica proves nothing
    with pytest.raises(InvariantViolated, match="two values are chosen in slot 1"):
        cluster[2].replica.learner.learn(0, lie)


def test_a_foreign_entry_replaces_the_vote_that_lost() -> None:
    """Mistake 33, seen from the other side: after a restart the row is the chosen value."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "lost")
    cluster.drop()
    cluster.isolate(0)
    cluster.lead(1)
    cluster.say(1, "bob", "chosen")
    cluster.stabilize()
    cluster.heal()
    cluster.run(1.0)
    assert cluster[0].disk.rows[0].value.text == "chosen"
    cluster.crash(0)
    cluster.restart(0)
    assert cluster[0].texts == ["chosen"]


def test_a_leader_that_is_far_behind_keeps_the_lead_while_it_catches_up() -> None:
    """Mistake 15: only a leader that makes no progress below its base needs another phase 1."""
    cluster = behind(Settings(run_slots=1), texts="abcdefghijklmnop")
    cluster.elect(2)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    assert (cluster[2].leads, cluster[2].status.watermark) == (True, 0)
    elected = len(cluster[2].seen(Elected))
    while cluster[2].status.watermark < 16:
        # One slot a second: slow, but never as slow as three election timeouts.
        pages = cluster.take_out("entries")
        for _ in range(10):
            cluster.tick(0.1)
            pages += cluster.take_out("entries")
            for kind in ("heartbeat", "heartbeat-ack", "catch-up"):
                cluster.deliver(kind)
        cluster.put_in(pages[:1])
        assert cluster[2].leads
    assert len(cluster[2].seen(Elected)) == elected


def test_a_leader_that_cannot_learn_what_a_promise_left_out_tries_again_without_that_promise() -> None:
    """The one that knew the slots is gone; their votes are still at a majority (P2c)."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept", to=1)
    cluster.deliver("accepted")
    cluster.drop()
    cluster.tick(0.3)
    cluster.drop()
    assert cluster[0].disk.state.watermark == 1
    cluster.elect(2)
    cluster.deliver("prepare", to=0)
    cluster.deliver("promise", sender=0)
    assert cluster[2].replica.proposer.leader.base == 1  # type: ignore[union-attr]
    cluster.crash(0)
    cluster.drop()
    cluster.run(10.0)
    assert cluster[1].texts == cluster[2].texts == ["a"]
