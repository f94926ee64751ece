"""What a mutant is, and how it is put into the core and taken out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from paxtui.checkers.broken import Invariant


class Patch:
    """Replaces attributes of classes, and puts them back, the last one first."""

    def __init__(self) -> None:
        self._undo: list[tuple[type, str, Any]] = []

    def replace(self, owner: type, name: str, new: Any) -> None:
        """From now on ``owner.name`` is ``new``."""
        self._undo.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, new)

    def undo(self) -> None:
        """As if nothing had happened."""
        while self._undo:
            owner, name, old = self._undo.pop()
            setattr(owner, name, old)


Install = Callable[[Patch], None]


class Mutant(Struct, frozen=True, kw_only=True):
    """One mistake. Data, but for ``install``."""

    name: str
    mistake: str
    """What the tired engineer did."""
    rule: str
    """Where the rule that it breaks comes from, or the project that made the mistake."""
    profile: str
    caught_by: tuple[Invariant, ...]
    """Which checkers may be the first to see it. The core's own checks do not count."""
    seeds: int
    """It is caught within so many seeds of the profile: a few times what is needed on average."""
    first: int
    """The hunt begins here; where a rare one needs long, shortly before a seed that is known to catch it."""
    install: Install

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The core makes the mistake in here, for everybody in this process."""
        patch = Patch()
        try:
            self.install(patch)
            yield
        finally:
            patch.undo()


MUTANTS: dict[str, Mutant] = {}
"""All of them by name, in the order of the modules."""


def mutant(
    name: str,
    *,
    rule: str,
    profile: str,
    caught_by: Invariant | tuple[Invariant, ...],
    seeds: int,
    first: int = 0,
) -> Callable[[Install], Install]:
    """Register the decorated function as a mutant; its docstring says what the mistake is."""
    if name in MUTANTS:
        raise ValueError(f"two mutants are called {name}")

    def register(install: Install) -> Install:
        MUTANTS[name] = Mutant(
            name=name,
            mistake=" ".join((install.__doc__ or name).split()),
            rule=rule,
            profile=profile,
            caught_by=caught_by if isinstance(caught_by, tuple) else (caught_by,),
            seeds=seeds,
            first=first,
            install=install,
        )
        return install

    return register
