"""What is made of the table: bindings, commands, buttons, menus, the key line, help, and the guide's rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from textual.binding import Binding

from paxtui.console.actions import table
from paxtui.console.actions.controllers import Controllers
from paxtui.console.actions.spec import ActionSpec
from paxtui.console.command_line import Verb
from paxtui.console.rows.help import HelpKey
from paxtui.console.rows.keys import KeyHint
from paxtui.console.rows.menu import Item
from paxtui.console.view_state import ViewState

KEY_NAMES: Final = {
    "question_mark": "?",
    "colon": ":",
    "minus": "-",
    "plus": "+",
    "slash": "/",
    "backslash": "\\",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
"""What people call keys, where Textual's names differ."""

PANE_PLACE: Final = 6.5
PANE_PLACE_LATER: Final = 12.5
PANE_FIRST: Final = 3
"""So many keys of the pane in focus come early on the key line, the others late."""

MOVES: Final = frozenset({"move", "page", "start", "follow", "app.perform"})
"""Actions of panes that arrows and their like do: everybody tries these."""

ACTS: Final = frozenset({"ask", "cut", "loss", "mend", "menu"})
"""Actions of panes that act on the cluster, which a read-only console does not."""

SILENT_KEYS: Final = frozenset({"equals_sign"})
"""Keys that are there for keyboards on which another one needs shift, and are not told."""


class OwnKey(NamedTuple):
    """A key of one pane: what it is called, what it does in short and in a line, and Textual's name of it."""

    name: str
    words: str
    help: str
    key: str
    action: str = ""
    acts: bool = False
    """Whether it acts on the cluster."""


class PaneKeys(NamedTuple):
    """The names by which the table knows a pane, and the pane's own keys."""

    names: tuple[str, ...] = ()
    own: tuple[OwnKey, ...] = ()


def named(name: str) -> ActionSpec:
    """Return the action ``name``. Raises :class:`KeyError`."""
    for spec in table.ACTIONS:
        if spec.name == name:
            return spec
    raise KeyError(name)


def perform(name: str, controllers: Controllers, key: str = "") -> None:
    """Carry out the action ``name``, for what is selected; ``key`` is the key that was pressed."""
    spec = named(name)
    if spec.armed and controllers.time.refuses():
        return
    if spec.run_key is not None and key:
        spec.run_key(controllers, key)
    elif spec.run is not None:
        spec.run(controllers)


# Keys


def bindings(pane: str = "") -> list[Binding]:
    """Return the keys that act in ``pane``, or those that act everywhere."""
    found: list[Binding] = []
    for spec in table.ACTIONS:
        for key in _split(spec.keys):
            argument = f", '{key}'" if spec.run_key is not None else ""
            action = spec.own.get(pane) or f"app.perform('{spec.name}'{argument})"
            if pane == spec.pane or pane in spec.own:
                found.append(Binding(key, action, spec.title, show=False))
        if not pane:
            action = f"app.perform('{spec.name}')"
            found += [
                Binding(key, action, spec.title, show=False, priority=True)
                for key in _split(spec.priority_keys)
            ]
    return found


def _split(keys: str) -> list[str]:
    return keys.split(",") if keys else []


def first_keys() -> dict[str, str]:
    """Return by action its key, or the first of them."""
    return {spec.name: _key_name(spec).partition(" ")[0] for spec in table.ACTIONS if _key_name(spec)}


def _key_name(spec: ActionSpec) -> str:
    keys = [key for key in (*_split(spec.keys), *_split(spec.priority_keys)) if key not in SILENT_KEYS]
    return spec.key_name or " ".join(KEY_NAMES.get(key, key) for key in keys)


def hints(view_state: ViewState, pane: PaneKeys | None = None) -> list[KeyHint]:
    """Return keys, or words to type, that do something now: for the key line, the most needed first. The
    first few keys of the pane in focus come before those that act everywhere."""
    armed = view_state.can_act
    found: list[tuple[float, KeyHint]] = []
    for spec in table.ACTIONS:
        hint = spec.hint
        able = hint is not None and (not hint.read_only if armed else not spec.armed)
        if hint is None or not able or not hint.able(view_state):
            continue
        if spec.pane and not _is_here(spec, pane):
            continue
        words = hint.words if isinstance(hint.words, str) else hint.words(view_state)
        key = first_key(spec)
        name = KEY_NAMES.get(key, key).replace("space", "spc") or f":{spec.name}"
        found.append((hint.place, KeyHint(name, words, key)))
    for number, each in enumerate(pane.own if pane is not None else ()):
        if armed or not each.acts:
            place = PANE_PLACE if number < PANE_FIRST else PANE_PLACE_LATER
            found.append((place, KeyHint(each.name, each.words, each.key)))
    return [each for _, each in sorted(found, key=lambda each: each[0])]


def _is_here(spec: ActionSpec, pane: PaneKeys | None) -> bool:
    return pane is not None and any(name == spec.pane or name in spec.own for name in pane.names)


def first_key(spec: ActionSpec) -> str:
    """Return the first key of an action, by Textual's name; empty if it has none."""
    return next(iter((*_split(spec.keys), *_split(spec.priority_keys))), "")


def pane_keys(own: Iterable[Binding], names: Sequence[str]) -> PaneKeys:
    """Return what a pane's own bindings do; those that only move its cursor are left out."""
    found: list[OwnKey] = []
    for binding in own:
        action = binding.action.partition("(")[0]
        if action not in MOVES:
            key = binding.key.split(",")[0]
            acts = action in ACTS
            found.append(
                OwnKey(KEY_NAMES.get(key, key), binding.description, binding.tooltip, key, action, acts=acts)
            )
    return PaneKeys(tuple(names), tuple(found))


def title_of_key(spec: ActionSpec) -> str:
    """Return what an action's key does: both ways, where it takes back what it did."""
    if spec.toggle is None:
        return spec.title
    return f"{spec.title} or {named(spec.toggle.back).title.partition(' ')[0]}"


def group_of(spec: ActionSpec) -> str:
    """Return the group in which help and the palette show an action."""
    return next(
        (name for name, specs in table.GROUPS.items() if spec.name in [each.name for each in specs]), ""
    )


def help_keys(pane: PaneKeys | None = None) -> list[HelpKey]:
    """Return the keys of a pane, then all that act everywhere, by group."""
    found = (
        [HelpKey(each.name, each.words, each.help, "in this pane", each.key) for each in pane.own]
        if pane
        else []
    )
    for spec in table.ACTIONS:
        here = bool(spec.pane) and _is_here(spec, pane)
        if _key_name(spec) and (here or not spec.pane):
            group = "in this pane" if here else group_of(spec)
            found.append(HelpKey(_key_name(spec), title_of_key(spec), spec.help, group, first_key(spec)))
    groups = ["in this pane", *table.GROUPS]
    return sorted(found, key=lambda each: groups.index(each.group) if each.group in groups else len(groups))


# What is typed


def verbs() -> list[Verb]:
    """Return all commands that can be typed."""
    return [
        Verb(
            spec.name,
            spec.usage,
            spec.help,
            spec.meaning,
            spec.choices,
            spec.links,
            group_of(spec),
            spec.also,
        )
        for spec in table.ACTIONS
        if spec.meaning is not None
    ]


# Buttons and menus


def shown_as(spec: ActionSpec, view_state: ViewState) -> ActionSpec:
    """Return the action as which it is shown now: the way back, where what it did stands."""
    if spec.toggle is not None and spec.toggle.stands(view_state):
        return named(spec.toggle.back)
    return spec


def buttons() -> list[ActionSpec]:
    """Return the actions of the button bar, from left to right."""
    found = [(spec.button.place, spec) for spec in table.ACTIONS if spec.button is not None]
    return [spec for _, spec in sorted(found, key=lambda each: each[0])]


def button_labels(view_state: ViewState) -> dict[str, str]:
    """Return by action what its button says now."""
    labels: dict[str, str] = {}
    for spec in buttons():
        label = spec.button.label if spec.button is not None else None
        labels[spec.name] = label(view_state) if label else shown_as(spec, view_state).title.capitalize()
    return labels


def fault_items(view_state: ViewState) -> list[Item]:
    """Return all that can be done to the selected replica; the id of an item is its action."""
    shown = [(spec, shown_as(spec, view_state)) for spec in table.ACTIONS if spec.menu]
    return [Item(spec.menu, now.title, now.help, spec.name) for spec, now in shown]


def link_items() -> list[Item]:
    """Return all that can be done to a link; the id of an item is its action."""
    return [
        Item(spec.link_menu, title_of_key(spec), spec.help, spec.name)
        for spec in table.ACTIONS
        if spec.link_menu
    ]


# The guide


def guide_rows() -> str:
    """Return the guide's table of keys and commands: rows of Markdown, a heading first."""
    lines = ["| Key | Action | What it does |", "|---|---|---|"]
    for spec in table.ACTIONS:
        names = [spec.key_name] if spec.key_name else _key_name(spec).split()
        if not names and spec.menu:
            names = ["x", spec.menu]  # the menu of faults has it under a letter
        key = " ".join(f"`{name}`" for name in names) + (
            " in the log" if spec.pane == "log" and not spec.own else ""
        )
        title = f"`:{spec.name}`" if spec.usage else title_of_key(spec).removesuffix(" ...")
        cells = (key, title, spec.help)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
