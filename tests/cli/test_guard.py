"""What decides how a command ends, without a process."""

from __future__ import annotations

import pytest

from paxtui.cli.guard import Failure, Interrupted, exit_code_of
from paxtui.cli.streams import OutputFailed
from paxtui.client.errors import ClientError, Unknown
from paxtui.config.cluster_file import ConfigError


def code_of(error: BaseException, *, needs_output: bool = False) -> int:
    def work() -> int:
        raise error

    return exit_code_of(work, needs_output=needs_output)


def group(*errors: BaseException) -> BaseExceptionGroup[BaseException]:
    return BaseExceptionGroup("tasks", errors)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "paxtui: interrupted\n"),
        (group(ValueError("x"), group(group(KeyboardInterrupt()))), 130, "paxtui: interrupted\n"),
        (group(Interrupted("3 acknowledged")), 130, "paxtui: interrupted: 3 acknowledged\n"),
        (group(ConfigError("bad"), group(OutputFailed("gone", closed=True))), 0, ""),
        (
            group(group(OutputFailed("No space left on device", closed=False))),
            1,
            "paxtui: standard output cannot be written: No space left on device\n",
        ),
        (group(group(ConfigError("bad file"))), 2, "paxtui: bad file\n"),
        (Unknown("no answer"), 3, "paxtui: no answer\n"),
        (ClientError("refused"), 1, "paxtui: refused\n"),
        (Failure("so", 4), 4, "paxtui: so\n"),
        (SystemExit(5), 5, ""),
    ],
    ids=lambda value: repr(value) if isinstance(value, BaseException) else None,
)
def test_the_most_important_error_of_a_group_decides(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    assert code_of(error) == code
    assert capsys.readouterr().err == said


def test_a_mistake_of_ours_is_let_through() -> None:
    with pytest.raises(ZeroDivisionError):
        code_of(ZeroDivisionError())


def test_an_interrupt_while_the_output_is_flushed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Slow:
        encoding = "utf-8"

        def flush(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdout", Slow())
    assert exit_code_of(lambda: 0, needs_output=True) == 130
    assert capsys.readouterr().err == "paxtui: interrupted\n"
