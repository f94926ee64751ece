"""What a mistake in the command line is told in: one line, in the words of paxtui and of no library."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    UsageError = Exception
else:
    UsageError = typer.BadParameter.__bases__[0]
    """The base of all that the parser complains about."""

EXIT_USAGE: Final = 2

Sentence = Callable[["re.Match[str]"], str]

VERBS: Final = ("needs ", "is ", "goes ")
"""A text that begins so goes on from the name of its option."""

SENTENCES: Final[tuple[tuple[str, Sentence], ...]] = (
    (r"'(.*)' is not a valid (?:int|integer)(?: range)?\.?", lambda m: f"{m[1]!r} is no whole number"),
    (r"'(.*)' is not a valid float(?: range)?\.?", lambda m: f"{m[1]!r} is no number"),
    (r"(\S+) is not in the range (.*)\.", lambda m: f"{m[1]} is out of range; {allowed(m[2])} is allowed"),
    (r"Option '(.*)' requires an argument\.", lambda m: f"{m[1]}: its value is missing"),
    (r"Option '(.*)' requires \d+ arguments\.", lambda m: f"{m[1]}: its values are missing"),
    (r"Option '(.*)' does not take a value\.", lambda m: f"{m[1]} takes no value"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", lambda m: f"too many words: {m[1]}"),
)
"""The parser's sentences, and ours."""


def allowed(bounds: str) -> str:
    """Say in words what ``1<=x<=30`` allows."""
    found = re.fullmatch(r"(?:([-0-9.]+)<=?)?x(?:<=?([-0-9.]+))?|x>=?([-0-9.]+)", bounds)
    if found is None:
        return bounds
    low, high = found[1] or found[3], found[2]
    if low is None:
        return f"up to {high}"
    return f"{low} or more" if high is None else f"{low} to {high}"


def tell(error: Exception, words: Sequence[str], commands: Sequence[str]) -> int:
    """Print what is wrong with the command line ``words``, and where it is explained; the exit code.
    ``commands`` are the names of all."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(str(error))
        return EXIT_USAGE
    context = getattr(error, "ctx", None)
    first = words[0] if words and words[0] in commands else ""
    path = context.command_path if context is not None else f"paxtui {first}".strip()
    known = list(getattr(context.command, "commands", commands)) if context is not None else list(commands)
    text = _sentence(error, [*known, *commands] if path == "paxtui" else known)
    name = path.removeprefix("paxtui").strip()
    where = f"{name}: " if name else ""
    see = f" See `{path} --help`" if text.endswith("?") else f"; see `{path} --help`"
    print(f"paxtui: {where}{text}{see}", file=sys.stderr, flush=True)
    return EXIT_USAGE


def _sentence(error: Any, commands: Sequence[str]) -> str:
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return f"there is no option {error.option_name}{_meant(error.option_name, _options(error))}"
    if kind == "MissingParameter":
        names = getattr(error.param, "opts", None) or []
        option = next((name for name in names if name.startswith("-")), None)
        return f"{option or error.param.metavar or error.param.name} is missing"
    message = str(error.message)
    found = re.fullmatch(r"No such command '(.*?)'\..*", message)
    if found is not None:
        return f"there is no command {found[1]}{_meant(found[1], commands)}"
    if message == "Missing command.":
        return "a command is missing"
    where, text = _where(error), _translated(message)
    if not where:
        return text
    return f"{where} {text}" if text.startswith(VERBS) else f"{where}: {text}"


def _translated(message: str) -> str:
    for pattern, sentence in SENTENCES:
        found = re.fullmatch(pattern, message)
        if found is not None:
            return sentence(found)
    return message.removesuffix(".")


def _where(error: Any) -> str:
    """Name the option or the argument that is wrong."""
    hint = getattr(error, "param_hint", None)
    if hint is not None:
        return hint if isinstance(hint, str) else " / ".join(hint)
    param = getattr(error, "param", None)
    if param is None:
        return ""
    options = [name for name in getattr(param, "opts", []) if name.startswith("-")]
    return max(options, key=len) if options else str(param.metavar or param.name)


def _options(error: Any) -> list[str]:
    context = getattr(error, "ctx", None)
    return [] if context is None else [name for each in context.command.params for name in each.opts]


def _meant(word: str, known: Sequence[str]) -> str:
    from paxtui.words.suggestions import nearest

    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
