"""What can be typed at ``:``: words in, commands and calls out. Pure; the dialog is in widgets."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from paxtui.console.command_line.operands import OperandError
from paxtui.console.command_line.parser import Call, Context, Intent, Verb

TYPED_MAX = 500
"""Characters of a line."""

__all__ = ["Call", "Context", "Intent", "OperandError", "Suggestion", "Verb", "parse", "suggest", "verb_of"]


class Suggestion(NamedTuple):
    """One line of the list: what `tab` makes of the text, what is shown, and why."""

    text: str
    shown: str
    what: str
    group: str = ""
    """Of a command."""


def verb_of(text: str, verbs: Sequence[Verb]) -> Verb | None:
    """Return the command that the text begins with, if its name is complete."""
    word = text.strip().partition(" ")[0].lower()
    return next((verb for verb in verbs if verb.name == word), None)


def parse(text: str, context: Context) -> list[Intent]:
    """Return what the words mean. Raises :class:`OperandError`."""
    if len(text) > TYPED_MAX:
        raise OperandError(f"this line has {len(text)} characters; {TYPED_MAX} are allowed")
    words = text.split()
    if not words:
        raise OperandError("type a command; ? lists them")
    verb = verb_of(words[0], context.verbs)
    if verb is None:
        word = words[0].lower()
        near = difflib.get_close_matches(word, [each.name for each in context.verbs], 1)
        near = near or [each.name for each in context.verbs if word in each.also.split()][:1]
        hint = (
            f"did you mean {near[0]}?" if near else f"there are {len(context.verbs)}; an empty line lists all"
        )
        raise OperandError(f"{words[0]!r} is no command; {hint}")
    if verb.links and context.model.n < 2:
        raise OperandError("one replica has no links")
    return verb.meaning(words[1:], context)


def suggest(text: str, context: Context) -> list[Suggestion]:
    """Return what fits what is typed so far: commands, then what may follow the command."""
    text = text[:TYPED_MAX].lstrip()
    if " " not in text:
        return _verbs(text.lower(), context)
    verb = verb_of(text, context.verbs)
    if verb is None or verb.choices is None:
        return []
    begun = text[: text.rfind(" ") + 1]
    last = text[len(begun) :]
    if len(begun.split()) > 1 and not last:
        return []
    choices = verb.choices(context)
    fitting = [each for each in choices if each[0].lower().startswith(last.lower())]
    fitting += [each for each in choices if each not in fitting and last.lower() in each[0].lower()]
    return [Suggestion(f"{begun}{word}", word, what) for word, what in fitting]


def _verbs(typed: str, context: Context) -> list[Suggestion]:
    able = [verb for verb in context.verbs if not verb.links or context.model.n > 1]
    first = [verb for verb in able if verb.name.startswith(typed)]
    inside = [verb for verb in able if typed in verb.name and verb not in first]
    meant = [verb for verb in able if any(word.startswith(typed) for word in verb.also.split())]
    about = [verb for verb in able if typed in verb.help.lower()]
    found = first + inside + (meant + about if len(typed) > 1 else [])
    return [
        Suggestion(_completed(verb), context.example(verb.usage.partition(", ")[0]), verb.help, verb.group)
        for verb in dict.fromkeys(found)
    ]


def _completed(verb: Verb) -> str:
    """Return its name, with a space behind it where something must follow."""
    return verb.name if verb.usage == verb.name else f"{verb.name} "
