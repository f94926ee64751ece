"""No storm: whoever repeats itself without waiting is seen, and so are messages that nobody needs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paxtui.checkers.broken import InvariantBroken
from paxtui.core.ballot import Ballot
from paxtui.core.events import AcceptSent, CatchUpAsked, PrepareSent
from paxtui.core.output import EVERYONE
from paxtui.core.settings import Settings
from paxtui.sim.cluster import message_budget
from paxtui.sim.cluster.message_budget import HASTY_MAX, MessageBudget, healthy, judge_healthy
from paxtui.sim.cluster.simulation import Simulation
from paxtui.sim.plan.plan_generator import generate_plan

ASKED = CatchUpAsked(1, 7, 9)
SETTINGS = Settings()


def test_a_question_at_the_speed_of_its_answers_is_a_storm() -> None:
    patience = MessageBudget(SETTINGS)
    for number in range(HASTY_MAX):
        patience.catch_up_asked(0, 1, 5.0 + 0.001 * number, ASKED)
    with pytest.raises(InvariantBroken, match="repeats itself 3 times in a row"):
        patience.catch_up_asked(0, 1, 5.1, ASKED)


def test_a_question_at_the_speed_of_its_timer_is_none() -> None:
    patience = MessageBudget(SETTINGS)
    for number in range(100):
        patience.catch_up_asked(0, 1, 2 * SETTINGS.resend_s * number, ASKED)


def test_other_slots_other_replicas_and_other_lives_are_other_questions() -> None:
    patience = MessageBudget(SETTINGS)
    for number in range(100):
        at = 0.001 * number
        patience.catch_up_asked(0, 1, at, CatchUpAsked(1, 100 + number, 300))
        patience.catch_up_asked(1, number, at, ASKED)
        patience.accept_sent(0, 1, at, AcceptSent(Ballot(1, 0), number, 1, 2, True))
        patience.prepare_sent(0, 1, at, PrepareSent(Ballot(number, 0), 3, 2))


def test_what_is_sent_for_the_first_time_is_not_repeated() -> None:
    patience = MessageBudget(SETTINGS)
    for number in range(100):
        at = 0.001 * number
        patience.accept_sent(0, 1, at, AcceptSent(Ballot(1, 0), 3, 1, EVERYONE, False))
        patience.prepare_sent(0, 1, at, PrepareSent(Ballot(1, 0), 3, EVERYONE))


def test_accepts_and_pages_of_promises_are_watched_as_well() -> None:
    patience = MessageBudget(SETTINGS)
    again, page = AcceptSent(Ballot(1, 0), 3, 1, 2, True), PrepareSent(Ballot(1, 0), 3, 2)
    for number in range(HASTY_MAX):
        patience.accept_sent(0, 1, 5.0 + 0.001 * number, again)
        patience.prepare_sent(0, 1, 5.0 + 0.001 * number, page)
    with pytest.raises(InvariantBroken, match="AcceptSent"):
        patience.accept_sent(0, 1, 5.1, again)
    with pytest.raises(InvariantBroken, match="PrepareSent"):
        patience.prepare_sent(0, 1, 5.1, page)


def test_in_a_calm_cluster_every_message_has_a_reason() -> None:
    for seed in range(40):
        plan = generate_plan(seed, "calm")
        assert healthy(plan)
        result = Simulation(plan).run()
        assert (seed, result.outcome, result.detail) == (seed, "ok", "")


def test_a_cluster_with_weather_or_faults_is_not_judged_by_the_number_of_its_messages() -> None:
    plan = generate_plan(3, "calm")
    assert not healthy(replace(plan, weather=replace(plan.weather, loss=0.1)))
    assert not healthy(replace(plan, weather=replace(plan.weather, delay_s=0.2)))
    assert not any(healthy(generate_plan(seed, "boost")) for seed in range(50))


def test_too_many_messages_or_ballots_in_a_calm_cluster_are_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Simulation(generate_plan(3, "calm"))
    assert cluster.run().outcome == "ok"
    judge_healthy(cluster)
    cluster.network.sent *= 2
    with pytest.raises(InvariantBroken, match="messages in a healthy cluster"):
        judge_healthy(cluster)
    cluster.network.sent //= 2
    monkeypatch.setattr(message_budget, "ELECTIONS_MAX", 0)
    with pytest.raises(InvariantBroken, match="ballots in a healthy cluster"):
        judge_healthy(cluster)
