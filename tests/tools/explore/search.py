"""Breadth first through all states of the cluster, up to a depth."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

from paxtui.core.errors import InvariantViolated
from tests.core import notation
from tests.tools.explore.ghost import MEMBERS, Broken, Fact, Ghost
from tests.tools.explore.member import COMMANDS, Letter, Member

PROPOSERS = (0, 1)
MORTAL = frozenset({"elect", "append", "deliver", "tick"})
"""In the middle of these a replica with an eager disk can die."""


class Budget(NamedTuple):
    """How often each thing may (still) happen on one path."""

    elections: int = 2
    appends: int = 2
    crashes: int = 1
    ticks: int = 0
    losses: int = 0
    copies: int = 0


class State(NamedTuple):
    """A state of the cluster, in numbers that :class:`Search` gave to its parts."""

    members: tuple[int, ...]
    flight: tuple[int, ...]
    ghost: int
    asked: int
    """Which command reached which proposer, as bits."""
    budget: Budget


class Input(NamedTuple):
    """One input of one member; ``letter`` and ``command`` where the verb needs them."""

    verb: str
    who: int
    letter: int = -1
    command: int = -1
    dies: bool = False
    """It crashes when the input is handled and nothing of that is on disk."""


class Outcome(NamedTuple):
    """What an input makes of a member."""

    member: int
    letters: tuple[int, ...]
    facts: int


Trail = tuple[Any, Input] | None
"""The way to a state: the trail of the state before, and the last action."""


class Report(NamedTuple):
    """What a search did."""

    depth: int
    """All states that so many actions lead to have been seen."""
    whole: bool
    """There are no others: the budgets end every path."""
    distinct: int
    chosen: int
    """Distinct states in which a slot is decided: where nothing is, nothing can go wrong."""
    explored: int
    """Actions that led to a state, new or seen before."""
    members: int
    """States of single replicas: how often the core really ran is about this times its inputs."""
    runs: int
    seconds: float
    broken: str | None
    trail: list[str]


class Search:
    """``Search(budget, eager=True).run(depth)``; ``eager``: disks are done at once."""

    def __init__(self, budget: Budget, *, eager: bool = True) -> None:
        self._eager = eager
        self._keys: dict[Any, int] = {}
        self._copies: list[bytes] = []
        self._leads: list[bool] = []
        self._busy: list[bool] = []
        self._outcomes: dict[tuple[int, Input], Outcome | Broken] = {}
        self._letters: dict[Letter, int] = {}
        self._letter: list[Letter] = []
        self._fact_ids: dict[tuple[Fact, ...], int] = {(): 0}
        self._facts: list[tuple[Fact, ...]] = [()]
        self._ghost_ids: dict[Ghost, int] = {}
        self._ghosts: list[Ghost] = []
        self._decided: list[bool] = []
        self._judged: dict[tuple[int, int], int] = {}
        members = tuple(self._member(Member(me)) for me in range(MEMBERS))
        self.start = State(members, (), self._ghost(Ghost()), 0, budget)
        self._doing = Input("start", 0)

    # Numbers for parts

    def _member(self, member: Member) -> int:
        key = member.key()
        number = self._keys.setdefault(key, len(self._keys))
        if number == len(self._copies):
            self._copies.append(member.pickled())
            self._leads.append(member.leads)
            self._busy.append(bool(member.batches))
        return number

    def _mail(self, letter: Letter) -> int:
        number = self._letters.setdefault(letter, len(self._letter))
        if number == len(self._letter):
            self._letter.append(letter)
        return number

    def _story(self, facts: tuple[Fact, ...]) -> int:
        number = self._fact_ids.setdefault(facts, len(self._facts))
        if number == len(self._facts):
            self._facts.append(facts)
        return number

    def _ghost(self, ghost: Ghost) -> int:
        number = self._ghost_ids.setdefault(ghost, len(self._ghosts))
        if number == len(self._ghosts):
            self._ghosts.append(ghost)
            self._decided.append(ghost.decided)
        return number

    def letter(self, number: int) -> Letter:
        """A message that was sent in any state seen so far."""
        return self._letter[number]

    def copy(self, number: int) -> bytes:
        """A pickled :class:`Member`."""
        return self._copies[number]

    # Steps

    def _outcome(self, number: int, given: Input) -> Outcome:
        """Run the core, if it has not been run for this."""
        key = number, given
        outcome = self._outcomes.get(key)
        if outcome is None:
            try:
                outcome = self._run(number, given)
            except (Broken, InvariantViolated, AssertionError) as error:
                outcome = Broken(str(error))
            except Exception as error:
                outcome = Broken(f"(13) {type(error).__name__}: {error}")
            self._outcomes[key] = outcome
        if isinstance(outcome, Broken):
            raise outcome
        return outcome

    def _run(self, number: int, given: Input) -> Outcome:
        member: Member = pickle.loads(self._copies[number])
        match given.verb:
            case "deliver":
                sender, _, message = self._letter[given.letter]
                member.deliver(sender, message)
            case "append":
                member.append(COMMANDS[given.command])
            case verb:
                getattr(member, verb)()
        member.pump(eager=self._eager and not given.dies)
        if given.dies:
            member.crash()
        letters = tuple(self._mail(letter) for letter in member.letters)
        facts = tuple(member.facts)
        member.letters.clear()
        member.facts.clear()
        return Outcome(self._member(member), letters, self._story(facts))

    def _judge(self, ghost: int, facts: int) -> int:
        key = ghost, facts
        after = self._judged.get(key)
        if after is None:
            after = self._judged[key] = self._ghost(self._ghosts[ghost].after(self._facts[facts]))
        return after

    def _next(self, state: State, given: Input) -> State | None:
        """The state after an input, or ``None`` if nothing changed but that a message is gone."""
        self._doing = given
        number = state.members[given.who]
        outcome = self._outcome(number, given)
        ghost = self._judge(state.ghost, outcome.facts) if outcome.facts else state.ghost
        if outcome.member == number and not outcome.letters and ghost == state.ghost:
            return None
        members = (*state.members[: given.who], outcome.member, *state.members[given.who + 1 :])
        flight = list(state.flight)
        if given.letter >= 0:
            flight.remove(given.letter)
        flight += outcome.letters
        flight.sort()
        return State(members, tuple(flight), ghost, state.asked, state.budget)

    # What can happen

    def steps(self, state: State) -> Iterator[tuple[Input, State]]:
        """Every action that is possible here, with the state that it leads to."""
        for given, after in self._all(state):
            yield given, after
            if after.budget.crashes and self._eager and given.verb in MORTAL:
                dying = given._replace(dies=True)
                dead = self._next(state, dying)
                if dead is not None:
                    left = after.budget
                    budget = left._replace(crashes=left.crashes - 1)
                    yield dying, dead._replace(asked=after.asked, budget=budget)

    def _all(self, state: State) -> Iterator[tuple[Input, State]]:
        budget = state.budget
        for letter in dict.fromkeys(state.flight):
            yield from self._deliver(state, letter)
        if budget.elections:
            less = budget._replace(elections=budget.elections - 1)
            yield from self._each(state, "elect", less, lambda p: not self._leads[state.members[p]])
        if budget.ticks:
            yield from self._each(state, "tick", budget._replace(ticks=budget.ticks - 1), lambda p: True)
        if budget.appends:
            yield from self._append(state)
        for who, number in enumerate(state.members):
            if self._busy[number]:
                yield from self._one(state, Input("commit", who), budget)
            if budget.crashes:
                yield from self._one(state, Input("crash", who), budget._replace(crashes=budget.crashes - 1))

    def _one(self, state: State, given: Input, budget: Budget) -> Iterator[tuple[Input, State]]:
        after = self._next(state, given)
        if after is not None:
            yield given, after._replace(budget=budget)

    def _each(
        self, state: State, verb: str, budget: Budget, can: Callable[[int], bool]
    ) -> Iterator[tuple[Input, State]]:
        for proposer in PROPOSERS:
            if can(proposer):
                yield from self._one(state, Input(verb, proposer), budget)

    def _append(self, state: State) -> Iterator[tuple[Input, State]]:
        budget = state.budget._replace(appends=state.budget.appends - 1)
        for command in range(len(COMMANDS)):
            if command and not state.asked & 0b11:
                return  # by symmetry
            for proposer in PROPOSERS:
                bit = 1 << (2 * command + proposer)
                if self._leads[state.members[proposer]] and not state.asked & bit:
                    given = Input("append", proposer, command=command)
                    for _, after in self._one(state, given, budget):
                        yield given, after._replace(asked=state.asked | bit)

    def _deliver(self, state: State, letter: int) -> Iterator[tuple[Input, State]]:
        budget = state.budget
        given = Input("deliver", self._letter[letter][1], letter)
        for _, after in self._one(state, given, budget):
            yield given, after
            if budget.copies:
                flight = tuple(sorted((*after.flight, letter)))
                less = budget._replace(copies=budget.copies - 1)
                yield given._replace(verb="copy"), after._replace(flight=flight, budget=less)
        if budget.losses:
            left = list(state.flight)
            left.remove(letter)
            less = budget._replace(losses=budget.losses - 1)
            yield given._replace(verb="lose"), state._replace(flight=tuple(left), budget=less)

    # The search

    def run(
        self,
        depth: int,
        told: Callable[[str], None] = lambda line: None,
        visit: Callable[[State], None] = lambda state: None,
    ) -> Report:
        """All states within ``depth`` actions, or up to the first broken invariant. A line a depth is
        ``told``, and each state but the first is shown to ``visit`` once."""
        began = time.perf_counter()
        layer: list[tuple[State, Trail]] = [(self.start, None)]
        seen = {_digest(self.start)}
        explored = reached = chosen = 0
        broken, trail = None, None
        try:
            for reached in range(1, depth + 1):
                following: list[tuple[State, Trail]] = []
                for state, trail in layer:
                    for given, after in self.steps(state):
                        explored += 1
                        digest = _digest(after)
                        if digest not in seen:
                            seen.add(digest)
                            chosen += self._decided[after.ghost]
                            visit(after)
                            following.append((after, (trail, given)))
                layer = following
                seconds = time.perf_counter() - began
                told(f"depth {reached:2}: {len(layer):9,} new of {len(seen):9,} states, {seconds:6.1f} s")
                if not layer:
                    break
        except Broken as error:
            broken = str(error)
        seconds = time.perf_counter() - began
        counts = len(seen), chosen, explored, len(self._copies), len(self._outcomes)
        return Report(
            reached, not layer, *counts, seconds, broken, self.tell((trail, self._doing)) if broken else []
        )

    def tell(self, trail: Trail) -> list[str]:
        """The actions of a trail, in words."""
        lines: list[str] = []
        while trail is not None:
            trail, given = trail
            lines.append(self._words(given))
        return lines[::-1]

    def _words(self, given: Input) -> str:
        what = f"{given.verb} {given.who}"
        if given.letter >= 0:
            sender, to, message = self._letter[given.letter]
            what = f"{given.verb} {sender}>{to} {notation.message(message)}"
        if given.command >= 0:
            what = f"append {given.who} {notation.value(COMMANDS[given.command])}"
        return what + (f", crash {given.who}" if given.dies else "")


def _digest(state: State) -> bytes:
    """128 bits in place of a state: a million of them fit, and no two will ever be mistaken."""
    return blake2b(repr(tuple(state)).encode(), digest_size=16).digest()
