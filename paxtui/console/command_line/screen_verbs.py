"""What words of the palette become that change only the screen: calls of controllers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from paxtui.console.command_line import parser
from paxtui.console.command_line.operands import OperandError, replica
from paxtui.console.command_line.parser import Call, Context, Intent, Meaning, need
from paxtui.console.geometry import LAYOUTS
from paxtui.console.view_state import VIEWS

On = TypeVar("On")


class ScreenVerbs(Generic[On]):
    """A maker of meanings, of functions whose first argument is ``On``: all controllers of a console."""

    def alone(self, run: Callable[[On], object]) -> Meaning:
        """Make a command that stands alone."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 0, 0, "it stands alone", context)
            return [Call(run)]

        return mean

    def text(self, run: Callable[[On, str], object], usage: str) -> Meaning:
        """Make a command that takes the rest of the line."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 1, 999, usage, context)
            return [Call(run, (" ".join(words),))]

        return mean

    def one_of(self, run: Callable[[On, str], object], allowed: Collection[str], what: str) -> Meaning:
        """Make a command that takes one of some words."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 1, 1, "|".join(allowed), context)
            if words[0] not in allowed:
                raise OperandError(f"{words[0]!r} is no {what}; {', '.join(allowed)} are")
            return [Call(run, (words[0],))]

        return mean

    def some_of(self, run: Callable[[On, list[str]], object], allowed: Sequence[str], what: str) -> Meaning:
        """Make a command that takes one or more of some words."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 1, len(allowed), " ".join(allowed), context)
            for word in words:
                if word not in allowed:
                    raise OperandError(f"{word!r} is no {what}; {', '.join(allowed)} are")
            return [Call(run, (list(words),))]

        return mean

    def replica(self, run: Callable[[On, int], object], usage: str) -> Meaning:
        """Make a command that takes one replica."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 1, 1, usage, context)
            return [Call(run, (replica(words[0], context.model),))]

        return mean

    def viewer(self, run: Callable[[On, int | None], object], usage: str) -> Meaning:
        """Make a command that takes one replica, or none for the one that leads."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 1, 1, usage, context)
            return [Call(run, (None if words[0] == "leader" else replica(words[0], context.model),))]

        return mean

    def view(self, run: Callable[[On, int], object]) -> Meaning:
        """Make a command that takes a view's name or number."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            need(words, 1, 1, "view " + "|".join(VIEWS), context)
            word = words[0]
            if word in VIEWS:
                return [Call(run, (VIEWS.index(word) + 1,))]
            if word.isdecimal() and 1 <= int(word) <= len(VIEWS):
                return [Call(run, (int(word),))]
            raise OperandError(f"{word!r} is no view; {', '.join(VIEWS)} and 1 to {len(VIEWS)} are")

        return mean

    def filter(self, run: Callable[[On, str], object]) -> Meaning:
        """Make a command that takes what to show; `off` shows all."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            return [Call(run, ("" if list(words) in ([], ["off"]) else " ".join(words),))]

        return mean

    def export(
        self, screen: Callable[[On, str], object], events: Callable[[On, str], object], kinds: Sequence[str]
    ) -> Meaning:
        """Make a command that takes a format, or `events` and a file."""
        formats = self.one_of(screen, kinds, "format")

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            if words[:1] != ["events"]:
                return formats(words, context)
            need(words, 2, 99, "export events FILE", context)
            return [Call(events, (" ".join(words[1:]),))]

        return mean

    def preset(self, run: Callable[[On], object]) -> Meaning:
        """Make a command that takes a topology, or shows all where none is named."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            if words and words[0] in LAYOUTS:
                raise OperandError(f"{words[0]} is a layout of panes: layout {words[0]}")
            return parser.preset(words, context) if words else [Call(run)]

        return mean

    def leave(self, run: Callable[[On], object]) -> Meaning:
        """Make a command of which only `leave running` is meant."""

        def mean(words: Sequence[str], context: Context) -> list[Intent]:
            if list(words) != ["running"]:
                raise OperandError("leave running quits and lets the replicas go on; quit asks")
            return [Call(run)]

        return mean
