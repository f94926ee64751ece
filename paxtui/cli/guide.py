"""``paxtui guide``: the documentation that is installed with the program."""

from __future__ import annotations

from typing import Annotated

import typer

from paxtui.cli.completers import complete_topics
from paxtui.cli.guard import EXIT_OK, EXIT_USAGE, Failure


def guide(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help="The page to read. Without it: the list of pages.",
            autocompletion=complete_topics,
        ),
    ] = None,
) -> int:
    """Read the guide, page by page.

    On a terminal a page is shown in a pager: PAGER, else less. Elsewhere it is printed as Markdown.

    Examples:

      paxtui guide

      paxtui guide console

      paxtui guide wire > wire.md
    """
    import sys

    from paxtui import guide as pages

    if topic is None:
        _print_list()
        return EXIT_OK
    name = topic.lower().removesuffix(".md")
    if name not in pages.TOPICS:
        raise Failure(_unknown(topic), EXIT_USAGE)
    text = pages.page(name).text
    if sys.stdout is not None and sys.stdout.isatty():
        from paxtui.cli import pager

        pager.show(text)
    else:
        print(text, end="")
    return EXIT_OK


def _print_list() -> None:
    """Print each topic with its summary, at the width of the terminal."""
    import shutil

    from paxtui import guide as pages
    from paxtui.cli.wrapping import wrapped

    found = pages.pages()
    column = max(len(each.topic) for each in found) + 2
    width = min(shutil.get_terminal_size().columns, 100)
    for each in found:
        lines = wrapped(each.summary, width, " " * column)
        lines[0] = each.topic.ljust(column) + lines[0][column:]
        print("\n".join(lines))
    print("\npaxtui guide TOPIC shows one of them.")


def _unknown(topic: str) -> str:
    from paxtui import guide as pages

    near = pages.near(topic)
    meant = f"; did you mean {' or '.join(near)}?" if near else "."
    return f'guide: there is no page "{topic}"{meant} The pages are {", ".join(pages.TOPICS)}'
