"""Real replica processes with certificates."""

from __future__ import annotations

import subprocess
from pathlib import Path

from msgspec import structs

from paxtui.client import Operator
from paxtui.config import cluster_file
from paxtui.config.cluster_file import Cluster
from paxtui.config.tls_files import Tls
from tests.net.certificates import Folder
from tests.replica.processes import PAXTUI, Replicas, environment

PEOPLE = ("client-ada", "operator-eve", "observer-wall")


class SecureReplicas(Replicas):
    """Three of them; tests are the operator eve unless they say otherwise."""

    def __init__(self, folder: Path, n: int = 3) -> None:
        super().__init__(folder, n, name="secure")
        self.certs = Folder(folder / "certs", *(f"replica-{id}" for id in range(n)), *PEOPLE)
        self.cluster = self.seen_by("operator-eve")
        self.config.write_text(cluster_file.to_toml(self.cluster))
        self.operator = Operator(self.cluster, "test")

    def seen_by(self, stem: str) -> Cluster:
        """The cluster for somebody with this certificate."""
        return structs.replace(self.cluster, tls=Tls(folder=str(self.certs.path), identity=stem))

    def paxtui(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of somebody's, with the cluster's own file."""
        command = [*PAXTUI, *map(str, words), "--config", str(self.config)]
        env = environment(self.folder) | variables
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
