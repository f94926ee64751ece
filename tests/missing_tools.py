"""What this machine lacks for all tests to run, and the one command that brings it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

DEBIAN: Final = {
    "fish": "fish",
    "ip": "iproute2",
    "iproute2": "iproute2",
    "iptables": "iptables",
    "nft": "iptables",
    "java": "default-jre-headless",
    "openssl": "openssl",
    "strace": "strace",
    "systemd-analyze": "systemd",
    "tmux": "tmux",
    "zsh": "zsh",
}
"""Words in the reason of a skipped test, and the Debian package that has the tool."""

PIP: Final = {"kubernetes-validate": "kubernetes-validate"}


def packages(reasons: Sequence[str], known: dict[str, str]) -> list[str]:
    """The packages whose tools these reasons name, each once."""
    words = {word for reason in reasons for word in re.findall(r"[a-z0-9-]+", reason.lower())}
    return sorted({package for tool, package in known.items() if tool in words})


def summary(reasons: Sequence[str]) -> Iterator[str]:
    """Lines for the end of a run: how many tests were skipped and why, and how to run them."""
    if not reasons:
        return
    yield f"{len(reasons)} tests were skipped, which need what this machine does not have:"
    for reason, count in Counter(reason.removeprefix("Skipped: ") for reason in reasons).most_common():
        yield f"  {count:3}  {reason if len(reason) <= 100 else reason[:97] + '...'}"
    debian, pip = packages(reasons, DEBIAN), packages(reasons, PIP)
    commands = [f"apt-get install -y {' '.join(debian)}"] if debian else []
    commands += [f".venv/bin/pip install {' '.join(pip)}"] if pip else []
    if commands:
        yield f"to run them too (on Debian or Ubuntu, as root): {' && '.join(commands)}"
