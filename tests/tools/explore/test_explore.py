"""The exhaustive exploration of the core (``python -m tests.tools.explore``), to depths that take seconds.

That it finds nothing means something only because it finds mistakes that are planted; the longest way to one
of them is ten actions here.
"""

from __future__ import annotations

import pickle
import random

import pytest

from paxtui.sim.mutants import MUTANTS
from tests.tools.explore.__main__ import main
from tests.tools.explore.member import COMMANDS, Member
from tests.tools.explore.search import Budget, Search, State

pytestmark = pytest.mark.slow

CALM = Budget(crashes=0)


def test_no_interleaving_breaks_an_invariant() -> None:
    """Nine actions are enough to elect one leader, have its value chosen, and elect another."""
    report = Search(Budget()).run(9)
    assert (report.broken, report.depth, report.whole) == (None, 9, False)
    assert report.distinct > 20_000
    assert report.chosen > 1_000


def test_nor_when_disks_are_slow() -> None:
    """Each commit is an action: messages arrive, and replicas die, between a decision and its disk."""
    report = Search(Budget(), eager=False).run(12)
    assert report.broken is None
    assert report.distinct > 20_000


def test_nor_when_messages_are_copied_and_sent_again() -> None:
    report = Search(Budget(crashes=0, ticks=1, copies=1)).run(8)
    assert report.broken is None
    assert report.distinct > 10_000


def test_a_budget_can_be_used_up() -> None:
    """One proposer's way without loss of anything is finite, and all of it is seen."""
    report = Search(Budget(elections=1, appends=0, crashes=0)).run(50)
    assert report.whole
    assert report.depth < 50


def test_to_lose_messages_shows_nothing_that_leaving_them_in_flight_does_not() -> None:
    """Why loss needs no action of its own: replicas and history get into no other states by it."""
    search = Search(CALM)

    def reached(losses: int) -> set[tuple[object, ...]]:
        seen: set[tuple[object, ...]] = set()
        search.start = search.start._replace(budget=CALM._replace(losses=losses))
        report = search.run(7, visit=lambda state: seen.add((state.members, state.ghost)))
        assert report.broken is None
        return seen

    assert reached(losses=2) == reached(losses=0)


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
def test_what_is_remembered_of_a_replica_is_what_it_does(eager: bool) -> None:
    """Random paths, once by way of the remembered outcomes, once by replicas that are never copied."""
    search = Search(Budget(ticks=1, copies=1), eager=eager)
    rng = random.Random(7)
    for _ in range(60):
        state, members = search.start, [Member(me) for me in range(3)]
        for _ in range(25):
            steps = [step for step in search.steps(state) if step[0].verb != "copy"]
            if not steps:
                break
            given, state = rng.choice(steps)
            member = members[given.who]
            if given.verb == "deliver":
                sender, _, message = search.letter(given.letter)
                member.deliver(sender, message)
            elif given.verb == "append":
                member.append(COMMANDS[given.command])
            else:
                getattr(member, given.verb)()
            member.pump(eager=eager and not given.dies)
            if given.dies:
                member.crash()
        assert [member.key() for member in members] == [_remembered(search, state, me) for me in range(3)]


def _remembered(search: Search, state: State, me: int) -> object:
    member: Member = pickle.loads(search.copy(state.members[me]))
    return member.key()


EAGER = [
    ("ballots-compared-by-round", "(2)", 6, Budget()),
    ("promise-to-anybody", "a promise fell on disk", 3, Budget()),
    ("vote-does-not-bind", "a vote left before its promise was durable", 5, Budget()),
    ("promise-hides-a-vote", "(3)", 8, CALM),
    ("ballot-without-replica", "(1)", 2, Budget()),
    ("promise-before-disk", "a promise left before it was durable", 2, Budget()),
    ("accepted-before-disk", "left before it was durable", 5, Budget()),
    ("prepare-before-disk", "left before its round was durable", 1, Budget()),
    ("old-promise-written-with-a-vote", "a vote left before its promise was durable", 5, Budget()),
    ("round-used-again-after-a-restart", "(1)", 3, Budget()),
    ("votes-forgotten-when-pruned", "(3)", 8, CALM),
    ("minority-of-promises", "(3)", 2, Budget()),
    ("no-op-over-a-reported-value", "(3)", 7, CALM),
    ("own-value-over-a-reported-one", "(3)", 8, CALM),
    ("minority-of-votes", "(5)", 4, Budget()),
    ("votes-counted-across-ballots", "(5)", 9, Budget()),
    ("acknowledged-before-the-quorum", "(5)", 4, Budget()),
    ("late-vote-unexpected", "(13)", 8, CALM),
    ("no-op-over-a-slow-slot", "(1)", 5, CALM._replace(ticks=1)),
    ("outbid-leader-confirmed", "(2)", 6, CALM._replace(ticks=1)),
]
LAZY = [
    ("own-vote-before-disk", "(5)", 9, CALM),
    ("vote-counted-twice", "(5)", 10, CALM._replace(copies=1)),
]


@pytest.mark.parametrize(
    ("name", "broken", "depth", "budget", "eager"),
    [(*case, True) for case in EAGER] + [(*case, False) for case in LAZY],
    ids=[case[0] for case in EAGER + LAZY],
)
def test_a_planted_bug_is_found(name: str, broken: str, depth: int, budget: Budget, eager: bool) -> None:
    """At the stated depth, which is the least: nothing is found one action earlier."""
    with MUTANTS[name].installed():
        report = Search(budget, eager=eager).run(depth)
    assert report.broken is not None
    assert broken in report.broken
    assert report.depth == len(report.trail) == depth


def test_the_command_counts_states_and_tells_the_way_to_a_planted_bug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--depth", "5"]) == 0
    assert "distinct states" in capsys.readouterr().out
    assert main(["--depth", "5", "--mutant", "minority-of-votes"]) == 1
    told = capsys.readouterr().out
    assert "BROKEN: (5)" in told
    assert " 1. elect 0" in told
