"""Bodies: what is sent comes back, and nothing that a stranger writes gets past the schema."""

from __future__ import annotations

import typing
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paxtui.core import messages as m
from paxtui.core.ballot import NUMBER_LIMIT, REPLICAS_MAX, Ballot
from paxtui.core.settings import Settings
from paxtui.core.values import CLIENT_CHARS_MAX, TEXT_BYTES_MAX, Command, Entry, Vote, weight
from paxtui.replica.log.applied_log import PAGE_CHARS
from paxtui.wire import FRAME_BYTES_MAX, Decoder, FrameReader, PeerMessage, WireError, encode
from paxtui.wire import faults as f
from paxtui.wire import hello as h
from paxtui.wire import requests as r
from tests.wire.strategies import faults, ids, peer_messages, requests

peers: Decoder[msgspec.Struct] = Decoder(PeerMessage | h.Ready)
asks: Decoder[msgspec.Struct] = Decoder(h.Hello | r.ClientRequest | r.OperatorRequest | r.ObserverRequest)
answers: Decoder[msgspec.Struct] = Decoder(h.Welcome | h.RefusedHello | h.Problem | r.Answer)


def passed_on(decoder: Decoder[msgspec.Struct], message: msgspec.Struct) -> msgspec.Struct:
    (body,) = FrameReader().feed(encode(message))
    return decoder.decode(body)


@given(peer_messages)
def test_every_message_between_replicas_comes_back_as_it_was(message: msgspec.Struct) -> None:
    assert passed_on(peers, message) == message


@given(requests)
def test_every_request_comes_back_as_it_was(message: msgspec.Struct) -> None:
    assert passed_on(asks, message) == message


def test_the_round_trips_above_cover_every_type_of_message_there_is() -> None:
    """A message that is added later must be added to the strategies, too."""
    assert len(typing.get_args(PeerMessage)) == 14
    assert set(typing.get_args(r.ClientRequest | r.OperatorRequest | r.ObserverRequest)) == {
        *(
            r.AppendRequest,
            r.AppendManyRequest,
            r.ReadRequest,
            r.TailRequest,
            r.StatusRequest,
            r.ElectRequest,
            r.FillHoleRequest,
        ),
        *(
            r.InjectRequest,
            r.UndoRequest,
            r.RenewRequest,
            r.ListFaultsRequest,
            r.ObserveRequest,
            r.HistoryRequest,
        ),
        *(r.ListStagedRequest, r.ReleaseRequest, r.TickRequest),
    }
    assert len(typing.get_args(f.AnyFault)) == 14


@given(faults, ids)
def test_every_fault_has_words(fault: f.AnyFault, replica: int) -> None:
    assert f"r{replica}" in f.describe(replica, fault)


@given(st.binary(max_size=200))
def test_random_bytes_are_a_wire_error_and_nothing_else(body: bytes) -> None:
    for decoder in (peers, asks, answers):
        with pytest.raises(WireError):
            decoder.decode(body)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
fields = [
    "first",
    "ballot",
    "values",
    "id",
    "request",
    "text",
    "fault",
    "when",
    "version",
    "votes",
    "entries",
]


@given(
    st.sampled_from(["accept", "promise", "entries", "append", "inject", "hello", "read", "undo", "status"]),
    st.dictionaries(st.sampled_from(fields), anything, max_size=6),
)
def test_wrong_json_of_the_right_shape_is_a_wire_error_or_a_message(
    kind: str, rest: dict[str, object]
) -> None:
    body = msgspec.json.encode({"type": kind, **rest})
    for decoder in (peers, asks, answers):
        with suppress(WireError):
            assert isinstance(decoder.decode(body), msgspec.Struct)


def refused(decoder: Decoder[msgspec.Struct], body: bytes) -> str:
    with pytest.raises(WireError) as caught:
        decoder.decode(body)
    return str(caught.value)


@pytest.mark.parametrize(
    "number",
    [
        *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" + "0" * 30, "1" + "0" * 5000),
        *("-1", "-" + "9" * 30, str(NUMBER_LIMIT), "true", "false", "null", '"7"', "1.5", "1.0", "1e3"),
        *("[]", "{}", "01", "+1", "0x10", "", "١"),
    ],
)
@pytest.mark.parametrize(
    ("decoder", "template", "place"),
    [
        (peers, '{"type":"catch-up","first":%s}', "$.first"),
        (peers, '{"type":"accept","ballot":[%s,0],"first":0,"values":[]}', "$.ballot[0]"),
        (peers, '{"type":"accept","ballot":[1,%s],"first":0,"values":[]}', "$.ballot[1]"),
        (peers, '{"type":"accept","ballot":[1,0],"first":0,"values":[["a",%s,"x"]]}', "$.values[0][1]"),
        (peers, '{"type":"accepted","ballot":[1,0],"first":0,"count":%s,"learned":0}', "$.count"),
        (asks, '{"type":"append","request":%s,"text":"x"}', "$.request"),
        (asks, '{"type":"read","id":0,"first":0,"limit":%s}', "$.limit"),
        (
            asks,
            '{"type":"inject","id":0,"fault":{"fault":"skip"},"when":{"event":"voted","slot":%s}}',
            "$.when.slot",
        ),
    ],
)
def test_what_is_no_small_natural_number_is_refused_by_the_name_of_its_field(
    decoder: Decoder[msgspec.Struct], template: str, place: str, number: str
) -> None:
    if number == "null" and place == "$.when.slot":
        decoder.decode((template % number).encode())
        return
    text = refused(decoder, (template % number).encode())
    assert place in text or text.startswith("not JSON")


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1e400", "-0.5", "100.5", "true", '"1"', "null", "9" * 400]
)
def test_what_is_no_percentage_is_refused_by_the_name_of_its_field(number: str) -> None:
    body = '{"type":"inject","id":0,"fault":{"fault":"loss","to":1,"percent":NUMBER}}'
    text = refused(asks, body.replace("NUMBER", number).encode())
    assert "$.fault.percent" in text or text.startswith("not JSON")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"type":"append","request":1}', "missing field `text`"),
        ('{"type":"append","request":1,"text":"x","more":1}', "unknown field `more`"),
        ('{"type":"append","request":1,"text":7}', "expected text, got a whole number - at `$.text`"),
        ('{"type":"append","request":1,"text":null}', "at `$.text`"),
        ('{"request":1,"text":"x"}', "missing field `type`"),
        ('{"type":"appended","request":1,"slot":1,"ballot":[1,0]}', "'appended' - at `$.type`"),
        ('{"type":7}', "`$.type`"),
        ('{"type":null}', "`$.type`"),
        ('{"Type":"ready"}', "`type`"),
        ('{"type":"read","id":0,"first":0,"limit":0}', "`$.limit`"),
        ('{"type":"read","id":0,"first":0,"consistency":"eventual"}', "`$.consistency`"),
        ('{"type":"inject","id":0,"fault":{"fault":"meteor"}}', "`$.fault.fault`"),
        ('{"type":"inject","id":0,"fault":{"fault":"cut","to":9}}', "`$.fault.to`"),
        ('{"type":"inject","id":0,"fault":{"fault":"cut","to":0,"x":0}}', "`x` - at `$.fault`"),
        ('{"type":"inject","id":0,"fault":{"fault":"pause","seconds":0}}', "`$.fault.seconds`"),
        ('{"type":"inject","id":0,"fault":{"fault":"crash"},"for_s":0}', "`$.for_s`"),
        ('{"type":"hello","version":1,"role":"king"}', "`$.role`"),
        ('{"type":"hello","version":1,"role":"client","name":"%s"}' % ("x" * 65), "`$.name`"),
        ('{"type":"hello","version":1,"role":"client","session":"%s"}' % ("x" * 97), "`$.session`"),
        ('{"type":"hello","version":1,"role":"peer","replica":9}', "`$.replica`"),
        ('{"type":"hello","version":1,"role":"peer","members":[1]}', "`$.members[0]`"),
        ("[]", "expected an object, got a list"),
        ("null", "got null"),
        ("7", "got a whole number"),
        ('"x"', "got text"),
        ("{}", "missing field `type`"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"type":"elect","id":1}{', "not JSON"),
        ('{"type":"elect","id":1}\x00', "not JSON"),
        ('\ufeff{"type":"elect","id":1}', "not JSON"),
    ],
)
def test_a_malformed_request_is_refused_with_the_reason(body: str, words: str) -> None:
    assert words in refused(asks, body.encode())


def test_a_repeated_field_counts_once() -> None:
    assert peers.decode(b'{"type":"catch-up","first":1,"first":2}') == m.CatchUp(2)


@pytest.mark.parametrize(
    "text",
    [rb"\ud800", rb"\udfff", rb"\ud800\ud800", rb"\udc00\ud800", rb"\ud800x", rb"x\uD83D", rb"\ud800\\udc00"],
)
@pytest.mark.parametrize(
    ("decoder", "template"),
    [
        (asks, b'{"type":"append","request":1,"text":"%s"}'),
        (asks, b'{"type":"hello","version":1,"role":"client","name":"%s"}'),
        (asks, b'{"type":"hello","version":1,"role":"client","session":"%s"}'),
        (asks, b'{"type":"inject","id":1,"fault":{"fault":"crash"},"when":{"event":"%s"}}'),
        (peers, b'{"type":"accept","ballot":[1,0],"first":0,"values":[["a",1,"%s"]]}'),
        (peers, b'{"type":"accept","ballot":[1,0],"first":0,"values":[["%s",1,"a"]]}'),
        (peers, b'{"type":"%s"}'),
        (peers, b'{"%s":1,"type":"ready"}'),
    ],
)
def test_half_a_surrogate_pair_never_gets_through(
    decoder: Decoder[msgspec.Struct], template: bytes, text: bytes
) -> None:
    assert refused(decoder, template % text)


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert asks.decode(rb'{"type":"append","request":1,"text":"\ud83d\ude00"}') == r.AppendRequest(1, "😀")


@pytest.mark.parametrize(
    "raw", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82"]
)
def test_bytes_that_are_not_utf8_are_named_by_their_place(raw: bytes) -> None:
    start = b'{"type":"append","request":1,"text":"ab'
    text = refused(asks, start + raw + b'"}')
    assert text == f"not UTF-8: byte {len(start)} is {raw[0]:#04x}"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b'{"type":"catch-up","first":' + b"[" * 100_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"type":"catch-up","first":1}',
        b'{"type":"accept","ballot":[1,0],"first":0,"values":' + b"[" * 100_000,
    ],
    ids=["lists", "closed lists", "objects", "in a number", "in an unknown field", "in values"],
)
def test_nesting_of_a_hundred_thousand_is_refused(body: bytes) -> None:
    assert refused(peers, body)


def test_a_text_of_a_whole_frame_is_refused_by_name() -> None:
    body = b'{"type":"append","request":1,"text":"' + b"a" * (FRAME_BYTES_MAX - 40) + b'"}'
    assert "`$.text`" in refused(asks, body)


def test_a_million_empty_objects_are_refused_without_a_search_for_the_first() -> None:
    body = b'{"type":"accept","ballot":[1,0],"first":0,"values":[' + b"{}," * 1_000 + b"{}]}"
    assert "`$.values[0]`" in refused(peers, body)
    body = b'{"type":"accept","ballot":[1,0],"first":0,"values":[' + b"{}," * 1_000_000 + b"{}]}"
    assert refused(peers, body) == "not a message: a field is not what it must be"
    assert refused(peers, b"[" + b"{}," * 1_000_000 + b"{}]")


def test_a_run_of_more_values_than_any_setting_allows_is_refused() -> None:
    body = (
        b'{"type":"accept","ballot":[1,0],"first":0,"values":[' + b'["",0,""],' * m.RUN_MAX + b'["",0,""]]}'
    )
    assert refused(peers, body)


# Limits: what the core may send must fit a frame, at the worst that JSON can make of it.

TOP = NUMBER_LIMIT - 1
HIGH = Ballot(TOP, REPLICAS_MAX - 1)
WORST_CLIENT = "\x01" * CLIENT_CHARS_MAX
CHARS = Settings().run_chars
SLOTS = Settings().run_slots


def runs() -> list[list[Command]]:
    """The heaviest runs that the limits allow: short texts, long texts, and those in between."""
    found = []
    for length in (0, 1, CHARS // SLOTS, 1000, TEXT_BYTES_MAX):
        for client in ("", "\x01", WORST_CLIENT):
            value = Command(client, TOP, "\x01" * length)
            found.append([value] * max(1, min(SLOTS, CHARS // weight(value))))
    return found


@pytest.mark.parametrize(
    "values", runs(), ids=lambda values: f"{len(values)}x{len(values[0].text)}+{len(values[0].client)}"
)
def test_a_message_at_the_limits_of_the_core_fits_a_frame(values: list[Command]) -> None:
    for message in (
        m.Accept(HIGH, TOP, tuple(values)),
        m.Promise(HIGH, TOP, TOP, TOP, tuple(Vote(TOP, HIGH, value) for value in values)),
        m.Entries(TOP, tuple(Entry(HIGH, value) for value in values), TOP),
    ):
        assert passed_on(peers, message) == message


@pytest.mark.parametrize(
    "values", runs(), ids=lambda values: f"{len(values)}x{len(values[0].text)}+{len(values[0].client)}"
)
def test_a_page_at_the_limits_of_the_feed_fits_a_frame(values: list[Command]) -> None:
    assert PAGE_CHARS <= CHARS
    rows = tuple(r.LogEntry(TOP, HIGH, value.client, value.request, value.text, TOP) for value in values)
    page = r.LogPage(id=TOP, entries=rows, applied=TOP, consistency="linearizable", last=False)
    assert passed_on(answers, page) == page
