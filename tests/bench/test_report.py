"""The words for a measurement, and how rows are judged."""

from __future__ import annotations

import pytest
from msgspec import structs

from paxtui.bench.limits import MachineLimits
from paxtui.bench.load import Load
from paxtui.bench.measured import Measured, ReplicaCost, Times, WireCost
from paxtui.bench.report import lines, milliseconds
from paxtui.bench.suite import shared

TIMES = Times(90_000, 5.1, 5.04, 7.4, 12.26, 31.0, 140.4)
LEADER = ReplicaCost(0, "leader", 200.0, 150.0, 12.5, 0.375, 480.0, 301.0, 61_000_000)
REMOTE = ReplicaCost(1, "following", 190.0, None, None, None, None, None, None)
MEASURED = Measured(
    load=Load(seconds=3.0),
    bare=False,
    seconds=3.0,
    interrupted=False,
    messages=90_000,
    throughput=30_000.0,
    by_second=(29_000, 30_500, 30_500),
    appends=TIMES,
    reads=None,
    overdue=0,
    failures={},
    generator_cpu_us_a_message=4.25,
    generator_cpu_share=0.1275,
    replicas=(LEADER, REMOTE),
    others_share=0.04,
    wire=WireCost(103.2, 0.6, 263.0),
    leader=0,
    leader_changed=False,
    limits=MachineLimits(180e-6, 20e-6, "ext4 on /dev/vda"),
    limit_ms=0.22,
    times_the_limit=22.9,
)


def test_a_measurement_fits_one_screen() -> None:
    assert list(lines(MEASURED)) == [
        (
            "load        1 connection × 256 in flight, 100-byte messages, closed loop; counted for 3.0 s "
            "after 1 s of warm-up"
        ),
        "throughput  30,000 messages/s   by the second 29,000 to 30,500",
        "latency     p50 5.04 ms  p90 7.40 ms  p99 12.3 ms  p99.9 31.0 ms  max 140 ms",
        (
            "limit       0.22 ms for one client: 2 round trips of 20 µs + 1 fdatasync of 180 µs "
            "(ext4 on /dev/vda); p50 is 22.9 times that"
        ),
        "",
        "                      CPU  of a   commits  messages    written      files memory",
        "                a message  core  a second  a commit  a message  a message",
        "r0 leader         12.5 µs   38%       200     150.0      480 B      301 B  61 MB",
        "r1 following            ?     ?       190         -          ?          ?      ?",
        "generator          4.2 µs   13%",
        "",
        "others      4% of a core went to other programs meanwhile",
        "wire        bytes a message: requests 103, answers 1, between replicas 263",
    ]


def test_what_went_wrong_is_said() -> None:
    wrong = structs.replace(
        MEASURED,
        load=Load(rate=40_000.0),
        overdue=1_234,
        failures={"Unknown: no answer within 30 s": 7},
        leader_changed=True,
        interrupted=True,
        bare=True,
        reads=TIMES,
    )
    text = "\n".join(lines(wrong))
    assert "does not keep up with 40,000 requests a second" in text
    assert "1,234 requests were due and had no answer" in text
    assert "7 × Unknown: no answer within 30 s" in text
    assert "the leader changed" in text
    assert "bare connections (interrupted)" in text
    assert "appends     p50" in text
    assert "reads       p50" in text
    assert "from the time at which each was due" in text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.1234, "0.12 ms"), (9.99, "9.99 ms"), (12.34, "12.3 ms"), (1234.5, "1,234 ms")],
)
def test_times_have_three_digits(value: float, words: str) -> None:
    assert milliseconds(value) == words


@pytest.mark.parametrize(("during", "verdict"), [(25_500.0, "met"), (25_499.0, "missed"), (0.0, "missed")])
def test_a_share_is_judged_against_the_mean_of_before_and_after(during: float, verdict: str) -> None:
    before, after = (structs.replace(MEASURED, throughput=rate) for rate in (32_000.0, 28_000.0))
    row = shared("x", 0.85, before, structs.replace(MEASURED, throughput=during), after)
    assert row.verdict == verdict
    assert row.ratio == round(during / 30_000 / 0.85, 2)
