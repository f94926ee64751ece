"""Mistakes that the simulator found in this core, each told again with a few explicit messages."""

from __future__ import annotations

from paxtui.core.events import CatchUpAsked
from paxtui.core.messages import Accept, Entries
from paxtui.core.settings import Settings
from paxtui.core.values import Command
from tests.core.cluster import Cluster


def test_an_acceptor_that_is_full_still_votes_at_its_watermark() -> None:
    """Found with tiny limits: votes above a hole took all the room that an acceptor
    had, so it refused the very slot that would have emptied it, and the cluster stood still for ever."""
    cluster = Cluster(3, Settings(ahead_chars=1))
    cluster.lead(0)
    ballot = cluster[0].status.ballot
    base = cluster[1].status.watermark
    cluster.inject(0, 1, Accept(ballot, base + 1, (Command("ada@0", 2, "above the hole"),)))
    letters = cluster.inject(0, 1, Accept(ballot, base, (Command("ada@0", 1, "the hole"),)))
    accepted = [letter.message for letter in letters if letter.kind == "accepted"]
    assert [(message.first, message.count) for message in accepted] == [(base, 1)]
    refused = cluster.inject(0, 1, Accept(ballot, base + 2, (Command("ada@0", 3, "no room"),)))
    assert [letter.message.count for letter in refused if letter.kind == "accepted"] == [0]


def test_a_leader_without_a_majority_steps_down_however_many_reads_arrive() -> None:
    """Found with clients that mostly read: each read asks for a heartbeat, and each heartbeat put off the
    moment at which the leader looks whether anybody answers. Ten reads a second kept a cut-off leader in
    office for ever."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(0)
    for ticket in range(200):
        if not cluster[0].leads:
            break
        cluster.read(0, ticket)
        cluster.tick(0.01)
    assert not cluster[0].leads
    assert not cluster[0].read_ready(0)


def test_an_empty_page_of_the_log_is_not_asked_for_again_at_once() -> None:
    """Found with tiny caches and slow disks: a replica knew more than it could tell, because its memory was
    short and its disk slow. Each empty page was followed by the same question, at the network's speed."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(1)
    for text in ("one", "two", "three"):
        cluster.say(0, "ada", text)
    cluster.stabilize()
    cluster.heal()
    while not cluster.flying("catch-up", sender=1):
        cluster.tick(0.05)
        cluster.deliver("heartbeat", to=1)
    asked = cluster[1].seen(CatchUpAsked)[-1]
    cluster.drop("catch-up")
    upto = cluster[0].status.watermark
    letters = cluster.inject(asked.to, 1, Entries(asked.first, (), upto))
    assert [letter.kind for letter in letters] == []
    cluster.run(2.0)
    assert cluster[1].texts == ["one", "two", "three"]


def test_an_election_lasts_as_long_as_pages_of_promises_arrive() -> None:
    """Found with pages of one slot on slow links: each page of a long promise takes a round trip and a
    commit. The candidate gave up in the middle, started again from the first page, and so for ever."""
    cluster = Cluster(3, Settings(run_slots=1))
    cluster.lead(0)
    texts = [f"message {number}" for number in range(20)]
    for text in texts:
        cluster.say(0, "ada", text)
    cluster.deliver("accept")
    cluster.drop()
    cluster.crash(0)
    cluster.elect(1)
    round_taken = cluster[1].replica.proposer.round
    for _ in range(len(texts) + 5):
        cluster.deliver("prepare", to=2)
        cluster.tick(0.1)
        cluster.deliver("promise", to=1)
    assert cluster[1].leads
    assert cluster[1].status.ballot.round == round_taken
    cluster.run(3.0)
    assert cluster[1].texts == texts


def test_what_does_not_fit_a_tick_of_sending_again_has_its_turn_later() -> None:
    """Found with a skipped slot and tiny limits: with little room a tick, the first slot in the list was
    sent again for ever, and never the one behind it, a filled hole, for which everything waited."""
    cluster = Cluster(3, Settings(resend_chars=1, run_slots=1))
    cluster.lead(0)
    base = cluster[0].status.watermark
    for number in range(10):
        cluster.say(0, "ada", f"message {number}")
    cluster.drop("accept")
    sent: set[int] = set()
    for _ in range(40):
        cluster.tick(0.1)
        cluster.deliver("heartbeat")
        cluster.deliver("heartbeat-ack")
        sent |= {letter.message.first for letter in cluster.flying("accept", to=1)}
        cluster.drop("accept")
    assert sent == set(range(base, base + 10))
