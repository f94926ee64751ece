"""etcd as a rival: three members on this machine, with their default settings, and generators in C.

Two ways in. Its JSON gateway, asked by `wrk` over keep-alive HTTP: what a program without gRPC uses; each
put costs etcd a JSON decoding and a call to itself. And gRPC, asked by `h2load` with a put's bytes as the
body of each request: what etcd's own client does, and the faster of the two. `etcdctl check perf` is no
generator of ours: its small load asks for 150 puts a second and no more, and each takes a minute.
"""

from __future__ import annotations

import base64
import json
import resource
import shutil
import signal
import struct
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from paxtui.config import cluster_file
from tests.tools.compare.results import Meter, Result

MEMBERS = 3
READY_S = 30.0
KEYS = 1000
WARM_UP_S = 1

GATEWAY = "etcd, JSON gateway"
GRPC = "etcd, gRPC"

SCRIPT = """
local requests, turn = {}, 0
local headers = {["Content-Type"] = "application/json"}
init = function(args)
    for number = 1, #BODIES do
        requests[number] = wrk.format("POST", "/v3/kv/put", headers, BODIES[number])
    end
end
request = function()
    turn = turn % #requests + 1
    return requests[turn]
end
done = function(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        '\\n{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"bad":%d}\\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout
    ))
end
"""


def missing() -> dict[str, str]:
    """What cannot be measured, and how to get what is missing."""
    found: dict[str, str] = {}
    if shutil.which("etcd") is None:
        found["etcd"] = "`etcd` is missing; on Debian and Ubuntu: apt-get install etcd-server"
        return found
    if shutil.which("wrk") is None:
        found[GATEWAY] = "`wrk` is missing; on Debian and Ubuntu: apt-get install wrk"
    if shutil.which("h2load") is None:
        found[GRPC] = "`h2load` is missing; on Debian and Ubuntu: apt-get install nghttp2-client"
    return found


def version() -> str:
    """Of the etcd that is installed."""
    said = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0].removeprefix("etcd Version: ")


class Etcd:
    """Running members, and the URL of the leader: paxtui's clients go to the leader, too."""

    def __init__(self, pids: list[int], leader: str, folder: Path) -> None:
        self._pids = pids
        self._leader = leader
        self._folder = folder

    def gateway(self, load: str, connections: int, size: int, seconds: float) -> Result:
        """Puts of ``size`` bytes over so many keep-alive connections, one under way on each."""
        script = self._folder / "put.lua"
        value = base64.b64encode(b"x" * size).decode()
        keys = (base64.b64encode(b"key-%04d" % number).decode() for number in range(KEYS))
        bodies = (json.dumps(json.dumps({"key": key, "value": value})) for key in keys)
        script.write_text(f"local BODIES = {{{','.join(bodies)}}}\n" + SCRIPT)
        self._wrk(script, connections, WARM_UP_S)
        meter, before, started = Meter(self._pids), _children_s(), time.monotonic()
        said = self._wrk(script, connections, seconds)
        generator_s = _children_s() - before
        servers_s, others = meter.since(generator_s, time.monotonic() - started)
        if said["bad"]:
            raise RuntimeError(f"wrk saw {said['bad']} errors")
        return Result(
            system=GATEWAY,
            load=load,
            throughput=said["requests"] / said["seconds"],
            p50_ms=said["p50"],
            p99_ms=said["p99"],
            servers_us=servers_s / said["requests"] * 1e6,
            generator_us=generator_s / said["requests"] * 1e6,
            others_share=others,
        )

    def _wrk(self, script: Path, connections: int, seconds: float) -> dict[str, Any]:
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--timeout", "10s"]
        command += ["--duration", f"{max(1, round(seconds))}s", "--script", str(script), self._leader]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def grpc(self, load: str, connections: int, streams: int, size: int, seconds: float) -> Result:
        """Puts over so many connections, with so many under way on each."""
        body = self._folder / "put.bin"
        body.write_bytes(_put(b"key-0000", b"x" * size))
        log = self._folder / "h2load.tsv"
        log.unlink(missing_ok=True)
        command = ["h2load", "--threads=1", f"--clients={connections}", f"--max-concurrent-streams={streams}"]
        command += [f"--duration={max(1, round(seconds))}", f"--warm-up-time={WARM_UP_S}"]
        command += ["--header=content-type: application/grpc", "--header=te: trailers", f"--data={body}"]
        command += [f"--log-file={log}", f"{self._leader}/etcdserverpb.KV/Put"]
        revision = self._revision()
        meter, before, started = Meter(self._pids), _children_s(), time.monotonic()
        subprocess.run(command, capture_output=True, text=True, check=True)
        took_s, generator_s = time.monotonic() - started, _children_s() - before
        servers_s, others = meter.since(generator_s, took_s)
        # h2load does not read gRPC's trailers: that each request was a put is told by the revision.
        puts = self._revision() - revision
        rows = [line.split("\t") for line in log.read_text().splitlines()]
        times = sorted(int(row[2]) for row in rows)
        if puts < len(times) or any(row[1] != "200" for row in rows):
            raise RuntimeError(f"of {len(times)} requests only {puts} were puts")
        return Result(
            system=GRPC,
            load=load,
            throughput=len(times) / max(1, round(seconds)),
            p50_ms=times[len(times) // 2] / 1000,
            p99_ms=times[int(len(times) * 0.99)] / 1000,
            servers_us=servers_s / puts * 1e6,
            generator_us=generator_s / puts * 1e6,
            others_share=others,
        )

    def _revision(self) -> int:
        answer = _post(f"{self._leader}/v3/kv/range", {"key": base64.b64encode(b"none").decode()})
        return int(answer["header"]["revision"])


def _put(key: bytes, value: bytes) -> bytes:
    """A gRPC frame with a PutRequest: key is field 1, value field 2."""
    message = b"\x0a" + _varint(len(key)) + key + b"\x12" + _varint(len(value)) + value
    return struct.pack(">BI", 0, len(message)) + message


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def _children_s() -> float:
    """Processor time of the processes that have ended: each generator, and no member."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _post(url: str, body: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def running(folder: Path) -> Iterator[Etcd]:
    """Three members with their data below ``folder``; gone at the end."""
    ports = cluster_file.free_ports(2 * MEMBERS)
    clients, peers = (
        [f"http://127.0.0.1:{port}" for port in part] for part in (ports[:MEMBERS], ports[MEMBERS:])
    )
    names = [f"e{number}" for number in range(MEMBERS)]
    cluster = ",".join(f"{name}={peer}" for name, peer in zip(names, peers, strict=True))
    with ExitStack() as stack:
        processes = []
        for name, client, peer in zip(names, clients, peers, strict=True):
            command = ["etcd", "--name", name, "--data-dir", str(folder / name), "--log-level", "error"]
            command += ["--listen-client-urls", client, "--advertise-client-urls", client]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
            command += ["--initial-cluster", cluster]
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            stack.callback(_end, process)
            processes.append(process)
        yield Etcd([process.pid for process in processes], _leader(clients), folder)


def _leader(clients: list[str]) -> str:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            answers = {client: _post(f"{client}/v3/maintenance/status", {}) for client in clients}
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
            continue
        for client, answer in answers.items():
            if answer.get("leader", "0") == answer["header"]["member_id"]:
                return client
        time.sleep(0.1)
    raise RuntimeError(f"etcd has no leader after {READY_S:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
