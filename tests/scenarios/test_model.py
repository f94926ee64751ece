"""Scenario files: what is allowed, and how every mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paxtui.config.cluster_file import ConfigError
from paxtui.config.folders import ConfigText
from paxtui.core.settings import Settings
from paxtui.scenarios import vocabulary as v
from paxtui.scenarios.condition_words import LeaderIsCondition
from paxtui.scenarios.model import Scenario, builtin, find, load, numbered, parse
from paxtui.scenarios.steps import describe

HEAD = 'name = "mine"\ntitle = "Mine"\nshows = "Something."\n'
STEP = '[[step]]\ndo = "append"\n'


def scenario(text: str) -> Scenario:
    return parse(ConfigText("mine.toml", HEAD + text))


def complaint(text: str, head: str = HEAD) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(ConfigText("mine.toml", head + text))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_smallest_file_is_a_scenario() -> None:
    found = scenario(STEP)
    assert found.steps == (v.AppendStep(),)
    assert (found.name, found.f_min, found.final, found.settings) == ("mine", 1, "all", {})


def test_arguments_and_conditions_become_values() -> None:
    found = scenario(
        """
[[step]]
do = "pick"
replica = "leader"
as = "old"
[[step]]
do = "wait"
until = "leader-is"
replica = ["old", 2]
timeout_s = 5
[[step]]
do = "crash"
replica = "old"
"""
    )
    assert found.steps == (
        v.PickStep("leader", "old"),
        v.WaitStep(LeaderIsCondition(["old", 2]), 5.0),
        v.KillStep("old"),
    )


def test_steps_of_a_repeat_are_numbered_behind_it() -> None:
    found = scenario(
        '[[step]]\ndo = "repeat"\ntimes = 2\nsteps = [{ do = "heal" }, { do = "ring" }]\n' + STEP
    )
    assert [number for number, _ in numbered(found.steps)] == ["1", "1.1", "1.2", "2"]


def test_settings_stand_over_those_of_the_cluster() -> None:
    found = scenario("[settings]\nheartbeat_s = 0.05\n" + STEP)
    assert found.settings_over(Settings(resend_s=9.0)) == Settings(resend_s=9.0, heartbeat_s=0.05)


def test_a_step_is_described_as_the_file_says_it() -> None:
    assert (
        describe(v.AppendStep(clients=2, messages=3, background=True))
        == "append clients 2 messages 3 background"
    )
    assert describe(v.WaitStep(LeaderIsCondition([0, "old"]))) == "wait leader-is [0 old]"
    assert describe(v.CutStep("leader", 1)) == "cut from leader to 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = \n", r"mine.toml:4: is not TOML at column 5, in \"x =\""),
        ("stepp = 3\n" + STEP, r'mine.toml:4: unknown key "stepp"; did you mean step\?'),
        ("", r"mine.toml: step is missing"),
        ("step = []\n", r"mine.toml: step: expected at least one table"),
        ("f_min = 7\n" + STEP, r'mine.toml:4: f_min is "7", allowed: 0 to 4'),
        ("f_min = true\n" + STEP, r'f_min is "True"'),
        ('final = "some"\n' + STEP, r'mine.toml:4: final is "some", allowed: all, survivors'),
        (
            "[settings]\nheartbeats = 1\n" + STEP,
            r'mine.toml:5: unknown key "heartbeats" in settings; did you',
        ),
        ('[settings]\nresend_s = "x"\n' + STEP, r"mine.toml:5: resend_s: expected a number, got text"),
        ("[settings]\nresend_s = 0\n" + STEP, r"mine.toml:5: resend_s is 0.*allowed: above 0"),
        ("settings = 3\n" + STEP, r"mine.toml:4: settings: expected a table"),
        ("[[step]]\nclients = 1\n", r"mine.toml:4: step 1: has no verb; write do = "),
        (
            STEP + '[[step]]\ndo = "apend"\n',
            r'mine.toml:6: step 2: there is no verb "apend"; did you mean append',
        ),
        (
            '[[step]]\ndo = "append"\nclient = 1\n',
            r'step 1 \(append\): unknown argument "client"; did you mean c',
        ),
        (
            '[[step]]\ndo = "append"\nclients = 0\n',
            r"step 1 \(append\): clients: expected a whole number >= 1",
        ),
        ('[[step]]\ndo = "append"\nclients = "2"\n', r"clients: expected a whole number, got text"),
        ('[[step]]\ndo = "append"\ninterval_ms = [1]\n', r"interval_ms: expected a list of length >= 2"),
        ('[[step]]\ndo = "kill"\n', r"step 1 \(kill\): replica is missing; arguments: replica"),
        (
            '[[step]]\ndo = "kill"\nreplica = 1.5\n',
            r"replica: expected a replica \(an id, a symbol or a list\)",
        ),
        ('[[step]]\ndo = "kill"\nreplica = "leadr"\n', r'there is no replica "leadr"; did you mean leader\?'),
        ('[[step]]\ndo = "kill"\nreplica = "old"\n', r"names given by an earlier pick"),
        ('[[step]]\ndo = "pick"\nreplica = 0\nas = "all"\n', r"all is a name that has a meaning already"),
        ('[[step]]\ndo = "pick"\nreplica = 0\nas = "B!"\n', r"as: expected text matching regex"),
        ('[[step]]\ndo = "wait"\n', r"step 1 \(wait\): has no condition; write until = "),
        (
            '[[step]]\ndo = "expect"\nthat = "leeder"\n',
            r'there is no condition "leeder"; did you mean leader',
        ),
        (
            '[[step]]\ndo = "wait"\nuntil = "leader-is"\n',
            r"step 1 \(wait\) leader-is: replica is missing; arguments: replica, timeout_s",
        ),
        (
            '[[step]]\ndo = "wait"\nuntil = "role"\nreplica = 0\nis = "king"\n',
            r"step 1 \(wait\) role: is: expected one of .*, got 'king'",
        ),
        (
            '[[step]]\ndo = "wait"\nuntil = "leader"\ntimeout_s = -1\n',
            r"step 1 \(wait\): timeout_s: expected a number > 0",
        ),
        (
            '[[step]]\ndo = "arm"\nreplica = 0\nfault = "crash"\nwhen = "accept-sen"\n',
            r'there is no event "accept-sen"; did you mean accept-sent\?',
        ),
        ('[[step]]\ndo = "loss"\npercent = 101\n', r"step 1 \(loss\): percent: expected a number <= 100"),
        ('[[step]]\ndo = "repeat"\ntimes = 2\n', r"steps: expected at least one table"),
        (
            '[[step]]\ndo = "repeat"\ntimes = 2\nsteps = [{ do = "heal" }, { do = "heel" }]\n',
            r'mine.toml:4: step 1.2: there is no verb "heel"; did you mean heal\?',
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(text: str, expected: str) -> None:
    assert re.search(expected, complaint(text)), complaint(text)


def test_the_head_of_a_file_is_checked() -> None:
    title, shows = 'title = "T"\n', 'shows = "S"\n'
    assert "name is missing" in complaint(STEP, title + shows)
    assert 'name is "A b"' in complaint(STEP, 'name = "A b"\n' + title + shows)
    assert "shows is no text" in complaint(STEP, 'name = "a"\nshows = " "\n' + title)
    assert "title is no text" in complaint(STEP, 'name = "a"\ntitle = 3\n' + shows)


def test_repeats_are_not_nested_without_end() -> None:
    step = '{ do = "heal" }'
    for _ in range(6):
        step = f'{{ do = "repeat", times = 1, steps = [{step}] }}'
    assert "nested deeper than 4" in complaint(f"step = [{step}]\n")


def test_too_many_steps_are_refused() -> None:
    assert "more than 1000 steps" in complaint('[[step]]\ndo = "heal"\n' * 1001)


def test_replicas_that_are_not_there_are_refused_before_anything_starts() -> None:
    found = scenario('[[step]]\ndo = "partition"\ngroups = [[0, 1], [4]]\n')
    found.check_replicas(5)
    with pytest.raises(ConfigError, match=r"step 1: there is no replica 4 among 3: 0 to 2"):
        found.check_replicas(3)


def test_a_scenario_says_how_many_replicas_it_needs() -> None:
    found = scenario("f_min = 2\n" + STEP)
    with pytest.raises(ConfigError, match=r"mine: needs f = 2 or more, that is 5 replicas, not 3"):
        found.check_replicas(3)


def test_a_name_is_found_in_the_ancestors_spelling() -> None:
    assert find("SINGLE CLIENT SINGLE REQ").name == "single-client-single-req"
    assert find(" Stress_Test-0 ").name == "stress-test-0"


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean leader-killed-mid-stream"):
        find("leader-kiled-midstream")
    with pytest.raises(ConfigError, match="paxtui run --list"):
        find("xyzzy")


def test_a_users_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + STEP)
    assert find(str(path)).steps == load(path).steps == (v.AppendStep(),)
    with pytest.raises(ConfigError, match="no such file"):
        find(str(tmp_path / "other.toml"))


def test_the_named_scenarios_are_all_there_and_fit_every_size_that_they_allow() -> None:
    found = builtin()
    assert len(found) == 19
    assert found[0].name == "single-client-single-req"
    for each in found:
        assert each.source == f"{each.name}.toml"
        for f in range(each.f_min, 5):
            each.check_replicas(2 * f + 1)


def test_every_verb_and_condition_explains_itself() -> None:
    from paxtui.scenarios.condition_words import CONDITIONS

    for word, kind in {**v.VERBS, **CONDITIONS}.items():
        assert kind.__doc__, word
