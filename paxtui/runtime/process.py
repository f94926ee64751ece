"""One replica process: what it opens, the tasks it runs, how it stops."""

from __future__ import annotations

import errno
import gc
import os
import random
import signal
import sys
from pathlib import Path

import trio
from msgspec import Struct

from paxtui.config import Address, Cluster
from paxtui.core.errors import InvariantViolated
from paxtui.runtime.chatlog import ChatLog
from paxtui.runtime.errors import StorageFailed, StorageRefused
from paxtui.runtime.journal import Journal
from paxtui.runtime.node import Node
from paxtui.runtime.peers import PeerLink
from paxtui.runtime.port_owner import port_owner
from paxtui.runtime.recorder import Recorder, check_record
from paxtui.runtime.server import Server
from paxtui.runtime.storage import Storage
from paxtui.runtime.warmup import Mode, WarmUp
from paxtui.wire.faults import AnyFault

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_STORAGE = 4
EXIT_INVARIANT = 5

BACKLOG = 1024
REPAIR_SLOTS = 2048


class PortRefused(Exception):
    """The port cannot be listened on; one clear line."""


class Options(Struct, frozen=True, kw_only=True):
    """How one replica is to run."""

    replica: int
    cluster: Cluster
    data_folder: Path
    log_folder: Path
    warm_up: Mode = "majority"
    faults_allowed: bool = False
    faults: tuple[AnyFault, ...] = ()
    """Faults that act from the start (``--msg-loss``, ``--skip-slot``)."""
    seed: int | None = None
    log_level: str = "info"
    json_log: bool = False
    record: Path | None = None
    stop_with_parent: bool = False
    """Stop when standard input ends: the parent holds its other end, and may die without a word."""


STAY = b"stay\n"
"""Said on standard input by a parent that ends and wants the replica to go on."""


def run(options: Options) -> int:
    """Run a replica until it is told to stop; the process's exit code."""
    journal = Journal(options.replica, options.log_level, as_json=options.json_log)
    # A commit runs in the writer's thread. It lets the interpreter go while the disk works, and wants
    # it back as soon as the disk is done; the default of 5 ms would be many times the commit itself.
    sys.setswitchinterval(0.0005)
    code = EXIT_OK
    try:
        trio.run(_main, options, journal)
    except* (StorageRefused, PortRefused) as group:
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


async def _main(options: Options, journal: Journal) -> None:
    # The port first: if another process has it, nothing on disk is touched.
    address = options.cluster.address(options.replica)
    listeners = await _listen(address)
    if options.record is not None:
        check_record(options.record)
    storage = Storage.open(
        options.data_folder,
        cluster=options.cluster.digest,
        name=options.cluster.name,
        replica=options.replica,
    )
    try:
        for note in storage.notes:
            journal.warning("disk", note)
        chat = ChatLog(options.log_folder / f"replica-{options.replica}.log")
        _mend(chat, storage)
        rng = random.Random(options.seed)
        seed = options.seed if options.seed is not None else rng.getrandbits(32)
        node = Node(
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
            await _serve(options, node, listeners, journal)
            complete = "stop"
        finally:
            # What was handed to the writer is always awaited: the disk may have taken it already.
            node.stop()
            chat.close()
            if node.recorder is not None:
                node.recorder.end(complete)
    finally:
        storage.close()
    journal.info("stop", "stopped in order; everything that was decided is on disk")


async def _serve(
    options: Options, node: Node, listeners: list[trio.SocketListener], journal: Journal
) -> None:
    """The tasks of a replica, all of them."""
    warm_up = WarmUp(node.me, options.cluster.n, options.warm_up, first_start=not node.storage.warmed)
    server = Server(node, warm_up, journal)
    async with trio.open_nursery() as nursery:
        await nursery.start(_until_told_to_stop, nursery.cancel_scope, journal)
        if options.stop_with_parent:
            nursery.start_soon(_until_parent_dies, nursery.cancel_scope, journal)
        nursery.start_soon(node.pump)
        nursery.start_soon(node.telemetry.run)
        if node.recorder is not None:
            nursery.start_soon(node.recorder.run)
        for peer in range(options.cluster.n):
            if peer != node.me:
                nursery.start_soon(PeerLink(node, peer, journal, random.Random()).run)
        nursery.start_soon(trio.serve_listeners, server.handle, listeners)
        address = options.cluster.address(node.me)
        journal.info("start", f"listening on {address}, data in {options.data_folder}")
        await _warm_up(node, warm_up, options, journal)


async def _warm_up(node: Node, warm_up: WarmUp, options: Options, journal: Journal) -> None:
    """Wait for the others, then take part."""
    while not warm_up.done:
        missing = ", ".join(f"replica {peer}" for peer in warm_up.missing)
        journal.info("warm-up", f"waiting for {missing} ({options.warm_up} must be ready)")
        await warm_up.changed()
    if not node.storage.warmed:
        await trio.to_thread.run_sync(node.storage.set_warmed)
        journal.info("warm-up", "done")
    node.start_core()
    for fault in options.faults:
        _number, reason = node.board.inject(fault, trio.current_time(), None, None)
        if reason is not None:
            journal.warning("fault", f"{type(fault).__struct_config__.tag}: {reason}")
    # What exists now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()


async def _until_told_to_stop(
    scope: trio.CancelScope,
    journal: Journal,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            journal.info("stop", f"told to stop by {signal.Signals(number).name}")
            scope.cancel()
            return


async def _until_parent_dies(scope: trio.CancelScope, journal: Journal) -> None:
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as stdin:
        while said := await stdin.receive_some(4096):
            if STAY in said:
                journal.info("stay", "whoever started this replica leaves it running")
                return
    journal.info("stop", "whoever started this replica has gone")
    scope.cancel()


async def _listen(address: Address) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(address.port, host=address.host, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            owner = port_owner(address.port)
            by = f" by {owner}" if owner else ""
            raise PortRefused(
                f"{address} is in use{by}; stop that process or name another port in the configuration"
            ) from None
        raise PortRefused(f"cannot listen on {address}: {error.strerror or error}") from None


def _mend(chat: ChatLog, storage: Storage) -> None:
    """Bring the chat log to the database's watermark."""
    slot = chat.repair(storage.committed_watermark)
    while slot < storage.committed_watermark:
        entries, suppressed = storage.read(slot, REPAIR_SLOTS, 16 * 1024 * 1024)
        if not entries:
            break
        chat.write(enumerate(entries, slot), suppressed)
        slot += len(entries)
