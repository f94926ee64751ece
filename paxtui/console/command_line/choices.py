"""What the palette offers behind a command."""

from __future__ import annotations

from paxtui.console.command_line.parser import Choices, Context
from paxtui.console.model.analysis.presets import differing


def replica_choices(context: Context) -> list[tuple[str, str]]:
    """List replicas."""
    leader = context.model.leader
    found = [
        (each.name, "leads" if leader is not None and leader[0] == each.id else each.role)
        for each in context.model.replicas
    ]
    return [*found, ("leader", "the replica that leads"), ("all", "all replicas")]


def link_choices(context: Context) -> list[tuple[str, str]]:
    """List links."""
    n = context.model.n
    every = [(f"r{a}>*", f"all that r{a} sends") for a in range(n)]
    single = [(f"r{a}>r{b}", f"from r{a} to r{b}") for a in range(n) for b in range(n) if a != b]
    return [*every, *single]


def cut_choices(context: Context) -> list[tuple[str, str]]:
    """List what can be cut: a replica, two sides, links."""
    n = context.model.n
    alone = [(f"r{each}", "from all others, both ways") for each in range(n)]
    sides = [(context.example("{sides}"), "two sides")] if n > 1 else []
    return [*alone, *sides, *link_choices(context)]


def preset_choices(context: Context) -> list[tuple[str, str]]:
    """List the topologies that differ here."""
    model = context.model
    leader = model.leader[0] if model.leader is not None else 0
    return [(each.name, each.what) for each in differing(model.n, leader)]


def fixed_choices(*pairs: str) -> Choices:
    """Offer words, each with its explanation behind a space."""
    return lambda context: [(pair.partition(" ")[0], pair.partition(" ")[2]) for pair in pairs]
