"""Real replicas under slow and standing clocks: only waits of the protocol change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paxtui.core.settings import Settings
from paxtui.wire import faults as f
from tests.deploy.scraping import scrape
from tests.ports import free_ports
from tests.replica.conditions import until
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes

ALL = (0, 1, 2)


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    mine = Replicas(tmp_path)
    mine.start_all()
    mine.until_led()
    mine.until_connected()
    yield mine
    mine.close()


def reports(replicas: Replicas) -> list[tuple[object, tuple[int, ...], float]]:
    """Of each: its ballot and role, who is connected to it, and for how long it serves."""
    found: list[tuple[object, tuple[int, ...], float]] = []
    for sighting in replicas.do(replicas.operator.status):
        assert sighting.report is not None
        assert sighting.report.status is not None
        status = sighting.report.status
        found.append(((status.promised, status.role), sighting.report.connected, sighting.report.uptime_s))
    return found


def test_while_all_clocks_stand_no_election_fires_nobody_hangs_up_and_appends_go_on(
    replicas: Replicas,
) -> None:
    for replica in ALL:
        replicas.do(replicas.operator.inject, replica, f.Clock(0), for_s=600)
    before = reports(replicas)
    until_s = before[0][2] + 3 * Settings().election_s_max
    looks = []

    def time_has_passed() -> bool:
        looks.append(reports(replicas))
        return looks[-1][0][2] > until_s

    until(time_has_passed, "more time passes than any election timeout")
    for look in looks:
        assert [belief for belief, _, _ in look] == [belief for belief, _, _ in before]
        assert [connected for _, connected, _ in look] == [(1, 2), (0, 2), (0, 1)]
    replicas.append("under clocks that stand")


def test_a_leader_whose_clock_stands_is_silent_and_another_one_leads(replicas: Replicas) -> None:
    old = replicas.until_led()
    number = replicas.do(replicas.operator.inject, old, f.Clock(0), for_s=600)
    assert isinstance(number, int)
    until(lambda: replicas.until_led() != old, "another one leads")
    replicas.append("the log goes on")
    replicas.do(replicas.operator.renew, number)
    replicas.do(replicas.operator.undo, number)
    replicas.append("and after it")
    replicas.until_equal()


def test_the_rate_of_the_clock_is_a_metric(tmp_path: Path) -> None:
    replicas = Replicas(tmp_path, n=1)
    (port,) = free_ports(1)
    replicas.start(0, "--allow-faults", "--metrics", str(port))
    try:
        replicas.until_led()
        assert scrape(port)["paxtui_clock_rate"] == 1
        replicas.do(replicas.operator.inject, 0, f.Clock(25), for_s=600)
        until(lambda: scrape(port)["paxtui_clock_rate"] == 0.25, "the page has the new rate")
    finally:
        replicas.close()
