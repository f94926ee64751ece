"""One network for all these tests, and three replicas on it that most of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paxtui.config.limits import Limits
from paxtui.core.settings import Settings
from tests.tools.netns.hosts import Hosts
from tests.tools.netns.network import CLIENT, Missing, Network

BRISK = Limits(link_s=1.0, stalled_s=1.0)
"""What is given up is given up soon, so that tests need not wait."""

FOR_EVER = Limits(link_s=3600.0)
SLOW = Settings(heartbeat_s=0.5, election_s_min=2.0, election_s_max=4.0)
"""A heartbeat that a busy machine does not miss."""


@pytest.fixture(scope="module")
def wired() -> Iterator[Network]:
    """The network, or a skip with the reason; this thread is on the clients' host.

    Not for the session: what other tests of this process start would be there as well."""
    try:
        network = Network()
    except Missing as missing:
        pytest.skip(f"no network of namespaces here: {missing}")
    with network.inside(CLIENT):
        yield network
    network.close()


@contextmanager
def running(folder: Path, network: Network, port: int, settings: Settings, limits: Limits) -> Iterator[Hosts]:
    hosts = Hosts(folder, network, port, settings, limits)
    try:
        hosts.start_all()
        yield hosts
    finally:
        hosts.close()


@pytest.fixture(scope="module")
def shared(wired: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with running(tmp_path_factory.mktemp("hosts"), wired, 7400, Settings(), BRISK) as hosts:
        yield hosts


@pytest.fixture
def network(wired: Network) -> Iterator[Network]:
    """A network in which everything works, whatever the test before did."""
    wired.heal()
    yield wired
    wired.heal()


@pytest.fixture
def cuts(network: Network) -> Network:
    """The same, where packets can be lost on purpose."""
    try:
        network.hear()
    except Missing as missing:
        pytest.skip(f"packets cannot be dropped here: {missing}")
    return network


@pytest.fixture
def three(shared: Hosts, network: Network) -> Hosts:
    """Three replicas that are connected and follow a leader."""
    shared.start_all()
    shared.until_connected()
    shared.until_led()
    return shared


@pytest.fixture
def trusting(tmp_path: Path, network: Network) -> Iterator[Hosts]:
    """Three whose connections are never given up, and with a slow heartbeat."""
    with running(tmp_path, network, 7500, SLOW, FOR_EVER) as hosts:
        hosts.until_connected()
        hosts.until_led()
        yield hosts
