"""What a terminal sends, made into Textual's events. No input raises, and no reply becomes a key.

Textual's parser raises for numbers that are too large and for key releases, and it takes a reply that it does
not know apart into single keys: of ``ESC [ ? 62 ; 22 c``, which says what a terminal is, the last would crash
a replica. So escape sequences are cut out of the stream here, by the grammar of ECMA-48, and only complete
ones reach that parser. Pastes do not reach it at all: it would take apart what stands in them, too.
"""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Callable, Generator, Iterator
from typing import Final

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.messages import InBandWindowResize

ESC: Final = b"\x1b"

SEQUENCE: Final = re.compile(
    rb"""\x1b(?:
      \[ M [\x00-\xff]{3}                     # the oldest mouse reports
    | \[ \[ [\x20-\x7e]                       # function keys of Linux' own terminal
    | \[ (?![M\[]) [\x20-\x3f]* [\x40-\x7e]   # keys, mouse reports, replies
    | O [\x20-\x7e]                           # keys in application mode
    | [\]PX^_] [^\x03\x07\x18\x1a\x1b]* (?: \x1b\\ | [\x03\x07\x18\x1a] )  # strings: replies
    | [^\x03\x1b\[O\]PX^_\x80-\xff]           # a key with alt
    )""",
    re.VERBOSE,
)
BEGUN: Final = re.compile(
    rb"""\x1b(?:
      \[ M [\x00-\xff]{0,2} | \[ \[ | \[ [\x20-\x3f]* | O | [\]PX^_] [^\x03\x07\x18\x1a\x1b]* \x1b?
    )?""",
    re.VERBOSE,
)
"""A sequence whose end may still come."""

STRINGS: Final = b"]PX^_"
"""What begins a string, after ESC."""

KITTY_KEY: Final = re.compile(
    r"\x1b\[(\d*)(?::[\d:]*)?(?:;(\d*)(?::(\d*)[\d:]*)?)?(?:;([\d:]*))?([u~ABCDEFHPQS])"
)
"""Key and variants, modifiers and kind of event (3: released), text. https://sw.kovidgoyal.net/kitty/keyboard-protocol/"""

PASTE_START: Final = b"\x1b[200~"
PASTE_OVER: Final = re.compile(rb"\x1b\[201~|\x03|\x1b\[99;5u")
"""Also ctrl-c, as a byte and in kitty's protocol: where the end was lost, it is the way out."""

PASTE_END_BYTES: Final = len(b"\x1b[99;5u")
"""The longest of these."""

RELEASED: Final = "3"

SEQUENCE_BYTES_MAX: Final = 32
"""No key and no mouse report is longer; Textual's parser gives up there as well."""

SEQUENCE_S: Final = 1.0
"""A sequence whose end does not come for so long has none. With less time, the rest of one that a slow line
broke into two would act as keys."""

PASTE_S: Final = 5.0
"""The same for a paste: what has come until then is taken."""

PASTE_BYTES_MAX: Final = 1 << 20
"""More than any line takes; the rest of a paste is dropped."""

CELLS_MAX: Final = 10_000
"""No terminal is wider or higher: a mouse report from further away is none."""

DROPPED: Final = (
    events.Resize,  # the kernel tells the size; numbers in the input may be anybody's
    InBandWindowResize,
    events.AppFocus,  # a line that lost the focus with its window would let text act as keys
    events.AppBlur,
    events.Paste,  # made here
)


class Keyboard:
    """The bytes of one terminal. :meth:`tick` has to be called every tenth of a second or so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard_at = clock()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parser = XTermParser()
        self._begun = b""
        """An escape sequence that is not complete yet."""
        self._paste: bytearray | None = None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the events of bytes that came in."""
        self._heard_at = self._clock()
        data, self._begun = self._begun + data, b""
        while data:
            if self._paste is not None:
                data = yield from self._take_paste(data)
            elif data.startswith(ESC):
                data = yield from self._take_sequence(data)
            else:
                text, escape, rest = data.partition(ESC)
                for character in self._decode(text):
                    yield from self._parse(character)
                data = escape + rest

    def tick(self) -> Iterator[Message]:
        """Yield the events of what stays incomplete."""
        silent_s = self._clock() - self._heard_at
        if self._paste is not None:
            if silent_s > PASTE_S:
                yield from self._end_paste(len(self._paste))
        elif self._begun:
            short = len(self._begun) <= len(b"\x1b[")  # the escape key, or another one with alt
            if silent_s > (constants.ESCAPE_DELAY if short else SEQUENCE_S):
                begun, self._begun = self._begun, b""
                if begun == ESC:
                    yield _escape()

    # Sequences

    def _take_sequence(self, data: bytes) -> Generator[Message, None, bytes]:
        """Yield the events of the sequence at the start; return what follows it."""
        if complete := SEQUENCE.match(data):
            yield from self._dispatch(complete[0])
            return data[complete.end() :]
        begun = BEGUN.match(data)
        assert begun is not None
        rest = data[begun.end() :]
        if not rest:
            # Of a long one only as much is kept as says how it has to end.
            long = len(data) > SEQUENCE_BYTES_MAX
            self._begun = data[:SEQUENCE_BYTES_MAX] + (ESC if long and data.endswith(ESC) else b"")
            return b""
        if begun[0] == ESC:
            if rest[0] < 0x80:  # else a letter beyond ASCII, with alt
                yield _escape()
            return rest
        # Cut off, by another sequence or by a byte that has no place in it.
        return ESC + rest if begun[0].endswith(ESC) else rest

    def _dispatch(self, sequence: bytes) -> Iterator[Message]:
        """Yield what a complete sequence means."""
        if sequence == PASTE_START:
            self._paste = bytearray()
        elif sequence[1] not in STRINGS and len(sequence) <= SEQUENCE_BYTES_MAX and sequence.isascii():
            plain = _plain(sequence.decode("ascii"))
            if plain is not None:
                yield from self._parse(plain)

    def _parse(self, text: str) -> Iterator[Message]:
        """Yield what Textual makes of a character or of a complete sequence."""
        try:
            found = list(self._parser.feed(text))
        except Exception:  # whatever it stumbles over is nothing that we know
            found = []
        if not found:  # it waits for more, or is broken
            before, self._parser = self._parser, XTermParser()
            self._parser.last_x, self._parser.last_y = before.last_x, before.last_y
        self._parser.mouse_pixels = False  # a size in the input switches that on
        yield from filter(_is_sane, found)

    # Pastes

    def _take_paste(self, data: bytes) -> Generator[Message, None, bytes]:
        """Yield the paste if it is over; return what follows it."""
        paste = self._paste
        assert paste is not None
        before = len(paste)
        paste += data
        over = PASTE_OVER.search(paste, max(0, before - PASTE_END_BYTES))
        if over is None:
            del paste[PASTE_BYTES_MAX : max(PASTE_BYTES_MAX, len(paste) - PASTE_END_BYTES)]
            return b""
        rest = bytes(paste[over.end() :])
        yield from self._end_paste(over.start())
        return rest

    def _end_paste(self, size: int) -> Iterator[Message]:
        assert self._paste is not None
        text = self._paste[: min(size, PASTE_BYTES_MAX)].decode("utf-8", "replace")
        self._paste = None
        if text:
            yield events.Paste(text)


def _escape() -> events.Key:
    return events.Key("escape", "\x1b")


def _plain(sequence: str) -> str | None:
    """Return the sequence as Textual knows it; ``None`` for the release of a key."""
    key = KITTY_KEY.fullmatch(sequence)
    if key is None or ":" not in sequence:
        return sequence
    code, modifiers, kind, text, end = (group or "" for group in key.groups())
    if kind == RELEASED:
        return None
    parts = [code, modifiers, text]
    while parts and not parts[-1]:
        parts.pop()
    return f"\x1b[{';'.join(parts)}{end}"


def _is_sane(message: Message) -> bool:
    """Return whether the app may be told."""
    if isinstance(message, events.MouseEvent):
        return 0 <= message.x < CELLS_MAX and 0 <= message.y < CELLS_MAX
    if isinstance(message, events.Key) and message.character is not None:
        return not any("\ud800" <= character <= "\udfff" for character in message.character)
    return not isinstance(message, DROPPED)
