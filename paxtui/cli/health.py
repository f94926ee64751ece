"""``paxtui health``: can it be used now? For people, load balancers, containers and service managers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from paxtui.cli.completers import complete_replicas
from paxtui.cli.options import ID_VARIABLE, AttachOption, ConfigOption, JsonOption
from paxtui.cli.signals import run_async
from paxtui.words.counts import counted

if TYPE_CHECKING:
    from pathlib import Path

    from paxtui.client import PageRead, Sighting
    from paxtui.config.cluster_file import Address, Cluster
    from paxtui.config.tls_files import Tls
    from paxtui.wire.requests import StatusReport

LOOK_S = 0.05
"""How often a replica that is not ready yet is asked again."""

CALL_S = 0.2
"""How often one that does not answer at all is called again."""

LEADERLESS = ("pre-voting", "preparing")
"""Roles of a replica that has heard of no leader for a whole election timeout. It may remember the last."""

REASON_S = 0.5
"""What is kept of the time to find out why."""

NO_SLOT = 2**53 - 1
"""A read from here on has no entries: what is wanted is the leader's proof, not the log."""


class HealthVerdict(NamedTuple):
    """What is said, as one line or as JSON."""

    of: str
    """``cluster``, ``replica`` or ``process``."""
    healthy: bool
    text: str
    replica: int | None = None
    leader: int | None = None
    applied: int | None = None
    ms: float | None = None
    """How long the answer took: that of a majority, or of the process."""

    def __str__(self) -> str:
        from paxtui.wire.text import visible

        return f"{'healthy' if self.healthy else 'not healthy'}: {visible(self.text)}"

    def json(self) -> str:
        """Return one JSON object; what is not known is null."""
        import json

        return json.dumps(self._asdict())


def health(
    address: Annotated[
        str | None, typer.Argument(metavar="HOST:PORT", help="Ask about the replica at this address.")
    ] = None,
    config: ConfigOption = None,
    at: AttachOption = None,
    id: Annotated[
        int | None,
        typer.Option(
            "--id",
            metavar="N",
            envvar=ID_VARIABLE,
            help="Ask about the replica with this id.",
            autocompletion=complete_replicas,
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Ask only whether that replica's process answers.")
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            max=3600,
            help="Wait at most this long for it.",
        ),
    ] = 5.0,
    as_json: JsonOption = False,
) -> int:
    """Say in one line whether the cluster works now.

    It works if a majority confirms its leader for a read.

    With --id or HOST:PORT, it says whether that replica is ready as well: the replica votes, follows the
    leader, and has applied all that the read needs. With --local, it says only whether the replica's process
    answers, whatever the others do; use --local where a "no" restarts the process.

    Exit codes: 0 healthy, 1 not healthy, 2 usage or configuration.

    Examples:

      paxtui health

      paxtui health --id 1 --json

      paxtui health --local 127.0.0.1:7400
    """
    verdict = run_async(_examine, address, config or at, id, local, timeout)
    print(verdict.json() if as_json else verdict)
    return 0 if verdict.healthy else 1


async def _examine(
    address: str | None, named: Path | str | None, id: int | None, local: bool, timeout_s: float
) -> HealthVerdict:
    import trio

    from paxtui.client import ClientError, resolve
    from paxtui.config.cluster_file import ConfigError

    deadline = trio.current_time() + timeout_s
    of = "process" if local else "cluster" if address is None and id is None else "replica"
    try:
        with trio.fail_at(deadline):
            one = await _one(address, named, id)
            if not local:
                whole = await resolve(named if address is None or _is_named(named) else address)
    except ClientError as error:
        return HealthVerdict(of, False, str(error), id)
    except trio.TooSlowError:
        return HealthVerdict(of, False, f"no replica answered within {timeout_s:g} s", id)
    if not local:
        return await (_cluster(whole, deadline) if one is None else _replica(whole, one, deadline))
    if one is None:
        raise ConfigError("--local: which replica? Say --id N, PAXTUI_ID or HOST:PORT")
    return await _process(one, deadline)


class One(NamedTuple):
    """One replica: where it is, and which it must be, if that is told."""

    address: Address
    id: int | None
    tls: Tls | None


def _is_named(named: Path | str | None) -> bool:
    """Return whether somebody said which cluster; a lone HOST:PORT is asked for it."""
    from paxtui.config.cluster_file import CONFIG_VARIABLE

    return named is not None or bool(os.environ.get(CONFIG_VARIABLE))


async def _one(address: str | None, named: Path | str | None, id: int | None) -> One | None:
    """Return the one replica that is meant, if one is. Asks nobody, unless ``--at`` has to tell where it
    is."""
    from paxtui.client import resolve
    from paxtui.config import cluster_file
    from paxtui.config.cluster_file import Address, ConfigError
    from paxtui.config.tls_files import with_environment

    if address is None and id is None:
        return None
    known: Cluster | None = None
    if isinstance(named, str):
        known = await resolve(named)
    elif address is None or _is_named(named):
        known = cluster_file.find(named)
    if known is not None and id is not None:
        known.address(id)  # refuses an id that does not exist
    tls = known.tls if known is not None else with_environment(None)
    if address is None:
        return None if known is None or id is None else One(known.address(id), id, tls)
    places = cluster_file.parse_addresses(address)
    if len(places) != 1:
        raise ConfigError(f'"{address}": one HOST:PORT is allowed here; --at takes several')
    return One(Address(id or 0, *places[0]), id, tls)


# Is the process alive?


async def _process(one: One, deadline: float) -> HealthVerdict:
    """Alive is also who refuses us: nobody may be restarted because of somebody else's certificate."""
    import trio

    from paxtui.client.connection import BROKEN
    from paxtui.client.errors import ClientError
    from paxtui.client.route import words
    from paxtui.config.cluster_file import ConfigError
    from paxtui.net.tls.credentials import of_tool

    tls, doubt = one.tls, ""
    try:
        if tls is not None:
            of_tool(tls)
    except ConfigError as error:
        tls, doubt = None, str(error)
    started = trio.current_time()
    try:
        with trio.fail_at(deadline):
            report = await _report(one, tls, deadline)
    except (Another, *BROKEN) as error:
        return HealthVerdict("process", False, f"{one.address}: {words(error)}", one.id)
    except ClientError as error:
        text = f"the replica at {one.address} answers, but lets no client in from here: {doubt or error}"
        return HealthVerdict("process", True, text, one.id)
    ms = round((trio.current_time() - started) * 1000, 1)
    text = f"r{_id_in(report, one)} answers in {ms:g} ms; process {report.pid}, up {report.uptime_s:.0f} s"
    return HealthVerdict("process", True, text, _id_in(report, one), ms=ms)


class Another(Exception):
    """Another replica than the one that was asked for answers at an address."""


async def _report(one: One, tls: Tls | None, deadline: float) -> StatusReport:
    """Ask what the one replica says of itself. Raises :class:`Another`, ``ClientError`` or one of
    ``BROKEN``."""
    import trio

    from paxtui.client.connection import answers, dial
    from paxtui.client.errors import ClientError
    from paxtui.wire.requests import StatusReport, StatusRequest

    left_s = max(0.01, deadline - trio.current_time())
    known = one.id is not None
    async with dial(
        one.address, "observer", answers, tls=tls, replica_known=known, name="health", timeout_s=left_s
    ) as link:
        if known and link.welcome.replica != one.id:
            raise Another(f"r{link.welcome.replica} answers here, not r{one.id}")
        await link.send(StatusRequest(link.welcome.replica))
        for message in await link.receive():
            if isinstance(message, StatusReport):
                return message
    raise ClientError(f"{one.address} hung up in place of an answer")


def _id_in(report: StatusReport, one: One) -> int:
    """Return its id: asked for, or the number of our question, which is the id that its welcome told."""
    return report.id if one.id is None else one.id


# Does consensus work?


async def _cluster(cluster: Cluster, deadline: float) -> HealthVerdict:
    import trio

    from paxtui.client import ClientError

    started = trio.current_time()
    try:
        page = await _quorum_read(cluster, None, deadline)
    except ClientError:
        return HealthVerdict("cluster", False, await _why(cluster, trio.current_time() - started))
    ms = round((trio.current_time() - started) * 1000, 1)
    text = f"r{page.replica} leads, confirmed by a majority in {ms:g} ms; "
    text += f"{counted(page.applied, 'slot')} applied"
    return HealthVerdict("cluster", True, text, None, page.replica, page.applied, ms)


async def _quorum_read(cluster: Cluster, via: int | None, deadline: float) -> PageRead:
    """Make a linearizable read, which is answered only if a majority confirms, after it was asked, who
    leads."""
    import trio

    from paxtui.client import connect

    left_s = deadline - trio.current_time()
    async with connect(cluster, name="health", via=via) as log:
        return await log.read(NO_SLOT, 1, timeout_s=max(0.05, left_s - min(REASON_S, left_s / 4)))


async def _why(cluster: Cluster, spent_s: float) -> str:
    """Ask the replicas themselves why, and say it in words."""
    from paxtui.client import Operator

    sightings = await Operator(cluster, "health").status(timeout_s=REASON_S)
    said = []
    for sighting in sightings:
        report = sighting.report
        status = report.status if report is not None else None
        if report is None:
            what = sighting.problem.rpartition(": ")[2]
        elif status is None:
            what = "warming up"
        elif status.non_voting is not None:
            what = "learner without vote"
        else:
            lost = status.leader is None or status.role in LEADERLESS
            what = "hears no leader" if lost else f"follows r{status.leader}"
        said.append(f"r{sighting.replica} {what}")
    return (
        f"no majority confirmed a leader within {spent_s:.1f} s; {answering(sightings)} ({', '.join(said)})"
    )


def answering(sightings: list[Sighting]) -> str:
    """Return how many replicas answer, and can decide something together, beside how many are needed."""
    from paxtui.cli.status import voters_in_touch

    n, majority = len(sightings), len(sightings) // 2 + 1
    answer = sum(each.report is not None for each in sightings)
    able = len(voters_in_touch(sightings))
    together = f", {able} of these vote and hear each other" if answer >= majority > able else ""
    return f"{answer} of {n} replicas answer{together}, {majority} are needed"


# Is one replica ready?


async def _replica(cluster: Cluster, one: One, deadline: float) -> HealthVerdict:
    """Ready if it takes part with a vote, follows the leader that a majority has just confirmed, and has
    applied what had been acknowledged then."""
    import trio

    from paxtui.cli.stepped import why_not_ready
    from paxtui.client import ClientError
    from paxtui.client.connection import BROKEN, HelloRefused, Untrusted
    from paxtui.client.route import words

    page: PageRead | None = None
    replica, why, ms = one.id, "it did not answer in time", 0.0
    while trio.current_time() < deadline:
        try:
            report = await _report(one, cluster.tls, deadline)
        except (Another, HelloRefused, Untrusted) as error:
            return HealthVerdict("replica", False, f"{one.address}: {words(error)}", replica)
        except (ClientError, *BROKEN) as error:
            # Not there yet, as in the middle of an upgrade, or gone again: it may come.
            why = f"{one.address}: {words(error)}"
            await trio.sleep(min(CALL_S, max(0.0, deadline - trio.current_time())))
            continue
        replica = _id_in(report, one)
        if report.status is None:
            waits = " ".join(f"r{peer}" for peer in report.waiting_for)
            why = f"r{replica} warms up" + (f", waits for {waits}" if waits else "")
            await trio.sleep(LOOK_S)
            continue
        if report.status.non_voting is not None:
            text = f"r{replica} is a learner without vote: {report.status.non_voting}"
            return HealthVerdict("replica", False, text, replica)
        if (stepped := why_not_ready(report)) is not None:
            return HealthVerdict("replica", False, f"r{replica} is stepped by a person: {stepped}", replica)
        leader, applied = report.status.leader, report.status.watermark
        if leader is None or report.status.role in LEADERLESS:
            why = f"r{replica} hears no leader"
        elif page is None or page.replica != leader:
            started = trio.current_time()
            try:
                page = await _quorum_read(cluster, leader, deadline)
            except ClientError:
                reason = await _why(cluster, trio.current_time() - started)
                return HealthVerdict("replica", False, f"r{replica} answers, but {reason}", replica)
            ms = round((trio.current_time() - started) * 1000, 1)
            continue  # what it says counts only if it was said after the read
        elif leader != replica and leader not in report.connected:
            why = f"r{replica} has no connection to r{leader}, which leads"
        elif applied < page.applied:
            why = f"r{replica} is behind: it has applied {applied} of {page.applied} slots"
        else:
            part = "leads" if leader == replica else f"follows r{leader}"
            text = (
                f"r{replica} {part}, confirmed by a majority in {ms:g} ms; {counted(applied, 'slot')} applied"
            )
            return HealthVerdict("replica", True, text, replica, leader, applied, ms)
        await trio.sleep(LOOK_S)
    return HealthVerdict("replica", False, why, replica)
