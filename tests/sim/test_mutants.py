"""The checkers can fail: each mutant of the core breaks one rule, and the simulator says which.

Every mutant is a mistake that a real project made (the list is in the test names), installed by replacing
one method. A checker that never fails proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from paxtui.core.acceptor import Acceptor
from paxtui.core.ballot import Ballot
from paxtui.core.learner import Learner
from paxtui.core.messages import Accepted, Heartbeat, Promise
from paxtui.core.outbox import Outbox
from paxtui.core.output import PutState, PutVotes
from paxtui.core.phase1 import Phase1
from paxtui.core.proposer import Proposer
from paxtui.core.reign import Reign
from paxtui.core.replica import Replica
from paxtui.core.sessions import Sessions
from paxtui.core.values import NOOP
from paxtui.sim.cluster import Cluster, Result
from paxtui.sim.draw import draw
from paxtui.sim.plan import PROFILES

SEEDS = 400
"""No mutant here survives so many; most die within ten."""


def runs(profiles: tuple[str, ...]) -> Iterator[Result]:
    for seed in range(SEEDS):
        yield Cluster(draw(seed, profiles[seed % len(profiles)])).run()


def killed_by(profiles: tuple[str, ...] = PROFILES) -> str:
    """The invariant of the first run that fails, or of the first one that the core itself does not see."""
    own = ""
    for result in runs(profiles):
        if result.outcome == "safety":
            if result.invariant != "the core's own check":
                return result.invariant
            own = own or result.invariant
        elif result.outcome != "ok":
            own = own or f"{result.outcome}: {result.detail}"
    return own or "nothing"


def first_failure(profiles: tuple[str, ...]) -> str:
    """How the first run that fails ended."""
    return next((result.outcome for result in runs(profiles) if result.outcome != "ok"), "nothing")


def test_a_vote_that_is_not_durable_before_accepted_leaves_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Outbox.send_durable

    def hasty(self: Outbox, to: int, message: Any) -> None:
        if isinstance(message, Accepted):
            self.send(to, message)
        else:
            original(self, to, message)

    monkeypatch.setattr(Outbox, "send_durable", hasty)
    assert killed_by() == "11 (durable before sent)"


def test_a_promise_that_is_not_durable_before_it_leaves_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Outbox.send_durable

    def hasty(self: Outbox, to: int, message: Any) -> None:
        if isinstance(message, Promise):
            self.send(to, message)
        else:
            original(self, to, message)

    monkeypatch.setattr(Outbox, "send_durable", hasty)
    assert killed_by() == "11 (durable before sent)"


def test_votes_that_are_tallied_across_ballots_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Correctness, mistake 3: votes counted by value or slot, not by ballot."""
    accepted = Replica._answers_reign

    def any_ballot(self: Replica, sender: int, ballot: Ballot, message: Any, now: float) -> bool:
        reign = self.proposer.reign
        return accepted(self, sender, ballot if reign is None else reign.ballot, message, now)

    objection = Replica._objection

    def no_objection(self: Replica, sender: int, message: Any) -> str | None:
        return None if isinstance(message, Accepted) else objection(self, sender, message)

    monkeypatch.setattr(Replica, "_answers_reign", any_ballot)
    monkeypatch.setattr(Replica, "_objection", no_objection)
    assert killed_by(("boost", "all")) in ("5 (learned is chosen)", "4 (agreement)")


def test_an_equal_promise_that_is_ignored_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated Prepare must be answered again: a lost Promise would end every election."""
    original = Acceptor.on_prepare

    def once(self: Acceptor, sender: int, message: Any, now: float, learned: int) -> None:
        if message.ballot != self.promised:
            original(self, sender, message, now, learned)

    monkeypatch.setattr(Acceptor, "on_prepare", once)
    assert first_failure(("all", "network")) == "liveness"


def test_a_no_op_over_a_reported_value_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Phase1.adopted

    def forgetful(self: Phase1) -> Any:
        return {slot: NOOP if slot % 3 == 0 else value for slot, value in original(self).items()}

    monkeypatch.setattr(Phase1, "adopted", forgetful)
    assert killed_by() == "3 (choosable)"


def test_the_value_of_the_lowest_reported_ballot_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def lowest(self: Phase1, sender: int, page: Promise) -> bool:
        kept = dict(self.reported)
        counted = original(self, sender, page)
        for slot, (ballot, _) in self.reported.items():
            if slot in kept and kept[slot][0] < ballot:
                self.reported[slot] = kept[slot]
        return counted

    original = Phase1.add
    monkeypatch.setattr(Phase1, "add", lowest)
    assert killed_by() == "3 (choosable)"


def test_a_watermark_lie_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Outbox.send

    def boastful(self: Outbox, to: int, message: Any) -> None:
        if isinstance(message, Heartbeat) and message.number % 7 == 0:
            message = replace(message, learned=message.learned + 1)
        original(self, to, message)

    monkeypatch.setattr(Outbox, "send", boastful)
    assert killed_by() == "5 (learned is chosen)"


def test_a_leader_of_too_few_promises_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Phase1, "won", property(lambda self: len(self.complete) >= max(1, self._replicas // 2))
    )
    assert killed_by() == "3 (choosable)"


def test_promises_that_are_kept_from_one_ballot_to_the_next_are_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Correctness, mistake 4: the counter that is never reset."""
    original = Proposer._prepare

    def hoarding(self: Proposer, now: float, *, forced: bool) -> None:
        kept = getattr(self, "kept", set())
        original(self, now, forced=forced)
        phase1 = self._phase1
        if phase1 is not None:
            phase1.complete |= kept
            self.kept = phase1.complete  # type: ignore[attr-defined]

    monkeypatch.setattr(Proposer, "_prepare", hoarding)
    assert killed_by() in ("3 (choosable)", "the core's own check")


def test_a_promise_that_hides_votes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Acceptor._page

    def coy(self: Acceptor, message: Any, learned: int) -> Promise:
        page = original(self, message, learned)
        return replace(page, votes=page.votes[1:])

    monkeypatch.setattr(Acceptor, "_page", coy)
    assert killed_by() == "3 (choosable)"


def test_a_vote_below_the_promise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Acceptor.on_accept

    def easygoing(self: Acceptor, sender: int, message: Any, *rest: Any) -> None:
        promised = self.promised
        if message.ballot < promised and message.ballot.round == promised.round:
            self.promised = message.ballot
        original(self, sender, message, *rest)
        self.promised = promised

    monkeypatch.setattr(Acceptor, "on_accept", easygoing)
    assert killed_by() == "2 (promises)"


def test_a_vote_that_persists_the_old_promise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Correctness, mistake 2."""
    original = Replica._close_batch

    def stale(self: Replica) -> bool:
        closed = original(self)
        writes = self._out.writes
        if closed and any(isinstance(write, PutVotes) for write in writes):
            writes[-1] = replace(writes[-1], promised=getattr(self, "old_promise", Ballot.ZERO))
        elif closed and isinstance(writes[-1], PutState):
            self.old_promise = writes[-1].promised  # type: ignore[attr-defined]
        return closed

    monkeypatch.setattr(Replica, "_close_batch", stale)
    assert killed_by() == "2 (promises)"


def test_a_round_that_is_used_again_after_a_restart_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Correctness, mistake 31: Prepare leaves before its round, and its own promise, are on disk."""

    def hasty(self: Outbox, to: int, message: Any) -> None:
        self.send(to, message)

    original = Proposer._prepare

    def prepare(self: Proposer, now: float, *, forced: bool) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Outbox, "send_durable", hasty)
            original(self, now, forced=forced)

    monkeypatch.setattr(Proposer, "_prepare", prepare)
    assert killed_by(("boost", "crash")) == "11 (durable before sent)"


def test_a_repeated_request_that_takes_effect_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Sessions.apply

    def generous(self: Sessions, slot: int, command: Any) -> int | None:
        found = original(self, slot, command)
        return None if found is not None and found >= 0 else found

    monkeypatch.setattr(Sessions, "apply", generous)
    assert killed_by() == "9 (exactly once)"


def test_an_evicted_client_that_starts_anew_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Sessions._evict

    def forgetful(self: Sessions) -> None:
        horizon = self.horizon
        original(self)
        self.horizon = horizon

    monkeypatch.setattr(Sessions, "_evict", forgetful)
    assert killed_by() == "9 (exactly once)"


def test_a_checkpoint_that_forgets_a_session_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Sessions.checkpoint

    def careless(self: Sessions, upto: int) -> Any:
        put = original(self, upto)
        return replace(put, changed=put.changed[1:])

    monkeypatch.setattr(Sessions, "checkpoint", careless)
    assert killed_by() == "9 (exactly once)"


def test_a_read_that_is_answered_without_a_majority_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Correctness, mistake 35."""
    original = Reign.read

    def trusting(self: Reign, ticket: int, watermark: int) -> None:
        original(self, ticket, watermark)
        for acked in self._acked:
            self._acked[acked] = self._number + 1
        self._release_reads(watermark)

    monkeypatch.setattr(Reign, "read", trusting)
    assert killed_by() == "10 (linearizable)"


def test_a_new_leader_that_reads_before_it_has_caught_up_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Reign.read

    def early(self: Reign, ticket: int, watermark: int) -> None:
        end, self.end = self.end, watermark
        original(self, ticket, watermark)
        self.end = end

    monkeypatch.setattr(Reign, "read", early)
    assert killed_by() == "10 (linearizable)"


def test_a_lost_row_of_the_log_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is learned without an own vote must be written: catch-up would send something else later."""
    monkeypatch.setattr(Learner, "_put", lambda self, end, foreign: foreign.clear())
    assert killed_by() == "7 (durability)"


def test_a_hole_that_nobody_fills_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reign, "fill_due", lambda self, now: None)
    monkeypatch.setattr(Reign, "deadline", property(lambda self: min(self.heartbeat_at, self.resend_at)))
    assert first_failure(("churn", "all")) == "liveness"


def test_a_leader_that_never_sends_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reign, "resend", lambda self, now: setattr(self, "resend_at", now + 1.0))
    assert first_failure(("network", "all")) == "liveness"


def test_a_message_that_is_too_long_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Learner.on_catch_up

    def verbose(self: Learner, sender: int, message: Any) -> None:
        settings, self._settings = self._settings, replace(self._settings, run_slots=50)
        original(self, sender, message)
        self._settings = settings

    monkeypatch.setattr(Learner, "on_catch_up", verbose)
    assert killed_by() == "11 (limits held)"
