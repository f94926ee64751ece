"""What a shell offers for the values of arguments and options, when a person presses tab.

Each function gives values, each with its meaning. Typer leaves out those that do not begin as what is typed.
A completer must not raise, and must not call anywhere: it runs while somebody types.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from paxtui.words.counts import counted

if TYPE_CHECKING:
    from paxtui.config.cluster_file import Cluster

Found = list[tuple[str, str]]
"""Values, each with its meaning; an empty meaning is shown as none."""

Completer = Callable[[str], Found]

RAW_VARIABLE: Final = "COMP_WORDS"
"""In bash: the words as they are typed, with their quotes."""

DURATIONS: Final = ("500ms", "1s", "10s", "1m", "5m", "1h", "forever")

SHELLS: Final = ("bash", "zsh", "fish")


def one_of(*words: str) -> Completer:
    """Make a completer of a fixed list."""

    def complete(incomplete: str) -> Found:
        return [(word, "") for word in words if word.startswith(incomplete)]

    return complete


@contextmanager
def _quietly() -> Iterator[None]:
    """Offer nothing where the configuration is wrong, or a folder cannot be read: the command says so."""
    from paxtui.config.cluster_file import ConfigError

    try:
        yield
    except (ConfigError, OSError):
        pass


def complete_scenarios(incomplete: str) -> Found:
    """Offer the names of scenarios."""
    from paxtui.scenarios.model import builtin

    return [(each.name, each.shows.partition(". ")[0]) for each in builtin()] + [("all", "Run all scenarios")]


def complete_mutants(incomplete: str) -> Found:
    """Offer the names of mutants."""
    from paxtui.sim.mutants import MUTANTS

    return [(name, mutant.mistake.partition(". ")[0]) for name, mutant in MUTANTS.items()]


def complete_profiles(incomplete: str) -> Found:
    """Offer the profiles of the simulator."""
    from paxtui.sim.plan.plan_generator import ALL_PROFILES

    return [(name, "") for name in ALL_PROFILES]


def complete_topics(incomplete: str) -> Found:
    """Offer the pages of the guide."""
    from paxtui import guide

    return [(each.topic, each.summary) for each in guide.pages()]


def complete_events(incomplete: str) -> Found:
    """Offer the events for which a fault can wait."""
    from paxtui.words.triggers import EVENTS

    return [(event, "") for event in EVENTS]


def complete_staged(incomplete: str) -> Found:
    """Offer the kinds of messages, and ``all``."""
    from paxtui.words.steps import KINDS

    return [(kind, "") for kind in (*KINDS, "all")]


def complete_themes(incomplete: str) -> Found:
    """Offer the colours of the console."""
    from paxtui.console.theme.styles import PALETTES

    return [(name, "") for name in PALETTES]


def complete_replicas(context: typer.Context, incomplete: str) -> Found:
    """Offer the replicas of the configuration: ``0``, or ``r0`` where an r was typed."""
    found: Found = []
    with _quietly():
        cluster = _cluster(context)
        if cluster is not None:
            prefix = "r" if incomplete.startswith("r") else ""
            found = [(f"{prefix}{each.id}", str(each)) for each in cluster.replicas]
    return found


def complete_links(context: typer.Context, incomplete: str) -> Found:
    """Offer the links between the replicas of the configuration.

    A shell reads an arrow that stands in no quotes as the name of a file to write, so bash gets links of one
    direction only within quotes. The other shells put them into quotes by themselves.
    """
    found: Found = []
    with _quietly():
        cluster = _cluster(context)
        if cluster is not None:
            raw = os.environ.get(RAW_VARIABLE)
            arrows = raw is None or raw.count("'") % 2 == 1 or raw.count('"') % 2 == 1
            found = _links(cluster.n, arrows=arrows)
    return found


def _links(n: int, *, arrows: bool) -> Found:
    names = [f"r{replica}" for replica in range(n)]
    both = [(f"{a}-{b}", f"{a} and {b}, both ways") for at, a in enumerate(names) for b in names[at + 1 :]]
    if not arrows:
        return both
    one_way = [(f"{a}>{b}", f"from {a} to {b}") for a in names for b in names if a != b]
    from_all = [(f"{a}>*", f"from {a} to all") for a in names] + [
        (f"*>{a}", f"from all to {a}") for a in names
    ]
    return [*both, *one_way, *from_all, ("*>*", "every link")]


def _cluster(context: typer.Context) -> Cluster | None:
    """Find whose replicas are meant. What --at means is known only of clusters that were started here, and
    of the configured one."""
    from paxtui.config import cluster_file

    at, config = context.params.get("at"), context.params.get("config")
    if not at:
        return cluster_file.find(config)
    first = str(at).partition(",")[0]
    found = [
        each
        for each in (*_known(), cluster_file.find(None))
        if first == each.name or first in map(str, each.replicas)
    ]
    return found[0] if found else None


def complete_clusters(incomplete: str) -> Found:
    """Offer the names of the clusters that were started here and of the configured one."""
    from paxtui.config import cluster_file

    found: dict[str, str] = {}
    with _quietly():
        for each in (*_known(), cluster_file.find(None)):
            found[each.name] = counted(each.n, "replica")
    return list(found.items())


def _known() -> list[Cluster]:
    from paxtui.cli.kept import kept_folder
    from paxtui.config import cluster_file

    # Not by known_clusters: its package takes longer to import than a person wants to wait for a word.
    folder = kept_folder()
    paths = sorted(folder.glob("running/*.toml"))[:20] if folder is not None else []
    found = []
    for path in paths:
        with _quietly():
            found.append(cluster_file.load(Path(path)))
    return found
