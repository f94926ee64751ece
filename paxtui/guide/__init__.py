"""The guide: Markdown pages that are installed with the program; ``paxtui guide`` shows them.

A page begins with its title. The line after it says in one sentence what the page is for; the list of pages
shows that sentence.
"""

from __future__ import annotations

import difflib
from importlib import resources
from typing import Final, NamedTuple

TOPICS: Final = (
    "start",
    "console",
    "time",
    "commands",
    "configuration",
    "security",
    "operations",
    "wire",
    "faults-and-scenarios",
    "records",
    "promises",
    "measurements",
    "architecture",
    "invariants",
    "decisions",
    "glossary",
)
"""All pages, in the order of the list: first for those who use paxtui, then for those who change it."""


class Page(NamedTuple):
    """One page of the guide."""

    topic: str
    summary: str
    """One sentence: what the page is for."""
    text: str
    """The whole page, as Markdown."""


def page(topic: str) -> Page:
    """Read the page about a topic, one of :data:`TOPICS`."""
    text = resources.files("paxtui.guide").joinpath(f"{topic}.md").read_text("utf-8")
    summary = next(line for line in text.splitlines()[1:] if line.strip())
    return Page(topic, summary, text)


def pages() -> list[Page]:
    """Read all pages, in order."""
    return [page(topic) for topic in TOPICS]


def near(word: str) -> list[str]:
    """Find the topics that somebody may have meant by ``word``: those that contain it or look like it."""
    word = word.lower().removesuffix(".md")
    inside = [topic for topic in TOPICS if word and word in topic]
    alike = difflib.get_close_matches(word, TOPICS, n=3, cutoff=0.6)
    return list(dict.fromkeys([*inside, *alike]))
