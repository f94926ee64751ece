"""How commands end: one clear line on standard error, and an exit code that a script can use.

Whatever ends a command is decided here: an error, a signal, an output that cannot be written. Errors and
interrupts of Trio's tasks come in groups, at any depth; the most important one in a group decides.
"""

from __future__ import annotations

import functools
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import ParamSpec

from paxtui.cli import signals, streams

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_STORAGE = 4
EXIT_INTERRUPTED = 130

LOCAL_ATTEMPT = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):\d+ \(connection refused\)")
"""How an error names an address of this machine at which nothing listens."""

P = ParamSpec("P")


class Failure(Exception):
    """A command failed: its line and its exit code."""

    def __init__(self, message: str, code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.code = code


class Interrupted(KeyboardInterrupt):
    """A signal ended a command that says what is known by then."""


def guarded(command: Callable[P, int | None]) -> Callable[P, None]:
    """Turn what a command returns or raises into an exit code.

    Such a command has done or found something, which its exit code tells even if its output is not taken:
    it goes on without a reader, and an output error is a line on standard error and no more.
    """
    return _guarded(command, needs_output=False)


def printing(command: Callable[P, int | None]) -> Callable[P, None]:
    """Guard a command whose result is what it prints: it ends as soon as nobody takes that.

    A closed pipe ends it quietly with 0, any other output error with a line and 1.
    """
    return _guarded(command, needs_output=True)


def _guarded(command: Callable[P, int | None], *, needs_output: bool) -> Callable[P, None]:
    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        def work() -> int | None:
            signals.begin()
            _refuse_not_a_number(kwargs)
            return command(*args, **kwargs)

        sys.exit(exit_code_of(work, needs_output=needs_output))

    return run


def _refuse_not_a_number(options: Mapping[str, object]) -> None:
    """Refuse an option that is "nan": it is a float for Typer, and above no minimum and below none."""
    for name, value in options.items():
        if isinstance(value, float) and math.isnan(value):
            raise Failure(f"--{name.replace('_', '-')}: nan is not a number", EXIT_USAGE)


def exit_code_of(work: Callable[[], int | None], *, needs_output: bool) -> int:
    """Run ``work`` and flush what it printed; say in one line what ended it, if that was no return.

    Lets through what is neither the user's fault nor the cluster's: bad usage for Typer, our mistakes.
    """
    output = streams.stdout()
    if output is not None:
        output.raises = needs_output
    try:
        try:
            code = work() or EXIT_OK
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else EXIT_OK
        except BaseException as error:
            code = _explain(error)
        return _flushed(code)
    except KeyboardInterrupt as interrupt:  # while it was flushed
        return _explain(interrupt)
    finally:
        signals.end()


def _flushed(code: int) -> int:
    """Write what is buffered: at the interpreter's end an error would be a traceback and code 120."""
    output = streams.stdout()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except streams.OutputFailed as error:
        return code or _explain(error)
    except (OSError, ValueError):  # a stream that is not of our making, closed by its reader or its owner
        sys.stdout = None
    if output is not None and output.failure is not None and not output.raises:
        if not output.failure.closed:
            _say(str(output.failure))
        output.failure = streams.OutputFailed("", closed=True)  # said, and dropped from now on
    return code


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group, at any depth; an error without a group is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def is_interrupt(error: BaseException) -> bool:
    """Return whether a signal is among the reasons why this was raised."""
    return any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves(error))


def _explain(error: BaseException) -> int:
    """Print the line for an error that is the user's or the cluster's; let our own mistakes through."""
    found = list(leaves(error))
    for leaf in found:
        if isinstance(leaf, KeyboardInterrupt):
            signals.end()  # who presses ctrl-c again does not want to wait for the words
            signals.begin_line()
            _say(f"{signals.words()}: {leaf}" if isinstance(leaf, Interrupted) else signals.words())
            return signals.exit_code()
    for leaf in found:
        if isinstance(leaf, streams.OutputFailed):
            if leaf.closed:
                return EXIT_OK
            _say(str(leaf))
            return EXIT_FAILED
    code = _code_of(found[0])
    if code is None:
        raise error
    text = str(found[0])
    _say(text + hint(text))
    return code


def hint(problem: str) -> str:
    """Return what to do about a problem, if it is that nothing runs where a local cluster is expected."""
    tried = LOCAL_ATTEMPT.findall(problem)
    if not tried or problem.count("(") != len(tried):
        return ""
    return "; nothing runs there: `paxtui up` starts replicas, `paxtui clusters` lists what runs here"


def _code_of(error: BaseException) -> int | None:
    """Return the exit code for an error that is the user's or the cluster's; ``None`` for our own
    mistakes."""
    from paxtui.client.cluster import ReplicaDied
    from paxtui.client.errors import ClientError, Unknown
    from paxtui.config.cluster_file import ConfigError
    from paxtui.storage.errors import StorageFailed, StorageRefused

    codes: list[tuple[type[BaseException], int]] = [
        (ConfigError, EXIT_USAGE),
        (StorageRefused, EXIT_USAGE),
        (StorageFailed, EXIT_FAILED),
        (Unknown, EXIT_UNKNOWN),
        (ClientError, EXIT_FAILED),
    ]
    if isinstance(error, Failure):
        return error.code
    if isinstance(error, ReplicaDied) and error.code in (EXIT_USAGE, EXIT_STORAGE):
        return error.code  # its configuration was at fault, and so is ours; or its disk
    return next((code for kind, code in codes if isinstance(error, kind)), None)


def _say(words: str) -> None:
    from paxtui.wire.text import visible

    print(f"paxtui: {visible(words)}", file=sys.stderr, flush=True)
