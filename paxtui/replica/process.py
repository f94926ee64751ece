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
from paxtui.replica.metrics.http import Scrapes, listen_for_scrapes
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
    """How one replica is to run."""

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
    journal = EventLog(options.replica, options.log_level, as_json=options.json_log)
    # A commit runs in the writer's thread. It lets the interpreter go while the disk works, and wants
    # it back as soon as the disk is done; the default of 5 ms would be many times the commit itself.
    sys.setswitchinterval(0.0005)
    code = EXIT_OK
    try:
        trio.run(_main, options, journal)
    except* DiskRefused as group:
        journal.error("disk", str(_leaf(group)))
        code = EXIT_STORAGE
    except* (StorageRefused, PortRefused, ConfigError) as group:
        journal.error("start", str(_leaf(group)))
        code = EXIT_USAGE
    except* StorageFailed as group:
        journal.error("disk", str(_leaf(group)))
        code = EXIT_STORAGE
    except* InvariantViolated as group:
        journal.error("safety", f"stopped before anything could leave: {_leaf(group)}")
        code = EXIT_INVARIANT
    return code


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first


async def _main(options: ReplicaOptions, journal: EventLog) -> None:
    limits, note = fd_limit.fit(options.cluster.limits)
    if note is not None:
        journal.warning("start", note)
        options = structs.replace(options, cluster=structs.replace(options.cluster, limits=limits))
    tls = options.cluster.tls
    credentials = of_replica(tls, options.replica) if tls is not None else None
    # The ports first: if another process has one, nothing on disk is touched.
    listening, scraped = await _open_ports(options, credentials, journal)
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
            journal.warning("disk", note)
        chat = MessageLog(options.log_folder / f"replica-{options.replica}.log")
        with contextlib.suppress(SlotDamaged):  # it is tried again when what is damaged can be mended
            _mend(chat, storage)
        rng = random.Random(options.seed)
        seed = options.seed if options.seed is not None else rng.getrandbits(32)
        node = build_host(
            options.replica,
            options.cluster,
            storage,
            chat,
            journal,
            random.Random(f"{seed}/{options.replica}"),
            seed,
            faults_allowed=options.faults_allowed,
        )
        if options.record is not None:
            node.recorder = Recorder(options.record, options.replica)
        complete: str | None = None
        try:
            if node.recorder is not None:
                node.recorder.begin(options.cluster.name, options.cluster.n, node.saved)
            await _serve(options, node, chat, listening, scraped, journal)
            complete = "stop"
        finally:
            # What was handed to the writer is always awaited: the disk may have taken it already.
            node.stop()
            chat.close()
            if node.recorder is not None:
                node.recorder.end(complete)
    finally:
        storage.close()
    if storage.failed_at_the_end is not None:
        raise StorageFailed(storage.failed_at_the_end)
    journal.info("stop", "stopped in order; everything that was decided is on disk")


def build_host(
    me: int,
    cluster: Cluster,
    storage: Store,
    chat: MessageLog,
    journal: EventLog,
    rng: random.Random,
    fault_seed: int,
    *,
    faults_allowed: bool,
) -> Host:
    """Make a host and the faults that can act on it."""
    process_faults = ProcessFaults(storage.faults, journal)
    board = FaultRegistry(me, cluster.n, fault_seed, process_faults.begin, process_faults.end)
    host = Host(me, cluster, storage, chat, journal, board, rng, faults_allowed=faults_allowed)
    process_faults.attach(host)
    return host


async def _open_ports(
    options: ReplicaOptions, credentials: Credentials | None, journal: EventLog
) -> tuple[Listening, Listening | None]:
    """The replica's port, and that for metrics if there is to be one. Raises :class:`PortRefused`."""
    address = options.listen or options.cluster.address(options.replica)

    async def opened(attempt: Callable[[], Awaitable[Listening]]) -> Listening:
        if options.stop_with_parent:  # a person waits for what started it, and wants to hear at once
            return await attempt()
        return await as_soon_as_there(attempt, lambda words: journal.warning("start", words))

    listening = await opened(partial(listen, address, credentials, insecure=options.insecure))
    if options.metrics is None:
        return listening, None
    scraped = partial(listen_for_scrapes, options.metrics, credentials, insecure=options.insecure)
    return listening, await opened(scraped)


async def _serve(
    options: ReplicaOptions,
    node: Host,
    chat: MessageLog,
    listening: Listening,
    scraped: Listening | None,
    journal: EventLog,
) -> None:
    """The tasks of a replica, all of them."""
    credentials = listening.credentials
    first_start = not node.storage.warmed and node.non_voting is None
    warm_up = WarmUp(node.me, options.cluster.n, options.warm_up, first_start=first_start)
    server = Server(node, warm_up, journal, credentials, listening.security)
    async with trio.open_nursery() as nursery:
        await nursery.start(_until_told_to_stop, nursery.cancel_scope, journal)
        if options.stop_with_parent:
            nursery.start_soon(_until_parent_dies, nursery.cancel_scope, journal)
        await nursery.start(reload_on_hangup, credentials, chat, journal)
        if credentials is not None:
            nursery.start_soon(keep_fresh, credentials, journal)
        nursery.start_soon(node.pump)
        nursery.start_soon(Compaction(node, node.storage, options.cluster.keep, chat, journal).run)
        nursery.start_soon(node.telemetry.run)
        if node.recorder is not None:
            nursery.start_soon(node.recorder.run)
        for peer in range(options.cluster.n):
            if peer != node.me:
                link = PeerLink(node, peer, journal, random.Random(), credentials, warm_up)
                nursery.start_soon(link.run)
        nursery.start_soon(trio.serve_listeners, server.handle, listening.listeners)
        if scraped is not None:
            scrapes = _metrics(node, server, credentials, scraped, journal)
            nursery.start_soon(trio.serve_listeners, scrapes.handle, scraped.listeners)
        journal.info("start", f"listening on {listening.address}, data in {options.data_folder}")
        tell_security(listening, journal)
        await _warm_up(node, chat, warm_up, options, journal)


def _metrics(
    node: Host,
    server: Server,
    credentials: Credentials | None,
    scraped: Listening,
    journal: EventLog,
) -> Scrapes:
    """What answers Prometheus. Its library is loaded here, and only if somebody wants it."""
    from paxtui.replica.metrics import collector

    sizes = collector.Sizes(node.storage.folder)
    replica = collector.ReplicaCollector(node, lambda: server.status(0), server.guests, sizes, credentials)
    page = collector.MetricsPage(collector.registry_of(replica), sizes)
    scheme = "http" if scraped.credentials is None else "https"
    journal.info("metrics", f"at {scheme}://{scraped.address}/metrics")
    return Scrapes(page.text, collector.CONTENT_TYPE, server.guests, scraped.credentials)


async def _warm_up(
    node: Host, chat: MessageLog, warm_up: WarmUp, options: ReplicaOptions, journal: EventLog
) -> None:
    """Wait for the others, then take part."""
    while not warm_up.done:
        missing = ", ".join(f"replica {peer}" for peer in warm_up.missing)
        journal.info("warm-up", f"waiting for {missing} ({options.warm_up} must be ready)")
        await warm_up.changed()
    if not node.storage.warmed:
        await trio.to_thread.run_sync(node.storage.set_warmed)
        journal.info("warm-up", "done")
    await _begin(node, chat, journal)
    for fault in options.faults:
        _number, reason = node.board.inject(fault, trio.current_time(), None, None)
        if reason is not None:
            journal.warning("fault", f"{type(fault).__struct_config__.tag}: {reason}")
    # What exists now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()


async def _begin(node: Host, chat: MessageLog, journal: EventLog) -> None:
    """Take part, as soon as all that this needs of the log can be read: what is damaged is mended first."""
    while True:
        try:
            _mend(chat, node.storage)
            node.start_core()
            return
        except SlotDamaged as damage:
            if node.cluster.n == 1:
                raise DiskRefused(f"{damage}, and there is no other replica that has it") from None
            journal.error("start", f"{damage}; this replica takes part when it is mended")
            await node.mender.mended(damage.slot, float("inf"))
            node.saved = node.storage.saved()


async def _until_told_to_stop(
    scope: trio.CancelScope,
    journal: EventLog,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    try:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                journal.info("stop", f"told to stop by {signal.Signals(number).name}")
                scope.cancel()
                return
    finally:
        # Not the handler of the start, which ends the process with 0: from here on another code may be due.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


async def _until_parent_dies(scope: trio.CancelScope, journal: EventLog) -> None:
    async with trio.lowlevel.FdStream(os.dup(0)) as stdin:
        while said := await stdin.receive_some(4096):
            if STAY in said:
                journal.info("stay", "whoever started this replica leaves it running")
                return
    journal.info("stop", "whoever started this replica has gone")
    scope.cancel()


def _mend(chat: MessageLog, storage: Store) -> None:
    """Bring the chat log to the database's watermark."""
    slot = max(chat.repair(storage.committed_watermark), storage.log_start)
    while slot < storage.committed_watermark:
        entries, suppressed = storage.read(slot, REPAIR_SLOTS, 16 * 1024 * 1024)
        if not entries:
            break
        chat.write(enumerate(entries, slot), suppressed)
        slot += len(entries)
