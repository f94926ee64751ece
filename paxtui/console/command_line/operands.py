"""Replicas and links of the console's model in words; :mod:`paxtui.words` says which words there are."""

from __future__ import annotations

from collections.abc import Sequence

from paxtui.console.commands import Link
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.words import WordError as OperandError
from paxtui.words import links as link_words
from paxtui.words import replicas as replica_words
from paxtui.words.numbers import number, whole

__all__ = ["OperandError", "links", "names", "number", "replica", "replicas", "whole"]


def _known(model: ClusterModel) -> replica_words.KnownReplicas:
    leader = None if model.leader is None else model.leader[0]
    return replica_words.KnownReplicas(tuple(replica.name for replica in model.replicas), leader)


def names(model: ClusterModel) -> str:
    """List the names of all replicas."""
    return str(_known(model))


def replica(word: str, model: ClusterModel) -> int:
    """Read one replica: ``r0``, ``0`` or ``leader``."""
    return replica_words.replica(word, _known(model))


def replicas(word: str, model: ClusterModel) -> tuple[int, ...]:
    """Read ``r0``, ``r0,r2``, ``leader``, ``all`` or ``*``."""
    return replica_words.replicas(word, _known(model))


def links(words: Sequence[str], model: ClusterModel, *, alone: str = "around") -> tuple[Link, ...]:
    """Read directed links. A replica alone means all its links in both directions, or with ``alone="from"``
    those that it sends on."""
    return link_words.links(words, _known(model), both_directions=alone == "around")
