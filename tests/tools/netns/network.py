"""Hosts of a network that exists for one test process: namespaces, a switch, and what can be done to cables.

Everything lives in namespaces of its own, so names and addresses of two test processes cannot meet, and
nothing of the machine's own network changes. What a killed test process left is removed by the next one.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import count
from pathlib import Path

NAMESPACES = Path("/run/netns")
PREFIX = "paxtui-test"
NET = "10.77.0"
CLIENT = 9
"""The host of the clients; replicas are hosts 0, 1 and 2."""

CLONE_NEWNET = 0x40000000

_numbers = count()
_libc = ctypes.CDLL(None, use_errno=True)


class Missing(Exception):
    """Something cannot be done on this machine; the message says what and why."""


def run(*words: object, stdin: str = "") -> str:
    """A command's output. Raises :class:`Missing` with its complaint."""
    command = [str(word) for word in words]
    if shutil.which(command[0]) is None:
        raise Missing(f"{command[0]} is not installed (Debian: apt-get install iproute2 iptables)")
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(f"`{' '.join(command)}` says: {complaint[0] if complaint else done.returncode}")
    return done.stdout


def address(host: int) -> str:
    return f"{NET}.{host + 1}"


class Network:
    """Three hosts for replicas and one for clients, each with one cable to the same switch."""

    def __init__(self) -> None:
        """Raises :class:`Missing`; then nothing is left."""
        tag = f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
        self.switch = f"{tag}-switch"
        self.hosts = {host: f"{tag}-{host}" for host in (0, 1, 2, CLIENT)}
        if os.geteuid() != 0:
            raise Missing("network namespaces need root")
        remove_of_the_dead()
        try:
            self._wire()
        except BaseException:
            self.close()
            raise

    def _wire(self) -> None:
        for name in (self.switch, *self.hosts.values()):
            run("ip", "netns", "add", name)
        batch(self.switch, "link add name bridge type bridge forward_delay 0 mcast_snooping 0", up("bridge"))
        for host, name in self.hosts.items():
            port = f"port{host}"
            # One segment a packet: the switch then sees the sizes that a cable would.
            cable = (
                f"link add name {port} gso_max_segs 1 type veth peer name eth0 gso_max_segs 1 netns {name}"
            )
            batch(self.switch, cable, f"link set {port} master bridge", up(port))
            batch(name, up("lo"), f"address add {address(host)}/24 dev eth0", up("eth0"))

    @cached_property
    def _filter(self) -> Iptables | Nft:
        """What loses packets. Raises :class:`Missing`."""
        complaints = []
        for kind in (Iptables(), Nft()):
            try:
                for words in (*kind.begin, kind.drop(f"{NET}.250"), *kind.end):
                    self.on(CLIENT, *words)
            except Missing as missing:
                complaints.append(str(missing))
            else:
                return kind
        raise Missing("; ".join(complaints))

    def close(self) -> None:
        """Remove all of it, however far it was made."""
        for name in (self.switch, *self.hosts.values()):
            if (NAMESPACES / name).exists():
                run("ip", "netns", "delete", name)

    def on(self, host: int, *words: object) -> str:
        """Run a command on a host."""
        return run("ip", "netns", "exec", self.hosts[host], *words)

    @contextmanager
    def inside(self, host: int) -> Iterator[None]:
        """Whatever this thread connects meanwhile, it connects from that host."""
        with Path("/proc/thread-self/ns/net").open() as home, (NAMESPACES / self.hosts[host]).open() as away:
            enter(away.fileno())
            try:
                yield
            finally:
                enter(home.fileno())

    # What happens to cables

    def pull(self, host: int) -> None:
        """Pull the host's cable out of the switch."""
        run("ip", "-n", self.switch, "link", "set", f"port{host}", "down")

    def plug(self, host: int) -> None:
        """Plug it in again."""
        run("ip", "-n", self.switch, "link", "set", f"port{host}", "up")

    def deafen(self, receiver: int, *senders: int) -> None:
        """Lose all that ``receiver`` is sent by these, and tell nobody. Raises :class:`Missing`."""
        for words in (*self._filter.begin, *map(self._filter.drop, map(address, senders))):
            self.on(receiver, *words)

    def part(self, host: int, *others: int) -> None:
        """Lose everything between a host and others."""
        self.deafen(host, *others)
        for other in others:
            self.deafen(other, host)

    def hear(self) -> None:
        """Nothing is lost any more."""
        for host in self.hosts:
            for words in (*self._filter.begin, *self._filter.end):
                self.on(host, *words)

    def narrow(self, host: int, mtu: int) -> None:
        """The switch drops packets above ``mtu`` bytes to and from this host. As switches do, it sends no
        "fragmentation needed", so nobody learns of it."""
        run("ip", "-n", self.switch, "link", "set", f"port{host}", "mtu", mtu)

    def heal(self) -> None:
        """All cables are in, and carry everything."""
        with suppress(Missing):  # where nothing can be lost, nothing was
            self.hear()
        for host in self.hosts:
            self.narrow(host, 1500)
            self.plug(host)


class Iptables:
    """Cuts by iptables."""

    begin = ()
    end = (("iptables", "-w", "-F", "INPUT"),)

    def drop(self, sender: str) -> tuple[str, ...]:
        return ("iptables", "-w", "-A", "INPUT", "-s", sender, "-j", "DROP")


class Nft:
    """Cuts by nft, where there is no iptables."""

    begin = (("nft", "add table ip cuts; add chain ip cuts in { type filter hook input priority 0; }"),)
    end = (("nft", "flush chain ip cuts in"),)

    def drop(self, sender: str) -> tuple[str, ...]:
        return ("nft", f"add rule ip cuts in ip saddr {sender} drop")


def batch(namespace: str, *lines: str) -> None:
    """Do several things with ``ip`` in a namespace."""
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")


def up(device: str) -> str:
    return f"link set {device} up"


def enter(namespace: int) -> None:
    """Move this thread to a network namespace."""
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def remove_of_the_dead() -> None:
    """Remove what processes left that were killed."""
    for path in NAMESPACES.glob(f"{PREFIX}-*"):
        found = re.match(rf"{PREFIX}-(\d+)-", path.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            subprocess.run(["ip", "netns", "delete", path.name], check=False, capture_output=True)
