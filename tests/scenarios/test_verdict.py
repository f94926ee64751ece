"""The verdict: each lie of a cluster is noticed, and an honest one is let pass."""

from __future__ import annotations

from msgspec import structs

from paxtui.core.ballot import Ballot
from paxtui.scenarios.history import Operation, Outcome
from paxtui.scenarios.verdict import Evidence, verify
from paxtui.wire.requests import LogEntry

ONE = Ballot(1, 0)


def entry(
    slot: int, client: str = "c1", request: int = 1, text: str = "", repeats: int | None = None
) -> LogEntry:
    session = f"{client}~abc@0" if client else ""
    return LogEntry(
        slot, ONE, session, request, text or (f"{client} says {request}" if client else ""), repeats
    )


def noop(slot: int) -> LogEntry:
    return LogEntry(slot, ONE, "", 0, "", None)


def append(
    request: int,
    slot: int | None,
    call: float,
    back: float | None,
    *,
    client: str = "c1",
    outcome: Outcome = "ok",
) -> Operation:
    text = f"{client} says {request}"
    return Operation(
        op="append",
        client=client,
        request=request,
        text=text,
        call=call,
        return_=back,
        outcome=outcome,
        slot=slot,
    )


def read(slot: int, texts: list[str], call: float, back: float) -> Operation:
    return Operation(
        op="read", client="reader", request=1, call=call, return_=back, outcome="ok", slot=slot, texts=texts
    )


LOG = (entry(0, request=1), noop(1), entry(2, request=2), entry(3, request=2, repeats=2))
LINES = ("0\tc1\tc1 says 1", "2\tc1\tc1 says 2")
HONEST = Evidence(
    operations=(
        append(1, 0, 0.0, 1.0),
        append(2, 2, 1.5, 2.0),
        read(4, ["c1 says 1", "c1 says 2"], 3.0, 3.5),
    ),
    logs={0: LOG, 2: LOG},
    chains={0: (4, "aa"), 2: (4, "aa")},
    lines={0: LINES, 2: LINES},
)


def violations(**changes: object) -> str:
    return "\n".join(verify(structs.replace(HONEST, **changes)))


def test_an_honest_cluster_passes() -> None:
    assert verify(HONEST) == []


def test_no_replica_at_all_is_no_success() -> None:
    assert "no replica is left" in violations(logs={})


def test_two_messages_in_one_slot_are_a_violation() -> None:
    other = (entry(0, request=9, text="c1 says 1"), *LOG[1:])
    assert 'slot 0 is "c1 says 1" of c1 #9 at r2 and "c1 says 1" of c1 #1 at r0' in violations(
        logs={0: LOG, 2: other}
    )


def test_a_ballot_may_differ() -> None:
    other = (structs.replace(LOG[0], ballot=Ballot(7, 1)), *LOG[1:])
    assert verify(structs.replace(HONEST, logs={0: LOG, 2: other})) == []


def test_a_shorter_log_is_a_violation() -> None:
    found = violations(logs={0: LOG, 2: LOG[:3]}, chains={0: (4, "aa"), 2: (3, "bb")})
    assert "r2 has 3 slots, r0 has 4" in found


def test_a_missing_slot_is_a_violation() -> None:
    log = (LOG[0], *LOG[2:])
    found = violations(logs={0: log}, chains={})
    assert "r0 has slot 2 where slot 1 should be" in found


def test_two_chain_heads_at_one_watermark_are_a_violation() -> None:
    assert "at watermark 4 the chain of r2 differs from that of r0" in violations(
        chains={0: (4, "a"), 2: (4, "b")}
    )


def test_a_watermark_that_is_not_the_logs_length_is_a_violation() -> None:
    assert "r0 states watermark 9 and has 4 slots" in violations(chains={0: (9, "a")})


def test_a_request_that_takes_effect_twice_is_a_violation() -> None:
    log = (*LOG[:3], entry(3, request=2))
    found = violations(logs={0: log, 2: log}, lines={})
    assert 'slot 3 applies "c1 says 2" of c1 #2 again: it took effect in slot 2' in found
    assert "c1 #2 ('c1 says 2') is in the log 2 times" in found


def test_a_repetition_of_nothing_is_a_violation() -> None:
    log = (*LOG[:3], entry(3, request=2, repeats=1))
    assert "slot 3 claims to repeat slot 1" in violations(logs={0: log})


def test_an_acknowledged_append_must_be_in_its_slot() -> None:
    assert "was acknowledged in slot 1, where a no-op is" in violations(operations=(append(1, 1, 0, 1),))
    assert "was acknowledged in slot 7, where nothing is" in violations(operations=(append(1, 7, 0, 1),))
    wrong = append(1, 0, 0, 1, client="c2")
    assert "was acknowledged in slot 0, where" in violations(operations=(wrong,))


def test_a_failed_append_must_be_absent() -> None:
    operations = (append(1, None, 0, 1, outcome="failed"), append(2, 2, 2, 3))
    assert "was told that it failed, and is in the log" in violations(operations=operations)


def test_an_unknown_append_may_be_there_or_not() -> None:
    there = append(1, None, 0, None, outcome="unknown")
    absent = append(7, None, 0, None, outcome="unknown")
    assert verify(structs.replace(HONEST, operations=(there, absent, append(2, 2, 1.5, 2.0)))) == []


def test_a_message_that_nobody_sent_is_a_violation() -> None:
    assert 'no client sent "c1 says 1"' in violations(operations=(append(2, 2, 1.5, 2.0),))


def test_a_later_append_has_a_higher_slot() -> None:
    operations = (append(2, 2, 0.0, 1.0), append(1, 0, 1.5, 2.0))
    assert "append c1 #1 (slot 0) was called after append c1 #2 had ended" in violations(
        operations=operations
    )
    overlapping = (append(2, 2, 0.0, 1.6), append(1, 0, 1.5, 2.0))
    assert verify(structs.replace(HONEST, operations=overlapping)) == []


def test_a_read_sees_what_was_acknowledged_before_it() -> None:
    operations = (*HONEST.operations[:2], read(1, ["c1 says 1"], 3.0, 3.5))
    assert "read reader #1 (slot 1) was called after append c1 #2" in violations(operations=operations)


def test_a_later_read_sees_no_less() -> None:
    texts = ["c1 says 1", "c1 says 2"]
    operations = (*HONEST.operations[:1], read(4, texts, 1.1, 1.2), read(2, texts[:1], 1.3, 1.4))
    operations += (append(2, 2, 0.5, 5.0),)
    assert "read reader #1 (slot 2) was called after read reader #1" in violations(operations=operations)


def test_a_read_must_return_the_log() -> None:
    operations = (*HONEST.operations[:2], read(4, ["c1 says 2", "c1 says 1"], 3.0, 3.5))
    assert "returned another log below slot 4" in violations(operations=operations)


def test_the_message_log_says_what_the_log_says() -> None:
    assert "replica-2.log differs from the log in line 2" in violations(lines={0: LINES, 2: LINES[:1]})
    assert "replica-0.log differs from the log in line 1" in violations(lines={0: LINES[::-1]})


def test_a_dead_replicas_message_log_may_end_early_but_not_differ() -> None:
    assert verify(structs.replace(HONEST, dead_lines={1: LINES[:1]})) == []
    assert "(r1 is dead) differs from the log in line 1" in violations(dead_lines={1: ["0\tc1\tother"]})


def test_many_violations_of_a_kind_are_counted() -> None:
    other = tuple(entry(slot, request=100 + slot) for slot in range(10))
    log = tuple(entry(slot, request=slot) for slot in range(10))
    found = verify(Evidence(operations=(), logs={0: log, 1: other}, chains={}, lines={}))
    assert "... and 7 more of this kind" in found
