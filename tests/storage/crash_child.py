"""Commits numbered batches for ever and prints each one that is durable; killed by its test."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from paxtui.core.ballot import Ballot
from paxtui.core.hash_chain import link
from paxtui.core.output import PutState, PutVotes, Write
from paxtui.core.values import Command
from paxtui.storage.store import Store
from paxtui.storage.writer import Writer

SLOTS_A_BATCH = 3


def value(slot: int) -> Command:
    return Command("ann", slot, f"text {slot} " + "x" * (slot * 7 % 900))


def batch_writes(batch: int, head: bytes) -> tuple[Write, ...]:
    """Batch n votes for slots 3n..3n+2 and learns all below; every number in it follows from n."""
    first = batch * SLOTS_A_BATCH
    votes = PutVotes(Ballot(batch + 1, 0), first, tuple(value(first + i) for i in range(SLOTS_A_BATCH)))
    return votes, PutState(Ballot(batch + 1, 0), batch + 1, first, head)


def chain_after(head: bytes, first: int, upto: int) -> bytes:
    for slot in range(first, upto):
        head = link(head, slot, value(slot))
    return head


def main(folder: Path) -> None:
    room = threading.Semaphore(8)

    def on_durable(upto: int, seconds: float, batches: int) -> None:
        print(upto, flush=True)
        room.release(batches)

    storage = Store.open(folder, cluster="c" * 64, name="demo", replica=0)
    saved = storage.saved()
    batch = saved.round
    head = chain_after(saved.chain, saved.watermark, batch * SLOTS_A_BATCH)
    writer = Writer(storage, on_durable, lambda error: print(error, file=sys.stderr))
    while True:
        room.acquire()
        writer.submit(batch, batch_writes(batch, head))
        first = batch * SLOTS_A_BATCH
        head = chain_after(head, first, first + SLOTS_A_BATCH)
        batch += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
