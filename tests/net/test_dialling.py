"""Those who dial: replicas each other, and the client library. Nobody takes one replica for another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import structs

from paxtui.client import Failed, Lost, Operator, Unreachable, connect, observe, operator, resolve, watch
from paxtui.client.connection import HelloRefused, Untrusted, answers, dial
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster, ConfigError
from paxtui.config.tls_files import Tls
from paxtui.net.tls.credentials import Credentials
from paxtui.wire.requests import StatusReport
from paxtui.wire.telemetry import TelemetrySnapshot
from tests.net.certificates import Careless, Folder
from tests.net.tls_host import TlsHost, tls_hosted
from tests.ports import free_ports
from tests.replica.conditions import eventually
from tests.replica.host import HostedReplica, hosted


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[TlsHost]:
    async with tls_hosted(tmp_path) as replica:
        yield replica


def seen_by(secure: TlsHost, stem: str, folder: Path | None = None) -> Cluster:
    """The cluster as somebody with this certificate has it in a configuration file."""
    tls = Tls(folder=str(folder or secure.certs.path), identity=stem)
    return structs.replace(secure.replica.host.cluster, tls=tls)


async def reason_for(cluster: Cluster) -> str:
    """Why a connection to replica 0 cannot be made."""
    with pytest.raises(Untrusted) as error:
        async with dial(cluster.address(0), "client", answers, tls=cluster.tls):
            pass
    assert str(error.value) == f"{cluster.address(0)}: {error.value.reason}"
    return error.value.reason


# The client library


@pytest.mark.trio
async def test_everything_that_the_library_does_works_over_tls(secure: TlsHost) -> None:
    eve = seen_by(secure, "operator-eve")
    async with connect(eve, name="console") as log:
        assert [(await log.append(text)).slot for text in ("a", "b")] == [0, 1]
        assert [entry.text for entry in (await log.read()).entries] == ["a", "b"]
        assert [entry.text async for entry in log.tail(follow=False)] == ["a", "b"]
        assert (await log.session()).startswith("eve~")
    asker = await operator(eve, name="cli")
    (sighting,) = await asker.status()
    assert sighting.report is not None
    assert sighting.report.security == "tls"
    assert len(await asker.log_of(0)) == 2
    async with aclosing(observe(eve, 0)) as views:
        assert isinstance(await anext(views), TelemetrySnapshot)


@pytest.mark.trio
async def test_an_observer_watches_and_reads_and_is_told_at_once_that_it_cannot_append(
    secure: TlsHost,
) -> None:
    wall = seen_by(secure, "observer-wall")
    heard: list[object] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch, wall, 0, heard.append)
        await eventually(
            lambda: {type(each) for each in heard} >= {TelemetrySnapshot, StatusReport}, "it watches"
        )
        nursery.cancel_scope.cancel()
    async with connect(wall) as log:
        with pytest.raises(
            Failed, match="the replica refused it: forbidden: your certificate is that of observer/wall"
        ):
            await log.append("x")
        assert (await log.read()).entries == ()
    with pytest.raises(Failed, match="replica 0: forbidden: your certificate is that of observer/wall"):
        await Operator(wall).elect(0)


@pytest.mark.trio
async def test_an_address_is_enough_where_the_environment_names_the_certificate(
    secure: TlsHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(secure.replica.host.cluster.address(0))
    with pytest.raises(
        Unreachable, match="takes no connection without a certificate, and you do not speak TLS"
    ):
        await resolve(address)
    monkeypatch.setenv("PAXTUI_TLS_FOLDER", str(secure.certs.path))
    monkeypatch.setenv("PAXTUI_TLS_IDENTITY", "client-ada")
    found = await resolve(address)
    assert found.tls == Tls(folder=str(secure.certs.path), identity="client-ada")
    async with connect(found) as log:
        assert (await log.append("x")).slot == 0


@pytest.mark.trio
async def test_certificates_that_cannot_serve_are_told_before_anybody_is_asked(
    secure: TlsHost, tmp_path: Path
) -> None:
    secure.certs.issue("client-ada", days=-1)
    for wrong, why in (
        (seen_by(secure, "client-ada"), r"client-ada\.pem: has expired"),
        (seen_by(secure, "client-nobody"), r"client-nobody\.pem: no such file"),
    ):
        with pytest.raises(ConfigError, match=why):
            async with connect(wrong):
                pass
        with pytest.raises(ConfigError, match=why):
            await operator(wrong)


@pytest.mark.trio
async def test_who_has_no_certificate_is_told_that_one_is_needed(secure: TlsHost) -> None:
    plain = secure.replica.host.cluster
    with pytest.raises(HelloRefused, match="this replica takes no connection without a certificate"):
        async with dial(plain.address(0), "client", answers):
            pass
    (sighting,) = await Operator(plain).status()
    assert "name your certificate in [tls] of the cluster file" in sighting.problem


@pytest.mark.trio
async def test_a_replica_without_certificates_is_not_spoken_to(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada")
    async with hosted(tmp_path / "r0") as replica:
        secure = TlsHost(replica, certs)
        why = "it does not speak TLS; it runs without certificates, or is another program"
        assert await reason_for(seen_by(secure, "client-ada")) == why
        await eventually(
            lambda: "this is TLS, and this replica runs without certificates" in secure.said, "it says so"
        )
        (sighting,) = await Operator(seen_by(secure, "client-ada")).status()
        assert sighting.problem.endswith(why)


@pytest.mark.trio
async def test_a_refused_certificate_is_told_by_the_answer_to_hello(secure: TlsHost, tmp_path: Path) -> None:
    """The handshake of a client succeeds in TLS 1.3 although the replica refuses its certificate."""
    other = Folder(tmp_path / "other", "client-ada")
    mixed = structs.replace(  # type: ignore[type-var]
        seen_by(secure, "client-ada", other.path).tls, authority=str(secure.certs.path / "authority.pem")
    )
    with pytest.raises(ConfigError, match="is not from"):  # our own check finds it first
        async with dial(secure.replica.host.cluster.address(0), "client", answers, tls=mixed):
            pass
    bundle = (other.path / "authority.pem").read_bytes() + (secure.certs.path / "authority.pem").read_bytes()
    (other.path / "authority.pem").write_bytes(bundle)
    assert await reason_for(seen_by(secure, "client-ada", other.path)) == (
        "it refuses our certificate, whose authority it does not know"
    )


# Whom they dialled


@asynccontextmanager
async def showing(tmp_path: Path, credentials: Credentials, certs: Folder) -> AsyncIterator[TlsHost]:
    """Replica 0's address, at which somebody shows something."""
    async with hosted(tmp_path / "r0", credentials=credentials) as replica:
        yield TlsHost(replica, certs)


async def both_sides(secure: TlsHost, stem: str, ours: str, theirs: str) -> None:
    assert await reason_for(seen_by(secure, stem)) == ours
    await eventually(lambda: f"turned away: {theirs}\n" in secure.said, f"{theirs}; it said {secure.said}")


@pytest.mark.trio
async def test_another_replica_at_the_address_is_refused_and_both_sides_say_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-1", "client-ada")
    async with showing(tmp_path, certs.replica(1), certs) as secure:
        ours = "its certificate is that of replica/1, and we dialled replica/0"
        await both_sides(secure, "client-ada", ours, f"it does not want this replica: {ours}")
        with pytest.raises(Unreachable, match="we dialled replica/0"):
            async with connect(seen_by(secure, "client-ada")) as log:
                await log.append("x", timeout_s=0.5)
        heard: list[object] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, seen_by(secure, "client-ada"), 0, heard.append)
            await eventually(lambda: heard, "it is told")
            nursery.cancel_scope.cancel()
        assert heard[0] == Lost(ours, refused=False)


@pytest.mark.trio
async def test_a_client_that_poses_as_a_replica_is_refused(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada", "client-eve")
    async with showing(tmp_path, Careless(certs.files("client-eve")), certs) as secure:
        await both_sides(
            secure,
            "client-ada",
            "its certificate is not made for this: a replica's is needed here",
            "it refuses our certificate, which is not made for this",
        )


@pytest.mark.trio
async def test_a_client_whose_certificate_another_authority_made_fit_for_servers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a certificate may be used for is one thing, the role that it states another."""
    certs = Folder(tmp_path / "certs", "client-ada")
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    monkeypatch.setattr(x509, "ExtendedKeyUsage", lambda uses: both)
    certs.issue("client-eve")
    async with showing(tmp_path, Careless(certs.files("client-eve")), certs) as secure:
        ours = "its certificate is that of client/eve; a replica's is needed here"
        await both_sides(secure, "client-ada", ours, f"it does not want this replica: {ours}")
        with pytest.raises(Unreachable, match="a replica's is needed here"):
            await asked_anew(secure)


async def asked_anew(secure: TlsHost) -> None:
    """By address alone, where any replica would do."""
    address = str(secure.replica.host.cluster.address(0))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PAXTUI_TLS_FOLDER", str(secure.certs.path))
        environment.setenv("PAXTUI_TLS_IDENTITY", "client-ada")
        await resolve(address)


@pytest.mark.trio
async def test_an_expired_replica_is_refused_and_both_sides_say_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada")
    certs.issue("replica-0", days=-1)
    async with showing(tmp_path, Careless(certs.files("replica-0")), certs) as secure:
        await both_sides(
            secure,
            "client-ada",
            "its certificate has expired",
            "it refuses our certificate, which has expired (or its clock is wrong)",
        )


@pytest.mark.trio
async def test_a_replica_of_an_unknown_authority_is_refused_and_both_sides_say_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "client-ada")
    other = Folder(tmp_path / "other", "replica-0")
    async with showing(tmp_path, other.replica(0), certs) as secure:
        await both_sides(
            secure,
            "client-ada",
            "its certificate is not from our authority",
            "it refuses our certificate, whose authority it does not know",
        )


# Replicas among each other


@asynccontextmanager
async def two_of_three(
    tmp_path: Path, zero: Credentials, one: Credentials
) -> AsyncIterator[tuple[HostedReplica, HostedReplica]]:
    cluster = cluster_file.local(3, free_ports(3), name="peers")
    async with (
        hosted(tmp_path / "r0", cluster=cluster, me=0, credentials=zero) as first,
        hosted(tmp_path / "r1", cluster=cluster, me=1, credentials=one) as second,
    ):
        yield first, second


async def says(replica: HostedReplica, text: str) -> None:
    await eventually(lambda: text in replica.lines.getvalue(), f"{text}; it said {replica.lines.getvalue()}")


@pytest.mark.trio
async def test_replicas_of_one_authority_form_a_cluster(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0", "replica-1")
    async with two_of_three(tmp_path, certs.replica(0), certs.replica(1)) as (zero, one):
        await says(zero, "r1 up at")
        await says(one, "r0 up at")
        await eventually(
            lambda: zero.host.status is not None and zero.host.status.leader is not None, "one leads"
        )
        assert "WARNING" not in zero.lines.getvalue() + one.lines.getvalue()


@pytest.mark.trio
async def test_a_replica_with_anothers_certificate_stays_alone_and_all_say_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0", "replica-2")
    async with two_of_three(tmp_path, certs.replica(0), certs.replica(2)) as (zero, one):
        wrong = "its certificate is that of replica/2, and we dialled replica/1"
        await says(zero, f"over TLS: {wrong}")
        await says(one, f"turned away: it does not want this replica: {wrong}")
        cannot = "your certificate is that of replica/2; it cannot speak as replica 1"
        await says(zero, f"refused as peer 1: {cannot}")
        await says(one, f"refuses this replica: {cannot}")
        assert one.host.outbound.refused_by == {0: cannot}
        assert zero.host.status is not None
        assert zero.host.status.leader is None


@pytest.mark.trio
async def test_a_replica_of_another_authority_stays_alone_and_all_say_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    other = Folder(tmp_path / "other", "replica-1")
    async with two_of_three(tmp_path, certs.replica(0), other.replica(1)) as (zero, one):
        for replica in (zero, one):
            await says(replica, "over TLS: its certificate is not from our authority")
            await says(replica, "turned away: it refuses our certificate, whose authority it does not know")


@pytest.mark.trio
async def test_a_replica_without_certificates_stays_alone_and_all_say_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    cluster = cluster_file.local(3, free_ports(3), name="peers")
    async with (
        hosted(tmp_path / "r0", cluster=cluster, me=0, credentials=certs.replica(0)) as zero,
        hosted(tmp_path / "r1", cluster=cluster, me=1) as one,
    ):
        await says(zero, "over TLS: it does not speak TLS; it runs without certificates")
        await says(zero, "turned away: it does not speak TLS")
        await says(one, "refuses this replica: this replica takes no connection without a certificate")
        await says(one, "this is TLS, and this replica runs without certificates")


@pytest.mark.trio
async def test_an_expired_replica_is_refused_by_its_peers_and_learns_why(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0")
    certs.issue("replica-1", days=-1)
    late = Careless(certs.files("replica-1"))
    async with two_of_three(tmp_path, certs.replica(0), late) as (zero, one):
        await says(zero, "turned away: its certificate has expired")
        why = "it refuses our certificate, which has expired (or its clock is wrong)"
        await says(one, f"over TLS: {why}")
        assert one.host.outbound.refused_by == {0: why}
