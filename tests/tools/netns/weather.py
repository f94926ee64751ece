"""Loss, delay and reorder for whole packets: by ``tc netem``, or without it by a program of ours that the
kernel asks what becomes of each packet (NFQUEUE). Not every kernel has sch_netem.

As a program: ``python weather.py NAMESPACE... --seed N`` says "ready", and ends when its input does.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import heapq
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOSS = 0.03
DELAY_S = (0.002, 0.006)
LATE = 0.1
LATE_S = 0.03
"""Of each packet's fate: lost, or delayed by a time from the first range, and now and then by more, so that
those behind it overtake it."""

NETEM = f"delay 4ms 2ms loss {LOSS:.0%} reorder 25% 50%"

NETFILTER = 12
ACCEPT, DROP = 1, 0
PACKET, VERDICT, CONFIG = 0x300, 0x301, 0x302
QUEUE = 1
CLONE_NEWNET = 0x40000000


@contextmanager
def by_netem(namespaces: list[str]) -> Iterator[None]:
    """Raises ``OSError`` with tc's complaint."""
    try:
        for name in namespaces:
            command = ["tc", "-n", name, "qdisc", "add", "dev", "eth0", "root", "netem", *NETEM.split()]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise OSError(f"tc netem says: {done.stderr.strip().splitlines()[0]}")
        yield
    finally:
        for name in namespaces:
            command = ["tc", "-n", name, "qdisc", "del", "dev", "eth0", "root"]
            subprocess.run(command, capture_output=True, check=False)


@contextmanager
def by_queue(namespaces: list[str]) -> Iterator[None]:
    """Raises ``OSError`` with the complaint of who cannot."""
    command = [sys.executable, __file__, *namespaces, "--seed", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as judge:
        try:
            assert judge.stdout is not None
            said = judge.stdout.readline().strip()
            if said != "ready":
                raise OSError(f"NFQUEUE says: {said or 'nothing'}")
            for name in namespaces:
                rule = ["-i", "eth0", "-j", "NFQUEUE", "--queue-num", str(QUEUE)]
                command = ["ip", "netns", "exec", name, "iptables", "-w", "-A", "INPUT", *rule]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise OSError(f"iptables says: {done.stderr.strip()}")
            yield
        finally:
            for name in namespaces:
                command = ["ip", "netns", "exec", name, "iptables", "-w", "-F", "INPUT"]
                subprocess.run(command, capture_output=True, check=False)
            assert judge.stdin is not None
            judge.stdin.close()


class Judge:
    """Decides on the packets that reach one host."""

    def __init__(self, namespace: str, rng: random.Random) -> None:
        with Path("/run/netns", namespace).open() as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
        self._rng = rng
        self._say(CONFIG, 1, struct.pack("!BxH", 1, 0))  # bind
        self._hear_answer()
        self._say(CONFIG, 2, struct.pack("!IB", 0, 1))  # what matters of a packet is its number
        self._hear_answer()
        self.socket.setblocking(False)

    def _say(self, kind: int, attribute: int, value: bytes, flags: int = 5) -> None:
        """A request; by default with an acknowledgement."""
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, QUEUE)
        body += struct.pack("=HH", 4 + len(value), attribute) + value.ljust(-(-len(value) // 4) * 4, b"\0")
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body)

    def _hear_answer(self) -> None:
        answer = self.socket.recv(65536)
        (number,) = struct.unpack_from("=i", answer, 16)
        if number != 0:
            raise OSError(-number, "the kernel has no packet queue")

    def packets(self) -> Iterator[int]:
        """The numbers of packets that wait for a decision."""
        while True:
            try:
                received = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # more than fits is lost: that is weather, too
                    raise
                continue
            length, kind = struct.unpack_from("=IH", received)
            at = 20
            while kind == PACKET and at + 4 <= length:
                size, attribute = struct.unpack_from("=HH", received, at)
                if attribute == 1:
                    yield struct.unpack_from("!I", received, at + 4)[0]
                at += -(-max(size, 4) // 4) * 4

    def due(self, now: float) -> float | None:
        """When a packet may go on; ``None`` if it is lost."""
        if self._rng.random() < LOSS:
            return None
        late = LATE_S if self._rng.random() < LATE else 0.0
        return now + late + self._rng.uniform(*DELAY_S)

    def decide(self, packet: int, verdict: int) -> None:
        self._say(VERDICT, 2, struct.pack("!II", verdict, packet), flags=1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("namespaces", nargs="+")
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    try:
        judges = [Judge(name, random.Random(f"{asked.seed}/{n}")) for n, name in enumerate(asked.namespaces)]
    except OSError as error:
        print(error, flush=True)
        return
    waiting: list[tuple[float, int, Judge]] = []
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for judge in judges:
            selector.register(judge.socket, selectors.EVENT_READ, judge)
        print("ready", flush=True)
        while True:
            left_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            for key, _ in selector.select(left_s):
                if key.data is None:
                    return
                for packet in key.data.packets():
                    due = key.data.due(time.monotonic())
                    if due is None:
                        key.data.decide(packet, DROP)
                    else:
                        heapq.heappush(waiting, (due, packet, key.data))
            while waiting and waiting[0][0] <= time.monotonic():
                _, packet, judge = heapq.heappop(waiting)
                judge.decide(packet, ACCEPT)


if __name__ == "__main__":
    main()
