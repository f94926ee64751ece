"""The package's imports, also those for annotations alone: by module, by package, and their circles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import grimp

ROOT = "paxtui"


def modules() -> dict[str, set[str]]:
    """Read which module imports which."""
    graph = grimp.build_graph(ROOT, exclude_type_checking_imports=False, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in sorted(graph.modules)}


def packages(imports: Mapping[str, set[str]], below: str = ROOT) -> dict[str, set[str]]:
    """Join modules to the packages of ``below``; names without that prefix."""
    found: dict[str, set[str]] = defaultdict(set)

    def part(module: str) -> str | None:
        return module[len(below) + 1 :].partition(".")[0] or None if module.startswith(f"{below}.") else None

    for module, targets in imports.items():
        if (above := part(module)) is not None:
            found[above] |= {name for target in targets if (name := part(target)) not in (None, above)}
    return dict(found)


def circles(imports: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Find the largest sets of modules of which each reaches each other one (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: set[frozenset[str]] = set()
    for root in imports:
        if root in number:
            continue
        path = [(root, iter(sorted(imports[root])))]
        number[root] = lowest[root] = len(number)
        stack.append(root)
        while path:
            module, rest = path[-1]
            for below in rest:
                if below not in number:
                    number[below] = lowest[below] = len(number)
                    stack.append(below)
                    path.append((below, iter(sorted(imports[below]))))
                    break
                if below in stack:
                    lowest[module] = min(lowest[module], number[below])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[module])
                if lowest[module] == number[module]:
                    at = stack.index(module)
                    if len(stack) - at > 1:
                        found.add(frozenset(stack[at:]))
                    del stack[at:]
    return found


def floors(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Order names by height: each stands above all that it imports, those of a circle together."""
    group = {name: frozenset({name}) for name in imports}
    group |= {name: circle for circle in circles(imports) for name in circle}
    height: dict[frozenset[str], int] = {}

    def measure(each: frozenset[str]) -> int:
        if each not in height:
            lower = {group[target] for name in each for target in imports[name]} - {each}
            height[each] = 1 + max((measure(one) for one in lower), default=-1)
        return height[each]

    found: list[list[str]] = [[] for _ in range(1 + max(map(measure, group.values())))]
    for name in sorted(imports):
        found[height[group[name]]].append(name)
    return found[::-1]


def needed(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Leave out each arrow that follows from others: a to c, where a imports b and b imports c."""
    reached: dict[str, set[str]] = {}
    for name in imports:
        seen, left = set[str](), list(imports[name])
        while left:
            target = left.pop()
            if target not in seen:
                seen.add(target)
                left.extend(imports[target])
        reached[name] = seen

    def follows(target: str, name: str, others: set[str]) -> bool:
        """From an arrow to something that is no part of a circle with either end."""
        return any(
            target in reached[other] and other not in reached[target] and name not in reached[other]
            for other in others - {target}
        )

    return {
        name: {each for each in targets if not follows(each, name, targets)}
        for name, targets in imports.items()
    }
