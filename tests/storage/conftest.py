"""A data folder, short ways to fill it, and the hash chain that belongs to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.durable_state import CHAIN_START
from paxtui.core.hash_chain import link
from paxtui.core.output import PutEntries, PutState, Write
from paxtui.core.values import Command, Entry
from paxtui.storage.store import Store

OpenStorage = Callable[..., Store]
LearnedBatch = Callable[[int, int], tuple[Write, ...]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "replica-0"


@pytest.fixture
def open_storage(folder: Path) -> Iterator[OpenStorage]:
    """Opens a storage that is closed after the test; arguments replace the usual ones."""
    with ExitStack() as stack:

        def opened(
            where: Path = folder, *, cluster: str = "c" * 64, name: str = "demo", replica: int = 0
        ) -> Store:
            storage = Store.open(where, cluster=cluster, name=name, replica=replica)
            stack.callback(storage.close)
            return storage

        yield opened


def command(slot: int) -> Command:
    return Command("ann-1", slot, f"message {slot:06d}")


def chain_head(upto: int) -> bytes:
    head = CHAIN_START
    for slot in range(upto):
        head = link(head, slot, command(slot))
    return head


@pytest.fixture
def learned() -> LearnedBatch:
    """The batch that learns slots ``first`` to ``upto - 1`` of one well-known log."""

    def batch(first: int, upto: int) -> tuple[Write, ...]:
        entries = tuple(Entry(Ballot(1, 0), command(slot)) for slot in range(first, upto))
        return PutEntries(first, entries), PutState(Ballot(1, 0), 1, upto, chain_head(upto))

    return batch


@pytest.fixture
def flip_bit() -> Callable[[Path, bytes], None]:
    """Flips one bit of the last place in a file that holds the given bytes."""

    def flip(path: Path, needle: bytes) -> None:
        content = bytearray(path.read_bytes())
        place = content.rindex(needle)
        content[place + len(needle) // 2] ^= 0x01
        path.write_bytes(content)

    return flip


@contextmanager
def _nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def as_nobody() -> Callable[[], AbstractContextManager[None]]:
    """Root may write everywhere, so as root these tests become somebody else for a moment."""
    return _nobody


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that everybody may read and only root may write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        yield Path(name)
        Path(name).chmod(0o755)
