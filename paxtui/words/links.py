"""Links in words: ``r0>r2`` one way, ``r0-r2`` both ways, ``r0>*`` all from one, ``r0 | r1,r2`` two sides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from paxtui.wire.links import between
from paxtui.words import WordError
from paxtui.words.replicas import KnownReplicas, replica_id, replicas

Link = tuple[int, int]
"""Sender and receiver."""

EVERY_REPLICA: Final = -1
"""The end of a link that stands for all replicas, where it is not known yet how many there are."""


class LinkEnds(NamedTuple):
    """A link as it was typed, before its ends are understood."""

    one: str
    other: str
    both_ways: bool


def link_ends(word: str) -> LinkEnds | None:
    """Split a link at ``>`` or ``-``; ``None`` if the word is no link."""
    match = re.fullmatch(r"([^>-]+)([>-])([^>-]+)", word)
    return None if match is None else LinkEnds(match[1], match[3], match[2] == "-")


def joined(pairs: Iterable[Link], *, both_ways: bool) -> list[Link]:
    """List the directed links of pairs of replicas."""
    if not both_ways:
        return list(pairs)
    return [each for a, b in pairs for each in ((a, b), (b, a))]


def link_of_ids(text: str) -> list[Link]:
    """Read ``r0>r2``, ``r0-r2``, ``0>*``, ``*>2`` or ``*>*``, where ``*`` is :data:`EVERY_REPLICA`."""
    ends = link_ends(re.sub(r"\s*([>-])\s*", r"\1", text.strip()))
    one, other = (None, None) if ends is None else (_id_or_every(ends.one), _id_or_every(ends.other))
    if ends is None or one is None or other is None:
        raise WordError(f"{text!r} is no link; r0>r2, r0-r2, r0>*, *>r2 and *>* are")
    if one == other and one != EVERY_REPLICA:
        raise WordError(f"{text!r} joins a replica to itself; messages to oneself cannot be lost")
    return joined([(one, other)], both_ways=ends.both_ways and one != other)


def _id_or_every(word: str) -> int | None:
    return EVERY_REPLICA if word == "*" else replica_id(word)


def links(words: Sequence[str], known: KnownReplicas, *, both_directions: bool = True) -> tuple[Link, ...]:
    """Read directed links, each once. A replica alone means all its links, or those on which it sends if
    ``both_directions`` is false."""
    text = re.sub(r"\s*([>|,-])\s*", r"\1", " ".join(words))
    if "|" in text:
        return _between_sides(text, known)
    found: list[Link] = []
    for word in text.split():
        ends = link_ends(word)
        if ends is not None:
            senders, receivers = replicas(ends.one, known), replicas(ends.other, known)
            pairs = [(a, b) for a in senders for b in receivers if a != b]
            found += joined(pairs, both_ways=ends.both_ways)
            if not pairs:
                raise WordError(f"{word!r} joins a replica to itself; r0>r1, r0-r1 and r0>* are links")
        elif ">" in word or "-" in word:
            raise WordError(f"{word!r} is no link; r0>r2, r0-r2, r0>*, *>r2 and r0,r1>r2 are")
        else:
            for id in replicas(word, known):
                everyone = range(len(known.names))
                found += sorted(between([id], everyone)) if both_directions else [(id, to) for to in everyone]
    pairs = [(a, b) for a, b in dict.fromkeys(found) if a != b]
    if not pairs:
        raise WordError("which link? r0>r2 one way, r0-r2 both ways, r0>* all from r0")
    return tuple(pairs)


def _between_sides(text: str, known: KnownReplicas) -> tuple[Link, ...]:
    """Read ``r0,r1|r2``: all links between the sides, in both directions."""
    parts = text.split("|")
    if not all(part.strip() for part in parts):
        raise WordError("a side is empty; r0 | r1,r2 has replicas on both")
    sides = [replicas(re.sub(r"\s+", ",", part.strip()), known) for part in parts]
    for one, other in combinations(sides, 2):
        both = sorted(set(one) & set(other))
        if both:
            raise WordError(f"r{both[0]} stands on two sides of |")
    pairs = {pair for one, other in combinations(sides, 2) for pair in between(one, other)}
    return tuple(sorted(pairs))
