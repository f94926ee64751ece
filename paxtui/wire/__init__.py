"""Bytes to values and back: frames, JSON, and the vocabulary of peers, clients, operators, observers.

No sockets here: a program in any language can be written from `paxtui guide wire`, and this package
is its reference. ``framing`` cuts the stream, ``codec`` checks each body, ``hello`` opens a connection,
``requests``, ``faults`` and ``telemetry`` are what is said after that. Replicas say
:data:`paxtui.core.messages.PeerMessage` to each other.
"""

from paxtui.core.messages import PeerMessage
from paxtui.wire.codec import Decoder, encode
from paxtui.wire.errors import WireError
from paxtui.wire.framing import FRAME_BYTES_MAX, FrameReader, frame

__all__ = ["FRAME_BYTES_MAX", "Decoder", "FrameReader", "PeerMessage", "WireError", "encode", "frame"]
