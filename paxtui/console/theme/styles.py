"""How things look: glyphs, and styles by name. Shape, letter and colour say the same thing; colour is
never alone.

Colours are those of Okabe and Ito, which people with any kind of colour blindness can tell apart.
"""

from __future__ import annotations

from typing import Final

from rich.style import Style

from paxtui.console.model.analysis.slots import CellKind

GLYPHS: Final[dict[str, tuple[str, str]]] = {
    "nothing": ("·", "."),
    "in-flight": ("»", ">"),
    "accepted": ("◐", "a"),
    "learned": ("●", "C"),
    "told": ("◎", "c"),
    "older": ("○", "o"),
    "no-op": ("◆", "N"),
    "lost": ("✗", "!"),
    "refused": ("✗", "!"),
    "unknown": ("?", "?"),
    "removed": ("#", "#"),
    "tape-alarm": ("!", "!"),
    "tape-mark": ("▮", "#"),
    "tape-process": ("↓", "v"),
    "tape-fault": ("×", "x"),
    "tape-election": ("▲", "^"),
    "tape-here": ("◆", "@"),
    "rule": ("─", "-"),
    "pointer": ("▶", ">"),
    "follow": ("▼", "v"),
    "arrow": ("→", ">"),
    "chosen": ("✓", "+"),
    "applied": ("✓✓", "++"),
    "proposed": ("…", "~"),
    "queued": ("◌", "o"),
    "problem": ("!", "!"),
    "repeated": ("=", "="),
    "line": ("─", "-"),
    "heavy": ("━", "="),
    "bar": ("│", "|"),
    "fold": ("⋮", ":"),
    "ok": ("✓", "+"),
    "bad": ("✗", "X"),
}
"""Unicode and ASCII. Each is one cell wide in every terminal; none is an emoji."""

SPARK: Final = ("▁▂▃▄▅▆▇█", "_.-=+*#@")

BLACK, ORANGE, SKY, GREEN = "#000000", "#e69f00", "#56b4e9", "#009e73"
YELLOW, BLUE, VERMILION, PURPLE = "#f0e442", "#0072b2", "#d55e00", "#cc79a7"

DARK: Final[dict[str, str]] = {
    "": "",
    "dim": "#7f8790",
    "text": "#d7dae0",
    "strong": "bold #ffffff",
    "title": "bold #9fb4c7",
    "rule": "#3d4650",
    "key": f"bold {YELLOW}",
    "good": GREEN,
    "warn": ORANGE,
    "bad": f"bold {VERMILION}",
    "alarm": f"bold #ffffff on {VERMILION}",
    "passed": f"bold #000000 on {GREEN}",
    "hole": f"bold #000000 on {ORANGE}",
    "leader": f"bold {GREEN}",
    "self": SKY,
    "nothing": "#78818c",
    "removed": "#78818c",
    "in-flight": "#9aa3ad",
    "accepted": SKY,
    "learned": "#4c9be8",
    "told": "#4c9be8",
    "older": "#8a8f98",
    "no-op": PURPLE,
    "lost": ORANGE,
    "refused": ORANGE,
    "unknown": "italic #7f8790",
    "cursor": "on #26313d",
    "selected": "bold #ffffff on #31404f",
    "frozen": f"bold #000000 on {SKY}",
    "spark": SKY,
    "button": "bold #d7dae0 on #2b3642",
    "ballot0": "#7cc5f2",
    "ballot1": "#e8b64c",
    "ballot2": "#5fc9a5",
    "ballot3": "#dd9fc3",
    "ballot4": "#efe66b",
    "ballot5": "#e98b52",
}

LIGHT: Final[dict[str, str]] = DARK | {
    "dim": "#666c73",
    "text": "#20252b",
    "strong": "bold #000000",
    "title": "bold #2b4a66",
    "rule": "#c3c9d0",
    "key": "bold #7a5200",
    "good": "#00704f",
    "warn": "#a35f00",
    "bad": "bold #b03a00",
    "leader": "bold #00704f",
    "self": BLUE,
    "nothing": "#79818a",
    "removed": "#79818a",
    "in-flight": "#6b737b",
    "accepted": "#1f78b4",
    "learned": "#004f8a",
    "told": "#004f8a",
    "older": "#7b8189",
    "no-op": "#8d3a6b",
    "unknown": "italic #666c73",
    "lost": "#a35f00",
    "refused": "#a35f00",
    "cursor": "on #e3ebf3",
    "selected": "bold #000000 on #cfdeec",
    "spark": BLUE,
    "button": "bold #20252b on #d8dfe6",
    "ballot0": "#00609c",
    "ballot1": "#8a5a00",
    "ballot2": "#00704f",
    "ballot3": "#8d3a6b",
    "ballot4": "#6d6500",
    "ballot5": "#a04000",
}

ANSI: Final[dict[str, str]] = {
    # Faint rather than bright black, which is the ground itself in some palettes.
    "": "",
    "dim": "dim",
    "text": "",
    "strong": "bold",
    "title": "bold",
    "rule": "dim",
    "key": "bold yellow",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "alarm": "bold white on red",
    "passed": "bold reverse green",
    "hole": "bold reverse yellow",
    "leader": "bold green",
    "self": "cyan",
    "nothing": "dim",
    "removed": "dim",
    "in-flight": "",
    "accepted": "cyan",
    "learned": "bright_blue",
    "told": "bright_blue",
    "older": "dim",
    "no-op": "magenta",
    "lost": "yellow",
    "refused": "yellow",
    "unknown": "italic",
    "cursor": "underline",
    "selected": "reverse",
    "frozen": "reverse cyan",
    "spark": "cyan",
    "button": "reverse",
    "ballot0": "cyan",
    "ballot1": "yellow",
    "ballot2": "green",
    "ballot3": "magenta",
    "ballot4": "bright_blue",
    "ballot5": "bright_yellow",
}

PLAIN: Final[dict[str, str]] = {
    name: " ".join(
        word for word in style.split() if word in ("bold", "dim", "italic", "reverse", "underline")
    )
    for name, style in ANSI.items()
} | {"cursor": "underline", "alarm": "bold reverse", "hole": "bold reverse"}
"""For ``NO_COLOR``: weight, faintness and reverse video alone."""

COLOUR_BLIND: Final[dict[str, str]] = DARK | {
    "good": SKY,
    "leader": f"bold {SKY}",
    "bad": f"bold {ORANGE}",
    "alarm": f"bold #000000 on {ORANGE}",
    "passed": f"bold #000000 on {SKY}",
    "ballot2": "#ffffff",
    "ballot5": "#a9b3bd",
}

PALETTES: Final[dict[str, dict[str, str]]] = {
    "dark": DARK,
    "light": LIGHT,
    "colour-blind": COLOUR_BLIND,
    "ansi": ANSI,
    "no-color": PLAIN,
}
"""Themes by name, in the order in which F2 goes through them; the last is what ``NO_COLOR`` asks for."""


GROUNDLESS: Final = ("ansi", "no-color")
"""Themes in which everything has the ground of the terminal."""


class Styles:
    """Glyphs and styles of one theme."""

    def __init__(self, theme: str = "dark", *, ascii: bool = False, few_colours: bool = False) -> None:
        self.theme = theme
        self.ascii = ascii
        self.few_colours = few_colours
        """Whether the terminal has too few colours to tell one ground from another."""
        self._styles = {
            name: Style.parse(text) if text else Style() for name, text in PALETTES[theme].items()
        }

    @property
    def brackets(self) -> bool:
        """Whether what can be pressed or typed into has brackets, because its ground cannot be seen."""
        return self.few_colours or self.theme in GROUNDLESS

    def glyph(self, name: str) -> str:
        """Return the shape of a cell or a state."""
        return GLYPHS[name][self.ascii]

    def cell(self, kind: CellKind) -> str:
        """Return the shape of an acceptor's cell."""
        return GLYPHS[kind][self.ascii]

    @property
    def spark(self) -> str:
        """Eight heights."""
        return SPARK[self.ascii]

    def style(self, name: str) -> Style:
        """Return a style by name; several names with spaces between add up."""
        found = self._styles.get(name)
        if found is None:
            found = Style()
            for part in name.split():
                found += self._styles[part] if part in self._styles else Style.parse(part)
            self._styles[name] = found
        return found
