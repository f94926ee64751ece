"""What paxtui finds on disk: the folders of data and logs, and the file that a user named."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA_VARIABLE = "PAXTUI_DATA_DIR"
LOG_VARIABLE = "PAXTUI_LOG_DIR"
METRICS_VARIABLE = "PAXTUI_METRICS"

FILE_BYTES_MAX = 1024 * 1024
"""A real cluster file has a few hundred bytes; whatever is larger was named by mistake."""

SHOWN_CHARS_MAX = 160


class ConfigError(Exception):
    """The user's file or flag is wrong. The message is one line that says how; callers exit with 2."""


class ConfigText:
    """What a user gave, by name and text, to say where in it something is wrong."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self.text = text
        self.lines = text.split("\n")

    def error(self, what: str, line: int | None = None) -> ConfigError:
        return ConfigError(f"{self.name}: {what}" if line is None else f"{self.name}:{line}: {what}")

    def line_of(self, table: str, key: str | None = None, index: int = 0) -> int | None:
        """The line of a key in the ``index``-th table of that name, else of its header.

        tomllib keeps no positions, so this reads again, and only what is written the usual way.
        ``None`` rather than a wrong line: multi-line texts could look like keys.
        """
        if '"""' in self.text or "'''" in self.text:
            return None
        current, seen, header = "", 0 if not table else -1, None
        for number, line in enumerate(self.lines, start=1):
            if match := re.match(r"\s*\[\[?\s*([\w-]+)\s*\]", line):
                current = match[1]
                seen += current == table
                header = number if current == table and seen == index else header
            elif key and (current, seen) == (table, index) and _assigns(line, key):
                return number
        return header

    def toml(self) -> dict[str, Any]:
        """Read the text as TOML. Raises :class:`ConfigError` that names the line, in our words."""
        try:
            return tomllib.loads(self.text)
        except RecursionError:
            raise self.error("is not TOML: nested too deeply") from None
        except ValueError as error:
            line, column = self._toml_place(error)
            written = self.lines[line - 1].strip() if line is not None and line <= len(self.lines) else ""
            if _is_toml(written):
                what = f"is not TOML: {quoted(written)} says again what is said above"
                raise self.error(what, line) from None
            where = f" at column {column}" if column is not None else ""
            cited = f", in {quoted(written)}" if written else ""
            raise self.error(f"is not TOML{where}{cited}", line) from None

    def _toml_place(self, error: ValueError) -> tuple[int | None, int | None]:
        """Line and column of a TOML error: attributes since Python 3.14, before that only in its text."""
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        if line is None and (place := re.search(r"line (\d+), column (\d+)", str(error))):
            line, column = int(place[1]), int(place[2])
        if line is None:
            return (len(self.text.rstrip().split("\n")) if "end of document" in str(error) else None), None
        return line, column


def _is_toml(line: str) -> bool:
    """Whether a line is right by itself, so that only the lines before it can make it wrong."""
    try:
        return bool(tomllib.loads(line))
    except ValueError:
        return False


def _assigns(line: str, key: str) -> bool:
    return re.match(rf"\s*(['\"]?){re.escape(key)}\1\s*=", line) is not None


def data_root(flag: str | Path | None = None, env: Mapping[str, str] | None = None) -> Path:
    """The folder of all databases: flag, environment, a checkout's ``logs/``, else the user's folder."""
    return _root(flag, DATA_VARIABLE, env)


def log_root(flag: str | Path | None = None, env: Mapping[str, str] | None = None) -> Path:
    """The folder of all message logs, found in the same way as `data_root`."""
    return _root(flag, LOG_VARIABLE, env)


def replica_folder(root: Path, cluster_name: str, id: int) -> Path:
    """Name the data folder of one replica below ``root``."""
    return root / _safe(cluster_name) / f"replica-{id}"


def read_source(path: Path) -> ConfigText:
    """A cluster file, with plain line ends. Whatever else lies there is a `ConfigError`."""
    name = shown(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ConfigError(f"{name}: is a folder, expected a cluster file")
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{name}: is not a plain file, expected a cluster file")
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise ConfigError(f"{name}: no such file{_near(path)}") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigError(f"{name}: cannot be read: {shown(reason)}") from None
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigError(f"{name}: is larger than {FILE_BYTES_MAX} bytes, that is no cluster file")
    if b"\0" in raw:
        raise ConfigError(f"{name}: holds binary data, expected UTF-8 text")
    try:
        return ConfigText(name, raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: is not UTF-8 text (byte {raw[error.start]:#04x})") from None


def shown(text: object) -> str:
    """Text of a stranger for a message of one line: nothing that a terminal would obey, and not too long."""
    safe = "".join(char if char.isprintable() else f"<{ord(char):04X}>" for char in str(text))
    return safe if len(safe) <= SHOWN_CHARS_MAX else safe[: SHOWN_CHARS_MAX - 1] + "…"


def quoted(text: object) -> str:
    """Quote a text of the file for an error."""
    return f'"{shown(text)}"'


def shown_number(value: float) -> str:
    """Python refuses to print a number of thousands of digits, which a file can hold."""
    return "a huge number" if isinstance(value, int) and abs(value) >= 10**18 else str(value)


def _root(flag: str | Path | None, variable: str, env: Mapping[str, str] | None) -> Path:
    named = (os.environ if env is None else env).get(variable)
    if flag is not None:
        return _folder(flag, "")
    if named:
        return _folder(named, f" (the folder that {variable} names)")
    if _is_project(Path.cwd()):
        return _folder("logs", "")
    from platformdirs import user_state_path

    try:
        state = user_state_path("paxtui", appauthor=False)
    except RuntimeError:
        option = "--" + variable.removeprefix("PAXTUI_").replace("_", "-").lower()
        raise ConfigError(f"this user has no home folder: name {option} or {variable}") from None
    return _folder(state, "")


def _folder(path: str | Path, origin: str) -> Path:
    """The absolute path, which need not exist yet. A file in its place is refused before anybody starts."""
    if not str(path) or "\0" in str(path):
        raise ConfigError(f"{quoted(path)}: is not the name of a folder{origin}")
    absolute = Path(os.path.abspath(os.path.expanduser(path)))
    blocking = next((each for each in (absolute, *absolute.parents) if os.path.lexists(each)), absolute)
    if os.path.lexists(blocking) and not blocking.is_dir():
        raise ConfigError(f"{shown(path)}: {shown(blocking)} is not a folder{origin}")
    return absolute


def _is_project(folder: Path) -> bool:
    """Whether this is a checkout of paxtui, so that its ``logs/`` is the place that people look at."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("project")
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(project, dict) and project.get("name") == "paxtui"


def _safe(name: str) -> str:
    """A name as a folder. Whatever is not plain becomes ``_``, and a digest keeps two such names apart."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        return name
    plain = re.sub(r"[^A-Za-z0-9-]", "_", name)[:48]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or '_'}-{digest}"


def _near(path: Path) -> str:
    """What the user may have meant: names alike, else the cluster files that are there."""
    try:
        names = sorted(each.name for each in path.parent.iterdir() if each.is_file())
    except OSError:
        return f", and no folder {shown(path.parent)}"
    likely = [name for name in names if name.endswith((".toml", ".txt"))]
    found = (difflib.get_close_matches(path.name, names, n=3) or likely)[:5]
    return f"; in the same folder: {', '.join(map(shown, found))}" if found else ""
