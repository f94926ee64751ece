"""Appends as frames: runs of consecutive request numbers travel together."""

from __future__ import annotations

from collections.abc import Iterator

from paxtui.client.receipt import Receipt
from paxtui.wire.requests import APPENDS_MAX, AppendManyRequest, AppendRequest

FRAME_CHARS_MAX = 128 * 1024
"""The most characters in one frame of appends: six bytes each still fit it."""


def frames(receipts: list[Receipt]) -> Iterator[AppendRequest | AppendManyRequest]:
    """The appends as frames, and the note that they leave: runs of consecutive numbers together."""
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
