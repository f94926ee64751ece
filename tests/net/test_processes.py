"""Three real replicas with certificates, from end to end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest
import trio
from msgspec import structs

from paxtui.client import Log, Lost, Operator, connect, observe, resolve, watch
from paxtui.client.cluster import local_cluster
from paxtui.config import cluster_file
from paxtui.wire.faults import CrashReplica, Cut
from paxtui.wire.requests import StatusReport
from paxtui.wire.telemetry import TelemetryDelta, TelemetrySnapshot
from tests.net.certificates import stranger
from tests.net.secure_replicas import SecureReplicas
from tests.replica.conditions import eventually, until
from tests.replica.processes import Replicas

pytestmark = pytest.mark.processes


@pytest.fixture
def three(tmp_path: Path) -> Iterator[SecureReplicas]:
    replicas = SecureReplicas(tmp_path)
    yield replicas
    replicas.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureReplicas]:
    """Three that this module's tests share."""
    replicas = SecureReplicas(tmp_path_factory.mktemp("secure"))
    replicas.start_all()
    replicas.until_led()
    yield replicas
    replicas.close()


def test_append_tail_observe_faults_and_a_killed_leader(three: SecureReplicas) -> None:
    three.start_all()
    leader = three.until_led()
    assert three.append("a", "b") == [0, 1]

    async def watch() -> list[str]:
        texts: list[str] = []
        async with connect(three.seen_by("client-ada")) as log, aclosing(log.tail()) as tail:
            async with aclosing(observe(three.seen_by("observer-wall"), leader)) as views:
                await anext(views)
                await log.append("c")
                while not isinstance(await anext(views), TelemetryDelta):
                    pass
            async for entry in tail:
                texts.append(entry.text)
                if len(texts) == 3:
                    return texts
        return texts

    assert trio.run(watch) == ["a", "b", "c"]
    three.do(three.operator.inject, (leader + 1) % 3, Cut((leader + 2) % 3), for_s=60)
    assert three.do(three.operator.heal) == []
    three.kill(leader)
    three.wait_for_two()
    assert three.append("d") == [3]
    three.start(leader)
    assert [entry.text for entry in three.until_equal() if entry.is_message] == ["a", "b", "c", "d"]


def test_a_console_attaches_by_an_address_and_sees_every_replica(
    running: SecureReplicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that ``paxtui attach`` asks of the library, as an observer."""
    monkeypatch.setenv("PAXTUI_TLS_FOLDER", str(running.certs.path))
    monkeypatch.setenv("PAXTUI_TLS_IDENTITY", "observer-wall")
    heard: dict[int, set[type]] = {id: set() for id in range(3)}

    async def attach() -> None:
        cluster = await resolve(str(running.cluster.address(1)))
        assert len(cluster.replicas) == 3
        async with trio.open_nursery() as nursery:
            for id, found in heard.items():
                nursery.start_soon(watch, cluster, id, lambda told, found=found: found.add(type(told)))
            wanted = {TelemetrySnapshot, StatusReport}
            await eventually(lambda: all(each >= wanted for each in heard.values()), "it sees all of them")
            nursery.cancel_scope.cancel()

    trio.run(attach)
    assert not any(Lost in each for each in heard.values())


def test_a_crash_that_somebody_ordered_is_in_the_audit(three: SecureReplicas) -> None:
    three.start_all("--allow-faults", "--log-level", "error")
    three.until_led()
    three.do(three.operator.inject, 2, CrashReplica())
    three.wait(2)
    (line,) = [line for line in three.words(2).splitlines() if " audit " in line]
    assert " audit    operator/eve (test) from 127.0.0.1:" in line
    assert line.endswith(": crash r2: it ends now")


def test_somebody_in_between_learns_nothing_and_a_tunnel_is_no_hindrance(running: SecureReplicas) -> None:
    """The certificate names the replica and not the place, so another address will do."""
    target = running.cluster.address(running.until_led())
    seen = bytearray()

    async def relay(client: trio.SocketStream) -> None:
        async with client, await trio.open_tcp_stream(target.host, target.port) as replica:

            async def pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
                async for piece in source:
                    seen.extend(piece)
                    await sink.send_all(piece)
                nursery.cancel_scope.cancel()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(pump, client, replica)
                await pump(replica, client)

    async def through() -> None:
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), relay, 0)
            port = listener.socket.getsockname()[1]
            moved = [
                structs.replace(each, port=port) if each == target else each
                for each in running.cluster.replicas
            ]
            cluster = structs.replace(running.cluster, replicas=tuple(moved))
            await Operator(cluster, "through the tunnel").heal()
            nursery.cancel_scope.cancel()

    trio.run(through)
    running.until_said(target.id, "audit    operator/eve (through the tunnel) from 127.0.0.1:")
    assert len(seen) > 1000
    for word in (b"hello", b"operator", b"tunnel", b"undo", b"paxtui:"):
        assert word not in seen


def test_commands_take_their_certificate_from_the_file_or_the_environment(running: SecureReplicas) -> None:
    ada, wall = {"PAXTUI_TLS_IDENTITY": "client-ada"}, {"PAXTUI_TLS_IDENTITY": "observer-wall"}
    sent = running.paxtui("send", "from the shell", **ada)
    assert sent.returncode == 0, sent.stderr
    # A tail ends where the replica is that answers it, and that one may be behind.
    until(lambda: "ada: from the shell" in running.paxtui("tail", **wall).stdout, "it is in a tail")

    def secured() -> list[str | None]:
        status = running.paxtui("status", "--json", **wall)
        return [json.loads(line).get("security") for line in status.stdout.splitlines()]

    until(lambda: secured() == ["tls"] * 3, "all say that they use TLS")
    refused = running.paxtui("send", "x", **wall)
    assert (refused.returncode, refused.stderr) == (
        1,
        "paxtui: message 1: the replica refused it: forbidden: your certificate is that of observer/wall\n",
    )
    elect = running.paxtui("elect", "0", **ada)
    assert (elect.returncode, elect.stderr) == (
        1,
        "paxtui: replica 0: forbidden: your certificate is that of client/ada\n",
    )
    running.until_said(0, "audit    client/ada (elect) from 127.0.0.1:")
    unknown = running.paxtui("status", PAXTUI_TLS_IDENTITY="client-bob")
    assert unknown.returncode == 2
    assert "client-bob.pem: no such file; make it with `paxtui certs client bob" in unknown.stderr


def test_one_that_shows_nothing_is_told_how_to_show_something(
    running: SecureReplicas, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.toml"
    plain.write_text(cluster_file.to_toml(structs.replace(running.cluster, tls=None)))
    done = running.paxtui("status", "--config", plain)
    assert done.returncode == 0, "the later --config counts"
    address = str(running.cluster.address(0))
    done = subprocess.run(
        [*running.command(0)[:3], "tail", "--at", address], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "name your certificate in [tls] of the cluster file or with PAXTUI_TLS_FOLDER" in done.stderr


def test_certificates_are_renewed_while_a_client_goes_on(three: SecureReplicas) -> None:
    three.start_all()
    three.until_led()
    serials = {id: serial(three, id) for id in range(3)}

    async def go_on(log: Log) -> int:
        done = trio.Event()
        sent = 0

        async def send() -> None:
            nonlocal sent
            while not done.is_set():
                assert (await log.append(f"{sent}")).slot == sent
                sent += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            for id in range(3):
                three.certs.issue(f"replica-{id}", days=90)
                three.signal(id, signal.SIGHUP)
                await trio.to_thread.run_sync(three.until_said, id, "certificates read again; shows")
            before = sent
            await eventually(lambda: sent > before + 20, "it goes on")
            done.set()
        return sent

    sent = three.with_log(go_on)
    assert isinstance(sent, int)
    for id in range(3):
        assert serial(three, id) != serials[id], "a new connection is shown the new certificate"
        assert " down" not in three.words(id), "no link between replicas broke"
    assert len(three.until_equal()) == sent


def test_certificates_that_cannot_serve_are_named_and_the_old_ones_stay(three: SecureReplicas) -> None:
    three.start_all()
    three.until_led()
    (three.certs.path / "replica-1.pem").write_text("not a certificate")
    three.signal(1, signal.SIGHUP)
    three.until_said(1, "ERROR: the certificates were not read again, the old ones stay: ")
    assert three.append("still here") == [0]
    three.until_status(1)


def test_the_authority_itself_can_be_changed_while_all_go_on(three: SecureReplicas, tmp_path: Path) -> None:
    """Both authorities are trusted while certificates of the old one are replaced."""
    three.start_all()
    three.until_led()
    assert three.append("before") == [0]
    old = (three.certs.path / "authority.pem").read_bytes()
    for suffix in ("pem", "key"):
        (three.certs.path / f"authority.{suffix}").unlink()
    three.certs.authority.create("the new one")
    new = (three.certs.path / "authority.pem").read_bytes()

    def reload_all(times: int) -> None:
        for id in range(3):
            three.signal(id, signal.SIGHUP)
            until(partial(three.said, id, "certificates read again", times), "it has reloaded")

    (three.certs.path / "authority.pem").write_bytes(new + old)
    reload_all(1)
    for stem in ("replica-0", "replica-1", "replica-2", "operator-eve"):
        three.certs.issue(stem)
    reload_all(2)
    (three.certs.path / "authority.pem").write_bytes(new)
    reload_all(3)
    assert three.append("after") == [1]
    three.kill(0)
    three.start(0)
    assert len(three.until_equal()) == 2


def serial(replicas: SecureReplicas, id: int) -> str:
    """Of the certificate that a replica shows to somebody new."""
    address = replicas.cluster.address(id)
    context = stranger(replicas.certs.files("client-ada"), replicas.certs.path / "authority.pem")
    with (
        socket.create_connection((address.host, address.port)) as tcp,
        context.wrap_socket(tcp) as shown,
    ):
        certificate = shown.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


# At the start


def refused(command: list[str]) -> str:
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_a_replica_with_a_certificate_that_is_not_its_own_does_not_start(three: SecureReplicas) -> None:
    own = three.certs.path / "replica-0.pem"
    for suffix in ("pem", "key"):
        (three.certs.path / f"replica-1.{suffix}").rename(three.certs.path / f"replica-0.{suffix}")
    assert refused(three.command(0)).endswith(
        f"ERROR: {own}: is the certificate of replica/1, not that of replica/0"
    )
    (three.certs.path / "replica-0.key").chmod(0o644)
    assert f"others can read this private key (mode 0644); `chmod 600 {own.with_suffix('.key')}`" in refused(
        three.command(0)
    )
    assert not three.data(0).exists()


def test_without_certificates_other_machines_are_kept_out(tmp_path: Path) -> None:
    one = Replicas(tmp_path, 1)
    line = refused(one.command(0, "--host", "0.0.0.0"))
    assert "0.0.0.0:" in line
    assert "can be reached from other machines" in line
    assert "or say --insecure if you trust all who can reach it" in line
    assert not one.data(0).exists()


def test_insecure_is_loud_in_the_log_and_in_status(tmp_path: Path) -> None:
    one = Replicas(tmp_path, 1)
    try:
        one.start(0, "--host", "0.0.0.0", "--insecure")
        one.until_led()
        one.until_said(0, "r0 INSECURE WARNING: every client that reaches 0.0.0.0:")
        command = [*one.command(0)[:3], "status", "--config", str(one.config)]

        def last_line() -> str:
            return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()[
                -1
            ]

        wanted = "INSECURE: r0 let in every client that reaches them (--insecure)"
        until(lambda: last_line() == wanted, "status says it")
        # Others are still told the address of the file, not the one that is listened on.
        report = until(lambda: one.sightings()[0].report, "it answers")
        assert report is not None
        assert report.security == "insecure"
        assert one.append("x") == [0]
    finally:
        one.close()


def test_insecure_and_certificates_exclude_each_other(three: SecureReplicas) -> None:
    done = subprocess.run(
        three.command(0, "--insecure"), input="", capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("paxtui: --insecure: certificates are configured")


def test_a_supervisor_hands_certificates_to_its_replicas_by_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicas = SecureReplicas(tmp_path)
    monkeypatch.setenv("PAXTUI_TLS_FOLDER", str(tmp_path / "nowhere"))

    async def main() -> str:
        async with local_cluster(replicas.cluster, tmp_path / "own") as running:
            await running.start_all()
            await running.wait_ready(30)
            async with connect(replicas.seen_by("client-ada")) as log:
                return f"slot {(await log.append('x')).slot}"

    assert trio.run(main) == "slot 0"
