"""*Paxos Made Simple* (Leslie Lamport, 2001), sentence by sentence: what sections 2 and 3 demand of safety.

Each test quotes the sentence that it holds the core to; the last one plants mistakes in the core and sees the
tests of the sentences that they break fail. Sentences about all runs (P2 and its stronger forms) are judged
on histories: random runs of three replicas with lost, repeated and late messages, crashes, and several
would-be leaders at once.

Where the core does otherwise, and why that is as safe:

- "We also have it ignore a prepare request for a proposal it has already accepted" (2.2): it answers again,
  so that a lost promise can be asked for (``test_a_prepare_for_a_proposal_already_accepted...``).
- An acceptor does not just *ignore* what it refuses; it says so, as the end of 2.2 suggests.
- "If the set of servers can change" (3): it cannot here. Membership is fixed, so α is only a window.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import pytest

from paxtui.core.ballot import Ballot, majority
from paxtui.core.errors import InvariantViolated
from paxtui.core.events import Elected, Event, Learned, Proposed, RoundTaken, SteppedDown
from paxtui.core.messages import Accept, Accepted, Nack, Prepare, Promise
from paxtui.core.output import PutVotes, Refused
from paxtui.core.settings import Settings
from paxtui.core.values import NOOP, Command, Vote
from paxtui.sim.mutants import MUTANTS
from tests.core.cluster import Cluster, Ghost, Letter

A = Command("ada@0", 1, "a")
B = Command("bob@0", 1, "b")
LOW, MIDDLE, HIGH = Ballot(1, 0), Ballot(2, 1), Ballot(3, 0)
NUMBERS = (LOW, Ballot(2, 0), MIDDLE, HIGH)

SEEDS = range(60)
STEPS = 200


# Histories


class Witness(Ghost):
    """Remembers votes, and leaves it to the tests to object."""

    def voted(self, who: int, write: PutVotes) -> None:
        for slot, value in enumerate(write.values, write.first):
            self.values.setdefault((slot, write.ballot), value)
            self.votes[slot, write.ballot].add(who)

    def told(self, event: Event) -> None:
        pass


class History:
    """A random run of three replicas, and what was said and done in it."""

    def __init__(self, seed: int) -> None:
        self.cluster = Cluster(3, seed=seed)
        self.cluster.ghost = Witness(3)
        self.cluster.listener = self._listen
        self.events: list[tuple[int, Event]] = []
        self.letters: list[Letter] = []
        self.asked: set[Command] = set()
        self.unfounded: list[Learned] = []
        """What was learned before it was chosen."""
        self.stopped = False
        """Whether the core itself saw that something was wrong."""
        self._rng = random.Random(seed)
        try:
            for _ in range(STEPS):
                self._step()
        except InvariantViolated:
            self.stopped = True

    def _listen(self, who: int, what: Event | Letter) -> None:
        if isinstance(what, Letter):
            self.letters.append(what)
        else:
            self.events.append((who, what))
            if isinstance(what, Learned):
                for slot, entry in enumerate(what.entries, what.first):
                    if entry.value not in self.chosen(slot).values():
                        self.unfounded.append(what)

    def _step(self) -> None:
        cluster, rng = self.cluster, self._rng
        dice, who = rng.random(), rng.randrange(3)
        if dice < 0.70 and cluster.flight:
            letter = rng.choice(cluster.flight)
            if rng.random() > 0.15:
                cluster.flight.remove(letter)
            if rng.random() > 0.15:
                cluster.put_in([letter])
        elif dice < 0.77:
            cluster.elect(who)
        elif dice < 0.92:
            self.asked.add(cluster.say(who, rng.choice("abc"), f"after {len(self.events):5} events"))
        elif dice < 0.95:
            cluster.tick(0.2)
        else:
            cluster.crash(who)
            cluster.restart(who)

    # What happened

    def slots(self) -> set[int]:
        """Where anybody voted."""
        return {slot for slot, _ in self.cluster.ghost.votes}

    def accepted(self, slot: int) -> dict[Ballot, tuple[Command, set[int]]]:
        """By ballot, the value and who accepted it, as their disks had it."""
        ghost = self.cluster.ghost
        return {b: (ghost.values[s, b], who) for (s, b), who in ghost.votes.items() if s == slot}

    def chosen(self, slot: int) -> dict[Ballot, Command]:
        """The proposals that a majority accepted."""
        return {b: value for b, (value, who) in self.accepted(slot).items() if len(who) >= majority(3)}

    def issued(self) -> list[tuple[int, Ballot, Command]]:
        """Each proposal, as soon as it was decided on."""
        return [
            (slot, event.ballot, value)
            for _, event in self.events
            if isinstance(event, Proposed)
            for slot, value in enumerate(event.values, event.first)
        ]


def histories() -> list[History]:
    """The same ones in each call, unless the core is another."""
    return [History(seed) for seed in SEEDS]


def test_the_histories_are_worth_judging() -> None:
    """Values are chosen, some of them again at a higher ballot, under several leaders."""
    played = histories()
    assert not any(h.stopped for h in played)
    assert sum(len(h.chosen(slot)) > 1 for h in played for slot in h.slots()) > 20
    assert sum(isinstance(event, Elected) for h in played for _, event in h.events) > 60
    assert sum(len(h.accepted(slot)) > 2 for h in played for slot in h.slots()) > 10


# A replica whose peers the test plays


def alone() -> Cluster:
    """Replica 2 is under test; 0 and 1 are the test."""
    return Cluster(3, checked=False)


def ask(cluster: Cluster, message: Any) -> Any:
    """Replica 2's one answer."""
    (letter,) = cluster.inject(message.ballot.replica, 2, message)
    return letter.message


def preparing(replicas: int = 3) -> tuple[Cluster, Ballot]:
    """Replica 0 has sent its prepare requests; the others are the test."""
    cluster = Cluster(replicas, checked=False)
    cluster.elect(0)
    return cluster, Ballot(1, 0)


def promise(ballot: Ballot, *votes: Vote) -> Promise:
    return Promise(ballot, 0, None, 0, votes)


def proposals(cluster: Cluster, me: int) -> dict[int, Command]:
    """What a replica has proposed, by slot."""
    return {s: v for e in cluster[me].seen(Proposed) for s, v in enumerate(e.values, e.first)}


# 2.1 The Problem


def test_only_a_value_that_has_been_proposed_may_be_chosen() -> None:
    """2.1: "Only a value that has been proposed may be chosen"; 3 adds the no-op, which leaders propose."""
    for history in histories():
        issued = set(history.issued())
        for slot in history.slots():
            for ballot, value in history.chosen(slot).items():
                assert (slot, ballot, value) in issued
                assert value.is_noop or value in history.asked


def test_if_no_value_is_proposed_then_no_value_is_chosen() -> None:
    """2.1: "If no value is proposed, then no value should be chosen." Elections and time choose nothing."""
    cluster = Cluster(3)
    for me in (0, 1, 2, 0):
        cluster.lead(me)
        cluster.run(3.0)
    assert cluster.ghost.votes == {}
    assert [node.status.watermark for node in cluster.nodes] == [0, 0, 0]


def test_only_a_single_value_is_chosen() -> None:
    """2.1: "Only a single value is chosen"."""
    for history in histories():
        for slot in history.slots():
            assert len(set(history.chosen(slot).values())) <= 1


def test_a_process_never_learns_that_a_value_has_been_chosen_unless_it_actually_has_been() -> None:
    """2.1: "A process never learns that a value has been chosen unless it actually has been." """
    for history in histories():
        assert history.unfounded == []


def test_a_process_can_eventually_learn_the_chosen_value() -> None:
    """2.1: "if a value has been chosen, then a process can eventually learn the value"."""
    for history in histories():
        history.cluster.run(6.0)
        history.cluster.assert_agreement()
        log = {slot: entry.value for slot, entry in enumerate(history.cluster[0].log)}
        for slot in history.slots():
            for value in history.chosen(slot).values():
                assert log.get(slot) == value


# 2.2 Choosing a Value


@pytest.mark.parametrize("replicas", range(1, 10))
def test_any_two_majorities_have_at_least_one_acceptor_in_common(replicas: int) -> None:
    """2.2: "any two majorities have at least one acceptor in common"."""
    sets = [set(quorum) for quorum in combinations(range(replicas), majority(replicas))]
    assert all(a & b for a in sets for b in sets)


def test_p1_an_acceptor_must_accept_the_first_proposal_that_it_receives() -> None:
    """2.2, P1: "An acceptor must accept the first proposal that it receives." It may never have been asked
    for a promise."""
    for ballot in (LOW, HIGH, Ballot(9, 1)):
        assert ask(alone(), Accept(ballot, 0, (A,))) == Accepted(ballot, 0, 1, 0)


def test_an_acceptor_must_be_allowed_to_accept_more_than_one_proposal() -> None:
    """2.2: "an acceptor must be allowed to accept more than one proposal"; of different values, too."""
    cluster = alone()
    ask(cluster, Accept(LOW, 0, (A,)))
    assert ask(cluster, Accept(MIDDLE, 0, (B,))) == Accepted(MIDDLE, 0, 1, 0)


def test_different_proposals_have_different_numbers() -> None:
    """2.2: "To prevent confusion, we require that different proposals have different numbers." """
    for history in histories():
        values: dict[tuple[int, Ballot], Command] = {}
        for slot, ballot, value in history.issued():
            assert values.setdefault((slot, ballot), value) == value
        for letter in history.letters:
            if isinstance(letter.message, Accept):
                for slot, value in enumerate(letter.message.values, letter.message.first):
                    assert values[slot, letter.message.ballot] == value
        elected = [event.ballot for _, event in history.events if isinstance(event, Elected)]
        assert len(elected) == len(set(elected))


def test_a_value_is_chosen_when_a_single_proposal_has_been_accepted_by_a_majority() -> None:
    """2.2: "A value is chosen when a single proposal with that value has been accepted by a majority of the
    acceptors." Of five, two accepted the value at an older ballot, and two at this one: that is no
    majority."""
    cluster, ballot = preparing(5)
    for sender in (1, 2):
        cluster.inject(sender, 0, promise(ballot))
    cluster.propose(0, A)
    cluster.inject(4, 0, Nack(ballot, Ballot(1, 4), None, 0))
    cluster.elect(0)
    newer = Ballot(2, 0)
    cluster.inject(1, 0, promise(newer))
    cluster.inject(3, 0, promise(newer))
    assert proposals(cluster, 0) == {0: A}
    cluster.inject(1, 0, Accepted(ballot, 0, 1, 0))
    cluster.inject(2, 0, Accepted(ballot, 0, 1, 0))
    cluster.inject(3, 0, Accepted(newer, 0, 1, 0))
    cluster.inject(3, 0, Accepted(newer, 0, 1, 0))
    assert cluster[0].log == []
    cluster.inject(4, 0, Accepted(newer, 0, 1, 0))
    assert cluster[0].texts == ["a"]


def test_p2_every_higher_numbered_proposal_that_is_chosen_has_the_same_value() -> None:
    """2.2, P2: "If a proposal with value v is chosen, then every higher-numbered proposal that is chosen has
    value v." """
    for history in histories():
        for slot in history.slots():
            chosen = history.chosen(slot)
            assert all(value == chosen[min(chosen)] for value in chosen.values())


def test_p2a_every_higher_numbered_proposal_accepted_by_any_acceptor_has_the_same_value() -> None:
    """2.2, P2a: "If a proposal with value v is chosen, then every higher-numbered proposal accepted by any
    acceptor has value v." """
    for history in histories():
        for slot in history.slots():
            for chosen, value in history.chosen(slot).items():
                for ballot, (accepted, _) in history.accepted(slot).items():
                    assert ballot < chosen or accepted == value


def test_p2b_every_higher_numbered_proposal_issued_by_any_proposer_has_the_same_value() -> None:
    """2.2, P2b: "If a proposal with value v is chosen, then every higher-numbered proposal issued by any
    proposer has value v." """
    for history in histories():
        chosen = {slot: history.chosen(slot) for slot in history.slots()}
        for slot, ballot, issued in history.issued():
            for number, value in chosen.get(slot, {}).items():
                assert ballot < number or issued == value


def test_p2b_holds_for_a_proposer_that_wakes_up_beside_an_acceptor_that_heard_nothing() -> None:
    """2.2: "a proposal could be chosen with some particular acceptor c never having received any proposal.
    Suppose a new proposer 'wakes up' and issues a higher-numbered proposal with a different value." """
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "chosen")
    cluster.deliver("accept", to=1)
    cluster.deliver("accepted")
    cluster.crash(0)
    cluster.drop()
    cluster.elect(2)
    cluster.say(2, "bob", "different")
    cluster.deliver("prepare")
    cluster.deliver("promise")
    cluster.say(2, "bob", "different")
    assert [value.text for value in proposals(cluster, 2).values()] == ["chosen", "different"]
    cluster.stabilize()
    assert cluster[2].texts == ["chosen", "different"]


def test_p2c_some_majority_accepted_nothing_lower_or_its_highest_has_the_value() -> None:
    """2.2, P2c: "there is a set S consisting of a majority of acceptors such that either (a) no acceptor in S
    has accepted any proposal numbered less than n, or (b) v is the value of the highest-numbered proposal
    among all proposals numbered less than n accepted by the acceptors in S." An invariant, so judged at the
    end, when all that will ever be accepted has been."""
    for history in histories():
        for slot, number, value in history.issued():
            accepted = history.accepted(slot)
            assert any(
                not (lower := [b for b, (_, who) in accepted.items() if b < number and who & set(s)])
                or accepted[max(lower)][0] == value
                for s in combinations(range(3), majority(3))
            )


def test_a_promise_is_never_again_to_accept_a_proposal_numbered_less() -> None:
    """2.2, step 1(a): "A promise never again to accept a proposal numbered less than n" - in no slot, and
    also not after a crash."""
    cluster = alone()
    ask(cluster, Prepare(HIGH, 0, False))
    for ballot in (LOW, MIDDLE):
        for slot in (0, 1, 50):
            assert ask(cluster, Accept(ballot, slot, (A,))) == Nack(ballot, HIGH, None, 0)
    cluster.crash(2)
    cluster.restart(2)
    assert ask(cluster, Accept(MIDDLE, 0, (A,))) == Nack(MIDDLE, HIGH, None, 0)
    assert cluster[2].disk.rows == {}


def test_a_promise_tells_the_proposal_with_the_highest_number_that_it_has_accepted() -> None:
    """2.2, step 1(b): "The proposal with the highest number less than n that it has accepted, if any." """
    cluster = alone()
    assert ask(cluster, Prepare(LOW, 0, False)) == promise(LOW)
    ask(cluster, Accept(LOW, 0, (A,)))
    ask(cluster, Accept(MIDDLE, 0, (B,)))
    assert ask(cluster, Prepare(HIGH, 0, True)) == promise(HIGH, Vote(0, MIDDLE, B))


def test_a_proposal_is_issued_only_with_the_responses_of_a_majority() -> None:
    """2.2, step 2: "If the proposer receives the requested responses from a majority of the acceptors, then
    it can issue a proposal with number n" - not with fewer, and one acceptor's response twice is one."""
    cluster, ballot = preparing(5)
    cluster.propose(0, A)
    cluster.inject(3, 0, promise(ballot))
    cluster.inject(3, 0, promise(ballot))
    cluster.propose(0, A)
    assert proposals(cluster, 0) == {}
    cluster.inject(1, 0, promise(ballot))
    cluster.propose(0, A)
    assert proposals(cluster, 0) == {0: A}


@pytest.mark.parametrize("last", [1, 2], ids=["highest last", "highest first"])
def test_the_value_is_that_of_the_highest_numbered_proposal_among_the_responses(last: int) -> None:
    """2.2, step 2: "where v is the value of the highest-numbered proposal among the responses", in whatever
    order they come."""
    cluster = Cluster(5, checked=False)
    cluster.inject(1, 0, Nack(Ballot(0, 0), Ballot(7, 1), None, 0))
    cluster.elect(0)
    ballot = Ballot(8, 0)
    answers = {1: promise(ballot, Vote(0, Ballot(2, 1), B)), 2: promise(ballot, Vote(0, Ballot(1, 2), A))}
    for sender in (3 - last, last):
        cluster.inject(sender, 0, answers[sender])
    assert proposals(cluster, 0) == {0: B}


def test_the_value_is_any_if_the_responders_reported_no_proposals() -> None:
    """2.2, step 2: "or is any value selected by the proposer if the responders reported no proposals"."""
    cluster, ballot = preparing()
    cluster.inject(1, 0, promise(ballot))
    assert proposals(cluster, 0) == {}
    cluster.propose(0, B)
    assert proposals(cluster, 0) == {0: B}


def test_the_acceptors_that_accept_need_not_be_those_that_promised() -> None:
    """2.2: "(This need not be the same set of acceptors that responded to the initial requests.)" """
    cluster = Cluster(5)
    cluster.elect(0)
    for to in (1, 2):
        cluster.deliver("prepare", to=to)
    cluster.drop("prepare")
    cluster.deliver("promise")
    cluster.say(0, "ada", "a")
    for to in (3, 4):
        cluster.deliver("accept", to=to)
    cluster.deliver("accepted")
    assert cluster[0].texts == ["a"]


def test_an_acceptor_can_ignore_any_request_without_compromising_safety() -> None:
    """2.2: "An acceptor can ignore any request without compromising safety." 2 hears every other message."""
    cluster = Cluster(3)
    cluster.lead(0)
    for number in range(6):
        cluster.say(0, "ada", f"{number}")
        if number % 2:
            cluster.drop(to=2)
        cluster.stabilize()
    cluster.run(2.0)
    cluster.assert_agreement()
    assert cluster[2].texts == [f"{number}" for number in range(6)]


def test_p1a_an_acceptor_can_accept_iff_it_has_not_responded_to_a_higher_prepare() -> None:
    """2.2, P1a: "An acceptor can accept a proposal numbered n iff it has not responded to a prepare request
    having a number greater than n." All orders of two numbers, also in one round, and the equal one."""
    for promised in NUMBERS:
        for ballot in NUMBERS:
            cluster = alone()
            ask(cluster, Prepare(promised, 0, False))
            answer = ask(cluster, Accept(ballot, 0, (A,)))
            assert answer == (
                Accepted(ballot, 0, 1, 0) if ballot >= promised else Nack(ballot, promised, None, 0)
            )
            assert (0 in cluster[2].disk.rows) == (ballot >= promised)


def test_a_vote_binds_like_the_response_to_a_prepare_request() -> None:
    """2.2, P1a, with what the TLA+ specification of Paxos makes explicit (Phase2b raises the number as well):
    an acceptor whose last vote were not its highest would report the wrong one in phase 1b."""
    cluster = alone()
    ask(cluster, Accept(MIDDLE, 0, (B,)))
    assert ask(cluster, Accept(LOW, 0, (A,))) == Nack(LOW, MIDDLE, None, 0)
    cluster.crash(2)
    cluster.restart(2)
    assert ask(cluster, Accept(LOW, 0, (A,))) == Nack(LOW, MIDDLE, None, 0)
    assert ask(cluster, Prepare(LOW, 0, True)) == Nack(LOW, MIDDLE, None, 0)


def test_a_prepare_request_below_the_promise_gets_no_promise() -> None:
    """2.2: "There is then no reason for the acceptor to respond to the new prepare request [...] So we have
    the acceptor ignore such a prepare request." It is told no, and nothing changes."""
    cluster = alone()
    ask(cluster, Accept(HIGH, 0, (A,)))
    before = cluster[2].disk.state, dict(cluster[2].disk.rows)
    assert ask(cluster, Prepare(MIDDLE, 0, True)) == Nack(MIDDLE, HIGH, None, 0)
    assert (cluster[2].disk.state, cluster[2].disk.rows) == before


def test_a_prepare_for_a_proposal_already_accepted_is_answered_truly_and_in_vain() -> None:
    """2.2: "We also have it ignore a prepare request for a proposal it has already accepted." Here a late
    copy of a Prepare is answered, with that very vote in it; but its proposer has the majority that it asked
    for, takes no second answer, and never asks at that number again (2.5)."""
    cluster = Cluster(3)
    cluster.elect(0)
    copies = cluster.flying("prepare")
    cluster.stabilize()
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    cluster.drop("accepted")
    cluster.put_in(copies)
    answers = [letter.message for letter in cluster.flying("promise")]
    assert [answer.votes[0].ballot for answer in answers] == [LOW, LOW]
    proposed = proposals(cluster, 0)
    cluster.deliver("promise")
    assert proposals(cluster, 0) == proposed
    assert len(cluster[0].seen(Elected)) == 1


def test_an_acceptor_must_remember_even_if_it_fails_and_then_restarts() -> None:
    """2.2: "an acceptor must remember this information even if it fails and then restarts": the highest
    proposal that it accepted and the highest prepare request that it answered."""
    cluster = alone()
    ask(cluster, Accept(LOW, 0, (A,)))
    ask(cluster, Prepare(HIGH, 0, True))
    cluster.crash(2)
    cluster.restart(2)
    assert ask(cluster, Prepare(MIDDLE, 0, True)) == Nack(MIDDLE, HIGH, None, 0)
    assert ask(cluster, Prepare(HIGH, 0, True)) == promise(HIGH, Vote(0, LOW, A))


def test_a_proposer_can_abandon_a_proposal_if_it_never_uses_the_number_again() -> None:
    """2.2: "the proposer can always abandon a proposal and forget all about it - as long as it never tries to
    issue another proposal with the same number"."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "abandoned")
    cluster.deliver("accept", to=1)
    cluster.drop()
    cluster.crash(0)
    cluster.restart(0)
    cluster.elect(0)
    assert cluster[0].seen(RoundTaken)[-1].ballot > LOW
    cluster.stabilize()
    assert cluster[0].texts == ["abandoned"]


def test_messages_of_an_abandoned_proposal_do_no_harm_however_late() -> None:
    """2.2: "Correctness is maintained, even though requests and/or responses for the proposal may arrive at
    their destinations long after the proposal was abandoned." """
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "abandoned")
    requests = cluster.take_out("accept")
    cluster.isolate(0)
    cluster.lead(1)
    cluster.say(1, "bob", "instead")
    cluster.stabilize()
    cluster.heal()
    cluster.put_in(requests)
    cluster.stabilize()
    responses = [Letter(who, 0, Accepted(LOW, 0, 1, 0)) for who in (1, 2)]
    cluster.put_in(responses)
    cluster.run(2.0)
    cluster.assert_agreement()
    assert cluster[0].texts == ["instead"]


def test_a_refused_proposer_is_informed_and_abandons_its_proposal() -> None:
    """2.2: "it should probably inform the proposer, who should then abandon its proposal"."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.elect(1)
    cluster.deliver("prepare", to=2)
    cluster.drop("prepare")
    cluster.deliver("accept", to=2)
    cluster.deliver("nack", to=0)
    assert not cluster[0].leads
    assert cluster[0].seen(SteppedDown)[-1].ballot == LOW
    assert [reply.reason for reply in cluster[0].answers(Refused)] == ["not-leader"]


# 2.3 Learning a Chosen Value


def test_a_learner_must_find_out_that_a_majority_has_accepted() -> None:
    """2.3: "a learner must find out that a proposal has been accepted by a majority of acceptors". The
    leader's own acceptance is one only when it is in stable storage."""
    cluster = Cluster(5)
    cluster.lead(0)
    cluster.hold(0)
    cluster.say(0, "ada", "a")
    for to in (1, 2):
        cluster.deliver("accept", to=to)
        cluster.deliver("accepted")
        assert cluster[0].seen(Learned) == []
    cluster.persist(0)
    assert cluster[0].texts == ["a"]


def test_acceptances_go_to_a_distinguished_learner_which_informs_the_others() -> None:
    """2.3: "We can have the acceptors respond with their acceptances to a distinguished learner, which in
    turn informs the other learners when a value has been chosen." """
    cluster = Cluster(5)
    cluster.lead(0)
    cluster.say(0, "ada", "a")
    cluster.deliver("accept")
    assert {letter.to for letter in cluster.flying("accepted")} == {0}
    assert [node.log for node in cluster.nodes[1:]] == [[], [], [], []]
    cluster.deliver("accepted")
    cluster.deliver("chosen")
    assert list(cluster.logs()) == [["a"]] * 5


def test_a_learner_finds_out_from_another_learner() -> None:
    """2.3: "easy for one learner to find out from another learner that a value has been accepted"; and it
    passes on nothing but what has been chosen."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.isolate(2)
    cluster.say(0, "ada", "chosen")
    cluster.stabilize()
    cluster.say(0, "ada", "only accepted")
    cluster.deliver("accept")
    cluster.drop()
    cluster.crash(0)
    cluster.heal()
    cluster.pre_vote(2)
    cluster.deliver("pre-vote", to=1)
    cluster.deliver("pre-vote-reply")
    cluster.deliver("catch-up")
    cluster.deliver("entries")
    assert cluster[2].texts == ["chosen"]


def test_a_value_that_was_chosen_with_no_learner_finding_out_is_found_by_a_new_proposal() -> None:
    """2.3: "a value could be chosen with no learner ever finding out. [...] In that case, learners will find
    out what value is chosen only when a new proposal is chosen." """
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "ada", "chosen")
    cluster.deliver("accept")
    cluster.drop()
    cluster.crash(0)
    assert cluster.ghost.chosen
    assert all(node.seen(Learned) == [] for node in cluster.nodes)
    cluster.lead(2)
    assert [node.texts for node in cluster.alive] == [["chosen"], ["chosen"]]


# 2.4 Progress


def test_two_proposers_can_outbid_each_other_and_nothing_wrong_is_chosen() -> None:
    """2.4: "two proposers each keep issuing a sequence of proposals with increasing numbers, none of which
    are ever chosen" - and "a proposal with number greater than any already used" ends it."""
    cluster = Cluster(3)
    for number in range(6):
        proposer = number % 2
        cluster.elect(proposer)
        cluster.deliver("prepare")
        cluster.deliver("accept")
        cluster.deliver("promise")
        assert cluster[proposer].leads
        if number < 2:
            cluster.say(proposer, f"client{proposer}", f"of {proposer}")
        cluster.drop("accepted")
    assert cluster.ghost.chosen == {}
    assert all(node.log == [] for node in cluster.nodes)
    cluster.run(2.0)
    cluster.assert_agreement()
    assert cluster[0].texts == ["of 0", "of 1"]


def test_a_proposer_that_learns_of_a_higher_number_tries_again_above_it() -> None:
    """2.4: "By abandoning a proposal and trying again if it learns about some request with a higher proposal
    number, the distinguished proposer will eventually choose a high enough proposal number." """
    cluster, ballot = preparing()
    cluster.inject(1, 0, Nack(ballot, Ballot(40, 2), None, 0))
    assert cluster[0].status.role == "following"
    cluster.elect(0)
    assert cluster[0].seen(RoundTaken)[-1].ballot == Ballot(41, 0)


def test_safety_is_ensured_regardless_of_the_success_or_failure_of_the_election() -> None:
    """2.4: "safety is ensured regardless of the success or failure of the election". Both believe to lead,
    both propose in slot 0, and both reach acceptor 2."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.cut((1, 0))
    cluster.elect(1)
    cluster.deliver("prepare", to=2)
    cluster.deliver("promise")
    assert cluster.leaders == [0, 1]
    cluster.say(0, "ada", "of 0")
    cluster.say(1, "bob", "of 1")
    cluster.deliver("accept", sender=0)
    cluster.deliver("accept", sender=1)
    cluster.stabilize()
    assert cluster[1].texts == ["of 1"]
    cluster.heal()
    cluster.run(3.0)
    cluster.assert_agreement()
    assert cluster[0].texts == ["of 1"]


# 2.5 The Implementation


def test_responses_count_for_the_number_that_they_are_tagged_with() -> None:
    """2.5: "Response messages are tagged with the corresponding proposal number to prevent confusion." """
    cluster, ballot = preparing(5)
    cluster.inject(1, 0, promise(ballot))
    cluster.elect(0)
    newer = Ballot(2, 0)
    cluster.inject(2, 0, promise(ballot))
    cluster.inject(3, 0, promise(ballot))
    cluster.inject(3, 0, promise(newer))
    assert not cluster[0].leads
    cluster.inject(4, 0, promise(newer))
    assert cluster[0].leads
    assert cluster[0].seen(Elected)[-1].quorum == (0, 3, 4)


def test_an_acceptor_records_its_response_in_stable_storage_before_sending_it() -> None:
    """2.5: "An acceptor records its intended response in stable storage before actually sending the
    response." """
    cluster = Cluster(3, checked=False)
    cluster.hold(2)
    assert cluster.inject(0, 2, Prepare(LOW, 0, False)) == []
    cluster.persist(2)
    assert cluster[2].disk.state.promised == LOW
    assert [letter.kind for letter in cluster.flight] == ["promise"]
    cluster.drop()
    assert cluster.inject(0, 2, Accept(LOW, 0, (A,))) == []
    cluster.persist(2)
    assert cluster[2].disk.rows[0].value == A
    assert [letter.kind for letter in cluster.flight] == ["accepted"]


def test_different_proposers_choose_their_numbers_from_disjoint_sets() -> None:
    """2.5: "Different proposers choose their numbers from disjoint sets of numbers, so two different
    proposers never issue a proposal with the same number." All take their first number at once."""
    cluster = Cluster(9)
    for me in range(9):
        cluster.elect(me)
    numbers = [cluster[me].seen(RoundTaken)[-1].ballot for me in range(9)]
    assert len(set(numbers)) == 9
    assert sorted(numbers) == numbers
    for me in range(9):
        assert {letter.message.ballot for letter in cluster.flying("prepare", sender=me)} == {numbers[me]}


def test_a_proposer_remembers_in_stable_storage_the_highest_number_that_it_has_tried() -> None:
    """2.5: "Each proposer remembers (in stable storage) the highest-numbered proposal it has tried to issue,
    and begins phase 1 with a higher proposal number than any it has already used." """
    cluster = Cluster(3)
    cluster.hold(0)
    cluster.elect(0)
    assert cluster.flying("prepare") == []
    cluster.persist(0)
    assert len(cluster.flying("prepare")) == 2
    used = {LOW}
    for _ in range(4):
        cluster.crash(0)
        cluster.restart(0)
        cluster.elect(0)
        cluster.persist(0)
        ballot = cluster[0].seen(RoundTaken)[-1].ballot
        assert ballot > max(used)
        used.add(ballot)


# 3 Implementing a State Machine


def test_all_servers_execute_the_same_sequence_of_commands() -> None:
    """3: "To guarantee that all servers execute the same sequence of state machine commands, we implement a
    sequence of separate instances of the Paxos consensus algorithm". At every moment logs are prefixes of
    each other."""
    for history in histories():
        logs = [[entry.value for entry in node.log] for node in history.cluster.nodes]
        for a, b in combinations(logs, 2):
            assert all(x == y for x, y in zip(a, b, strict=False))


def test_clients_send_commands_to_the_leader_and_without_one_none_is_proposed() -> None:
    """3: "Clients send commands to the leader, who decides where in the sequence each command should appear";
    "If no server is acting as leader, then no new commands will be proposed." """
    cluster = Cluster(3)
    for me in range(3):
        cluster.say(me, "ada", "too early")
        assert [reply.reason for reply in cluster[me].answers(Refused)] == ["not-leader"]
    cluster.lead(1)
    for text in ("x", "y"):
        cluster.say(1, "bob", text)
    cluster.stabilize()
    assert list(cluster.logs()) == [["x", "y"]] * 3


def test_the_value_to_be_proposed_is_not_chosen_until_phase_2() -> None:
    """3: "the value to be proposed is not chosen until phase 2", so phase 1 is over before any client asks,
    and "the effective cost of executing a state machine command [...] is the cost of executing only phase
    2"."""
    cluster = Cluster(3)
    cluster.lead(0)
    said: list[str] = []
    cluster.listener = lambda who, what: said.append(what.kind) if isinstance(what, Letter) else None
    cluster.say(0, "ada", "a")
    cluster.stabilize()
    assert sorted(said) == ["accept"] * 2 + ["accepted"] * 2 + ["chosen"] * 2


def paper() -> Cluster:
    """3: "Suppose it knows commands 1-134, 138, and 139". Here 1-134 is slot 0, 135 is slot 1, ... 140 is
    slot 6. The old leader, 0, is dead; 2 accepted 135 and 140; of 136 and 137 nobody else has heard."""
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "c", "134")
    cluster.stabilize()
    for number in range(135, 141):
        cluster.say(0, "c", f"{number}")
        if number in (138, 139):
            cluster.deliver("accept", to=1)
            cluster.deliver("accepted")
            cluster.deliver("chosen", to=1)
        elif number in (135, 140):
            cluster.deliver("accept", to=2)
        cluster.drop()
    cluster.crash(0)
    assert sorted(cluster[1].replica.learner.known) == [4, 5]
    return cluster


def test_a_new_leader_executes_phase_1_for_all_open_instances_with_one_short_message() -> None:
    """3: "It then executes phase 1 of instances 135-137 and of all instances greater than 139"; "it can do
    this by sending a single reasonably short message to the other servers"."""
    cluster = paper()
    cluster.elect(1)
    (letter,) = cluster.flying("prepare", to=2)
    assert letter.message == Prepare(Ballot(2, 1), 1, True)
    cluster.deliver("prepare")
    (answer,) = cluster.flying("promise")
    assert [vote.slot for vote in answer.message.votes] == [1, 6]
    late = Accept(LOW, 1000, (A,))
    assert isinstance(cluster.inject(0, 2, late)[0].message, Nack)


def test_an_acceptor_responds_with_a_simple_ok_if_it_received_no_phase_2_message() -> None:
    """3: "an acceptor responds with more than a simple OK only if it has already received a phase 2 message
    from some proposer"."""
    cluster = alone()
    ask(cluster, Prepare(LOW, 0, False))
    assert ask(cluster, Prepare(MIDDLE, 0, True)) == promise(MIDDLE)
    ask(cluster, Accept(MIDDLE, 7, (A,)))
    assert ask(cluster, Prepare(HIGH, 0, True)) == promise(HIGH, Vote(7, MIDDLE, A))


def test_a_new_leader_proposes_what_phase_1_determined_and_fills_the_gap_with_no_ops() -> None:
    """3: "The leader then executes phase 2 for instances 135 and 140"; "we let it fill the gap immediately by
    proposing, as commands 136 and 137, a special 'no-op' command that leaves the state unchanged"."""
    cluster = paper()
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    issued = {slot: value.text for slot, value in proposals(cluster, 1).items()}
    assert issued == {1: "135", 2: "", 3: "", 6: "140"}
    cluster.stabilize()
    assert [entry.value.text for entry in cluster[1].log] == ["134", "135", "", "", "138", "139", "140"]
    assert cluster[1].log[2].value == cluster[1].log[3].value == NOOP
    assert cluster[1].texts == ["134", "135", "138", "139", "140"]
    assert cluster[1].status.sessions == 1


def test_a_server_cannot_execute_what_is_behind_a_gap() -> None:
    """3: "However, it can't execute commands 138-140, which it also knows, because commands 136 and 137 have
    yet to be chosen." """
    cluster = paper()
    assert cluster[1].texts == ["134"]
    cluster.elect(1)
    cluster.deliver("prepare")
    cluster.deliver("promise")
    (first, *_) = cluster.flying("accept", to=2)
    assert first.message.first == 1
    cluster.drop("accept")
    cluster.put_in([first])
    cluster.deliver("accepted")
    assert cluster[1].texts == ["134", "135"]
    assert cluster[1].status.watermark == 2


def test_the_next_command_gets_the_next_number() -> None:
    """3: "It assigns command number 141 to the next command requested by a client"."""
    cluster = paper()
    cluster.lead(1)
    cluster.say(1, "c", "141")
    cluster.say(1, "c", "142")
    cluster.stabilize()
    assert [entry.value.text for entry in cluster[1].log[7:]] == ["141", "142"]


def test_a_leader_can_propose_142_before_141_is_chosen_and_142_may_be_chosen_first() -> None:
    """3: "It's possible for all the messages it sent in proposing command 141 to be lost, and for command 142
    to be chosen before any other server has learned what the leader proposed as command 141. When the leader
    fails to receive the expected response [...] it will retransmit those messages." """
    cluster = Cluster(3)
    cluster.lead(0)
    cluster.say(0, "c", "141")
    cluster.drop()
    cluster.say(0, "c", "142")
    cluster.stabilize()
    assert list(cluster.ghost.chosen) == [1]
    assert all(node.log == [] for node in cluster.nodes)
    cluster.run(1.0)
    assert list(cluster.logs()) == [["141", "142"]] * 3


def test_a_leader_gets_at_most_alpha_commands_ahead() -> None:
    """3: "suppose a leader can get α commands ahead - that is, it can propose commands i + 1 through i + α
    after commands 1 through i are chosen. A gap of up to α - 1 commands could then arise." """
    cluster = Cluster(3, Settings(window_slots=3))
    cluster.lead(0)
    for number in range(8):
        cluster.say(0, "c", f"{number}")
    assert sorted(proposals(cluster, 0)) == [0, 1, 2]
    (last,) = [letter for letter in cluster.flying("accept", to=1) if letter.message.first == 2]
    cluster.drop()
    cluster.put_in([last])
    cluster.deliver("accepted")
    assert list(cluster.ghost.chosen) == [2]
    assert sorted(proposals(cluster, 0)) == [0, 1, 2]
    cluster.run(3.0)
    assert cluster[0].texts == [f"{number}" for number in range(8)]


def test_two_servers_never_disagree_on_the_value_chosen_as_the_ith_command() -> None:
    """3: "If multiple servers think they are leaders, then they can all propose values in the same instance
    [...] two different servers will never disagree on the value chosen as the ith state machine command"."""
    several = 0
    for history in histories():
        learned: dict[int, Command] = {}
        for _, event in history.events:
            if isinstance(event, Learned):
                for slot, entry in enumerate(event.entries, event.first):
                    assert learned.setdefault(slot, entry.value) == entry.value
        issued = history.issued()
        several += len({(s, v) for s, _, v in issued}) > len({s for s, _, _ in issued})
    assert several > 5


# These tests can fail

MISTAKES: list[tuple[Callable[[], None], str]] = [
    (test_only_a_value_that_has_been_proposed_may_be_chosen, "text-cut-on-the-way"),
    (test_only_a_single_value_is_chosen, "lowest-ballot-wins"),
    (test_different_proposals_have_different_numbers, "no-op-over-a-slow-slot"),
    (test_p2_every_higher_numbered_proposal_that_is_chosen_has_the_same_value, "votes-forgotten-when-pruned"),
    (
        test_p2a_every_higher_numbered_proposal_accepted_by_any_acceptor_has_the_same_value,
        "no-op-over-a-reported-value",
    ),
    (
        test_p2b_every_higher_numbered_proposal_issued_by_any_proposer_has_the_same_value,
        "learned-slots-used-again",
    ),
    (test_p2c_some_majority_accepted_nothing_lower_or_its_highest_has_the_value, "lowest-ballot-wins"),
    (test_all_servers_execute_the_same_sequence_of_commands, "minority-of-votes"),
    (test_two_servers_never_disagree_on_the_value_chosen_as_the_ith_command, "minority-of-promises"),
    (
        test_a_process_never_learns_that_a_value_has_been_chosen_unless_it_actually_has_been,
        "minority-of-votes",
    ),
    (test_a_process_can_eventually_learn_the_chosen_value, "no-catch-up"),
    (
        test_a_value_is_chosen_when_a_single_proposal_has_been_accepted_by_a_majority,
        "votes-counted-across-ballots",
    ),
    (test_a_value_is_chosen_when_a_single_proposal_has_been_accepted_by_a_majority, "vote-counted-twice"),
    (
        test_p2b_every_higher_numbered_proposal_issued_by_any_proposer_has_the_same_value,
        "promise-hides-a-vote",
    ),
    (
        test_p2b_holds_for_a_proposer_that_wakes_up_beside_an_acceptor_that_heard_nothing,
        "own-value-over-a-reported-one",
    ),
    (
        partial(test_the_value_is_that_of_the_highest_numbered_proposal_among_the_responses, 1),
        "lowest-ballot-wins",
    ),
    (
        partial(test_the_value_is_that_of_the_highest_numbered_proposal_among_the_responses, 2),
        "last-answer-wins",
    ),
    (
        test_p1a_an_acceptor_can_accept_iff_it_has_not_responded_to_a_higher_prepare,
        "ballots-compared-by-round",
    ),
    (test_a_promise_tells_the_proposal_with_the_highest_number_that_it_has_accepted, "promise-hides-a-vote"),
    (test_a_proposal_is_issued_only_with_the_responses_of_a_majority, "minority-of-promises"),
    (test_a_proposal_is_issued_only_with_the_responses_of_a_majority, "promise-counted-twice"),
    (test_p1a_an_acceptor_can_accept_iff_it_has_not_responded_to_a_higher_prepare, "equal-ballot-refused"),
    (test_a_vote_binds_like_the_response_to_a_prepare_request, "vote-does-not-bind"),
    (test_a_prepare_request_below_the_promise_gets_no_promise, "promise-to-anybody"),
    (test_a_vote_binds_like_the_response_to_a_prepare_request, "old-promise-written-with-a-vote"),
    (
        test_a_proposer_can_abandon_a_proposal_if_it_never_uses_the_number_again,
        "round-used-again-after-a-restart",
    ),
    (test_a_learner_must_find_out_that_a_majority_has_accepted, "own-vote-before-disk"),
    (test_a_learner_finds_out_from_another_learner, "votes-told-as-learned"),
    (test_responses_count_for_the_number_that_they_are_tagged_with, "promises-kept-for-the-next-ballot"),
    (test_an_acceptor_records_its_response_in_stable_storage_before_sending_it, "promise-before-disk"),
    (test_an_acceptor_records_its_response_in_stable_storage_before_sending_it, "accepted-before-disk"),
    (test_different_proposers_choose_their_numbers_from_disjoint_sets, "ballot-without-replica"),
    (
        test_a_proposer_remembers_in_stable_storage_the_highest_number_that_it_has_tried,
        "prepare-before-disk",
    ),
    (
        test_a_proposer_remembers_in_stable_storage_the_highest_number_that_it_has_tried,
        "round-used-again-after-a-restart",
    ),
    (
        test_a_new_leader_proposes_what_phase_1_determined_and_fills_the_gap_with_no_ops,
        "no-op-over-a-reported-value",
    ),
    (
        test_a_new_leader_proposes_what_phase_1_determined_and_fills_the_gap_with_no_ops,
        "gap-of-phase-1-never-filled",
    ),
    (test_a_server_cannot_execute_what_is_behind_a_gap, "holes-passed-over"),
    (
        test_a_leader_can_propose_142_before_141_is_chosen_and_142_may_be_chosen_first,
        "never-sent-again",
    ),
]


@pytest.mark.parametrize(("sentence", "mistake"), MISTAKES, ids=[mistake for _, mistake in MISTAKES])
def test_the_test_of_a_sentence_fails_where_the_core_breaks_it(
    sentence: Callable[[], None], mistake: str
) -> None:
    with MUTANTS[mistake].installed(), pytest.raises((AssertionError, InvariantViolated)):
        sentence()
