"""From a scenario file to a :class:`Scenario`. Mistakes are named: file, line, step, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct, ValidationError, convert, structs

from paxtui.config.cluster_file import ConfigError, check_settings
from paxtui.config.folders import ConfigText, quoted, read_source
from paxtui.core.settings import Settings
from paxtui.scenarios.condition_words import CONDITIONS
from paxtui.scenarios.vocabulary import (
    ALIASES,
    VERBS,
    AnyStep,
    ArmStep,
    ExpectStep,
    PickStep,
    RepeatStep,
    Step,
    WaitStep,
)
from paxtui.wire.schema_errors import TOML_WORDS, UNKNOWN_MISTAKE, find_mistake
from paxtui.words.replicas import SYMBOLS
from paxtui.words.suggestions import did_you_mean
from paxtui.words.triggers import EVENTS

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
KEYS: Final = ("name", "title", "shows", "f_min", "final", "settings", "step")
FINALS: Final = ("all", "survivors")
F_MAX: Final = 4
STEPS_MAX: Final = 1000
"""In one file. More were written by a program, which should write several files."""

DEPTH_MAX: Final = 4
"""Levels to which ``repeat`` may be nested."""

T = TypeVar("T", bound=Struct)


class Scenario(Struct, frozen=True, kw_only=True):
    """A checked scenario. ``settings`` holds only what the file names."""

    name: str
    title: str
    shows: str
    f_min: int = 1
    final: Literal["all", "survivors"] = "all"
    settings: dict[str, Any] = {}
    steps: tuple[AnyStep, ...]
    source: str

    def settings_over(self, base: Settings) -> Settings:
        """Put this scenario's own settings over the cluster's."""
        return structs.replace(base, **self.settings)

    def check_replicas(self, n: int) -> None:
        """Refuse a number of replicas that the steps do not fit."""
        if n < 2 * self.f_min + 1:
            raise ConfigError(
                f"{self.name}: needs f = {self.f_min} or more, that is {2 * self.f_min + 1} replicas, not {n}"
            )
        for number, step in numbered(self.steps):
            for ref in _references(step):
                if isinstance(ref, int) and not 0 <= ref < n:
                    raise ConfigError(
                        f"{self.source}: step {number}: there is no replica {ref} among {n}: 0 to {n - 1}"
                    )


def numbered(steps: Sequence[AnyStep], prefix: str = "") -> Iterator[tuple[str, AnyStep]]:
    """Yield the steps with their numbers, those inside a ``repeat`` behind it as ``4.2``."""
    for index, step in enumerate(steps, start=1):
        yield f"{prefix}{index}", step
        if isinstance(step, RepeatStep):
            yield from numbered(step.steps, f"{prefix}{index}.")


def load(path: Path) -> Scenario:
    """Read a scenario file. Raises :class:`ConfigError`."""
    return parse(read_source(path))


def builtin() -> list[Scenario]:
    """List all named scenarios, the ancestor's first, in the order in which they are best run."""
    folder = resources.files("paxtui.scenarios")
    files = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
    found = {
        scenario.name: scenario
        for name in files
        for scenario in [parse(ConfigText(name, (folder / name).read_text("utf-8")))]
    }
    order = [name for name in ORDER if name in found]
    return [found[name] for name in order + sorted(found.keys() - set(order))]


ORDER: Final = (
    "single-client-single-req",
    "single-client-multiple-req",
    "multiple-client-single-req",
    "multiple-client-multiple-req",
    "proposer-0-fail-before-proposal",
    "proposer-0-and-1-fail-before-proposal",
    "proposer-0-fail-after-proposal",
    "stress-test-0",
)


def find(name: str) -> Scenario:
    """Find a named scenario, in any spelling (``SINGLE CLIENT SINGLE REQ``), or a file."""
    if name.endswith(".toml"):
        return load(Path(name))
    plain = re.sub(r"[\s_-]+", "-", name.strip()).lower()
    scenarios = {scenario.name: scenario for scenario in builtin()}
    if plain in scenarios:
        return scenarios[plain]
    if Path(name).is_file():
        return load(Path(name))
    hint = did_you_mean(plain, scenarios)
    raise ConfigError(f"{quoted(name)}: there is no such scenario; {hint}`paxtui run --list` names all")


def parse(source: ConfigText) -> Scenario:
    """Parse the text of a scenario file. Raises :class:`ConfigError`."""
    document = source.toml()
    _check_keys(source, document, KEYS, None)
    for key in ("name", "title", "shows", "step"):
        if key not in document:
            raise source.error(f"{key} is missing; a scenario has name, title, shows and [[step]] tables")
    name, f_min, final = document["name"], document.get("f_min", 1), document.get("final", "all")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise source.error(
            f"name is {quoted(name)}, allowed: small letters, digits and -", source.line_of("", "name")
        )
    for key in ("title", "shows"):
        if not isinstance(document[key], str) or not document[key].strip():
            raise source.error(f"{key} is no text", source.line_of("", key))
    if type(f_min) is not int or not 0 <= f_min <= F_MAX:
        raise source.error(f"f_min is {quoted(f_min)}, allowed: 0 to {F_MAX}", source.line_of("", "f_min"))
    if final not in FINALS:
        line_final = source.line_of("", "final")
        raise source.error(f"final is {quoted(final)}, allowed: {', '.join(FINALS)}", line_final)
    return Scenario(
        name=name,
        title=document["title"].strip(),
        shows=" ".join(document["shows"].split()),
        f_min=f_min,
        final=final,
        settings=_settings(source, document.get("settings", {})),
        steps=_Steps(source).parse(document["step"], "", 0),
        source=source.name,
    )


def _check_keys(source: ConfigText, table: dict[str, Any], allowed: Sequence[str], where: str | None) -> None:
    for key in table:
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            place = f" in {where}" if where else ""
            what = f"unknown key {quoted(key)}{place}; {hint}allowed: {', '.join(allowed)}"
            raise source.error(what, source.line_of(where or "", key) or source.line_of(key))


def _settings(source: ConfigText, table: object) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise source.error("settings: expected a table", source.line_of("", "settings"))
    fields = {each.name: each.type for each in structs.fields(Settings)}
    _check_keys(source, table, tuple(fields), "settings")
    named: dict[str, Any] = {}
    for key, value in table.items():
        try:
            named[key] = convert(value, fields[key])
        except ValidationError:
            what = f"{key}: {_misfit(value, fields[key])}"
            raise source.error(what, source.line_of("settings", key)) from None
    check_settings(source, structs.replace(Settings(), **named))
    return named


class _Steps:
    """The steps of one file: checks them in order, and knows which names ``pick`` has given so far."""

    def __init__(self, source: ConfigText) -> None:
        self._source = source
        self._picked: set[str] = set()
        self._count = 0

    def parse(self, rows: object, prefix: str, depth: int) -> tuple[AnyStep, ...]:
        if not isinstance(rows, list) or not rows:
            what = "steps" if prefix else "step"
            raise self._source.error(f"{what}: expected at least one table, written [[step]] each")
        self._count += len(rows)
        if self._count > STEPS_MAX:
            raise self._source.error(f"more than {STEPS_MAX} steps")
        return tuple(self._step(row, f"{prefix}{index}", depth) for index, row in enumerate(rows, start=1))

    def _error(self, number: str, what: str) -> ConfigError:
        index = int(re.split(r"\D", number, maxsplit=1)[0]) - 1
        return self._source.error(f"step {number}: {what}", self._source.line_of("step", None, index))

    def _step(self, row: object, number: str, depth: int) -> AnyStep:
        if not isinstance(row, dict) or "do" not in row:
            raise self._error(number, 'has no verb; write do = "..." with one of ' + ", ".join(VERBS))
        verb = ALIASES.get(str(row["do"]), str(row["do"]))
        self._known(number, "verb", verb, VERBS)
        arguments = {key: value for key, value in row.items() if key != "do"}
        label = f"{number} ({verb})"
        kind = VERBS[verb]
        if kind is RepeatStep:
            return self._repeat(label, number, arguments, depth)
        for step, key in ((WaitStep, "until"), (ExpectStep, "that")):
            if kind is step:
                arguments = self._condition(label, key, arguments, step)
        parsed: AnyStep = self._convert(label, kind, arguments)  # type: ignore[assignment]
        self._check(label, parsed)
        return parsed

    def _repeat(self, label: str, number: str, arguments: dict[str, Any], depth: int) -> RepeatStep:
        if depth >= DEPTH_MAX:
            raise self._error(number, f"repeat: nested deeper than {DEPTH_MAX}")
        rows = arguments.pop("steps", None)
        shell = self._convert(label, RepeatStep, {**arguments, "steps": ()})
        return structs.replace(shell, steps=self.parse(rows, f"{number}.", depth + 1))

    def _condition(self, label: str, key: str, arguments: dict[str, Any], step: type[Step]) -> dict[str, Any]:
        """Make one value of a condition, whose own arguments stand beside its name in the file."""
        names = [each.encode_name for each in structs.fields(step) if each.name != key]
        own = {name: arguments.pop(name) for name in names if name in arguments}
        if key not in arguments:
            what = f"has no condition; write {key} = "
            raise self._error(label, what + '"..." with one of ' + ", ".join(CONDITIONS))
        condition = str(arguments.pop(key))
        self._known(label, "condition", condition, CONDITIONS)
        parsed = self._convert(f"{label} {condition}", CONDITIONS[condition], arguments, names)
        self._check(label, parsed)
        return {**own, key: parsed}

    def _known(self, number: str, what: str, word: str, allowed: dict[str, Any]) -> None:
        if word not in allowed:
            hint = did_you_mean(word, allowed)
            known = ", ".join(allowed)
            raise self._error(number, f"there is no {what} {quoted(word)}; {hint}allowed: {known}")

    def _convert(self, label: str, kind: type[T], arguments: dict[str, Any], others: Sequence[str] = ()) -> T:
        allowed = {each.encode_name: each for each in structs.fields(kind)}
        names = ", ".join([*allowed, *others]) or "none"
        for key in arguments:
            if key not in allowed:
                hint = did_you_mean(key, allowed)
                raise self._error(label, f"unknown argument {quoted(key)}; {hint}allowed: {names}")
        for name, each in allowed.items():
            if each.required and name not in arguments:
                raise self._error(label, f"{name} is missing; arguments: {names}")
        values = {
            allowed[key].name: self._argument(label, key, value, allowed[key].type)
            for key, value in arguments.items()
        }
        return kind(**values)

    def _argument(self, label: str, key: str, value: object, kind: Any) -> Any:
        if isinstance(value, Struct):
            return value
        try:
            return convert(value, kind)
        except (ValidationError, OverflowError):
            raise self._error(label, f"{key}: {_misfit(value, kind)}") from None

    def _check(self, label: str, step: Struct) -> None:
        """Check what no type can say: names that must be known, events that must exist."""
        for reference in _references(step):
            if isinstance(reference, str) and reference not in SYMBOLS and reference not in self._picked:
                allowed = [*SYMBOLS, *sorted(self._picked)]
                hint = did_you_mean(reference, allowed)
                what = f"there is no replica {quoted(reference)}; {hint}allowed: ids, {', '.join(allowed)}"
                raise self._error(label, f"{what}, and names given by an earlier pick")
        if isinstance(step, ArmStep):
            self._known(label, "event", step.when, dict.fromkeys(EVENTS))
        if isinstance(step, PickStep):
            if step.as_ in SYMBOLS:
                raise self._error(label, f"{step.as_} is a name that has a meaning already")
            self._picked.add(step.as_)


def _references(step: Struct) -> Iterator[int | str]:
    """Yield every word that names a replica in a step or a condition."""
    for each in structs.fields(step):
        value = getattr(step, each.name)
        if each.name in REFERENCES:
            yield from _flat(value)


REFERENCES: Final = frozenset({"replica", "replicas", "from_", "to", "groups", "ends", "hub", "down"})


def _flat(value: object) -> Iterator[int | str]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    elif isinstance(value, int | str):
        yield value


_REFERENCES: Final = {
    "a whole number or text or a list": "a replica (an id, a symbol or a list)",
    "a whole number or text": "a replica (an id or a symbol)",
}


def _misfit(value: object, kind: Any) -> str:
    """Return why an argument does not fit its type, in the words of TOML."""
    reason = (find_mistake(value, kind, TOML_WORDS) or UNKNOWN_MISTAKE).reason
    for words, plain in _REFERENCES.items():
        reason = reason.replace(words, plain)
    return reason
