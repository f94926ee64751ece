"""How soon what is noticed: ``python -m tests.tools.netns [--times 10]``.

It needs what the tests beside it need.

The leader's packets are dropped silently, both ways, and later let through again; so often, with three
replicas on hosts of their own. Prints each time and, at the end, medians and worst cases, in seconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import trio

from paxtui.client import Operator, connect
from paxtui.config.limits import Limits
from paxtui.core.settings import Settings
from paxtui.wire.requests import StatusReport
from tests.replica.conditions import eventually
from tests.tools.netns.conftest import running
from tests.tools.netns.hosts import ALL, Hosts
from tests.tools.netns.network import CLIENT, Missing, Network

AWAY_S: Final = 3.0
"""How long nothing goes through after the connections are gone."""

LOOK_S: Final = 0.005


class Times(NamedTuple):
    """Since the packets are dropped, and the last one since they are let through again."""

    noticed: float
    """Both others say that they do not hear it."""
    appended: float
    """The next append is acknowledged."""
    gone: float
    """Both sides have given the connections up."""
    back: float
    """All hear each other again."""


async def reports(operator: Operator) -> list[StatusReport | None]:
    return [sighting.report for sighting in await operator.status()]


async def leading(operator: Operator) -> int:
    while True:
        for replica, report in enumerate(await reports(operator)):
            if report is not None and report.status is not None and report.status.role == "leader":
                return replica
        await trio.sleep(LOOK_S)


async def once(hosts: Hosts) -> Times:
    operator = Operator(hosts.cluster, "measure")
    leader = await leading(operator)
    others = [replica for replica in ALL if replica != leader]
    hosts.network.part(leader, *others)
    began = time.monotonic()
    noticed: list[float] = []

    async def watch() -> None:
        missing = set(others)
        while missing:
            for replica, report in enumerate(await reports(operator)):
                if replica in missing and report is not None and leader not in report.connected:
                    missing.remove(replica)
                    noticed.append(time.monotonic() - began)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        async with connect(hosts.cluster, name="measure") as log:
            await log.append("after", timeout_s=20)
        appended = time.monotonic() - began
    await eventually(
        lambda: not any(hosts.established(replica, leader) for replica in others), "the connections are gone"
    )
    gone = time.monotonic() - began
    await trio.sleep(AWAY_S)
    hosts.network.hear()
    healed = time.monotonic()
    while True:
        if all(report is not None and len(report.connected) == 2 for report in await reports(operator)):
            return Times(max(noticed), appended, gone, time.monotonic() - healed)
        await trio.sleep(LOOK_S)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.netns",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    try:
        network = Network()
    except Missing as missing:
        sys.exit(f"no network of namespaces here: {missing}")
    found: list[Times] = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="paxtui-netns-") as folder,
            network.inside(CLIENT),
            running(Path(folder), network, 7400, Settings(), Limits()) as hosts,
        ):
            hosts.until_connected()
            hosts.append("before")
            for _ in range(options.times):
                hosts.until_led()
                found.append(trio.run(once, hosts))
                print(
                    "  ".join(f"{name} {value:.2f}" for name, value in found[-1]._asdict().items()),
                    flush=True,
                )
    finally:
        network.close()
    for name, values in zip(Times._fields, zip(*found, strict=True), strict=True):
        print(f"{name:<9} median {statistics.median(values):.2f}  worst {max(values):.2f}")


if __name__ == "__main__":
    main()
