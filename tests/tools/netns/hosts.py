"""Real replica processes, each on a host of its own, and the test on a fourth."""

from __future__ import annotations

from pathlib import Path

import trio
from msgspec import structs

from paxtui.client import LogEntry, Operator
from paxtui.config import cluster_file
from paxtui.config.limits import Limits
from paxtui.core.settings import Settings
from paxtui.wire.requests import StatusReport
from tests.replica.conditions import until
from tests.replica.processes import Replicas
from tests.tools.netns.network import Network, address

ALL = (0, 1, 2)
ESTABLISHED = "01"


class Hosts(Replicas):
    """Replica ``n`` runs on host ``n``. The test's own thread has to be inside the clients' host."""

    def __init__(self, folder: Path, network: Network, port: int, settings: Settings, limits: Limits) -> None:
        super().__init__(folder, settings=settings, name="hosts")
        self.network = network
        places = tuple(
            structs.replace(each, host=address(each.id), port=port) for each in self.cluster.replicas
        )
        self.cluster = structs.replace(self.cluster, replicas=places, limits=limits)
        self.config.write_text(cluster_file.to_toml(self.cluster))
        self.operator = Operator(self.cluster, "test")

    def command(self, replica: int, *arguments: str) -> list[str]:
        """By default without certificates: who may come in is not what these tests are about."""
        where = ("ip", "netns", "exec", self.network.hosts[replica])
        return [*where, *super().command(replica, "--insecure", *arguments)]

    def report(self, replica: int) -> StatusReport | None:
        return self.sightings()[replica].report

    def hears(self, replica: int, peer: int) -> bool | None:
        """Whether a replica says that it is connected with a peer; ``None`` if it says nothing."""
        report = self.report(replica)
        return None if report is None else peer in report.connected

    def until_alike(self, first: int = 0) -> list[str]:
        """Wait until all have applied the same; the messages from slot ``first`` on, the same in all logs."""

        def alike() -> list[list[LogEntry]]:
            """The logs, unless something was applied while they were read."""
            before = self._heads()
            if len(before) != len(ALL) or len(set(before)) != 1:
                return []
            logs = [trio.run(self.operator.log_of, replica, first) for replica in ALL]
            return logs if self._heads() == before else []

        logs = until(alike, "all logs are equal")
        values = [[(e.slot, e.client, e.request, e.text, e.repeats) for e in log] for log in logs]
        assert values[1:] == values[:1] * 2
        return [entry.text for entry in logs[0] if entry.is_message]

    def _heads(self) -> list[tuple[int, str]]:
        reports = [sighting.report for sighting in self.sightings()]
        statuses = [report.status for report in reports if report is not None and report.status is not None]
        return [(each.watermark, each.chain) for each in statuses]

    def until_connected(self) -> None:
        """Wait until everybody hears everybody."""

        def connected() -> bool:
            reports = [sighting.report for sighting in self.sightings()]
            return all(report is not None and len(report.connected) == 2 for report in reports)

        until(connected, "everybody hears everybody")

    def lines(self, replica: int, *words: str) -> int:
        """How many lines of its log have all of these words."""
        return sum(all(word in line for word in words) for line in self.words(replica).splitlines())

    def established(self, replica: int, peer: int) -> int:
        """This cluster's connections with a peer's host that the kernel of the replica's host believes in."""
        one, two, three, four = map(int, address(peer).split("."))
        remote = f"{four:02X}{three:02X}{two:02X}{one:02X}:"
        rows = [line.split() for line in Path(f"/proc/{self.pid(replica)}/net/tcp").read_text().splitlines()]
        port = f":{self.cluster.address(replica).port:04X}"
        return sum(
            row[2].startswith(remote) and port in (row[1][-5:], row[2][-5:]) and row[3] == ESTABLISHED
            for row in rows[1:]
        )

    def counted(self, replica: int, file: str, name: str) -> int:
        """A counter of the host's TCP, such as ``RetransSegs`` in ``snmp``."""
        lines = Path(f"/proc/{self.pid(replica)}/net/{file}").read_text().splitlines()
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            if name in names.split():
                return int(values.split()[names.split().index(name)])
        raise AssertionError(f"no {name} in {file}")
