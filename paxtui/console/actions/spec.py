"""What a row of the table of actions says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from paxtui.console.actions.controllers import Controllers
from paxtui.console.command_line.parser import Choices, Meaning
from paxtui.console.view_state import ViewState

NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


def always(view_state: ViewState) -> bool:
    """Return that an action can do something, whatever is shown."""
    del view_state
    return True


class Hint(NamedTuple):
    """An action's place on the key line: the most needed first, as many as fit."""

    words: str | Callable[[ViewState], str]
    place: float
    read_only: bool = False
    """Whether it stands there only where the console is read-only."""
    able: Callable[[ViewState], bool] = always
    """Whether its key does something now."""


class ButtonSpec(NamedTuple):
    """An action's button in the bar."""

    place: int
    width: int | None = None
    """Cells, where the label changes: nothing moves under the mouse."""
    label: Callable[[ViewState], str] | None = None
    """The label, where it is not the title."""
    below: bool = False
    """Whether it stands in the half that goes below the other where there is little room."""


class Toggle(NamedTuple):
    """An action that takes back what it did: it is shown as the action ``back`` while ``stands``."""

    stands: Callable[[ViewState], bool]
    back: str


class ActionSpec(NamedTuple):
    """One action: one wording, for every place in which it is offered."""

    name: str
    """Unique; what is typed, if ``usage`` says that it can be."""
    title: str
    """What the help, menus and buttons call it; it ends with dots if it asks for more."""
    help: str
    """What it does, in one line."""
    run: Callable[[Controllers], object] | None = None
    """What a key, a button or a menu does, for what is selected."""
    armed: bool = False
    """Whether it acts on the cluster, which a read-only console does not."""

    # Keys
    keys: str = ""
    """Textual's names, with commas between."""
    priority_keys: str = ""
    """Keys that act also while a line is typed."""
    key_name: str = ""
    """How help calls the keys, where their names are not enough."""
    run_key: Callable[[Controllers, str], object] | None = None
    """What its keys do, where they differ."""
    pane: str = ""
    """The only pane in which its keys act; empty for all."""
    own: Mapping[str, str] = NOWHERE
    """By pane, the pane's own action for these keys."""
    hint: Hint | None = None

    # What can be typed
    usage: str = ""
    """Examples of how it is typed; empty if it cannot be."""
    meaning: Meaning | None = None
    choices: Choices | None = None
    links: bool = False
    """Whether it is about links, which one replica has none of."""
    also: str = ""
    """Other words for it, by which it is found."""

    # Buttons and menus
    button: ButtonSpec | None = None
    menu: str = ""
    """Its key in the menu of a replica."""
    link_menu: str = ""
    """Its key in the menu of a link."""
    toggle: Toggle | None = None
