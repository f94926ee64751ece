"""The unanswered appends of a session: their numbers, the window that bounds them, and their frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import trio

from paxtui.client.errors import ClientError, Failed, Unknown
from paxtui.client.receipt import Receipt
from paxtui.wire.requests import APPENDS_MAX, AppendedReply, AppendManyRequest, AppendRequest
from paxtui.wire.values import TEXT_BYTES_MAX

FRAME_CHARS_MAX = 128 * 1024
"""The most characters in one frame of appends: six bytes each still fit it."""


class PendingAppends:
    """The appends of one session that are not answered, by request number and in order."""

    def __init__(self) -> None:
        self.window = 1
        """How many may be unanswered: as many as a session's memory of answers holds."""
        self._next_request = 1
        self._oldest = 1
        """No request below this one is unanswered."""
        self._receipts: dict[int, Receipt] = {}
        self._room = trio.lowlevel.ParkingLot()

    def __len__(self) -> int:
        return len(self._receipts)

    def receipts(self) -> list[Receipt]:
        """Return the receipts in the order of their requests."""
        return list(self._receipts.values())

    def find(self, request: int) -> Receipt | None:
        """Return the receipt of a request; ``None`` if it is answered."""
        return self._receipts.get(request)

    @property
    def full(self) -> bool:
        """Return whether as many numbers are in use as the window allows."""
        return self._next_request - self._oldest >= self.window

    async def wait_for_room(self, deadline: float) -> None:
        """Wait until there is room, or until ``deadline``."""
        with trio.move_on_at(deadline):
            while self.full:
                await self._room.park()

    def set_window(self, window: int) -> None:
        """Take the window that a welcome states."""
        self.window = max(1, window)
        self._room.unpark_all()

    def add(self, text: str, started: float, deadline: float, give_up: Callable[[Receipt], None]) -> Receipt:
        """Give an append the next number. Room is the caller's to check."""
        number = self._next_request
        self._next_request += 1
        receipt = self._receipts[number] = Receipt(number, text, started, deadline, give_up)
        return receipt

    def succeed(self, reply: AppendedReply, replica: int) -> None:
        """End the appends that ``reply`` acknowledges: a run of requests in a run of slots."""
        now = trio.current_time()
        pop, ballot = self._receipts.pop, reply.ballot
        slot = reply.slot
        for request in range(reply.request, reply.request + reply.count):
            receipt = pop(request, None)
            if receipt is not None:
                receipt.succeed(slot, ballot, replica, now)
            slot += 1
        self._advance_oldest()

    def fail(self, receipt: Receipt, failure: ClientError) -> None:
        """End an append with ``failure``."""
        receipt.fail(failure, trio.current_time())
        self._receipts.pop(receipt.request, None)
        self._advance_oldest()

    def fail_expired(self, refused: Receipt) -> None:
        """End what must not go into the next session, as the session of ``refused`` is gone.

        What may have taken effect in the old session must not be sent in the new one, where no replica would
        notice the repetition. What was sent once, behind the refused request, came to a table that had
        forgotten the session already, so it may be sent again.
        """
        for receipt in self.receipts():
            if receipt.sends > 1 or (receipt.sends == 1 and receipt.request < refused.request):
                self.fail(receipt, Unknown("the session expired, and an earlier try may have taken effect"))
        if not refused.done:
            self.fail(refused, Failed("the session expired before the message was taken"))

    def fail_sent(self, problem: str) -> None:
        """End all that left at least once, as the session is not taken any more."""
        for receipt in self.receipts():
            if receipt.sends:
                self.fail(receipt, Unknown(f"{problem}; an earlier try may have taken effect"))

    def _advance_oldest(self) -> None:
        receipts, oldest, following = self._receipts, self._oldest, self._next_request
        while oldest < following and oldest not in receipts:
            oldest += 1
        self._oldest = oldest
        self._room.unpark_all()


def frames(receipts: list[Receipt]) -> Iterator[AppendRequest | AppendManyRequest]:
    """Yield the appends as frames, runs of consecutive numbers together, and count that they leave."""
    texts: list[str] = []
    first = chars = 0
    for receipt in receipts:
        receipt.sends += 1
        chars += len(receipt.text)
        if texts and (
            receipt.request != first + len(texts) or len(texts) >= APPENDS_MAX or chars > FRAME_CHARS_MAX
        ):
            yield _one_frame(first, texts)
            texts, chars = [], len(receipt.text)
        if not texts:
            first = receipt.request
        texts.append(receipt.text)
    if texts:
        yield _one_frame(first, texts)


def _one_frame(first: int, texts: list[str]) -> AppendRequest | AppendManyRequest:
    return AppendRequest(first, texts[0]) if len(texts) == 1 else AppendManyRequest(first, tuple(texts))


def check_text(text: str) -> None:
    """Refuse a text that no replica would take. Raises :class:`Failed`."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Failed(
            f"a message is Unicode text, and character {error.start + 1} of this one is not: "
            "it is half a surrogate pair, or stands for a byte that is not UTF-8"
        ) from None
    if not 0 < size <= TEXT_BYTES_MAX:
        raise Failed(f"a message has 1 to {TEXT_BYTES_MAX} bytes of UTF-8, this one has {size}")
