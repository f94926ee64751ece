"""What may be asked for, and how the rest is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from paxtui.bench.load import Load, check
from paxtui.config import cluster_file
from paxtui.config.cluster_file import ConfigError
from paxtui.wire.values import TEXT_BYTES_MAX

CLUSTER = cluster_file.local(3)
WINDOW = CLUSTER.settings.session_window

BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"connections": 0}, ["--connections", "0", "1 to"]),
    ({"connections": CLUSTER.settings.sessions_max + 1}, ["--connections", "sessions_max"]),
    ({"connections": 1000}, ["--connections", "open files", "500", "ulimit -n"]),
    ({"in_flight": 0}, ["--in-flight", "1 to"]),
    ({"in_flight": WINDOW + 1}, ["--in-flight", str(WINDOW), "session_window"]),
    ({"size": 0}, ["--size", "1 to"]),
    ({"size": TEXT_BYTES_MAX + 1}, ["--size", "65536"]),
    ({"seconds": 0.0}, ["--seconds", "more than 0"]),
    ({"seconds": -1.0}, ["--seconds", "-1"]),
    ({"seconds": math.nan}, ["--seconds", "nan"]),
    ({"seconds": math.inf}, ["--seconds", "inf"]),
    ({"rate": 0.0}, ["--rate", "more than 0"]),
    ({"rate": -5.0}, ["--rate", "-5"]),
    ({"rate": 1e12}, ["--rate", "at most"]),
    ({"warmup_s": -0.1}, ["--warmup", "0 to"]),
    ({"warmup_s": math.nan}, ["--warmup", "nan"]),
    ({"read_ratio": 1.1}, ["--read-ratio", "1.1", "0 "]),
    ({"read_ratio": -0.1}, ["--read-ratio"]),
]


@pytest.mark.parametrize(
    ("given", "said"), BAD, ids=lambda value: str(value) if isinstance(value, dict) else ""
)
def test_what_cannot_be_measured_is_refused_by_name(given: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(ConfigError) as refusal:
        check(Load(**given), CLUSTER, 500)
    assert all(part in str(refusal.value) for part in said), str(refusal.value)


def test_the_limits_themselves_are_allowed() -> None:
    sessions = CLUSTER.settings.sessions_max
    check(Load(connections=sessions, in_flight=WINDOW, size=TEXT_BYTES_MAX), CLUSTER, 20_000)
    check(Load(connections=1, in_flight=1, size=1, seconds=0.001, warmup_s=0, read_ratio=1), CLUSTER, 1024)
    check(Load(rate=0.01), CLUSTER, 1024)


def test_a_load_is_told_in_words() -> None:
    assert Load().words == "1 connection × 256 in flight, 100-byte messages, closed loop"
    words = Load(connections=3, in_flight=1, size=7, rate=5000.0, read_ratio=0.25).words
    assert words == "3 connections × 1 in flight, 7-byte messages, 25% reads, 5,000/s open loop"
