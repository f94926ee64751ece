"""The words in which people name things, wherever they type them: the command line, scenario files, the
console's command line and the golden scripts of the tests.

- :mod:`.replicas`: ids (``0``, ``r0``), ``leader``, ``all``, lists, and the symbols of scenario files;
- :mod:`.links`: ``0>2``, ``0-2``, ``0>*``, and sides (``r0 | r1,r2``);
- :mod:`.durations`: ``500ms``, ``10s``, ``forever``, and the limits of times in files;
- :mod:`.numbers`: percentages, milliseconds and slots;
- :mod:`.counts`: ``1 slot``, ``2 slots``;
- :mod:`.steps`: messages that are held and released one by one, and clocks that are moved;
- :mod:`.triggers`: trace events, and ``replica 0 accept-sent slot 3``;
- :mod:`.suggestions`: what was perhaps meant by a word that is not known.

Each function gives the value or raises :class:`WordError`, whose text names the mistake and what is allowed.
The caller puts the name of the option or the line of the file before it.
"""

from __future__ import annotations

__all__ = ["WordError"]


class WordError(Exception):
    """A word that cannot be understood. The text names what is wrong, and what is allowed."""
