"""What leaves for other replicas, and what does not."""

from __future__ import annotations

from collections import Counter

import pytest

from paxtui.core.messages import CatchUp
from paxtui.core.output import Envelope
from paxtui.replica.faults.registry import FaultRegistry
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.outbound import OutboundLinks
from paxtui.wire.codec import encode
from tests.replica.test_frame_writer import Slow


@pytest.mark.trio
async def test_so_many_bytes_wait_for_a_replica_and_what_is_beyond_is_lost_and_counted() -> None:
    counters: Counter[str] = Counter()
    registry = FaultRegistry(0, 3, 1, lambda *_: None, lambda _: None)
    outbound = OutboundLinks(0, 3, registry, counters)
    message = CatchUp(7)
    writer = outbound.links[1] = FrameWriter(Slow(), bytes_max=3 * len(encode(message)))
    outbound.send((Envelope(1, message),) * 5 + (Envelope(2, message),), watched=False)
    assert counters == {"sent messages": 3, "messages beyond peer_bytes": 2, "unsent messages": 1}
    assert writer.waiting_bytes == 3 * len(encode(message))
