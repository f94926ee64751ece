"""Run the same tests again and again, each time in a fork in which one function is another one.

    python tests/tools/mutations/forked.py ARGUMENTS OF PYTEST

``mutate.py`` starts it in its copy. Imports and collection happen once, so a mutant that the first test kills
costs a hundredth of a second and not two. A request is a line of JSON on standard input: ``file``, ``inside``
(``Class.function``), ``source`` (the mutated file) and ``limit_s``; ``{}`` runs the tests as they are. The
answer is a line of JSON: ``code``, which is ``0``, ``1``, ``timeout`` or an error, and ``failed``, the test.
What is in no function (a constant, a default) cannot be swapped; the code is then ``null``.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TextIO

import pytest


def codes(outer: CodeType) -> dict[str, CodeType]:
    """The code of every function of a module, by its qualified name."""
    found: dict[str, CodeType] = {}
    for inner in outer.co_consts:
        if isinstance(inner, CodeType) and "<locals>" not in inner.co_qualname:
            found[inner.co_qualname] = inner
            found.update(codes(inner))
    return found


def swap(file: str, inside: str, source: str) -> bool:
    """Give a function its mutated code; ``False`` where that is impossible."""
    found: Any = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    path: list[str] = []
    for name in inside.split("."):
        found = vars(found).get(name)
        path.append(name)
        if not isinstance(found, type):
            break  # a function; what is nested in it is swapped with it
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    code = codes(compile(source, file, "exec")).get(".".join(path))
    if not isinstance(found, FunctionType) or code is None:
        return False
    old = found.__code__
    if code.co_freevars != old.co_freevars or _same(code, old):
        return False
    found.__code__ = code
    return True


def _same(code: CodeType, old: CodeType) -> bool:
    """Whether a mutation is not in the body: it is in a default, which belongs to the function."""
    return (code.co_code, code.co_consts, code.co_names) == (old.co_code, old.co_consts, old.co_names)


class Server:
    """A plugin of pytest that answers requests in place of its loop over the tests."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork for each request."""
        print(json.dumps({"tests": len(session.items)}), file=self._answers, flush=True)
        for line in self._requests:
            request = json.loads(line)
            code, failed = self._run(session, request)
            print(json.dumps({"code": code, "failed": failed}), file=self._answers, flush=True)
        return True

    def _run(self, session: pytest.Session, request: dict[str, Any]) -> tuple[str | None, str]:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(session, request, writing)
        os.close(writing)
        status = _wait(pid, request.get("limit_s", float("inf")))
        with open(reading, encoding="utf-8") as told:
            failed = told.read()
        code = None if status == UNSWAPPED else "timeout" if status is None else str(status)
        return code, failed


UNSWAPPED = 3


def _child(session: pytest.Session, request: dict[str, Any], writing: int) -> None:
    """Run all tests until one fails, and exit."""
    status = 2
    try:
        if request and not swap(request["file"], request["inside"], request["source"]):
            os._exit(UNSWAPPED)
        status = 0
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                os.write(writing, item.nodeid.encode()[:1000])
                status = 1
                break
    except BaseException as error:
        os.write(writing, repr(error).encode()[:1000])
        status = 2
    finally:
        os._exit(status)


def _wait(pid: int, limit_s: float) -> int | None:
    """The exit code of a child; ``None`` if it takes too long, and is killed."""
    end = time.monotonic() + limit_s
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(0.01)


def main() -> int:
    """Keep standard input and output for requests; the tests get others."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.path[0] = str(Path.cwd())
    return int(pytest.main([*sys.argv[1:], "-p", "no:xdist"], plugins=[Server(requests, answers)]))


if __name__ == "__main__":
    sys.exit(main())
