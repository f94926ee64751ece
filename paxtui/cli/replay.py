"""``paxtui replay``: tapes, records and traces in the console, without any cluster."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paxtui.cli.console import AsciiOption, ThemeOption, check_theme, need_a_terminal

if TYPE_CHECKING:
    from paxtui.config.cluster_file import Cluster
    from paxtui.console.model.past import Past
    from paxtui.tape.reader import TapeReader

SQLITE: bytes = b"SQLite format 3"


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="A tape, or the records of one cluster, or one trace."),
    ],
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="MOMENT", help="The moment to show first: 12:04:07, -3m, #1017, first or last."
        ),
    ] = "last",
    ascii: AsciiOption = False,
    theme: ThemeOption = None,
) -> int:
    """Look at any moment of a tape, of records or of a trace.

    No cluster is needed, and nothing can be broken. The keys , and . go one event back and on, < and > ten
    seconds, [ and ] from mark to mark.

    A console writes a tape of all that it is told: `:tape FILE` saves it, and after an alarm it is kept.
    `paxtui replica --record FILE` and `paxtui sim --seed N --trace FILE` write records.

    Examples:

      paxtui replay evidence.tape --at 12:04

      paxtui replay run.jsonl --at first
    """
    from paxtui.config.cluster_file import ConfigError
    from paxtui.records.parts import BadRecord
    from paxtui.tape.position import PositionError, find_position
    from paxtui.tape.step import TapeError

    need_a_terminal()
    check_theme(theme)
    try:
        with _tape_of(files) as tape:
            past = _opened(tape)
            try:
                find_position(at, past.tape, past.tape.blocks[-1].ends)
                return _show(past, at=at, ascii=ascii, theme=theme)
            except PositionError as error:
                raise ConfigError(f"--at: {error}") from None
            finally:
                past.tape.close()
    except (TapeError, BadRecord) as error:
        raise ConfigError(str(error)) from None


@contextlib.contextmanager
def _tape_of(files: list[Path]) -> Iterator[Path]:
    """Find the tape among the files; make one of records, which is gone at the end."""
    from paxtui.config.cluster_file import ConfigError
    from paxtui.console.driver.retelling import retold

    tapes = [path for path in files if _is_tape(path)]
    if tapes:
        if len(files) > 1:
            raise ConfigError(f"{tapes[0]}: a tape is shown alone; name one file")
        yield tapes[0]
        return
    with _telling("lines are read") as told:
        made = retold(files, told)
    try:
        yield made
    finally:
        shutil.rmtree(made.parent, ignore_errors=True)


def _is_tape(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False  # whoever reads it says why


def _opened(path: Path) -> Past:
    """Open a tape and get it ready for any moment."""
    from paxtui.console.model.cluster_model import ClusterModel
    from paxtui.console.model.past import Keyframes, Past
    from paxtui.console.model.state.values import Values
    from paxtui.tape.reader import TapeReader
    from paxtui.tape.step import TapeError

    tape = TapeReader(path)
    if not tape.blocks:
        raise TapeError(f"{path}: nothing is on this tape")
    cluster = _cluster_of(tape)
    past = Past(tape, lambda: ClusterModel(cluster), Keyframes(), Values())
    with _telling(f"of {tape.end:,} steps are read") as told:
        past.prepare(told)
    return past


def _cluster_of(tape: TapeReader) -> Cluster:
    """Return the cluster as the tape describes it: nobody is dialled there."""
    from paxtui.config.cluster_file import Address, Cluster, ConfigError, parse_addresses
    from paxtui.core.ballot import REPLICAS_MAX
    from paxtui.tape.step import TapeError

    try:
        addresses = parse_addresses(tape.meta.get("replicas", ""))
    except ConfigError as error:
        raise TapeError(f"{tape.path}: its replicas: {error}") from None
    if not 0 < len(addresses) <= REPLICAS_MAX:
        raise TapeError(f"{tape.path}: {len(addresses)} replicas; 1 to {REPLICAS_MAX} are possible")
    replicas = tuple(Address(id, host, port) for id, (host, port) in enumerate(addresses))
    return Cluster(name=tape.meta.get("cluster", "tape"), replicas=replicas)


@contextlib.contextmanager
def _telling(what: str) -> Iterator[Callable[[int], object]]:
    """Show on a terminal how far it is."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return

    def tell(count: int) -> None:
        sys.stderr.write(f"\r{count:,} {what}")
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\x1b[K")


def _show(past: Past, *, at: str, ascii: bool, theme: str | None) -> int:
    from paxtui.cli.kept import kept_folder
    from paxtui.console.options import ConsoleOptions
    from paxtui.console.run import run

    cluster = past.at(past.tape.end).cluster
    return run(
        ConsoleOptions(
            cluster=cluster,
            armed=False,
            read_only=True,
            theme=theme,
            ascii=ascii,
            past=past,
            at=at,
            preferences_dir=kept_folder(),
        )
    )
