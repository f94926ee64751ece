"""From the words of the command line to :class:`paxtui.replica.process.ReplicaOptions`, with every mistake
named."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from msgspec import structs

from paxtui.config import cluster_file
from paxtui.config.cluster_file import Address, Cluster, ConfigError
from paxtui.config.folders import data_root, log_root, quoted, replica_folder
from paxtui.replica.event_log import LEVELS
from paxtui.replica.process import ReplicaOptions
from paxtui.replica.warmup import Mode
from paxtui.wire.faults import AnyFault, Loss, SkipSlot
from paxtui.words import WordError
from paxtui.words.numbers import percentage

MODES: dict[str, Mode] = {"all": "all", "majority": "majority", "none": "none"}


def percent(value: float, flag: str) -> float:
    """Check a percentage. Raises :class:`ConfigError` with the option's name."""
    try:
        return percentage(value)
    except WordError as error:
        raise ConfigError(f"{flag}: {error}") from None


def replica_options(
    *,
    replica: int,
    config_file: Path | None,
    data_dir: Path | None,
    log_dir: Path | None,
    host: str | None,
    port: int | None,
    insecure: bool,
    warm_up: str | None,
    allow_faults: bool,
    msg_loss: float,
    skip_slot: int | None,
    rand_seed: int | None,
    log_level: str,
    json_log: bool,
    record: Path | None,
    metrics: str | None,
    stop_with_parent: bool,
) -> ReplicaOptions:
    """Check everything before anything is touched."""
    cluster = cluster_file.find(config_file)
    if not 0 <= replica < cluster.n:
        raise ConfigError(
            f"--id: {replica} is out of range; {cluster.source} has replicas 0 to {cluster.n - 1}"
        )
    if insecure and cluster.tls is not None:
        raise ConfigError(
            "--insecure: certificates are configured, by [tls] in the cluster file or by PAXTUI_TLS_...; "
            "take them away, or --insecure"
        )
    mode = warm_up or cluster.warm_up or "majority"
    if mode not in MODES:
        raise ConfigError(f"--warm-up: {mode!r} is not known; all, majority and none are")
    if log_level not in LEVELS:
        raise ConfigError(f"--log-level: {log_level!r} is not known; {', '.join(LEVELS)} are")
    if skip_slot is not None and skip_slot < 0:
        raise ConfigError(f"--skip-slot: {skip_slot} is no slot; slots start at 0")
    faults: list[AnyFault] = []
    if percent(msg_loss, "--msg-loss") > 0:
        faults.append(Loss(-1, msg_loss))
    if skip_slot is not None:
        faults.append(SkipSlot(skip_slot))
    return ReplicaOptions(
        replica=replica,
        cluster=cluster,
        data_folder=replica_folder(data_root(data_dir), cluster.name, replica),
        log_folder=message_log_folder(cluster, log_dir),
        listen=_listen(cluster.address(replica), host, port),
        insecure=insecure,
        warm_up=MODES[mode],
        faults_allowed=allow_faults,
        faults=tuple(faults),
        seed=rand_seed,
        log_level=log_level,
        json_log=json_log,
        record=record if record is not None else (Path(cluster.record) if cluster.record else None),
        metrics=None if metrics is None else _metrics(metrics),
        stop_with_parent=stop_with_parent,
    )


def message_log_folder(cluster: Cluster, log_dir: Path | None) -> Path:
    """Return the folder that was named, as it is; by default one folder a cluster."""
    if log_dir is not None:
        return log_root(log_dir)
    return replica_folder(log_root(None), cluster.name, 0).parent


def _metrics(text: str) -> Address:
    """Read where Prometheus may ask: on this machine alone, unless a host is named."""
    found = re.fullmatch(r"(?:(\[[^\[\]\s]+\]|[^:\[\]\s]+):)?([0-9]{1,5})", text)
    if found is None:
        raise ConfigError(f"--metrics: {quoted(text)} is not [HOST:]PORT, such as 9464 or 0.0.0.0:9464")
    if not 1 <= int(found[2]) <= 65535:
        raise ConfigError(f"--metrics: {found[2]} is no port; 1 to 65535 are allowed")
    if importlib.util.find_spec("prometheus_client") is None:
        raise ConfigError(
            "--metrics: the package prometheus-client is missing; `pip install 'paxtui[metrics]'` brings it"
        )
    return Address(0, (found[1] or "127.0.0.1").strip("[]"), int(found[2]))


def _listen(address: Address, host: str | None, port: int | None) -> Address | None:
    """Another address to listen on than the one that others dial: all interfaces, or behind a translation."""
    if host is None and port is None:
        return None
    if port is not None and not 1 <= port <= 65535:
        raise ConfigError(f"--port: {port} is no port; 1 to 65535 are allowed")
    return structs.replace(
        address, host=address.host if host is None else host, port=address.port if port is None else port
    )
