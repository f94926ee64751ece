"""What a user sets in ``console.toml``: keys of actions, and themes. A mistake in it is told before the
screen opens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from rich.errors import StyleSyntaxError
from rich.style import Style

from paxtui.config.cluster_file import ConfigError
from paxtui.config.folders import ConfigText, quoted, read_source
from paxtui.console.actions import surfaces, table
from paxtui.console.theme.styles import DARK, PALETTES
from paxtui.console.theme.textual_themes import GROUNDS
from paxtui.words.suggestions import did_you_mean

FILE: Final = "console.toml"

KEYS_MAX: Final = 4
"""Keys of one action: more does nobody remember."""

TAKEN: Final = frozenset("ciqjmz")
"""With ctrl: these quit, give the terminal back, or are what terminals send for tab and enter."""

Keys = str | list[str]


class Customs(Struct, forbid_unknown_fields=True):
    """The file as it was written."""

    keys: dict[str, Keys] = {}
    themes: dict[str, dict[str, str]] = {}


def load(folder: Path | None, pane_keys: Mapping[str, str]) -> Customs | None:
    """Read the file and use what it says; ``None`` where there is none. ``pane_keys`` names the pane for each
    key that a pane has for itself. Raises :class:`ConfigError`."""
    path = folder / FILE if folder is not None else None
    if path is None or not path.exists():
        return None
    source = read_source(path)
    document = source.toml()
    try:
        customs = msgspec.convert(document, Customs)
    except msgspec.ValidationError as error:
        found = re.search(r"\.(\w+)(?:\.([\w-]+))?", str(error).partition("at `")[2])
        line = source.line_of(found[1], found[2]) if found else None
        raise source.error(
            f'{error}; [keys] has action = "key", [themes.NAME] has style = "words"', line
        ) from None
    bound = {name: checked(source, name, keys) for name, keys in customs.keys.items()}
    refuse_conflicts(source, bound, pane_keys)
    for name, changes in customs.themes.items():
        add_theme(source, name, changes)
    table.rebind({name: ",".join(keys) for name, keys in bound.items()})
    return customs


def keyed() -> list[str]:
    """Return the actions that can have other keys."""
    return [spec.name for spec in table.ACTIONS if spec.run is not None and not spec.pane]


def checked(source: ConfigText, name: str, keys: Keys) -> list[str]:
    """Return the keys of an action by Textual's names. Raises :class:`ConfigError`."""
    line = source.line_of("keys", name)
    if name not in keyed():
        hint = did_you_mean(name, keyed())
        raise source.error(
            f"keys: {quoted(name)} is no action with a key; {hint}they are {', '.join(keyed())}", line
        )
    written = [keys] if isinstance(keys, str) else keys
    if not 1 <= len(written) <= KEYS_MAX:
        raise source.error(f"keys: {name} has {len(written)} keys; 1 to {KEYS_MAX} are allowed", line)
    return [_key(source, name, each, line) for each in written]


def _key(source: ConfigText, name: str, written: str, line: int | None) -> str:
    by_sign = {sign: key for key, sign in surfaces.KEY_NAMES.items()} | {" ": "space"}
    if written in by_sign or written in by_sign.values():
        return by_sign.get(written, written)
    if re.fullmatch(r"[A-Za-z0-9]|f([1-9]|1[0-2])|ctrl\+[a-z]", written) and not (
        written.startswith("ctrl+") and written[-1] in TAKEN
    ):
        return written
    allowed = f"a letter, a digit, f1 to f12, space, ctrl+letter but for {' '.join(sorted(TAKEN))}, or one of"
    signs = " ".join(surfaces.KEY_NAMES.values())
    raise source.error(f"keys: {name}: {quoted(written)} is no key; {allowed} {signs} is", line)


def refuse_conflicts(
    source: ConfigText, bound: Mapping[str, Iterable[str]], panes: Mapping[str, str]
) -> None:
    """Refuse a key that has another meaning already. Raises :class:`ConfigError`."""
    owners: dict[str, str] = {}
    for spec in table.ACTIONS:
        if spec.name not in bound:
            now = (*spec.keys.split(","), *spec.priority_keys.split(","))
            owners.update((key, f"the action {spec.name}") for key in now if key)
    for name, keys in bound.items():
        for key in keys:
            other = owners.get(key) or (f"the pane {panes[key]}" if key in panes else "")
            if other:
                sign = quoted(surfaces.KEY_NAMES.get(key, key))
                raise source.error(
                    f"keys: {name}: {sign} is a key of {other} already", source.line_of("keys", name)
                )
            owners[key] = f"the action {name}"


GROUND: Final = ("background", "foreground", "rule", "panel")
"""Colours of a theme that are no style of words."""

BASES: Final = tuple(GROUNDS)


def add_theme(source: ConfigText, name: str, changes: Mapping[str, str]) -> None:
    """Add a theme: another one, with some styles changed. Raises :class:`ConfigError`."""
    where = f"themes.{name}"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,23}", name):
        raise source.error(f"{where}: {quoted(name)} is no name of a theme; small letters, digits and - are")
    if name in PALETTES and name not in _added:
        raise source.error(f"{where}: is a theme of the console's own; take another name")
    base = changes.get("base", "dark")
    if base not in BASES:
        raise source.error(f"{where}: base: {quoted(base)} is no theme to begin with; {', '.join(BASES)} are")
    styles = dict(PALETTES[base])
    ground = dict(zip(GROUND, GROUNDS[base][:4], strict=True))
    for key, words in changes.items():
        if key == "base":
            continue
        if key in GROUND and not re.fullmatch(r"#[0-9a-fA-F]{6}", words):
            raise source.error(f"{where}: {key}: {quoted(words)} is no colour; such as #12161b is")
        if key in GROUND:
            ground[key] = words
        if key in DARK:
            styles[key] = _style(source, f"{where}: {key}", words)
        elif key not in GROUND:
            names = [*GROUND, *(each for each in DARK if each)]
            raise source.error(
                f"{where}: {quoted(key)} is no style; {did_you_mean(key, names)}they are {', '.join(names)}"
            )
    PALETTES[name] = styles
    GROUNDS[name] = (
        ground["background"],
        ground["foreground"],
        ground["rule"],
        ground["panel"],
        GROUNDS[base][4],
    )
    _added.add(name)


_added: set[str] = set()


def _style(source: ConfigText, where: str, words: str) -> str:
    try:
        Style.parse(words)
    except StyleSyntaxError:
        raise source.error(
            f"{where}: {quoted(words)} is no style; such as `bold #56b4e9 on #12161b` is"
        ) from None
    return words


__all__ = ["FILE", "ConfigError", "Customs", "load"]
