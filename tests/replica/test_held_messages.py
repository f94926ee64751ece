"""Real replica processes of which all messages are held: nothing happens, and nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paxtui.client import Unknown
from paxtui.core.settings import Settings
from paxtui.wire import faults as f
from paxtui.wire.requests import StagedMessage, StatusReport
from tests.deploy.scraping import scrape
from tests.ports import free_ports
from tests.replica.conditions import until
from tests.replica.processes import PAXTUI, Replicas, environment

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


def staged(replicas: Replicas) -> list[StagedMessage]:
    return [each for id in ALL for each in replicas.do(replicas.operator.staged, id).messages]


def beliefs(replicas: Replicas) -> tuple[float, list[object]]:
    """For how long r0 serves, and of each its promise, role and connections."""

    def all_told() -> list[StatusReport]:
        """All reports; on a busy machine one question may remain without an answer."""
        reports = [sighting.report for sighting in replicas.do(replicas.operator.status)]
        return [each for each in reports if each is not None] if None not in reports else []

    found: list[object] = []
    reports = until(all_told, "all say how they are")
    for each in reports:
        assert each.status is not None
        found.append((each.status.promised, each.status.role, each.connected))
    return reports[0].uptime_s, found


def health(replicas: Replicas, id: int) -> str:
    command = [*PAXTUI, "health", "--id", str(id), "--timeout", "30", "--config", str(replicas.config)]
    env = environment(replicas.folder)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60).stdout


def test_while_clocks_stand_and_all_is_held_nothing_happens_and_all_goes_on_afterwards(
    replicas: Replicas,
) -> None:
    for id in ALL:
        replicas.do(replicas.operator.inject, id, f.Clock(0), for_s=600)
    for id in ALL:
        replicas.do(replicas.operator.inject, id, f.Hold(-1), for_s=600)
    started_s, before = beliefs(replicas)
    with pytest.raises(Unknown):
        replicas.append("held", timeout_s=1.0)
    looks = []

    def time_has_passed() -> bool:
        looks.append(beliefs(replicas))
        return looks[-1][0] > started_s + 3 * Settings().election_s_max

    until(time_has_passed, "more time passes than any election timeout")
    assert [look for _, look in looks] == [before] * len(looks)  # nobody hung up, and no ballot is new
    assert not {each.kind for each in staged(replicas)} & {"pre-vote", "prepare", "heartbeat"}
    assert "its clock stands" in health(replicas, 1)
    assert replicas.do(replicas.operator.heal) == []
    replicas.append("and on")
    entries = replicas.until_equal()
    assert [entry.text for entry in entries if entry.is_message] == ["held", "and on"]
    assert health(replicas, 1).startswith("healthy: ")


def test_how_many_messages_are_staged_is_a_metric(tmp_path: Path) -> None:
    replicas = Replicas(tmp_path)
    (port,) = free_ports(1)
    replicas.start(0, "--allow-faults", "--metrics", str(port))
    replicas.start(1)
    replicas.start(2)
    try:
        replicas.until_led()
        assert scrape(port)["paxtui_staged_messages"] == 0
        replicas.do(replicas.operator.inject, 0, f.Hold(-1), for_s=600)
        until(lambda: scrape(port)["paxtui_staged_messages"] >= 1, "heartbeats or answers are staged")
    finally:
        replicas.close()
