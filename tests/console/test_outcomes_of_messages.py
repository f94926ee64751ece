"""The chat says of a message of ours what the client library said: chosen, failed or unknown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from paxtui.client import ClientError, Failed, Unknown, Unreachable
from paxtui.client.receipt import Receipt
from paxtui.console import commands as c
from paxtui.console.driver.driver import ClusterDriver
from paxtui.console.model.state.sent_messages import SentMessages
from paxtui.wire.values import Ballot


class EndedLog:
    """A log whose appends have ended before they began."""

    def __init__(self, failure: ClientError | None) -> None:
        self._failure = failure

    async def submit(self, text: str, *, timeout_s: float) -> Receipt:
        receipt = Receipt(1, text, 0.0, timeout_s, lambda _: None)
        if self._failure is None:
            receipt.succeed(7, Ballot(1, 0), 0, 1.0)
        else:
            receipt.fail(self._failure, 1.0)
        return receipt

    async def session(self) -> str:
        return "ada~1"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("failure", "fate"),
    [
        (None, "chosen"),
        (Unknown("no answer"), "unknown"),
        (Failed("too long"), "failed"),
        (Unreachable("no process listens there"), "failed"),
    ],
)
async def test_a_message_ends_as_the_client_library_says(failure: ClientError | None, fate: str) -> None:
    own = SimpleNamespace(chat=SentMessages(), version=0)

    async def number(*_: object) -> None:
        pass

    driver: Any = SimpleNamespace(own=own, now=1.0, _number=number)
    await ClusterDriver._append_message(driver, EndedLog(failure), c.AppendCommand("hello", None))  # type: ignore[arg-type]
    (mine,) = own.chat.mine
    assert mine.fate == fate
    assert mine.problem == (str(failure) if failure else "")
    assert own.version == 1
