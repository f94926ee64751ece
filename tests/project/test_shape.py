"""No object does everything: how many methods one has, its own and those that it inherits."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import paxtui

METHODS_MAX = 30
"""Own and inherited methods of one class, as far as they are defined in this package. Properties are not
counted: they are read, and do nothing."""

LARGER = {
    "ObservedGhostState": "one method an event, which checkers share: it is a table, and not an interface",
    "PartialObserver": "one method an event, which checkers share: it is a table, and not an interface",
    "FaultInjector": "one method a fault that the simulator knows",
    "SimulatedReplica": "the simulator's replica has a disk, a clock and a network of its own",
}
"""Classes outside of the console that are larger, and why."""


def classes() -> Iterator[type[object]]:
    for found in pkgutil.walk_packages(paxtui.__path__, "paxtui."):
        if not found.name.endswith("__main__"):
            for value in vars(importlib.import_module(found.name)).values():
                if inspect.isclass(value) and value.__module__ == found.name:
                    yield value


def methods(each: type[object]) -> set[str]:
    """Names of its methods that are defined in this package."""
    return {
        name
        for owner in each.__mro__
        if owner.__module__.startswith("paxtui")
        for name, value in vars(owner).items()
        if inspect.isfunction(value) or isinstance(value, classmethod | staticmethod)
    }


def test_no_class_has_more_methods_than_one_can_remember() -> None:
    larger = {
        f"{each.__module__}.{each.__name__}: {len(methods(each))}"
        for each in classes()
        if len(methods(each)) > METHODS_MAX and each.__name__ not in LARGER
    }
    assert larger == set()


def test_only_those_that_are_named_are_larger_and_none_of_the_console() -> None:
    named = {each.__name__: each for each in classes() if each.__name__ in LARGER}
    assert {name for name, each in named.items() if len(methods(each)) > METHODS_MAX} == LARGER.keys()
    assert not any(each.__module__.startswith("paxtui.console") for each in named.values())
