"""Metrics of real replicas, scraped and parsed as Prometheus does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from paxtui.client.cluster import _environment as child_environment
from paxtui.config.folders import METRICS_VARIABLE
from tests.deploy.scraping import Scrape, scrape
from tests.net.certificates import stranger
from tests.net.secure_replicas import SecureReplicas
from tests.ports import free_ports
from tests.project.test_layers import loaded_by
from tests.replica.conditions import until
from tests.replica.processes import PAXTUI, Replicas, environment

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def ports() -> tuple[int, ...]:
    return free_ports(3)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory, ports: tuple[int, ...]) -> Iterator[Replicas]:
    """Three replicas with a port for metrics each."""
    mine = Replicas(tmp_path_factory.mktemp("metrics"))
    for replica, port in enumerate(ports):
        mine.start(replica, "--allow-faults", "--metrics", str(port))
    mine.until_led()
    yield mine
    mine.close()


def test_one_of_three_leads_and_the_others_follow_it(replicas: Replicas, ports: tuple[int, ...]) -> None:
    replicas.until_led()

    def agreed() -> bool:
        """All of it at one look: on a busy machine the lead may pass on between two."""
        pages = [scrape(port) for port in ports]
        leaders = [replica for replica, page in enumerate(pages) if page["paxtui_is_leader"]]
        return len(leaders) == 1 and all(
            page.get("paxtui_leader_id") == leaders[0]
            and page.of("paxtui_role", role="leader") == (replica == leaders[0])
            and page["paxtui_has_leader"] == 1
            and page["paxtui_ballot_round"] >= 1
            and page["paxtui_non_voting"] == 0
            and all(page.of("paxtui_link_up", peer=str(peer)) == 1 for peer in {0, 1, 2} - {replica})
            for replica, page in enumerate(pages)
        )

    until(agreed, "the metrics of all name one leader, and all links are up")


def test_counters_rise_with_what_is_appended(replicas: Replicas, ports: tuple[int, ...]) -> None:
    before = scrape(ports[0])
    replicas.append(*(f"message {number}" for number in range(20)))

    def risen() -> Scrape | None:
        page = scrape(ports[0])
        rises = ("paxtui_applied_slots_total", "paxtui_messages_received_total")
        slots = page["paxtui_watermark_slot"] - before["paxtui_watermark_slot"]
        commits = page["paxtui_commits_total"] - before["paxtui_commits_total"]
        whole = slots >= 20 and commits > 0 and all(page[name] >= before[name] + 20 for name in rises)
        return page if whole else None

    after = until(risen, "twenty more slots and their commits are in the metrics")
    assert after is not None
    assert after["paxtui_commit_seconds"] > 0
    assert after.of("paxtui_disk_bytes", file="database") > 0
    assert after["paxtui_disk_free_bytes"] > 0
    assert after["paxtui_uptime_seconds"] > before["paxtui_uptime_seconds"]
    assert after["process_resident_memory_bytes"] > 1e6
    assert after["process_cpu_seconds_total"] > 0


def test_faults_and_what_is_refused_are_counted(replicas: Replicas, ports: tuple[int, ...]) -> None:
    from paxtui.wire.faults import Loss

    leader = replicas.until_led()
    port, deaf = ports[leader], (leader + 1) % 3
    replicas.do(replicas.operator.inject, leader, Loss(deaf, 100.0))
    until(lambda: scrape(port)["paxtui_faults_active"] == 1, "the fault is in the metrics")
    lost = "paxtui_link_messages_lost_total"
    until(lambda: scrape(port).of(lost, peer=str(deaf)) > 0, "messages are lost")
    replicas.do(replicas.operator.heal)
    until(lambda: scrape(port)["paxtui_faults_active"] == 0, "it is over")
    address = replicas.cluster.address(1)
    with socket.create_connection((address.host, address.port)) as stranger:
        stranger.sendall(b"\0\0\0\2{}")
        assert stranger.recv(1000)
    until(lambda: scrape(ports[1])["paxtui_bad_frames_total"] >= 1, "the bad frame is counted")


def test_every_metric_is_named_and_explained_as_prometheus_wants(
    replicas: Replicas, ports: tuple[int, ...]
) -> None:
    del replicas  # they run
    page = scrape(ports[0])
    for family in page.families:
        assert family.name.startswith(("paxtui_", "process_"))
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            assert sample.name.startswith("process_") or set(sample.labels) <= {
                *("replica", "cluster", "version", "storage", "security", "role", "reason", "peer", "file")
            }


def test_the_environment_names_the_port(replicas: Replicas) -> None:
    (port,) = free_ports(1)
    folder = replicas.folder / "alone"
    folder.mkdir(exist_ok=True)
    alone = Replicas(folder, 1)
    process = subprocess.Popen(
        alone.command(0),
        env=environment(folder) | {"PAXTUI_METRICS": f"localhost:{port}"},
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(port), "the metrics' port answers")
        assert "paxtui_warming_up" in scrape(port)
    finally:
        process.kill()
        process.communicate()


def test_one_port_is_not_handed_to_several_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(METRICS_VARIABLE, "9464")
    assert METRICS_VARIABLE not in child_environment()


def test_others_reach_it_over_tls_with_a_certificate(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    replicas = SecureReplicas(tmp_path, 1)
    try:
        replicas.start(0, "--metrics", f"0.0.0.0:{port}")
        replicas.until_led()
        replicas.until_said(0, f"metrics  at https://0.0.0.0:{port}/metrics")
        trusted = stranger(replicas.certs.files("observer-wall"), replicas.certs.path / "authority.pem")
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", context=trusted) as answer:
            assert Scrape(answer.read().decode())["paxtui_is_leader"] == 1
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")
    finally:
        replicas.close()


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def refused(folder: Path, *words: str, **variables: str) -> str:
    """What a replica says that does not start; it touches nothing."""
    alone = Replicas(folder, 1)
    command = [*PAXTUI, "replica", "--id", "0", "--headless", "--config", str(alone.config)]
    command += ["--data-dir", str(folder / "data"), "--log-dir", str(folder / "logs"), *words]
    env = environment(folder) | variables
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    assert not (folder / "data").exists()
    (line,) = done.stderr.splitlines()
    return line


def test_a_port_in_use_is_exit_code_2_and_says_by_whom(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(tmp_path, "--metrics", str(port))
        assert f"--metrics: 127.0.0.1:{port} is in use by process {os.getpid()}" in line


def test_what_others_reach_needs_certificates_or_a_word(tmp_path: Path) -> None:
    line = refused(tmp_path, "--metrics", f"0.0.0.0:{free_ports(1)[0]}")
    assert "every client can read how this replica fares" in line
    assert "or say --insecure" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("here", '"here" is not [HOST:]PORT, such as 9464 or 0.0.0.0:9464'),
        ("1:2:3", "is not [HOST:]PORT"),
        ("", "is not [HOST:]PORT"),
        ("0", "0 is no port; 1 to 65535 are allowed"),
        ("127.0.0.1:65536", "65536 is no port"),
    ],
)
def test_bad_input_is_exit_code_2(tmp_path: Path, text: str, said: str) -> None:
    line = refused(tmp_path, "--metrics", text)
    assert line.startswith("paxtui: --metrics: ")
    assert said in line


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['prometheus_client'] = None; "
        "sys.argv[1:] = ['replica', '--id', '0', '--headless', '--metrics', '9464']; "
        "from paxtui.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert "`pip install 'paxtui[metrics]'` brings it" in done.stderr


def test_nobody_else_loads_the_library() -> None:
    assert "prometheus_client" not in loaded_by("import paxtui.replica.process, paxtui.replica.metrics.http")
    assert "prometheus_client" in loaded_by("import paxtui.replica.metrics.collector")
