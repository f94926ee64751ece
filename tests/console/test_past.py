"""Any moment of a tape is the cluster as it was then."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from paxtui.console.driver import taping as taping_module
from paxtui.console.driver.taping import Taping
from paxtui.console.model import past as past_module
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.past import Keyframes, fold_step, seen_of
from paxtui.console.model.state.seen import Seen
from paxtui.console.model.verdict import UNJUDGED
from paxtui.sim.plan.plan_generator import generate_plan
from paxtui.tape.step import VERDICT
from tests.console.story import cluster
from tests.console.streams import Streams, picture, streams

HOLD_S = 0.2


class Recorded:
    """A run as a console saw it, and its tape."""

    def __init__(self, told: Streams, monkeypatch: pytest.MonkeyPatch, *, every: int) -> None:
        monkeypatch.setattr(past_module, "KEYFRAME_EVERY", every)
        self.n = len(told.told)
        self.end = told.end
        self.model = ClusterModel(cluster(self.n), hold_s=HOLD_S)
        self.taping = Taping(self.model)
        looked = 0.0
        for now, tell in sorted(
            (each for replica in told.told for each in replica), key=lambda each: each[0]
        ):
            tell(self.model)
            if now - looked > 0.05:
                looked = now
                self.model.update_lights(now)
                self.taping.look()
        for wait in (2, 4, 6):
            self.model.update_lights(told.end + wait * HOLD_S)
        self.past = self.taping.past()
        self.steps = [step for _, step in self.past.tape.steps(0, self.past.tape.end)]

    def as_it_was(self, position: int) -> dict[str, Any]:
        """The picture of a console that was told the first steps, one after the other."""
        model = ClusterModel(cluster(self.n))
        for step in self.steps[:position]:
            if step.kind != VERDICT:
                fold_step(model, step)
        return picture(model, self.end)


@contextmanager
def recorded(
    seed: int, profile: str, monkeypatch: pytest.MonkeyPatch, *, every: int = 200, skew_s: float = 0.0
) -> Iterator[Recorded]:
    run = Recorded(streams(generate_plan(seed, profile), seed, skew_s), monkeypatch, every=every)
    try:
        yield run
    finally:
        run.taping.close()


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What is not the same. Values may be known that were not told by then, so they are left out."""
    return [name for name in one if name not in ("values", "why", "slots") and one[name] != other[name]]


PROFILES = ["all", "churn", "overtaken", "lost"]


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_any_moment_is_as_it_was_from_whichever_keyframe(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorded(7, profile, monkeypatch) as run:
        assert len(run.taping._keyframes.all) > 1
        rng = random.Random(7)
        end = run.past.tape.end
        for position in (0, 1, end, *(rng.randrange(end) for _ in range(5))):
            found = picture(run.past.at(position), run.end)
            was = run.as_it_was(position)
            assert differing(found, was) == [], (profile, position)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_the_last_moment_is_what_the_console_shows_now(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(3, profile, monkeypatch) as run:
        last = run.past.at(run.past.tape.end)
        assert picture(last, run.end) == picture(run.model, run.end)
        assert last.judge.light == run.model.judge.light
        assert last.liveness.verdict == run.model.liveness.verdict


def test_steps_stand_in_the_order_of_cause_and_say_where_clocks_contradict_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with recorded(5, "churn", monkeypatch, skew_s=2.0) as run:
        told: list[Seen] = [seen for step in run.steps if (seen := seen_of(step)) is not None]
        shown = list(run.model.journal.all)
        assert [(each.replica, each.number) for each in told] == [
            (each.replica, each.number) for each in shown
        ]
        assert [each.corrected for each in told] == [each.corrected for each in shown]
        assert any(each.corrected for each in told)


def test_events_of_a_moment_end_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(5, "all", monkeypatch) as run:
        position = run.past.tape.end // 2
        events = list(run.past.at(position).journal.all)
        expected = [seen for step in run.steps[:position] if (seen := seen_of(step)) is not None]
        assert events == expected[-len(events) :]
        assert len(events) > 100


def test_a_step_back_is_the_moment_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(2, "all", monkeypatch, every=100_000) as run:
        monkeypatch.setattr(past_module, "NEAR_EVERY", 32)
        end = run.past.tape.end
        run.past.at(end)
        for position in range(end - 1, end - 80, -7):
            assert differing(picture(run.past.at(position), run.end), run.as_it_was(position)) == []
        assert 0 < len(run.past._near) <= past_module.NEAR_MAX


def test_lights_are_those_that_were_judged_then(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(4, "crash", monkeypatch) as run:
        verdicts = [at for at, step in enumerate(run.steps) if step.kind == VERDICT]
        assert len(verdicts) > 3
        for at in verdicts[:20]:
            light, liveness = run.past.at(at + 1).judge.light, run.past.at(at + 1).liveness.verdict
            said = taping_module._verdict(run.steps[at].body)
            assert (light.light, light.words) == (said.light, said.words)
            assert (liveness.light, liveness.words) == (said.liveness, said.liveness_words)


def test_keyframes_grow_apart_and_never_many() -> None:
    model = ClusterModel(cluster(3))
    keyframes = Keyframes()
    keyframes.every = 10
    for position in range(20_000):
        if keyframes.due(position):
            keyframes.add(past_module.Keyframe(position, model, {}, UNJUDGED))
    assert len(keyframes.all) <= past_module.KEYFRAMES_MAX
    assert keyframes.all[0].position == 0
    gaps = {b.position - a.position for a, b in zip(keyframes.all, keyframes.all[1:], strict=False)}
    assert max(gaps) <= 2 * keyframes.every


@pytest.mark.processes
def test_the_tape_of_a_console_that_was_killed_is_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    orphan, other = tmp_path / f"paxtui-tape-{gone.pid}-x", tmp_path / "paxtui-tape-1-x"
    orphan.mkdir()
    other.mkdir()
    taping = Taping(ClusterModel(cluster(3)))
    assert not orphan.exists()
    assert other.exists()
    taping.close()
    assert list(tmp_path.iterdir()) == [other]
