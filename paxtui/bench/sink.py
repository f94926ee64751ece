"""Readers that cost next to nothing: tails or observers that take all they are sent, in one process.

Run: python -m paxtui.bench.sink tail|observe FIRST HOST:PORT... until standard input ends; then it prints a
JSON object a connection. What a program does with what it reads is its own affair; what is measured here is
what reading costs the replicas.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys

from msgspec import Struct

from paxtui.client.connection import RECEIVE_BYTES, answers
from paxtui.config.cluster_file import parse_addresses
from paxtui.wire import Decoder, FrameReader, encode
from paxtui.wire.hello import PROTOCOL_VERSION, Hello, HelloAnswer, Role, Welcome
from paxtui.wire.requests import LogPage, ObserveRequest, TailRequest

DIAL_S = 5.0

_welcomes: Decoder[Struct] = Decoder(HelloAnswer)


class SinkConnection:
    """One connection that is read and forgotten, but for the last frame."""

    def __init__(self, address: tuple[str, int], kind: str, first: int) -> None:
        self.bytes = 0
        self.frames = 0
        self._kind = kind
        self._last = b""
        self._reader = FrameReader()
        role: Role = "client" if kind == "tail" else "observer"
        request = TailRequest(id=0, first=first) if kind == "tail" else ObserveRequest(0)
        self.socket = socket.create_connection(address, DIAL_S)
        hello = Hello(version=PROTOCOL_VERSION, role=role, name="bench-reader")
        self.socket.sendall(encode(hello) + encode(request))
        self._greeted = False

    def receive(self) -> bool:
        """Take what is there; whether the connection still stands."""
        received = self.socket.recv(RECEIVE_BYTES)
        self.bytes += len(received)
        for body in self._reader.feed(received):
            if not self._greeted:
                welcome = _welcomes.decode(body)
                if not isinstance(welcome, Welcome):
                    raise ConnectionError(f"refused: {welcome}")
                self._greeted = True
                continue
            self.frames += 1
            self._last = body
        return bool(received)

    def summary(self) -> dict[str, int | None]:
        """Bytes, frames, and for a tail the slot after the last one that came."""
        after = None
        if self._kind == "tail" and self._last:
            page = answers.decode(self._last)
            if isinstance(page, LogPage) and page.entries:
                after = page.entries[-1].slot + 1
        return {"bytes": self.bytes, "frames": self.frames, "next": after}


def main(words: list[str]) -> None:
    """See the module."""
    kind, first, *addresses = words
    readers = [SinkConnection(each, kind, int(first)) for word in addresses for each in parse_addresses(word)]
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        for reader in readers:
            selector.register(reader.socket, selectors.EVENT_READ, reader)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    print(json.dumps([each.summary() for each in readers]), flush=True)
                    return
                if not key.data.receive():
                    selector.unregister(key.fileobj)


if __name__ == "__main__":
    main(sys.argv[1:])
