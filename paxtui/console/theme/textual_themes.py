"""Textual's side of the themes: backgrounds and borders. What rows look like is in :mod:`.look`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textual.theme import BUILTIN_THEMES, Theme

from paxtui.console.theme.styles import GROUNDLESS, PALETTES

if TYPE_CHECKING:
    from textual.app import App

ANSI_NAMES: Final = GROUNDLESS

ANSI_BASES: Final = ("ansi-dark", "textual-ansi")
"""Textual's own theme of this kind, by its names, the newest first."""

GROUNDS: Final[dict[str, tuple[str, str, str, str, bool]]] = {
    "dark": ("#12161b", "#d7dae0", "#3d4650", "#1b2129", True),
    "light": ("#fbfbf9", "#20252b", "#c3c9d0", "#eef1f4", False),
    "colour-blind": ("#12161b", "#d7dae0", "#3d4650", "#1b2129", True),
}


def _plain(theme: Theme) -> Theme:
    """Return a theme without any colour but the terminal's own for text."""
    own = "ansi_default"
    return replace(theme, primary=own, secondary=own, warning=own, error=own, success=own, accent=own)


def register(app: App[int], current: str) -> None:
    """Make our themes known and take ``current``."""
    for name in PALETTES:
        if name in ANSI_NAMES:
            base = BUILTIN_THEMES[next(each for each in ANSI_BASES if each in BUILTIN_THEMES)]
            theme = replace(base, name=name, variables={**base.variables, "rule": "ansi_bright_black"})
            if name == "no-color":
                theme = _plain(theme)
        else:
            ground, text, rule, panel, dark = GROUNDS[name]
            theme = Theme(
                name=name,
                primary="#56b4e9",
                secondary="#cc79a7",
                warning="#e69f00",
                error="#d55e00",
                success="#009e73",
                accent="#f0e442" if dark else "#7a5200",
                foreground=text,
                background=ground,
                surface=ground,
                panel=panel,
                dark=dark,
                variables={"rule": rule},
            )
        app.register_theme(theme)
    app.theme = current
