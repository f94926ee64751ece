"""What replicas, clients and consoles of one version must have in common: limits, defaults, words, dice."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import get_args

import msgspec
import pytest

from paxtui.core.ballot import Ballot
from paxtui.core.messages import PeerMessage
from paxtui.core.values import NOOP, Command, checkpoint, trim
from paxtui.wire import codec, fate, framing, hello, requests, telemetry, text
from paxtui.wire import faults as f
from paxtui.wire.codec import Decoder, too_deep
from paxtui.wire.errors import FRAME_LENGTH, WireError
from paxtui.wire.schema_errors import MISFIT as NOT_A_MESSAGE
from paxtui.wire.schema_errors import NOT_JSON


def structs(*modules: ModuleType) -> list[type[msgspec.Struct]]:
    """Every struct that one of the modules defines."""
    return [
        each
        for module in modules
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, msgspec.Struct) and each.__module__ == module.__name__
    ]


@pytest.mark.parametrize("message", structs(hello, requests, telemetry, f), ids=lambda each: each.__name__)
def test_nothing_that_was_sent_or_received_can_be_changed(message: type[msgspec.Struct]) -> None:
    assert message.__struct_config__.frozen


@pytest.mark.parametrize(
    "message",
    [each for each in structs(hello, requests, f) if issubclass(each, hello.Frame | f.Fault | f.Trigger)],
    ids=lambda each: each.__name__,
)
def test_nothing_that_is_taken_has_a_field_that_is_not_known(message: type[msgspec.Struct]) -> None:
    assert message.__struct_config__.forbid_unknown_fields


def test_the_limits_of_the_wire() -> None:
    """A program with another limit would send what this one refuses, or the other way round."""
    assert framing.FRAME_BYTES_MAX == 1_048_576
    assert framing.HEAD_BYTES == 4
    assert hello.PROTOCOL_VERSION >= 1
    assert hello.NAME_CHARS_MAX == 64
    assert (requests.PAGE_SLOTS_MAX, requests.APPENDS_MAX) == (2048, 1024)
    assert (telemetry.TEXT_CHARS_MAX, telemetry.DIGEST_CHARS, telemetry.OWN_CHARS) == (120, 16, 8)
    assert codec.NESTING_MAX == 16
    assert text.MARKS_MAX == 4


def test_the_kinds_that_can_be_held_are_those_that_replicas_say() -> None:
    said = [message.__struct_config__.tag for message in get_args(PeerMessage)]
    assert list(get_args(f.MessageKind)) == said


def test_a_hello_that_says_no_more_than_it_must() -> None:
    said = Decoder[hello.Hello](hello.Hello).decode(b'{"type":"hello","version":1,"role":"peer"}')
    assert said == hello.Hello(version=1, role="peer")
    assert (said.commits, said.non_voting, said.origin, said.members, said.name) == (0, False, "", (), "")
    assert (said.cluster, said.replica, said.storage, said.session) == (None, None, None, None)


def test_requests_are_numbered_from_zero() -> None:
    asks = Decoder[requests.StatusRequest](requests.StatusRequest)
    assert asks.decode(b'{"type":"get-status","id":0}').id == 0
    with pytest.raises(WireError, match=r"\$\.id"):
        asks.decode(b'{"type":"get-status","id":-1}')


def test_a_percentage_may_be_all_or_nothing_and_no_more() -> None:
    faults = Decoder[f.Loss](f.Loss)
    for percent in ("0", "100"):
        faults.decode(b'{"fault":"loss","to":1,"percent":%s}' % percent.encode())
    for percent in ("-0.001", "-1", "100.001"):
        with pytest.raises(WireError, match=r"\$\.percent"):
            faults.decode(b'{"fault":"loss","to":1,"percent":%s}' % percent.encode())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (f.Loss(1, 12.5), "loss r0>r1 12.5 %"),
        (f.Loss(-1, 100), "loss r0>* 100 %"),
        (f.Delay(2, 50), "delay r0>r2 50 ms"),
        (f.Delay(2, 50, 10), "delay r0>r2 50 ms +10"),
        (f.Duplicate(1, 5), "duplicate r0>r1 5 %"),
        (f.Reorder(1, 5), "reorder r0>r1 5 %"),
        (f.Cut(0), "cut r0>r0"),
        (f.Hold(1), "hold r0>r1"),
        (f.Hold(-1, ("accept", "chosen"), 3), "hold r0>* accept chosen slot 3"),
        (f.Pause(1.5), "pause r0 1.5 s"),
        (f.CrashProposer(), "crash-proposer r0"),
        (f.CrashReplica(), "crash r0"),
        (f.SkipSlot(), "skip r0 next slot"),
        (f.SkipSlot(0), "skip r0 slot 0"),
        (f.SlowDisk(3), "slow-disk r0 3 ms"),
        (f.Clock(12.5), "clock r0 12.5 %"),
        (f.DiskError(), "disk-error r0"),
        (f.FullDisk(), "full-disk r0"),
    ],
)
def test_a_fault_is_named_as_the_command_line_names_it(fault: f.AnyFault, words: str) -> None:
    assert f.describe(0, fault) == words


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ((0, 0, 1, 0, 1), 0.502021189821688),
        ((0, 0, 1, 0, 2), 0.06690524891867944),
        ((1, 2, 3, 4, 3), 0.7425892399041352),
        ((2**40, 8, 7, 10**6, 4), 0.07966240575730976),
    ],
)
def test_a_seed_that_failed_once_fails_for_ever(
    what: tuple[int, int, int, int, int], expected: float
) -> None:
    """Other dice would make every recorded seed and plan another run."""
    assert fate.roll(*what) == expected
    assert (fate.LOSS, fate.DELAY, fate.DUPLICATE, fate.REORDER) == (1, 2, 3, 4)


def test_a_value_of_the_cluster_has_a_digest_of_its_own_that_begins_as_the_no_op_does() -> None:
    own = [trim(7, Ballot(1, 0)), trim(8, Ballot(1, 0)), checkpoint(5, Ballot(1, 0))]
    digests = [telemetry.digest(value) for value in own]
    assert telemetry.digest(NOOP) == telemetry.NOOP_DIGEST
    assert len({telemetry.NOOP_DIGEST, *digests}) == 4
    assert {each[:8] for each in digests} == {telemetry.OWN_PREFIX} == {telemetry.NOOP_DIGEST[:8]}
    assert {len(each) for each in digests} == {16}
    assert not telemetry.digest(Command("ada~1", 1, "x")).startswith(telemetry.OWN_PREFIX)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (checkpoint(5, Ballot(1, 0)), "checkpoint"),
        (trim(1234, Ballot(1, 0)), "trim to 1234"),
        (NOOP, "no-op"),
    ],
)
def test_a_value_of_no_client_is_told_in_words(value: Command, words: str) -> None:
    assert text.cluster_words(value.request, value.text) == words


def test_a_text_of_120_characters_is_told_whole_and_a_longer_one_is_cut() -> None:
    assert telemetry.brief("x" * 120) == "x" * 120
    assert telemetry.brief("x" * 121) == "x" * 119 + "…"


def test_characters_that_are_left_out_do_not_hide_that_a_text_was_cut() -> None:
    """Each further mark on one character is left out, so it does not count for the limit."""
    assert text.visible("e" + "\u0301" * 9 + "xyz", 6) == "e" + "\u0301" * 4 + "…"
    assert text.visible("e" + "\u0301" * 9 + "x", 6) == "e" + "\u0301" * 4 + "x"


def test_an_error_of_the_bytes_is_counted_under_its_kind() -> None:
    assert WireError("what").kind == NOT_A_MESSAGE
    assert WireError("what", NOT_JSON).kind == NOT_JSON
    assert str(WireError("what", FRAME_LENGTH)) == "what"


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_nesting_is_allowed_up_to_its_limit_and_not_one_level_more(bracket: bytes) -> None:
    end = {b"[": b"]", b'{"a":': b"}"}[bracket]
    for levels, deep in ((8, False), (9, True)):
        assert too_deep(bracket * levels + b"1" + end * levels, 8) is deep, "closed"
        assert too_deep(bracket * levels, 8) is deep, "never closed"
