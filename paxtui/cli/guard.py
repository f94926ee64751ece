"""How commands end: one clear line on standard error, and an exit code that a script can use."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_STORAGE = 4
EXIT_INTERRUPTED = 130

P = ParamSpec("P")


class Failure(Exception):
    """A command failed: its line and its exit code."""

    def __init__(self, message: str, code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.code = code


def guarded(command: Callable[P, int | None]) -> Callable[P, None]:
    """Turn what a command returns or raises into an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs) or EXIT_OK
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has gone; that is no mistake of anybody's.
            sys.stdout = None
            code = EXIT_OK
        except Exception as error:
            code = _explain(error)
        sys.exit(code)

    return run


def _explain(error: BaseException) -> int:
    """Print the line for an error that is the user's or the cluster's; let our own mistakes through."""
    from paxtui.client.cluster import ReplicaDied
    from paxtui.client.errors import ClientError, Unknown
    from paxtui.config import ConfigError
    from paxtui.runtime.errors import StorageFailed, StorageRefused
    from paxtui.wire.text import visible

    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        if any(isinstance(each, KeyboardInterrupt) for each in leaf.exceptions):
            return EXIT_INTERRUPTED
        leaf = leaf.exceptions[0]
    codes: list[tuple[type[BaseException], int]] = [
        (ConfigError, EXIT_USAGE),
        (StorageRefused, EXIT_USAGE),
        (StorageFailed, EXIT_FAILED),
        (Unknown, EXIT_UNKNOWN),
        (ClientError, EXIT_FAILED),
    ]
    if isinstance(leaf, Failure):
        code = leaf.code
    elif isinstance(leaf, ReplicaDied) and leaf.code in (EXIT_USAGE, EXIT_STORAGE):
        code = leaf.code  # its configuration was at fault, and so is ours; or its disk
    else:
        code = next((code for kind, code in codes if isinstance(leaf, kind)), -1)
    if code < 0:
        raise error
    print(f"paxtui: {visible(str(leaf))}", file=sys.stderr)
    return code
