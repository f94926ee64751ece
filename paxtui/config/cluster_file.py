"""Cluster files: who the replicas are, where they listen, and the numbers that they run with.

Two formats, told apart by content. TOML says everything: ``configs/local-3.toml`` shows all of it. The
classic format says who is there and no more: one ``ip port`` a line, the first line is replica 0.
Whatever is wrong with a file is one `ConfigError`: file, line, what is wrong, what is allowed.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, ValidationError, convert, structs

from paxtui.config.folders import ConfigError as ConfigError
from paxtui.config.folders import ConfigText, quoted, read_source, shown, shown_number
from paxtui.config.limits import FIELDS as LIMITS
from paxtui.config.limits import Limits
from paxtui.config.limits import problem as limits_problem
from paxtui.config.limits import with_environment as limits_with_environment
from paxtui.config.retention import FIELDS as KEEP
from paxtui.config.retention import Retention
from paxtui.config.retention import problem as keep_problem
from paxtui.config.tls_files import TLS_KEYS, Tls, absolute, with_environment
from paxtui.core.ballot import NUMBER_LIMIT, REPLICAS_MAX
from paxtui.core.messages import RUN_MAX
from paxtui.core.settings import Settings
from paxtui.core.validation import VOTES_AHEAD_MAX
from paxtui.wire.schema_errors import TOML_WORDS, UNKNOWN_MISTAKE, find_mistake

BUILT_IN = "built-in"
CONFIG_VARIABLE = "PAXTUI_CONFIG"
LOCAL_PORT = 7400
WARM_UPS: Final = ("all", "majority", "none")

NAME_CHARS_MAX = 64
RECORD_CHARS_MAX = 4096
HOST_CHARS_MAX = 253

SECONDS_MAX = 86_400.0
"""A day. Longer times are a slip of the unit, and would sleep past every test of them."""

RUN_CHARS_MAX = 128 * 1024
"""Six bytes a character, as JSON escapes them at worst, stay below a frame of 1 MiB."""

DOTS_MAX = 64
"""In one name. tomllib takes memory by its square: a file of 1 MiB would take all that there is."""

_SETTINGS: Final = {field.name: field for field in structs.fields(Settings)}
_MAXIMA: Final = {"run_slots": RUN_MAX, "run_chars": RUN_CHARS_MAX, "ahead_slots": VOTES_AHEAD_MAX}
_RENAMED: Final = {"marks_max": "checkpoints_max"}
"""Settings by an earlier name, which a file may still use."""

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "": ("cluster", "replica", "settings", "limits", "keep", "tls"),
    "cluster": ("name", "warm_up", "record"),
    "replica": ("id", "host", "port"),
    "settings": tuple(_SETTINGS),
    "limits": tuple(LIMITS),
    "keep": tuple(KEEP),
    "tls": TLS_KEYS,
}
_TABLES: Final = ("cluster", "settings", "limits", "keep", "tls")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\.?")


class Address(Struct, frozen=True):
    """Where one replica listens."""

    id: int
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Cluster(Struct, frozen=True, kw_only=True):
    """One cluster as its file describes it. ``replicas`` is sorted by id, and ids are 0 to n-1."""

    name: str
    replicas: tuple[Address, ...]
    settings: Settings = Settings()
    warm_up: str | None = None
    """``all``, ``majority`` or ``none``; without it, whoever starts the cluster decides."""
    record: str | None = None
    """The file that takes the record of the run."""
    tls: Tls | None = None
    """Certificates; without them connections are plain."""
    limits: Limits = Limits()
    """What each replica allows those who connect."""
    keep: Retention = Retention()
    """How much of the log is kept."""
    source: str = BUILT_IN
    """The path that it was read from, as given, or ``built-in``."""

    @property
    def n(self) -> int:
        return len(self.replicas)

    @property
    def f(self) -> int:
        """How many replicas may fail."""
        return (self.n - 1) // 2

    @property
    def digest(self) -> str:
        """Sixteen hex digits over all that must be equal on every replica: peers compare it at ``hello``."""
        members = [[address.id, _canonical(address.host), address.port] for address in self.replicas]
        sessions = [self.settings.sessions_max, self.settings.session_window]
        text = json.dumps([members, sessions], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def address(self, id: int) -> Address:
        if not 0 <= id < self.n:
            raise ConfigError(f"{shown(self.source)}: there is no replica {id}, ids are 0 to {self.n - 1}")
        return self.replicas[id]


def find(path_flag: str | Path | None, env: Mapping[str, str] | None = None) -> Cluster:
    """The cluster that the flag names, else the environment's ``PAXTUI_CONFIG``, else the built-in one; what
    the environment says of certificates and limits goes over what the file says."""
    named = (os.environ if env is None else env).get(CONFIG_VARIABLE)
    try:
        cluster = load(named if path_flag is None and named else path_flag)
    except ConfigError as error:
        if path_flag is not None or not named:
            raise
        raise ConfigError(f"{error} (the file that {CONFIG_VARIABLE} names)") from None
    try:
        limits = limits_with_environment(cluster.limits, os.environ if env is None else env)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return structs.replace(cluster, tls=with_environment(cluster.tls, env), limits=limits)


def load(path: str | Path | None) -> Cluster:
    """Read a cluster file of either format. ``None`` is the built-in cluster, ``local(3)``."""
    if path is None:
        return local(3)
    source = read_source(Path(path))
    meaningful = next(filter(None, map(_uncommented, source.lines)), "")
    if not meaningful:
        raise source.error("the file is empty, expected [[replica]] tables or lines of `ip port`")
    cluster = _from_toml(source, Path(path).parent) if _is_toml(meaningful) else _from_classic(source)
    return structs.replace(cluster, name=cluster.name or _stem(Path(path)), source=str(path))


def local(n: int, ports: Sequence[int] | None = None, name: str | None = None) -> Cluster:
    """A cluster of ``n`` replicas on this machine, on ports 7400, 7401, ... unless told otherwise."""
    source = ConfigText(BUILT_IN)
    ports = range(LOCAL_PORT, LOCAL_PORT + n) if ports is None else ports
    if len(ports) != n:
        raise source.error(f"{n} replicas need {n} ports, not {len(ports)}")
    rows = [(_address(source, None, id, "127.0.0.1", port), None) for id, port in enumerate(ports)]
    name = f"local-{n}" if name is None else name
    _check_text(source, None, "name", name, NAME_CHARS_MAX)
    return Cluster(name=name, replicas=_members(source, rows))


def free_ports(n: int) -> tuple[int, ...]:
    """``n`` ports of this machine that nobody uses now: all are held at once, so all differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return tuple(each.getsockname()[1] for each in sockets)


def check_f(cluster: Cluster, f: int) -> None:
    """Refuse a number of failures that does not fit the number of replicas."""
    if 2 * f + 1 != cluster.n:
        raise ConfigError(
            f"{shown(cluster.source)}: f = {f} needs 2f+1 = {2 * f + 1} replicas, "
            f"but there are {cluster.n}: f = {cluster.f} fits"
        )


def parse_addresses(text: str) -> tuple[tuple[str, int], ...]:
    """``HOST:PORT,HOST:PORT`` as pairs. An IPv6 host stands in brackets."""
    source = ConfigText("addresses")
    found: list[tuple[str, int]] = []
    for part in (part.strip() for part in text.split(",")):
        match = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]+):([^:]+)", part)
        if match is None:
            raise source.error(f"{quoted(part)} is not HOST:PORT, with commas between several")
        address = _address(source, None, 0, match[1], _port(source, None, match[2]))
        found.append((address.host, address.port))
    return tuple(dict.fromkeys(found))


def to_toml(cluster: Cluster) -> str:
    """A file that `load` reads back as the same cluster. Settings at their default are left out."""
    string = partial(json.dumps, ensure_ascii=False)  # JSON's escapes are a subset of TOML's
    lines = ["[cluster]", f"name = {string(cluster.name)}"]
    texts = {"warm_up": cluster.warm_up, "record": cluster.record}
    lines += [f"{key} = {string(text)}" for key, text in texts.items() if text is not None]
    for address in cluster.replicas:
        lines += ["", "[[replica]]", f"id = {address.id}"]
        lines += [f"host = {string(address.host)}", f"port = {address.port}"]
    values = {key: getattr(cluster.settings, key) for key in _SETTINGS}
    changed = [f"{key} = {value!r}" for key, value in values.items() if value != _SETTINGS[key].default]
    if changed:
        lines += ["", "[settings]", *changed]
    limits = {key: getattr(cluster.limits, key) for key in LIMITS}
    lower = [f"{key} = {value!r}" for key, value in limits.items() if value != LIMITS[key].default]
    if lower:
        lines += ["", "[limits]", *lower]
    kept = {key: getattr(cluster.keep, key) for key in KEEP}
    if not cluster.keep.everything:
        lines += ["", "[keep]", *(f"{key} = {value!r}" for key, value in kept.items() if value is not None)]
    if cluster.tls is not None:
        said = {key: getattr(cluster.tls, key) for key in TLS_KEYS}
        lines += ["", "[tls]"]
        lines += [f"{key} = {string(text)}" for key, text in said.items() if text is not None]
    return "\n".join(lines) + "\n"


def to_classic(cluster: Cluster) -> str:
    """The membership in the classic format. Name and settings have no place in it."""
    return "".join(f"{address.host} {address.port}\n" for address in cluster.replicas)


class _Header(Struct, frozen=True):
    name: str | None = None
    warm_up: str | None = None
    record: str | None = None


class _File(Struct):
    """The shape of the TOML format."""

    cluster: _Header = _Header()
    replica: list[Address] = []
    settings: Settings = Settings()
    limits: Limits = Limits()
    keep: Retention = Retention()
    tls: Tls | None = None


def _uncommented(line: str) -> str:
    return line.partition("#")[0].strip()


def _is_toml(line: str) -> bool:
    """The first line that says something tells. ``[::1] 7400`` is a classic line, not a TOML header."""
    return "=" in line or (line.startswith("[") and not re.fullmatch(r"\[[^\]]*:[^\]]*\]\s.*", line))


def _stem(path: Path) -> str:
    text = "".join(char if char.isprintable() else "_" for char in path.stem)
    return text.strip()[:NAME_CHARS_MAX] or "cluster"


def _from_classic(source: ConfigText) -> Cluster:
    rows: list[tuple[Address, int | None]] = []
    for number, line in enumerate(source.lines, start=1):
        fields = _uncommented(line).split()
        if not fields:
            continue
        if len(fields) != 2:
            raise source.error(f"{quoted(line.strip())} is not `ip port`, such as 127.0.0.1 7400", number)
        port = _port(source, number, fields[1])
        rows.append((_address(source, number, len(rows), fields[0], port), number))
    return Cluster(name="", replicas=_members(source, rows))


def _with_names_of_today(table: dict[str, Any]) -> dict[str, Any]:
    settings = table.get("settings")
    if isinstance(settings, dict):
        for old, new in _RENAMED.items():
            if old in settings and new not in settings:
                settings[new] = settings.pop(old)
    return table


def _from_toml(source: ConfigText, folder: Path) -> Cluster:
    file = _typed(source, _with_names_of_today(_parse(source)))
    header, line_of = file.cluster, source.line_of
    for key, limit in (("name", NAME_CHARS_MAX), ("record", RECORD_CHARS_MAX)):
        if (text := getattr(header, key)) is not None:
            _check_text(source, line_of("cluster", key), key, text, limit)
    if header.warm_up not in (None, *WARM_UPS):
        what = f"warm_up is {quoted(header.warm_up)}, allowed: {', '.join(WARM_UPS)}"
        raise source.error(what, line_of("cluster", "warm_up"))
    check_settings(source, file.settings)
    if len(file.replica) > REPLICAS_MAX:  # before their lines are looked for
        _check_size(source, len(file.replica))
    rows: list[tuple[Address, int | None]] = []
    for index, row in enumerate(file.replica):
        line = line_of("replica", "host" if _host_problem(_bare(row.host)) else "port", index)
        rows.append((_address(source, line, row.id, row.host, row.port), line_of("replica", "id", index)))
    return Cluster(
        name=header.name or "",
        replicas=_members(source, rows),
        settings=file.settings,
        warm_up=header.warm_up,
        record=header.record,
        tls=_tls(source, file.tls, folder),
        limits=_limits(source, file.limits),
        keep=_keep(source, file.keep),
    )


def _keep(source: ConfigText, keep: Retention) -> Retention:
    found = keep_problem(keep)
    if found is not None:
        raise source.error(found[1], source.line_of("keep", found[0]))
    return keep


def _limits(source: ConfigText, limits: Limits) -> Limits:
    if found := limits_problem(limits):
        raise source.error(found[1], source.line_of("limits", found[0]))
    return limits


def _tls(source: ConfigText, tls: Tls | None, folder: Path) -> Tls | None:
    """Relative paths start at the cluster file: it and its certificates move together."""
    if tls is None:
        return None
    said = {key: text for key in TLS_KEYS if (text := getattr(tls, key)) is not None}
    if not said:
        what = f"[tls] says nothing; allowed: {', '.join(TLS_KEYS)}, of which folder is enough"
        raise source.error(what, source.line_of("tls"))
    for key, text in said.items():
        _check_text(source, source.line_of("tls", key), key, text, RECORD_CHARS_MAX)
    return Tls(**absolute(said, folder))


def _parse(source: ConfigText) -> dict[str, Any]:
    code = re.sub(r"(?m)^\s*#.*", "", source.text)
    if any(part.count(".") > DOTS_MAX for part in re.split(r"[=\n]", code)):
        raise source.error("is not a cluster file: nested too deeply")
    return source.toml()


def _typed(source: ConfigText, document: dict[str, Any]) -> _File:
    """The document with names and types checked. Unknown names first: they explain the missing ones."""
    rows = document.get("replica")
    tables = [("replica", index, row) for index, row in enumerate(rows if isinstance(rows, list) else ())]
    tables += [("", 0, document), *((name, 0, document.get(name)) for name in _TABLES)]
    for where, index, table in tables:
        for key in table if isinstance(table, dict) else ():
            if key not in _KEYS[where]:
                near = difflib.get_close_matches(key, _KEYS[where], n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                place = f" in {where}" if where else ""
                what = f"unknown key {quoted(key)}{place}; {hint}allowed: {', '.join(_KEYS[where])}"
                raise source.error(what, source.line_of(where, key, index) or source.line_of(key))
    try:
        return convert(document, _File)
    except (ValidationError, OverflowError):
        mistake = find_mistake(document, _File, TOML_WORDS) or UNKNOWN_MISTAKE
    where, index, key = _place(mistake.path)
    subject = ".".join(filter(None, (where, key)))
    what = mistake.reason
    what += ", write [[replica]] once for each" if mistake.path == ("replica",) else ""
    line = source.line_of(where, key, index) or source.line_of("", where)
    raise source.error(f"{subject}: {what}", line)


def _place(path: tuple[str | int, ...]) -> tuple[str, int, str]:
    """Table, its number where there are several, and key, of a path into the document."""
    where = str(path[0]) if path else ""
    index = next((step for step in path if isinstance(step, int)), 0)
    keys = [step for step in path[1:] if isinstance(step, str)]
    return where, index, keys[0] if keys else ""


def check_settings(source: ConfigText, settings: Settings) -> None:
    """Refuse numbers with which no cluster works."""
    for key, field in _SETTINGS.items():
        value = getattr(settings, key)
        limit = SECONDS_MAX if field.type is float else _MAXIMA.get(key, NUMBER_LIMIT - 1)
        if not 0 < value <= limit:
            what = f"{key} is {shown_number(value)}, allowed: above 0, at most {limit:.16g}"
            raise source.error(what, source.line_of("settings", key))
    beat, low, high = settings.heartbeat_s, settings.election_s_min, settings.election_s_max
    if low <= 2 * beat:  # a leader must be heard twice before anybody rises against it
        line = source.line_of("settings", "election_s_min")
        raise source.error(f"election_s_min is {low}, allowed: above 2 * heartbeat_s, here {2 * beat}", line)
    if high < low:
        line = source.line_of("settings", "election_s_max")
        raise source.error(f"election_s_max is {high}, allowed: at least election_s_min, here {low}", line)
    # An acceptor that votes less far ahead than a leader proposes would need each vote sent again.
    chars = settings.window_chars + settings.run_chars
    for key, value, least, words in (
        ("ahead_slots", settings.ahead_slots, settings.window_slots, "window_slots"),
        ("ahead_chars", settings.ahead_chars, chars, "window_chars + run_chars"),
    ):
        if value < least:
            line = source.line_of("settings", key)
            raise source.error(f"{key} is {value}, allowed: at least {words}, here {least}", line)


def _members(source: ConfigText, rows: Sequence[tuple[Address, int | None]]) -> tuple[Address, ...]:
    """The rows as a membership: no address and no id twice, ids 0 to n-1, and an n that makes sense."""
    seen: dict[object, int | None] = {}
    for address, line in rows:
        place = (_canonical(address.host), address.port)
        number = f"replica id {shown_number(address.id)}"
        for what, key in ((number, address.id), (f"address {address}", place)):
            if key in seen:
                also = f", also in line {seen[key]}" if seen[key] else ""
                raise source.error(f"{what} is there twice{also}", line)
            seen[key] = line
    _check_size(source, n := len(rows))
    for address, line in rows:
        if not 0 <= address.id < n:
            raise source.error(
                f"replica id {shown_number(address.id)}, allowed among {n}: 0 to {n - 1}", line
            )
    return tuple(sorted((address for address, _ in rows), key=lambda address: address.id))


def _check_size(source: ConfigText, n: int) -> None:
    if n < 1:
        raise source.error("there are no replicas, expected an odd number of them, such as 3")
    if n > REPLICAS_MAX:
        raise source.error(f"{n} replicas, but at most {REPLICAS_MAX} are allowed: they survive 4 failures")
    if n % 2 == 0:
        raise source.error(
            f"{n} replicas tolerate no more failures than {n - 1} do ({n // 2 - 1}): "
            f"use {n - 1} or {n + 1}, an odd number 2f+1"
        )


def _bare(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") and ":" in host else host


def _address(source: ConfigText, line: int | None, id: int, host: str, port: int) -> Address:
    if problem := _host_problem(_bare(host)):
        raise source.error(f"host {quoted(host)} {problem}", line)
    if not 1 <= port <= 65535:
        raise source.error(f"port {shown_number(port)} is out of range, allowed: 1 to 65535", line)
    return Address(id, _bare(host), port)


def _port(source: ConfigText, line: int | None, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise source.error(f"port {quoted(text)} is not a number, allowed: 1 to 65535", line)
    return int(text[:20])


def _host_problem(host: str) -> str | None:
    if len(host) > HOST_CHARS_MAX or not host.isascii() or not host.isprintable() or " " in host:
        return f"is not a host name or an IP address of at most {HOST_CHARS_MAX} characters"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_number = host.replace(".", "").isdigit()
        return None if _HOST_NAME.fullmatch(host) and not is_number else "is not a host name or an IP address"
    return "is no address that a peer can reach" if address.is_unspecified or address.is_multicast else None


def _canonical(host: str) -> str:
    """One spelling for each host, so that ``::1`` and ``0:0::1`` are the same replica. The zone of an address
    (``fe80::1%eth0``) is left out: each machine has its own names for its interfaces."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return host.lower().removesuffix(".")


def _check_text(source: ConfigText, line: int | None, key: str, text: str, limit: int) -> None:
    if not text.strip() or len(text) > limit or not text.isprintable():
        raise source.error(f"{key} is {quoted(text)}, allowed: 1 to {limit} printable characters", line)
