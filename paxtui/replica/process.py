"""One replica process: what it opens, the tasks it runs, how it stops."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio
from msgspec import Struct, structs

from paxtui.config.cluster_file import Address, Cluster, ConfigError
from paxtui.core.errors import InvariantViolated
from paxtui.net.tls.credentials import Credentials, of_replica
from paxtui.replica.event_log import EventLog
from paxtui.replica.faults.process_faults import ProcessFaults
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.host import Host
from paxtui.replica.log.compaction import Compaction
from paxtui.replica.log.message_log import MessageLog
from paxtui.replica.metrics.http import MetricsServer, listen_for_metrics
from paxtui.replica.observability.recorder import Recorder, check_record
from paxtui.replica.sessions.certificate_reload import keep_fresh, reload_on_hangup, tell_security
from paxtui.replica.sessions.peer_link import PeerLink
from paxtui.replica.sessions.server import Server
from paxtui.replica.transport import fd_limit
from paxtui.replica.transport.listener import Listening, PortRefused, as_soon_as_there, listen
from paxtui.replica.warmup import Mode, WarmUp
from paxtui.storage.errors import DiskRefused, SlotDamaged, StorageFailed, StorageRefused
from paxtui.storage.store import Store
from paxtui.wire.faults import AnyFault

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_STORAGE = 4
EXIT_INVARIANT = 5

REPAIR_SLOTS = 2048


class ReplicaOptions(Struct, frozen=True, kw_only=True):
    """The options of one replica's process."""

    replica: int
    cluster: Cluster
    data_folder: Path
    log_folder: Path
    listen: Address | None = None
    """Where to listen, if that is not the address at which the others dial this replica."""
    insecure: bool = False
    """Listen where other machines reach this replica, without certificates."""
    warm_up: Mode = "majority"
    faults_allowed: bool = False
    faults: tuple[AnyFault, ...] = ()
    """Faults that act from the start (``--msg-loss``, ``--skip-slot``)."""
    seed: int | None = None
    log_level: str = "info"
    json_log: bool = False
    record: Path | None = None
    metrics: Address | None = None
    """Where Prometheus may ask."""
    stop_with_parent: bool = False
    """Stop when standard input ends: the parent holds its other end, and may die without a word."""


STAY = b"stay\n"
"""Said on standard input by a parent that ends and wants the replica to go on."""


def run(options: ReplicaOptions) -> int:
    """Run a replica until it is told to stop; the process's exit code."""
    event_log = EventLog(options.replica, options.log_level, as_json=options.json_log)
    # A commit runs in the writer's thread. It lets the interpreter go while the disk works, and wants
    # it back as soon as the disk is done; the default of 5 ms would be many times the commit itself.
    sys.setswitchinterval(0.0005)
    code = EXIT_OK
    try:
        trio.run(_main, options, event_log)
    except* DiskRefused as group:
        event_log.error("disk", str(_leaf(group)))
        code = EXIT_STORAGE
    except* (StorageRefused, PortRefused, ConfigError) as group:
        event_log.error("start", str(_leaf(group)))
        code = EXIT_USAGE
    except* StorageFailed as group:
        event_log.error("disk", str(_leaf(group)))
        code = EXIT_STORAGE
    except* InvariantViolated as group:
        event_log.error("safety", f"stopped before anything could leave: {_leaf(group)}")
        code = EXIT_INVARIANT
    return code


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first


async def _main(options: ReplicaOptions, event_log: EventLog) -> None:
    limits, note = fd_limit.fit(options.cluster.limits)
    if note is not None:
        event_log.warning("start", note)
        options = structs.replace(options, cluster=structs.replace(options.cluster, limits=limits))
    tls = options.cluster.tls
    credentials = of_replica(tls, options.replica) if tls is not None else None
    # The ports first: if another process has one, nothing on disk is touched.
    listening, metrics_port = await _open_ports(options, credentials, event_log)
    if options.record is not None:
        check_record(options.record)
    storage = Store.open(
        options.data_folder,
        cluster=options.cluster.digest,
        name=options.cluster.name,
        replica=options.replica,
    )
    try:
        for note in storage.notes:
            event_log.warning("disk", note)
        message_log = MessageLog(options.log_folder / f"replica-{options.replica}.log")
        with contextlib.suppress(SlotDamaged):  # it is tried again when what is damaged can be mended
            _repair_message_log(message_log, storage)
        rng = random.Random(options.seed)
        seed = options.seed if options.seed is not None else rng.getrandbits(32)
        host = build_host(
            options.replica,
            options.cluster,
            storage,
            message_log,
            event_log,
            random.Random(f"{seed}/{options.replica}"),
            seed,
            faults_allowed=options.faults_allowed,
        )
        if options.record is not None:
            host.trace.recorder = Recorder(options.record, options.replica)
        complete: str | None = None
        try:
            if host.trace.recorder is not None:
                host.trace.recorder.open_file(options.cluster.name, options.cluster.n, host.saved)
            await _serve(options, host, message_log, listening, metrics_port, event_log)
            complete = "stop"
        finally:
            # What was handed to the writer is always awaited: the disk may have taken it already.
            host.stop()
            message_log.close()
            if host.trace.recorder is not None:
                host.trace.recorder.close_file(complete)
    finally:
        storage.close()
    if storage.failed_at_the_end is not None:
        raise StorageFailed(storage.failed_at_the_end)
    event_log.info("stop", "stopped in order; everything that was decided is on disk")


def build_host(
    me: int,
    cluster: Cluster,
    storage: Store,
    message_log: MessageLog,
    event_log: EventLog,
    rng: random.Random,
    fault_seed: int,
    *,
    faults_allowed: bool,
) -> Host:
    """Make a host and the faults that can act on it."""
    process_faults = ProcessFaults(storage.faults, event_log)
    begin, end = process_faults.begin_fault, process_faults.end_fault
    registry = FaultRegistry(me, cluster.n, fault_seed, begin, end)
    host = Host(me, cluster, storage, message_log, event_log, registry, rng, faults_allowed=faults_allowed)
    process_faults.attach_host(host)
    return host


async def _open_ports(
    options: ReplicaOptions, credentials: Credentials | None, event_log: EventLog
) -> tuple[Listening, Listening | None]:
    """Open the replica's port, and that for metrics if there is to be one. Raises :class:`PortRefused`."""
    address = options.listen or options.cluster.address(options.replica)

    async def opened(attempt: Callable[[], Awaitable[Listening]]) -> Listening:
        if options.stop_with_parent:  # a person waits for what started it, and wants to hear at once
            return await attempt()
        return await as_soon_as_there(attempt, lambda words: event_log.warning("start", words))

    listening = await opened(partial(listen, address, credentials, insecure=options.insecure))
    if options.metrics is None:
        return listening, None
    metrics_port = partial(listen_for_metrics, options.metrics, credentials, insecure=options.insecure)
    return listening, await opened(metrics_port)


async def _serve(
    options: ReplicaOptions,
    host: Host,
    message_log: MessageLog,
    listening: Listening,
    metrics_port: Listening | None,
    event_log: EventLog,
) -> None:
    """Run the tasks of a replica, all of them."""
    credentials = listening.credentials
    first_start = not host.storage.warmed and host.non_voting is None
    warm_up = WarmUp(host.me, options.cluster.n, options.warm_up, first_start=first_start)
    server = Server(host, warm_up, event_log, credentials, listening.security)
    async with trio.open_nursery() as nursery:
        await nursery.start(_until_told_to_stop, nursery.cancel_scope, event_log)
        if options.stop_with_parent:
            nursery.start_soon(_until_parent_dies, nursery.cancel_scope, event_log)
        await nursery.start(reload_on_hangup, credentials, message_log, event_log)
        if credentials is not None:
            nursery.start_soon(keep_fresh, credentials, event_log)
        nursery.start_soon(host.pump)
        nursery.start_soon(
            Compaction(host.control, host.storage, options.cluster.keep, message_log, event_log).run
        )
        nursery.start_soon(host.telemetry.run)
        nursery.start_soon(host.history.run)
        if host.trace.recorder is not None:
            nursery.start_soon(host.trace.recorder.run)
        for peer in range(options.cluster.n):
            if peer != host.me:
                link = PeerLink(host, peer, event_log, random.Random(), credentials, warm_up)
                nursery.start_soon(link.run)
        nursery.start_soon(trio.serve_listeners, server.serve_connection, listening.listeners)
        if metrics_port is not None:
            metrics_server = _metrics(host, server, credentials, metrics_port, event_log)
            nursery.start_soon(trio.serve_listeners, metrics_server.serve_connection, metrics_port.listeners)
        event_log.info("start", f"listening on {listening.address}, data in {options.data_folder}")
        tell_security(listening, event_log)
        await _warm_up(host, message_log, warm_up, options, event_log)


def _metrics(
    host: Host,
    server: Server,
    credentials: Credentials | None,
    metrics_port: Listening,
    event_log: EventLog,
) -> MetricsServer:
    """Make the server that answers Prometheus. Its library is loaded here, and only with ``--metrics``."""
    from paxtui.replica.metrics import collector

    sizes = collector.Sizes(host.storage.folder)
    replica = collector.ReplicaCollector(host, lambda: server.status(0), server.admission, sizes, credentials)
    page = collector.MetricsPage(collector.registry_of(replica), sizes)
    scheme = "http" if metrics_port.credentials is None else "https"
    event_log.info("metrics", f"at {scheme}://{metrics_port.address}/metrics")
    return MetricsServer(page.text, collector.CONTENT_TYPE, server.admission, metrics_port.credentials)


async def _warm_up(
    host: Host, message_log: MessageLog, warm_up: WarmUp, options: ReplicaOptions, event_log: EventLog
) -> None:
    """Wait for the others, then take part."""
    while not warm_up.done:
        missing = ", ".join(f"replica {peer}" for peer in warm_up.missing)
        event_log.info("warm-up", f"waiting for {missing} ({options.warm_up} must be ready)")
        await warm_up.wait_for_change()
    if not host.storage.warmed:
        await trio.to_thread.run_sync(host.storage.set_warmed)
        event_log.info("warm-up", "done")
    await _start_core(host, message_log, event_log)
    for fault in options.faults:
        _number, reason = host.fault_registry.inject(fault, trio.current_time(), None, None)
        if reason is not None:
            event_log.warning("fault", f"{type(fault).__struct_config__.tag}: {reason}")
    # What exists now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()


async def _start_core(host: Host, message_log: MessageLog, event_log: EventLog) -> None:
    """Take part, as soon as all that this needs of the log can be read: what is damaged is mended first."""
    while True:
        try:
            _repair_message_log(message_log, host.storage)
            host.start_core()
            return
        except SlotDamaged as damage:
            if host.cluster.n == 1:
                raise DiskRefused(f"{damage}, and there is no other replica that has it") from None
            event_log.error("start", f"{damage}; this replica takes part when it is mended")
            await host.log_repair.wait_until_mended(damage.slot, float("inf"))
            host.saved = host.storage.saved()


async def _until_told_to_stop(
    scope: trio.CancelScope,
    event_log: EventLog,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    try:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                event_log.info("stop", f"told to stop by {signal.Signals(number).name}")
                scope.cancel()
                return
    finally:
        # Not the handler of the start, which ends the process with 0: from here on another code may be due.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


async def _until_parent_dies(scope: trio.CancelScope, event_log: EventLog) -> None:
    async with trio.lowlevel.FdStream(os.dup(0)) as stdin:
        while said := await stdin.receive_some(4096):
            if STAY in said:
                event_log.info("stay", "the program that started this replica leaves it running")
                return
    event_log.info("stop", "the program that started this replica has gone")
    scope.cancel()


def _repair_message_log(message_log: MessageLog, storage: Store) -> None:
    """Bring the message log to the database's watermark."""
    slot = max(message_log.repair(storage.committed_watermark), storage.log_start)
    while slot < storage.committed_watermark:
        entries, suppressed = storage.read(slot, REPAIR_SLOTS, 16 * 1024 * 1024)
        if not entries:
            break
        message_log.write_entries(enumerate(entries, slot), suppressed)
        slot += len(entries)
