"""``paxtui health``: what it calls healthy, why not, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Up
from tests.net.secure_replicas import SecureReplicas
from tests.ports import free_ports
from tests.replica.conditions import until
from tests.replica.processes import PAXTUI, Replicas, environment, started

pytestmark = pytest.mark.processes

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    """Three replicas of this test's own, not started."""
    mine = Replicas(tmp_path)
    yield mine
    mine.close()


def health(replicas: Replicas, *words: object, **variables: str) -> Done:
    command = [*PAXTUI, "health", *map(str, words), "--config", str(replicas.config)]
    if "--timeout" not in words:
        command += ["--timeout", "30"]  # only what is not healthy yet takes that long
    env = environment(replicas.folder) | variables
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def healthy(done: Done) -> str:
    """What a healthy answer says."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert line.startswith("healthy: ")
    return line


def unhealthy(done: Done) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert line.startswith("not healthy: ")
    return line


def until_unhealthy(replicas: Replicas, why: str, *words: object) -> str:
    """Wait until it says this: on a busy machine a replica that lives may not answer in time."""
    lines: list[str] = []

    def said() -> bool:
        lines.append(unhealthy(health(replicas, *words)))
        return why in lines[-1]

    until(said, f"it is not healthy: {why}")
    return lines[-1]


def test_a_cluster_is_healthy_when_a_majority_confirms_its_leader(paxtui: Run, up: Up) -> None:
    line = healthy(paxtui("health", "--config", up.file))
    assert "leads, confirmed by a majority in" in line
    told = json.loads(paxtui("health", "--config", up.file, "--json").stdout)
    assert told.keys() == {"of", "healthy", "text", "replica", "leader", "applied", "ms"}
    assert (told["of"], told["healthy"], told["replica"]) == ("cluster", True, None)
    assert told["leader"] in (0, 1, 2)
    assert told["ms"] > 0


def test_the_cluster_may_be_named_by_addresses(paxtui: Run, up: Up) -> None:
    address = str(up.cluster.address(1))
    assert "leads, confirmed" in healthy(paxtui("health", "--at", address))
    assert "healthy: r1 " in healthy(paxtui("health", address))


def test_asking_leaves_no_trace_in_the_log(paxtui: Run, up: Up) -> None:
    before = json.loads(paxtui("health", "--config", up.file, "--json").stdout)["applied"]
    after = json.loads(paxtui("health", "--config", up.file, "--json").stdout)["applied"]
    assert before == after


def test_what_was_appended_has_been_applied_by_a_replica_that_is_ready(paxtui: Run, up: Up) -> None:
    sent = paxtui("send", "one more", "--config", up.file, "--json")
    slot = json.loads(sent.stdout)["slot"]
    for id in range(3):
        told = json.loads(paxtui("health", "--id", id, "--config", up.file, "--json").stdout)
        assert (told["of"], told["healthy"], told["replica"]) == ("replica", True, id)
        assert told["applied"] > slot


def test_the_environment_names_the_replica(paxtui: Run, up: Up) -> None:
    assert "healthy: r2 " in healthy(paxtui("health", PAXTUI_ID="2", PAXTUI_CONFIG=str(up.file)))


def test_an_address_at_which_another_replica_answers_is_not_healthy(paxtui: Run, up: Up) -> None:
    address = up.cluster.address(1)
    for words in (("--local",), ()):
        done = paxtui("health", address, "--id", 2, "--config", up.file, *words)
        assert unhealthy(done) == f"not healthy: {address}: r1 answers here, not r2\n".strip()


def test_one_replica_that_is_down_is_no_harm_to_the_cluster(replicas: Replicas) -> None:
    replicas.start_all()
    replicas.until_led()
    replicas.kill(1)
    healthy(health(replicas))
    until_unhealthy(replicas, "connection refused", "--id", 1, "--timeout", 0.5)
    until_unhealthy(replicas, "connection refused", "--id", 1, "--local")
    for id in (0, 2):
        healthy(health(replicas, "--id", id))


def test_without_a_majority_nothing_is_healthy_but_the_process_that_lives(replicas: Replicas) -> None:
    replicas.start_all()
    replicas.until_led()
    replicas.kill(1)
    replicas.kill(2)
    line = until_unhealthy(replicas, "1 of 3 replicas answer, 2 are needed", "--timeout", 2)
    assert "r1 connection refused, r2 connection refused" in line
    unhealthy(health(replicas, "--id", 0, "--timeout", 2))
    assert "healthy: r0 answers" in healthy(health(replicas, "--id", 0, "--local"))


def test_where_nobody_listens_it_says_so(replicas: Replicas) -> None:
    assert "0 of 3 replicas answer" in unhealthy(health(replicas, "--timeout", 1))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [*PAXTUI, "health", address, "--timeout", "0.5"]
    done = subprocess.run(
        command, env=environment(replicas.folder), capture_output=True, text=True, check=False, timeout=60
    )
    assert "connection refused" in unhealthy(done)


def test_a_replica_whose_port_is_not_open_yet_is_waited_for_as_long_as_it_may_take(
    replicas: Replicas,
) -> None:
    """As in an upgrade, where `health --id N --timeout 60` comes right behind the start."""
    replicas.start(0)
    replicas.start(1)
    replicas.until_led()
    command = [*PAXTUI, "health", "--id", "2", "--timeout", "50", "--config", str(replicas.config)]
    with started(command, env=environment(replicas.folder), stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.5)
        replicas.start(2)
        assert waiting.stdout.read().startswith("healthy: r2 follows")
        assert waiting.wait(30) == 0


def test_a_process_that_stands_still_does_not_answer(replicas: Replicas) -> None:
    replicas.start_all()
    replicas.until_led()
    replicas.signal(0, signal.SIGSTOP)
    line = unhealthy(health(replicas, "--id", 0, "--local", "--timeout", 1))
    assert line == f"not healthy: {replicas.cluster.address(0)}: no answer"
    healthy(health(replicas))
    replicas.signal(0, signal.SIGCONT)
    healthy(health(replicas, "--id", 0, "--local"))


def test_a_replica_that_is_cut_off_is_alive_and_not_ready(replicas: Replicas) -> None:
    replicas.start_all()
    lonely = (replicas.until_led() + 1) % 3
    for other in {0, 1, 2} - {lonely}:
        replicas.do(replicas.operator.cut, lonely, other)

    def alone() -> bool:
        status = replicas.status(lonely)
        return status is not None and status.role == "pre-voting"

    until(alone, "it looks for a leader")
    healthy(health(replicas))
    until_unhealthy(replicas, f"r{lonely} hears no leader", "--id", lonely, "--timeout", 1)
    healthy(health(replicas, "--id", lonely, "--local"))
    replicas.do(replicas.operator.heal)
    healthy(health(replicas, "--id", lonely, "--timeout", 30))


def test_a_replica_that_lost_its_disk_is_alive_and_not_ready(replicas: Replicas) -> None:
    replicas.start_all("--warm-up", "all")
    replicas.until_led()
    replicas.append("before")
    replicas.until_equal()
    replicas.kill(2)
    shutil.rmtree(replicas.data(2))
    replicas.start(2)
    until(lambda: (status := replicas.status(2)) is not None and status.non_voting, "it has no vote")
    until_unhealthy(replicas, "r2 is a learner without vote: ", "--id", 2, "--timeout", 5)
    healthy(health(replicas, "--id", 2, "--local"))
    healthy(health(replicas))


def test_a_replica_that_warms_up_is_alive_and_not_ready(replicas: Replicas) -> None:
    replicas.start(0, "--warm-up", "all")
    replicas.until_said(0, "waiting for")
    warming = until_unhealthy(replicas, "r0 warms up", "--id", 0, "--timeout", 1)
    assert warming == "not healthy: r0 warms up, waits for r1 r2"
    healthy(health(replicas, "--id", 0, "--local"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--id", "3"], "there is no replica 3, ids are 0 to 2"),
        (["--id", "-1"], "there is no replica -1, ids are 0 to 2"),
        (["--local"], "--local: which replica? Say --id N, PAXTUI_ID or HOST:PORT"),
        (["nowhere"], "is not HOST:PORT"),
        (["127.0.0.1:70000"], "port 70000 is out of range"),
        (["127.0.0.1:1,127.0.0.1:2"], "one HOST:PORT is allowed here"),
        (["--timeout", "0"], "--timeout: "),
        (["--timeout", "nan"], "--timeout: nan is not a number"),
        (["--config", "missing.toml"], "no such file"),
        (["--id", "one"], "--id: "),
    ],
)
def test_bad_input_is_exit_code_2_and_one_clear_line(paxtui: Run, words: list[str], said: str) -> None:
    done = paxtui("health", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_with_certificates_those_who_may_read_may_ask(tmp_path: Path) -> None:
    replicas = SecureReplicas(tmp_path)
    try:
        replicas.start_all()
        replicas.until_led()
        for stem in ("observer-wall", "client-ada", "operator-eve"):
            healthy(health(replicas, PAXTUI_TLS_IDENTITY=stem))
            healthy(health(replicas, "--id", 1, PAXTUI_TLS_IDENTITY=stem))
            healthy(health(replicas, "--id", 1, "--local", PAXTUI_TLS_IDENTITY=stem))
            lone = health(replicas, replicas.cluster.address(2), PAXTUI_TLS_IDENTITY=stem)
            assert "healthy: r2 " in healthy(lone)
    finally:
        replicas.close()


def test_nobody_is_called_dead_because_of_the_certificate_of_who_asks(tmp_path: Path) -> None:
    replicas = SecureReplicas(tmp_path)
    try:
        replicas.start_all()
        replicas.until_led()
        replicas.certs.issue("observer-wall", days=-1)
        mine = {"PAXTUI_TLS_IDENTITY": "observer-wall"}
        expired = health(replicas, "--id", 0, **mine)
        assert expired.returncode == 2
        assert "expired" in expired.stderr
        line = healthy(health(replicas, "--id", 0, "--local", **mine))
        assert "answers, but lets no client in from here" in line
        assert "expired" in line
        replicas.kill(0)
        unhealthy(health(replicas, "--id", 0, "--local", **mine))
    finally:
        replicas.close()
