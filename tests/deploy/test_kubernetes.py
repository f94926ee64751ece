"""The manifest: it fits Kubernetes' schema, its objects fit each other, and its commands run a cluster."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
import yaml

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster
from paxtui.config.tls_files import Tls
from tests.deploy.deployed import DEPLOY, parsed
from tests.deploy.test_container import environment_of_the_image
from tests.net.certificates import Folder
from tests.ports import free_ports
from tests.replica.conditions import until
from tests.replica.host import hosted
from tests.replica.processes import environment

MANIFEST = DEPLOY / "kubernetes.yaml"
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(MANIFEST.read_text()))
SECRET = ("authority.pem", "replica-*", "observer-health.*")


def the(kind: str) -> dict[str, Any]:
    (found,) = [each for each in OBJECTS if each["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    return the("StatefulSet")["spec"]["template"]["spec"]


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return found


def commands() -> dict[str, list[str]]:
    """Every paxtui command line of the main container, without the program's name."""
    found = {"run": container()["args"]}
    for probe in ("livenessProbe", "readinessProbe"):
        program, *words = container()[probe]["exec"]["command"]
        assert program == "paxtui"
        found[probe] = words
    return found


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The cluster file of the ConfigMap, as paxtui reads it."""
    file = tmp_path / "cluster.toml"
    file.write_text(the("ConfigMap")["data"]["cluster.toml"])
    return cluster_file.load(file)


# By itself


@pytest.mark.parametrize("each", OBJECTS, ids=lambda each: each["kind"])
def test_it_fits_the_schema_of_kubernetes(each: dict[str, Any]) -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        pytest.skip("kubernetes-validate (108 MB of schemas) is not installed; `pip install` it to try this")
    import kubernetes_validate

    kubernetes_validate.validate(each, "1.28", strict=True)


def test_there_is_one_of_each() -> None:
    kinds = sorted(each["kind"] for each in OBJECTS)
    assert kinds == ["ConfigMap", "PodDisruptionBudget", "Service", "StatefulSet"]
    assert {each["metadata"]["name"] for each in OBJECTS} == {"paxtui"}


def test_selectors_find_the_pods() -> None:
    labels = the("StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        the("Service")["spec"]["selector"],
        the("StatefulSet")["spec"]["selector"]["matchLabels"],
        the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in pod()["topologySpreadConstraints"]),
    ]
    assert all(selector.items() <= labels for selector in selectors)


def test_replicas_find_each_other_before_they_are_ready() -> None:
    service, replicas = the("Service")["spec"], the("StatefulSet")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    assert replicas["podManagementPolicy"] == "Parallel"
    assert replicas["serviceName"] == the("Service")["metadata"]["name"]


def test_a_majority_stays_when_nodes_are_drained(cluster: Cluster) -> None:
    assert the("PodDisruptionBudget")["spec"]["maxUnavailable"] <= cluster.f


def test_every_mount_has_a_volume_and_every_port_a_name() -> None:
    spec = the("StatefulSet")["spec"]
    volumes = {each["name"] for each in pod()["volumes"]}
    volumes |= {each["metadata"]["name"] for each in spec["volumeClaimTemplates"]}
    mounts = {
        mount["name"]
        for each in [*pod()["initContainers"], *pod()["containers"]]
        for mount in each["volumeMounts"]
    }
    assert mounts == volumes
    ports = {each["name"]: each["containerPort"] for each in container()["ports"]}
    for each in the("Service")["spec"]["ports"]:
        assert ports[each["targetPort"]] == each["port"]
    for each in pod()["volumes"]:
        if "configMap" in each:
            assert each["configMap"]["name"] == the("ConfigMap")["metadata"]["name"]


def test_nobody_in_the_pod_is_root_or_can_become_it() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["runAsUser"] > 0
    for each in [*pod()["initContainers"], *pod()["containers"]]:
        assert each["securityContext"]["allowPrivilegeEscalation"] is False
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert each["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_container_sees_no_key_of_another_replica() -> None:
    (secret,) = [each["name"] for each in pod()["volumes"] if "secret" in each]
    assert secret not in {mount["name"] for mount in container()["volumeMounts"]}


# With paxtui


def test_its_hosts_are_the_stable_names_of_the_pods(cluster: Cluster) -> None:
    replicas, service = the("StatefulSet"), the("Service")["metadata"]["name"]
    name = replicas["metadata"]["name"]
    assert cluster.n == replicas["spec"]["replicas"]
    assert [address.host for address in cluster.replicas] == [
        f"{name}-{ordinal}.{service}.default.svc.cluster.local" for ordinal in range(cluster.n)
    ]
    (port,) = {address.port for address in cluster.replicas}
    assert port in {each["containerPort"] for each in container()["ports"]}
    assert cluster.warm_up == "all"
    (certs,) = [each["mountPath"] for each in container()["volumeMounts"] if each["name"] == "certs"]
    assert cluster.tls == Tls(folder=certs)


def test_its_commands_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    (variable,) = container()["env"]
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['apps.kubernetes.io/pod-index']"
    for name, value in {**environment_of_the_image(), variable["name"]: "2"}.items():
        monkeypatch.setenv(name, value)
    run, options = parsed(commands()["run"])
    assert (run, options["id"], options["headless"], options["host"]) == ("replica", 2, True, "0.0.0.0")
    (metrics,) = [each["containerPort"] for each in container()["ports"] if each["name"] == "metrics"]
    assert options["metrics"] == f"0.0.0.0:{metrics}"
    for probe, local in (("livenessProbe", True), ("readinessProbe", False)):
        command, options = parsed(commands()[probe])
        assert (command, options["local"], options["id"]) == ("health", local, 2)
        assert options["timeout"] < container()[probe]["timeoutSeconds"]


class Pods:
    """The pods as processes of this machine: their names are places on loopback, their folders are here."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        ports = free_ports(2 * cluster.n)
        self.ports, self.metrics = ports[: cluster.n], ports[cluster.n :]
        self.cluster = cluster
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        Folder(folder / "made", *(f"replica-{id}" for id in range(cluster.n)), "observer-health")
        (folder / "all").mkdir()
        for pattern in SECRET:
            for path in (folder / "made").glob(pattern):
                shutil.copy(path, folder / "all")
                (folder / "all" / path.name).chmod(0o440)

    def place(self, ordinal: int) -> Path:
        return self.folder / f"pod-{ordinal}"

    def words(self, ordinal: int, words: list[str]) -> list[str]:
        """A command line of the manifest with this pod's ports."""
        found = [re.sub(r":7400$", f":{self.ports[ordinal]}", word) for word in words]
        found = [word.replace("0.0.0.0:9464", f"127.0.0.1:{self.metrics[ordinal]}") for word in found]
        return [sys.executable, "-m", "paxtui", *found]

    def env(self, ordinal: int) -> dict[str, str]:
        image = {
            key: text.replace("/data", str(self.place(ordinal) / "data")).replace(
                "/etc/paxtui", str(self.place(ordinal))
            )
            for key, text in environment_of_the_image().items()
        }
        return environment(self.folder) | image | {"PAXTUI_ID": str(ordinal)}

    def begin(self, ordinal: int) -> None:
        """The init container, then the container."""
        place = self.place(ordinal)
        if not place.exists():
            (place / "certs").mkdir(parents=True)
            text = the("ConfigMap")["data"]["cluster.toml"].replace("/certs", str(place / "certs"))
            for address, port in zip(self.cluster.replicas, self.ports, strict=True):
                text = text.replace(
                    f'"{address.host}"\n    port = 7400'.replace("    ", ""), f'"localhost"\nport = {port}'
                )
            (place / "cluster.toml").write_text(text)
            (init,) = pod()["initContainers"]
            script = [
                word.replace("/all/", f"{self.folder}/all/").replace("/certs/", f"{place}/certs/")
                for word in init["command"]
            ]
            subprocess.run(script, env=self.env(ordinal), check=True)
        with (place / "stderr").open("ab") as stderr:
            words = self.words(ordinal, commands()["run"])
            self.processes[ordinal] = subprocess.Popen(words, env=self.env(ordinal), stderr=stderr)

    def probe(self, ordinal: int, probe: str) -> bool:
        words = self.words(ordinal, commands()[probe])
        done = subprocess.run(words, env=self.env(ordinal), capture_output=True, check=False, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0

    def end(self, ordinal: int) -> None:
        process = self.processes.pop(ordinal)
        process.terminate()
        assert process.wait(30) == 0

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def pods(tmp_path: Path, cluster: Cluster) -> Iterator[Pods]:
    mine = Pods(tmp_path, cluster)
    yield mine
    mine.close()


@pytest.mark.processes
def test_the_pods_come_up_together_and_are_replaced_one_at_a_time(pods: Pods) -> None:
    pods.begin(0)
    until(lambda: pods.probe(0, "livenessProbe"), "the first is alive")
    assert not pods.probe(0, "readinessProbe")  # it waits for the others
    names = sorted(path.name for path in (pods.place(0) / "certs").iterdir())
    assert names == [
        *("authority.pem", "observer-health.key", "observer-health.pem", "replica-0.key", "replica-0.pem")
    ]
    keys = [path for path in (pods.place(0) / "certs").iterdir() if path.suffix == ".key"]
    assert all(os.stat(key).st_mode & 0o077 == 0 for key in keys)
    for ordinal in (1, 2):
        pods.begin(ordinal)
    for ordinal in range(3):
        until(lambda ordinal=ordinal: pods.probe(ordinal, "readinessProbe"), f"{ordinal} is ready")  # type: ignore[misc]
    for ordinal in (2, 1, 0):
        pods.end(ordinal)
        assert not pods.probe(ordinal, "livenessProbe")
        pods.begin(ordinal)
        until(lambda ordinal=ordinal: pods.probe(ordinal, "readinessProbe"), f"{ordinal} is ready again")  # type: ignore[misc]


class Names(trio.abc.HostnameResolver):
    """The cluster's own DNS: each pod's name is an address of its own on loopback."""

    def __init__(self, cluster: Cluster) -> None:
        self._places = {address.host: f"127.0.0.{address.id + 2}" for address in cluster.replicas}

    async def getaddrinfo(self, host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return await trio.to_thread.run_sync(lambda: _lookup(self._places.get(name, name), *rest, **named))

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise NotImplementedError


def _lookup(*arguments: Any, **named: Any) -> Any:
    import socket

    return socket.getaddrinfo(*arguments, **named)


@pytest.mark.trio
async def test_replicas_with_certificates_meet_by_the_names_in_the_file(
    tmp_path: Path, cluster: Cluster
) -> None:
    from msgspec import structs

    from paxtui.client import connect

    (port,) = free_ports(1)
    certs = Folder(tmp_path / "certs", "replica-0", "replica-1", "replica-2", "client-ada")
    cluster = structs.replace(
        cluster,
        replicas=tuple(structs.replace(address, port=port) for address in cluster.replicas),
        tls=Tls(folder=str(certs.path)),
    )
    trio.socket.set_custom_hostname_resolver(Names(cluster))

    def replica(me: int) -> Any:
        return hosted(
            tmp_path / f"r{me}", cluster=cluster, me=me, warm_up="all", credentials=certs.replica(me)
        )

    async with replica(0) as first, replica(1) as second, replica(2) as third:
        hosts = (first, second, third)
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(_take_part, host)
        async with connect(cluster, name="ada") as log:
            done = await log.append("by name")
            page = await log.read()
        assert [entry.text for entry in page.entries] == ["by name"]
        assert done.replica in (0, 1, 2)


async def _take_part(host: Any) -> None:
    with trio.fail_after(30):
        while not host.warm_up.done:
            await host.warm_up.changed()
    host.node.start_core()
