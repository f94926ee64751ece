"""Messages that wait at their sender: what is one, what has no room, and what leaves how often."""

from __future__ import annotations

from collections import Counter

import pytest
import trio

from paxtui.core.ballot import REPLICAS_MAX, Ballot
from paxtui.core.messages import Accept, CatchUp, Chosen, Heartbeat, PeerMessage, Prepare, Promise
from paxtui.core.output import EVERYONE, Envelope
from paxtui.core.values import NOOP, Command, Vote
from paxtui.replica.faults.registry import HELD, FaultRegistry
from paxtui.replica.faults.staged import COPIES_MAX, STAGED_BYTES_MAX, STAGED_MAX, StagedMessages
from paxtui.replica.transport.frame_writer import FrameWriter
from paxtui.replica.transport.keepalive import Keepalive
from paxtui.replica.transport.outbound import OutboundLinks
from paxtui.wire import FrameReader
from paxtui.wire import faults as f
from paxtui.wire.codec import encode
from paxtui.wire.requests import StagedMatch
from paxtui.wire.telemetry import MessageReleased, MessageStaged
from paxtui.wire.views import is_about
from tests.replica.test_frame_writer import Slow

B = Ballot(3, 0)
X, Y = Command("ada~1", 1, "x"), Command("ada~1", 2, "y")
ACCEPT = Accept(B, 12, (X, Y))


def staged_with(*messages: tuple[int, PeerMessage], me: int = 1) -> StagedMessages:
    staged = StagedMessages(me)
    for at, (to, message) in enumerate(messages):
        staged.add(to, message, encode(message), float(at))
    return staged


def test_a_message_is_shown_with_its_number_link_kind_ballot_slots_bytes_and_age() -> None:
    staged = staged_with((0, CatchUp(7)), (2, ACCEPT))
    first, second = (staged.view(held, 9.0) for held in staged)
    assert (first.number, first.replica, first.to, first.kind) == (2, 1, 0, "catch-up")
    assert (first.ballot, first.first, first.count, first.age_s) == (None, 7, 0, 9.0)
    assert (second.number, second.kind, second.ballot) == (2 + REPLICAS_MAX, "accept", B)
    assert (second.first, second.count, second.bytes) == (12, 2, len(encode(ACCEPT)))


def test_byte_equal_messages_to_one_replica_are_one_and_all_others_are_their_own() -> None:
    beat = Heartbeat(B, 5, 1)
    staged = staged_with((0, beat), (0, Heartbeat(B, 6, 1)), (2, beat), (0, beat), (0, beat))
    assert [(held.to, held.message, held.copies) for held in staged] == [
        (0, beat, 3),
        (0, Heartbeat(B, 6, 1), 1),
        (2, beat, 1),
    ]
    assert staged.waiting_bytes == sum(len(held.data) for held in staged)


def test_as_many_messages_wait_as_may_and_one_more_is_lost() -> None:
    staged = StagedMessages(0)
    for number in range(STAGED_MAX):
        assert staged.add(1, CatchUp(number), b"%d" % number, 0.0) is not None
    assert staged.add(1, CatchUp(STAGED_MAX), b"new", 0.0) is None
    assert staged.add(1, CatchUp(0), b"0", 0.0) is not None  # it repeats what waits already
    assert len(staged) == STAGED_MAX


def test_as_many_bytes_wait_as_may_and_one_more_is_lost() -> None:
    staged = StagedMessages(0)
    assert staged.add(1, ACCEPT, b"a" * (STAGED_BYTES_MAX - 1), 0.0) is not None
    assert staged.add(1, ACCEPT, b"bb", 0.0) is None
    assert staged.add(1, ACCEPT, b"b", 0.0) is not None
    assert staged.waiting_bytes == STAGED_BYTES_MAX
    staged.clear()
    assert (len(staged), staged.waiting_bytes) == (0, 0)
    assert staged.add(1, ACCEPT, b"bb", 0.0) is not None


def test_so_many_copies_are_one_message_and_one_more_is_lost() -> None:
    staged = staged_with(*[(0, ACCEPT)] * COPIES_MAX)
    assert staged.add(0, ACCEPT, encode(ACCEPT), 0.0) is None
    assert [held.copies for held in staged] == [COPIES_MAX]


def test_what_is_taken_is_gone_and_comes_in_the_order_in_which_it_was_sent_or_asked_for() -> None:
    messages = [CatchUp(number) for number in range(4)]
    staged = staged_with(*((0, each) for each in messages), me=0)
    numbers = [held.number for held in staged]
    asked = [numbers[2], numbers[0], numbers[2]]
    assert [held.message for held in staged.take_numbers(asked)] == [messages[2], messages[0]]
    assert staged.missing(numbers) == [numbers[0], numbers[2]]
    assert [held.message for held in staged.take(lambda _: True)] == [messages[1], messages[3]]
    assert len(staged) == 0


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (StagedMatch(), [0, 1, 2, 3]),
        (StagedMatch(2), [2]),
        (StagedMatch(kinds=("accept", "chosen")), [0, 2, 3]),
        (StagedMatch(slot=13), [0, 2]),
        (StagedMatch(0, ("accept",), 13), [0]),
    ],
)
def test_a_match_means_the_messages_of_its_link_kinds_and_slot(
    match: StagedMatch, expected: list[int]
) -> None:
    prepare, chosen = Prepare(B, 13, False), Chosen(B, 14, 1)
    staged = staged_with((0, ACCEPT), (0, prepare), (2, ACCEPT), (0, chosen))
    wanted = staged.matching(match)
    assert [index for index, held in enumerate(staged) if wanted(held)] == expected


def test_a_promise_is_about_the_slots_of_its_votes_alone() -> None:
    promise = Promise(B, 3, None, 3, (Vote(5, B, NOOP), Vote(9, B, NOOP)))
    assert [slot for slot in range(12) if is_about(promise, (), slot)] == [5, 9]


# On the way out


class Outbound:
    """The ways out of replica 0 of three; what leaves for 1 and 2 can be looked at."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.registry = FaultRegistry(0, 3, 1, lambda *_: None, lambda _: None)
        self.links = OutboundLinks(0, 3, self.registry, self.counters)
        self.writers: dict[int, FrameWriter] = {}

    def connect(self, *peers: int) -> None:
        for peer in peers:
            writer = self.writers[peer] = FrameWriter(Slow(), bytes_max=1 << 20)
            writer.sent_at = trio.current_time()  # so no keepalive is due
            self.links.add(peer, writer, Keepalive(writer, 1e9), trio.CancelScope())

    def put(self, fault: f.AnyFault, for_s: float | None = None) -> int:
        number, reason = self.registry.inject(fault, 0.0, for_s, None)
        assert reason is None
        return number

    def send(self, *messages: PeerMessage, to: int = 1) -> None:
        self.links.send(tuple(Envelope(to, each) for each in messages), watched=True)

    def left(self, peer: int) -> int:
        """How many messages left for ``peer``."""
        queued = b"".join(self.writers[peer]._queue)
        return len(list(FrameReader().feed(queued)))


@pytest.fixture
async def out() -> Outbound:
    found = Outbound()
    found.connect(1, 2)
    return found


@pytest.mark.trio
async def test_held_messages_wait_and_all_others_leave(out: Outbound) -> None:
    out.put(f.Hold(1, ("accept",)))
    out.send(ACCEPT, CatchUp(1), to=EVERYONE)
    assert (out.left(1), out.left(2)) == (1, 2)
    assert [(held.to, held.message) for held in out.links.staged] == [(1, ACCEPT)]
    assert out.links.faulted == [MessageStaged(1, 1, "accept", B, 12, 2, 1)]


@pytest.mark.trio
async def test_a_hold_of_a_slot_keeps_what_is_about_it(out: Outbound) -> None:
    out.put(f.Hold(-1, slot=13))
    out.send(ACCEPT, Chosen(B, 12, 1), Chosen(B, 13, 1), Heartbeat(B, 1, 14))
    assert [held.message for held in out.links.staged] == [ACCEPT, Chosen(B, 13, 1)]


@pytest.mark.trio
@pytest.mark.parametrize(("how", "copies"), [("deliver", 1), ("double", 2), ("drop", 0)])
async def test_what_is_delivered_leaves_once_what_is_doubled_twice_and_what_is_dropped_never(
    out: Outbound, how: str, copies: int
) -> None:
    out.put(f.Hold(-1))
    out.send(ACCEPT)
    assert out.links.release(out.links.staged.take(lambda _: True), how, watched=True) == (1, 0)  # type: ignore[arg-type]
    assert out.left(1) == copies
    assert out.links.faulted[1:] == [MessageReleased(1, 1, "accept", B, 12, 2, 1, how)]


@pytest.mark.trio
async def test_each_of_a_fold_leaves(out: Outbound) -> None:
    out.put(f.Hold(-1))
    out.send(ACCEPT, ACCEPT, ACCEPT)
    out.links.release(out.links.staged.take(lambda _: True), "deliver", watched=False)
    assert out.left(1) == 3


@pytest.mark.trio
async def test_a_person_decides_before_any_other_fault_of_the_link_and_past_it(out: Outbound) -> None:
    out.put(f.Cut(1))
    out.put(f.Loss(1, 100))
    out.put(f.Hold(1))
    out.send(ACCEPT)
    assert (len(out.links.staged), out.registry.lost) == (1, 0)
    out.links.release(out.links.staged.take(lambda _: True), "deliver", watched=False)
    assert out.left(1) == 1


@pytest.mark.trio
async def test_what_is_released_to_a_replica_without_a_connection_is_told_as_unsent(out: Outbound) -> None:
    out.put(f.Hold(-1))
    out.send(ACCEPT)
    out.links.remove(1)
    assert out.links.release(out.links.staged.take(lambda _: True), "deliver", watched=True) == (0, 1)
    assert out.links.faulted[-1] == MessageReleased(1, 1, "accept", B, 12, 2, 1, "unsent")
    assert out.counters["unsent messages"] == 1


@pytest.mark.trio
async def test_what_is_beyond_the_limits_is_lost_and_counted(
    out: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paxtui.replica.faults.staged.STAGED_MAX", 2)
    out.put(f.Hold(-1))
    out.send(CatchUp(1), CatchUp(2), CatchUp(3))
    assert len(out.links.staged) == 2
    assert out.counters["messages beyond what may be staged"] == 1
    assert out.left(1) == 0


@pytest.mark.trio
async def test_a_replica_that_renounces_keeps_nothing_staged(out: Outbound) -> None:
    out.put(f.Hold(-1))
    out.send(ACCEPT)
    out.links.drop_all()
    assert len(out.links.staged) == 0


@pytest.mark.trio
async def test_without_a_hold_nothing_asks_what_a_message_is_about(
    out: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> bool:
        raise AssertionError("nothing is held")

    monkeypatch.setattr("paxtui.replica.faults.registry.is_about", never)
    out.send(ACCEPT)
    out.put(f.Hold(2))
    out.send(ACCEPT)
    assert out.left(1) == 2


def test_holds_add_up_and_end_by_themselves_unless_they_are_renewed() -> None:
    registry = FaultRegistry(0, 3, 1, lambda *_: None, lambda _: None)
    ended: list[bool] = []
    registry.on_hold_ended = lambda: ended.append(registry.holds(1, ACCEPT))
    accepts, reason = registry.inject(f.Hold(1, ("accept",)), 0.0, None, None)
    registry.inject(f.Hold(1, ("chosen",)), 0.0, 10.0, None)
    assert reason is None
    assert registry.fate(1, ACCEPT) is registry.fate(1, Chosen(B, 1, 1)) is HELD
    assert registry.deadline == 10.0
    assert registry.renew(None, 8.0)
    assert registry.expire(17.0) == []
    assert registry.expire(18.0) == [f.Hold(1, ("chosen",))]
    assert registry.renew(accepts, 60.0)
    assert registry.expire(68.0 + f.LEASE_S - 9.0) == []
    assert registry.expire(60.0 + f.LEASE_S) == [f.Hold(1, ("accept",))]
    assert ended == [True, False]
    assert registry.fate(1, ACCEPT) is None
    assert not registry.renew(None, 1000.0)
