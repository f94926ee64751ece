"""What is wrong with a value that does not fit its type, and where, in our own words.

msgspec refuses such a value, but how it words the refusal changes from version to version, and what a
replica tells a stranger, or a command its user, is part of our interface. So when msgspec has refused
something, this module looks for the mistake itself: first the bytes (UTF-8), then the JSON, then the type,
as :mod:`msgspec.inspect` describes it. It runs only after a refusal, so it need not be fast.
"""

from __future__ import annotations

import binascii
import functools
import json
import operator
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, NoReturn

from msgspec import inspect

NOT_UTF_8: Final = "not UTF-8"
NOT_JSON: Final = "not JSON"
TOO_DEEP: Final = "nested too deeply"
MISFIT: Final = "not a message"

EXPLAINED_PARTS_MAX: Final = 40_000
"""A body of more commas and brackets than this is refused without the place of the mistake: to look for it in
300,000 empty objects takes a third of a second, in which a leader would send no heartbeat."""

CHECKS_MAX: Final = 5_000
"""The search for a mistake ends after so many values, for the same reason."""

UNEXPLAINED: Final = "not a message: a field is not what it must be"

SHOWN_CHARS_MAX: Final = 40

_SIGNS: Final = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}

JSON_WORDS: Final = {"object": "an object", "list": "a list", "null": "null"}
TOML_WORDS: Final = {"object": "a table", "list": "a list"}
"""What objects and lists are called in each format. TOML has no null."""


class Mistake(NamedTuple):
    """Where and why a value does not fit: a path such as ``("replica", 1, "id")``, and a half sentence."""

    path: tuple[str | int, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.reason} - at `{json_path(self.path)}`" if self.path else self.reason


UNKNOWN_MISTAKE: Final = Mistake((), "something is not what it must be")


class _Object:
    """A JSON object with all its pairs: a key that stands twice is checked twice, as msgspec does."""

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        self.pairs = list(pairs)


def json_path(path: tuple[str | int, ...]) -> str:
    """Return ``$.values[0][1]`` for ``("values", 0, 1)``."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in path)


def shown(text: str) -> str:
    """Text from outside, short and in ASCII: half a surrogate pair could not be sent on."""
    cut = text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 3] + "..."
    return cut.encode("ascii", "backslashreplace").decode()


def explain_json(body: bytes, type_: Any) -> tuple[str, str]:
    """Return the kind of the mistake (one of the constants above) in a body that msgspec refused, and its
    words."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return NOT_UTF_8, f"not UTF-8: byte {error.start} is {body[error.start]:#04x}"
    if sum(map(body.count, (b",", b"[", b"{"))) > EXPLAINED_PARTS_MAX:
        return MISFIT, UNEXPLAINED
    try:
        value = json.loads(text, object_pairs_hook=_Object, parse_constant=_no_constant, parse_int=_whole)
        return _explain_value(value, type_, has_escapes="\\u" in text)
    except json.JSONDecodeError as error:
        return NOT_JSON, f"not JSON: something is wrong at byte {len(text[: error.pos].encode())}"
    except RecursionError:
        return TOO_DEEP, "nested too deeply"
    except ValueError:
        return NOT_JSON, "not JSON: NaN and Infinity are not numbers there"


def _explain_value(value: object, type_: Any, *, has_escapes: bool) -> tuple[str, str]:
    if has_escapes and (place := _lone_surrogate(value)) is not None:
        return NOT_JSON, f"not JSON: half a surrogate pair - at `{json_path(place)}`"
    mistake = find_mistake(value, type_)
    return MISFIT, UNEXPLAINED if mistake is None else str(mistake)


def find_mistake(value: object, type_: Any, words: dict[str, str] = JSON_WORDS) -> Mistake | None:
    """Return the first place at which a decoded value does not fit ``type_``, or ``None`` if it seems to
    fit."""
    try:
        return _Search(words).check(value, _type_info(type_), ())
    except _GaveUp:
        return None


@functools.cache
def _type_info(type_: Any) -> inspect.Type:
    return inspect.type_info(type_)


def _no_constant(_: str) -> NoReturn:
    raise ValueError


def _whole(digits: str) -> int:
    """Read a whole number; one of thousands of digits, which Python refuses to read, as one that is too
    large."""
    return int(digits[:SHOWN_CHARS_MAX])


def _lone_surrogate(value: object, path: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """Find where half a surrogate pair stands: Python's reader takes it, UTF-8 cannot carry it."""
    match value:
        case str():
            return path if any("\ud800" <= char <= "\udfff" for char in value) else None
        case list():
            parts: Iterable[tuple[str | int, object]] = enumerate(value)
        case _Object():
            parts = value.pairs
            if any(_lone_surrogate(key) is not None for key, _ in value.pairs):
                return path
        case _:
            return None
    found = (_lone_surrogate(part, (*path, step)) for step, part in parts)
    return next((place for place in found if place is not None), None)


class _GaveUp(Exception):
    """Too many values were looked at."""


class _Search:
    """Walks a value beside the description of its type, and stops at the first difference."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words
        self._checks = 0

    def check(self, value: object, type_: inspect.Type, path: tuple[str | int, ...]) -> Mistake | None:
        self._checks += 1
        if self._checks > CHECKS_MAX:
            raise _GaveUp
        match type_:
            case inspect.Metadata(type=inner):
                return self.check(value, inner, path)
            case inspect.AnyType() | inspect.RawType():
                return None
            case inspect.UnionType(types=types):
                return self._union(value, types, path)
            case inspect.StructType():
                return self._struct(value, (type_,), path)
            case inspect.LiteralType(values=values):
                if any(value == each and type(value) is type(each) for each in values):
                    return None
                allowed = ", ".join(repr(each) for each in values)
                return Mistake(path, f"expected one of {allowed}, got {self._quoted(value)}")
            case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
                return self._list(value, type_, path)
            case inspect.TupleType(item_types=items):
                return self._fixed(value, items, path)
            case inspect.NamedTupleType(fields=fields):
                return self._fixed(value, tuple(field.type for field in fields), path)
            case inspect.DictType(value_type=inner):
                return self._dict(value, inner, path)
            case _:
                return self._scalar(value, type_, path)

    def kind(self, value: object) -> str:
        """Name what a value is, in a word or two."""
        match value:
            case None:
                return "null"
            case bool():
                return "true or false"
            case int():
                return "a whole number"
            case float():
                return "a number"
            case str():
                return "text"
            case list() | tuple():
                return self._words["list"]
            case dict() | _Object():
                return self._words["object"]
            case _:
                return type(value).__name__

    def _quoted(self, value: object) -> str:
        return f"'{shown(value)}'" if isinstance(value, str) else self.kind(value)

    def _scalar(self, value: object, type_: inspect.Type, path: tuple[str | int, ...]) -> Mistake | None:
        expected, fits = _described(type_)
        if not fits(value):
            return Mistake(path, f"expected {expected}, got {self.kind(value)}")
        problem = _out_of_bounds(value, type_)
        return Mistake(path, f"expected {expected}{problem}") if problem else None

    def _union(
        self, value: object, types: tuple[inspect.Type, ...], path: tuple[str | int, ...]
    ) -> Mistake | None:
        structs = tuple(each for each in types if isinstance(each, inspect.StructType))
        if structs and isinstance(value, dict | _Object) and not structs[0].array_like:
            return self._struct(value, structs, path)
        if "null" not in self._words:
            types = tuple(each for each in types if not isinstance(each, inspect.NoneType))
        mistakes = [self.check(value, each, path) for each in types]
        if None in mistakes:
            return None
        # The one that gets furthest, or that fits in kind, says best what was meant.
        said = [each for each in mistakes if each is not None]
        wrong_kind = f", got {self.kind(value)}"
        best = [each for each in said if len(each.path) > len(path) or not each.reason.endswith(wrong_kind)]
        if best:
            return best[0]
        names = [each.reason.removeprefix("expected ").removesuffix(wrong_kind) for each in said]
        return Mistake(path, f"expected {' or '.join(dict.fromkeys(names))}{wrong_kind}")

    def _struct(
        self, value: object, types: tuple[inspect.StructType, ...], path: tuple[str | int, ...]
    ) -> Mistake | None:
        type_ = types[0]
        if type_.array_like:
            return self._fixed(value, tuple(field.type for field in type_.fields), path)
        if not isinstance(value, dict | _Object):
            return Mistake(path, f"expected {self._words['object']}, got {self.kind(value)}")
        pairs = value.pairs if isinstance(value, _Object) else list(value.items())
        tag_field = type_.tag_field
        if tag_field is not None:
            tags = [each for key, each in pairs if key == tag_field]
            if not tags:
                return Mistake(path, f"missing field `{tag_field}`")
            chosen = [each for each in types if each.tag == tags[-1]]
            if not chosen:
                return Mistake((*path, tag_field), f"unknown value {self._quoted(tags[-1])}")
            type_ = chosen[0]
        fields = {field.encode_name: field for field in type_.fields}
        for key, each in pairs:
            if key in fields:
                if (mistake := self.check(each, fields[key].type, (*path, key))) is not None:
                    return mistake
            elif key != tag_field and type_.forbid_unknown_fields:
                return Mistake(path, f"unknown field `{shown(str(key))}`")
        said = {key for key, _ in pairs}
        missing = [name for name, field in fields.items() if field.required and name not in said]
        return Mistake(path, f"missing field `{missing[0]}`") if missing else None

    def _list(self, value: object, type_: Any, path: tuple[str | int, ...]) -> Mistake | None:
        if not isinstance(value, list | tuple):
            return Mistake(path, f"expected {self._words['list']}, got {self.kind(value)}")
        if problem := _length(len(value), type_.min_length, type_.max_length):
            return Mistake(path, f"expected {self._words['list']}{problem}")
        for step, each in enumerate(value):
            if (mistake := self.check(each, type_.item_type, (*path, step))) is not None:
                return mistake
        return None

    def _fixed(
        self, value: object, items: tuple[inspect.Type, ...], path: tuple[str | int, ...]
    ) -> Mistake | None:
        if not isinstance(value, list | tuple):
            return Mistake(path, f"expected {self._words['list']}, got {self.kind(value)}")
        if len(value) != len(items):
            return Mistake(path, f"expected {self._words['list']} of length {len(items)}, got {len(value)}")
        for step, (each, type_) in enumerate(zip(value, items, strict=True)):
            if (mistake := self.check(each, type_, (*path, step))) is not None:
                return mistake
        return None

    def _dict(self, value: object, inner: inspect.Type, path: tuple[str | int, ...]) -> Mistake | None:
        if not isinstance(value, dict | _Object):
            return Mistake(path, f"expected {self._words['object']}, got {self.kind(value)}")
        pairs = value.pairs if isinstance(value, _Object) else list(value.items())
        for key, each in pairs:
            if (mistake := self.check(each, inner, (*path, str(key)))) is not None:
                return mistake
        return None


INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**64 - 1
"""msgspec reads no whole number outside of these."""

FLOAT_MAX: Final = sys.float_info.max


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _described(type_: inspect.Type) -> tuple[str, Callable[[object], bool]]:
    """Return what a plain type is called, and whether a value is of that kind."""
    match type_:
        case inspect.NoneType():
            return "null", lambda value: value is None
        case inspect.BoolType():
            return "true or false", lambda value: isinstance(value, bool)
        case inspect.IntType():
            return "a whole number", _is_whole
        case inspect.FloatType():
            return "a number", lambda value: isinstance(value, float) or _is_whole(value)
        case inspect.StrType():
            return "text", lambda value: isinstance(value, str)
        case inspect.BytesType():
            return "bytes in base64", lambda value: isinstance(value, str) and _bytes(value) is not None
        case _:
            return type(type_).__name__.removesuffix("Type").lower(), lambda _: True


def _out_of_bounds(value: object, type_: inspect.Type) -> str:
    match type_:
        case inspect.IntType(gt=gt, ge=ge, lt=lt, le=le) | inspect.FloatType(gt=gt, ge=ge, lt=lt, le=le):
            assert isinstance(value, int | float)
            if isinstance(type_, inspect.IntType) and not INT_MIN <= value <= INT_MAX:
                return f" from {INT_MIN} to {INT_MAX}"
            if not abs(value) <= FLOAT_MAX:
                return " that is finite"
            bounds = [(">", gt), (">=", ge), ("<", lt), ("<=", le)]
            broken = [
                (sign, each) for sign, each in bounds if each is not None and not _SIGNS[sign](value, each)
            ]
            return f" {broken[0][0]} {broken[0][1]}" if broken else ""
        case inspect.StrType(min_length=least, max_length=most, pattern=pattern):
            assert isinstance(value, str)
            return _length(len(value), least, most) or _unmatched(value, pattern)
        case inspect.BytesType(min_length=least, max_length=most):
            assert isinstance(value, str)
            return _length(len(_bytes(value) or b""), least, most)
        case _:
            return ""


def _bytes(value: str) -> bytes | None:
    """Decode base64 as strictly as msgspec does; ``None`` if it is none."""
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _length(length: int, least: int | None, most: int | None) -> str:
    if least is not None and length < least:
        return f" of length >= {least}"
    if most is not None and length > most:
        return f" of length <= {most}"
    return ""


def _unmatched(value: str, pattern: str | None) -> str:
    return f" matching regex '{pattern}'" if pattern is not None and not re.search(pattern, value) else ""
