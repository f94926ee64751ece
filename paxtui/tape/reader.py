"""Reading a tape, also one that is being written, or a stranger's."""

from __future__ import annotations

import contextlib
import sqlite3
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from paxtui.tape.schema import APPLICATION_ID, VERSION, Block, Mark
from paxtui.tape.step import BLOCK_STEPS_MAX, TapeError, TapeStep, unpack

BLOCKS_MAX: Final = 1_000_000
MARKS_MAX: Final = 100_000
META_MAX: Final = 100
TEXT_MAX: Final = 64 * 1024
BLOCK_DATA_MAX: Final = 4 * 1024 * 1024

UNPACKED_KEPT: Final = 6
"""Blocks that are kept unpacked: those around where somebody looks."""


class TapeReader:
    """The reader of one tape. :meth:`look_again` sees what was written since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meta: dict[str, str] = {}
        self.blocks: list[Block] = []
        self.marks: list[Mark] = []
        self._firsts: list[int] = []
        self._unpacked: OrderedDict[int, list[TapeStep]] = OrderedDict()
        if not path.is_file():
            raise TapeError(f"{path}: there is no such file")
        try:
            self._database = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, timeout=5)
            self._check()
            self.look_again()
        except sqlite3.Error as error:
            raise TapeError(f"{path}: it cannot be read: {error}") from None

    def _check(self) -> None:
        database = self._database
        (id,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if id != APPLICATION_ID:
            raise TapeError(f"{self.path}: it is no tape")
        if version != VERSION:
            raise TapeError(f"{self.path}: a tape of format {version}; this program reads format {VERSION}")
        rows = database.execute("SELECT name, value FROM meta LIMIT ?", (META_MAX,))
        self.meta = {str(name): str(value)[:TEXT_MAX] for name, value in rows}

    def look_again(self) -> None:
        """Take in what was written since, and forget what was dropped."""
        try:
            rows = self._database.execute(
                "SELECT first, count, begins, ends FROM blocks ORDER BY first LIMIT ?", (BLOCKS_MAX,)
            )
            self.blocks = list(self._checked(rows))
            marks = self._database.execute(
                "SELECT position, wall, kind, words FROM marks ORDER BY position LIMIT ?", (MARKS_MAX,)
            )
            self.marks = [
                Mark(_whole(position), _number(wall), str(kind)[:40], str(words)[:1000])
                for position, wall, kind, words in marks
            ]
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise TapeError(f"{self.path}: it cannot be read: {error}") from None
        self._firsts = [block.first for block in self.blocks]

    def _checked(self, rows: Iterator[tuple[object, ...]]) -> Iterator[Block]:
        end = 0
        for first, count, begins, ends in rows:
            block = Block(_whole(first), _whole(count), _number(begins), _number(ends))
            if block.first < end or not 0 < block.count <= BLOCK_STEPS_MAX:
                raise TapeError(f"{self.path}: block {block.first} is not where it can be")
            end = block.end
            yield block

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def copy_to(self, path: Path) -> None:
        """Copy the tape into a new file. Raises :class:`OSError` and :class:`TapeError`."""
        path.open("xb").close()
        try:
            with contextlib.closing(sqlite3.connect(path)) as other:
                self._database.backup(other)
        except sqlite3.Error as error:
            path.unlink()
            raise TapeError(f"{path}: {error}") from None

    @property
    def first(self) -> int:
        """Return the position of the first step."""
        return self.blocks[0].first if self.blocks else 0

    @property
    def end(self) -> int:
        """Return the position after the last step."""
        return self.blocks[-1].end if self.blocks else 0

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Return the runs of positions whose steps are not on the tape: they were dropped for want of room,
        or the disk was too slow."""
        found = []
        end = 0
        for block in self.blocks:
            if block.first > end:
                found.append((end, block.first))
            end = block.end
        return found

    def block_at(self, position: int) -> Block | None:
        """Return the block that holds a position, or the last one before it."""
        at = bisect_right(self._firsts, position) - 1
        return self.blocks[at] if at >= 0 else None

    def steps(self, first: int, end: int) -> Iterator[tuple[int, TapeStep]]:
        """Yield the steps in ``[first, end)`` that are on the tape, each with its position. Raises
        :class:`TapeError`."""
        at = max(0, bisect_right(self._firsts, first) - 1)
        for block in self.blocks[at:]:
            if block.first >= end:
                return
            begin = max(first, block.first)
            steps = self._unpack(block) if begin < block.end else []
            for position in range(begin, min(end, block.end)):
                yield position, steps[position - block.first]

    def step(self, position: int) -> TapeStep | None:
        """Return one step, if it is on the tape."""
        return next((step for _, step in self.steps(position, position + 1)), None)

    def position_at(self, wall: float) -> int:
        """Return the position of the first step at or after a time of day; the end, if there is none."""
        for block in self.blocks:
            if block.ends >= wall:
                for position, step in self.steps(block.first, block.end):
                    if step.wall >= wall:
                        return position
        return self.end

    def _unpack(self, block: Block) -> list[TapeStep]:
        known = self._unpacked.get(block.first)
        if known is not None:
            self._unpacked.move_to_end(block.first)
            return known
        where = f"{self.path}: block {block.first}"
        try:
            row = self._database.execute(
                "SELECT data FROM blocks WHERE first = ? AND length(data) <= ?", (block.first, BLOCK_DATA_MAX)
            ).fetchone()
        except sqlite3.Error as error:
            raise TapeError(f"{where}: {error}") from None
        if row is None or not isinstance(row[0], bytes):
            raise TapeError(f"{where}: it is gone, or larger than a block can be")
        steps = unpack(row[0], where)
        if len(steps) != block.count:
            raise TapeError(f"{where}: {len(steps)} steps in place of {block.count}")
        self._unpacked[block.first] = steps
        while len(self._unpacked) > UNPACKED_KEPT:
            self._unpacked.popitem(last=False)
        return steps


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _whole(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError("a number is out of its range")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError("a time is no number")
    return float(value)
