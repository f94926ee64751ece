"""Folders for the data and the message logs of a run, never those of another run."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paxtui.config.cluster_file import ConfigError

NUMBER_MAX = 1000
"""Folders of one name that are looked at; more are a mistake."""


class Places:
    """The folders of one run. ``keep`` may be set until the run is over."""

    def __init__(self, data: Path, logs: Path, *, keep: bool) -> None:
        self.data = data
        self.logs = logs
        self.keep = keep


@contextmanager
def places(
    name: str, data_dir: Path | None, log_dir: Path | None, log_root: Path, *, keep: bool
) -> Iterator[Places]:
    """Make a fresh data folder, and a folder for message logs that no other run uses now. Data goes to a
    temporary folder that is removed, unless ``keep`` or ``data_dir`` says otherwise; logs to ``log_dir`` as
    it is, else to a folder of the scenario's name, which the next run of it takes over."""
    data = Path(tempfile.mkdtemp(prefix=f"paxtui-{name}-")) if data_dir is None else _fresh(data_dir / name)
    lock = None
    try:
        if log_dir is None:
            logs, lock = _unused(log_root / "run" / name)
        else:
            logs, lock = log_dir, _lock(log_dir)
            if lock is None:
                raise ConfigError(f"--log-dir: another run writes to {log_dir} now")
        found = Places(data, logs, keep=keep or data_dir is not None)
        yield found
        if not found.keep:
            shutil.rmtree(data, ignore_errors=True)
    except BaseException:
        if data_dir is None and not keep:
            shutil.rmtree(data, ignore_errors=True)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _fresh(wanted: Path) -> Path:
    """Make a folder that did not exist: nothing old is touched, and nothing old is taken for new."""
    for number in range(1, NUMBER_MAX):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigError(f"--data-dir: {path} cannot be made: {error.strerror}") from None
        return path
    raise ConfigError(f"--data-dir: {wanted} and {NUMBER_MAX} more of its name exist")


def _unused(wanted: Path) -> tuple[Path, int]:
    for number in range(1, NUMBER_MAX):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        lock = _lock(path)
        if lock is not None:
            return path, lock
    raise ConfigError(f"{wanted} and {NUMBER_MAX} more of its name are in use")


def _lock(path: Path) -> int | None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"--log-dir: {path} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
