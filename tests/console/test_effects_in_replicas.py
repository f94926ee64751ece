"""What keys, buttons and words do, seen in real replicas over the client library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from textual.widgets import Button

from paxtui.client.operator import Sighting
from paxtui.config.folders import replica_folder
from paxtui.console import commands as c
from paxtui.console.model.analysis.why import why_slot
from paxtui.console.rows.faults import broken
from paxtui.wire import faults as f
from tests.console.real import Real, faults, leader, run, serves

pytestmark = pytest.mark.processes


def applied(seen: list[Sighting], slots: int) -> bool:
    """Whether all answer, and have applied so many slots."""
    statuses = [each.report.status if each.report else None for each in seen]
    return all(status is not None and status.watermark == slots for status in statuses)


def test_crash_and_restart(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        before = on.driver.model.replicas[0].pid
        await on.press("c")
        await on.until(lambda seen: "refused" in seen[0].problem, "r0 is gone")
        await on.until(lambda seen: leader(seen) in (1, 2), "another one leads")
        await on.press("r")
        seen = await on.until(lambda seen: serves(seen, 0), "r0 is back")
        assert seen[0].report is not None
        assert seen[0].report.pid != before
        await on.press("c")
        await on.until(lambda seen: "refused" in seen[0].problem, "r0 is gone again")
        await on.press("u")
        await on.until(lambda seen: serves(seen, 0), "undo starts it")

    run(tmp_path, act)


def test_a_leader_that_dies_as_it_decides_leaves_votes_that_its_successor_proposes_again(
    tmp_path: Path,
) -> None:
    async def act(on: Real) -> None:
        model = on.driver.model
        assert model.leader is not None
        old = model.leader[0]
        await on.press("A")
        await on.shown(lambda: len(broken(model, on.driver.now)) == 1, "the console knows that it waits")
        on.driver.submit(c.AppendCommand("who found this?"))
        await on.until(lambda seen: leader(seen) not in (None, old), "another one leads")
        await on.shown(lambda: model.applied >= 1, "the slot is applied")
        await on.shown(lambda: model.sources.get(0) == "adopted", "it was found in phase 1")
        found = "\n".join(why_slot(model, 0, on.driver.now).evidence)
        # Whoever found it: the lead may have passed on since then.
        assert any(f"r{new}'s phase 1 asked" in found for new in range(3) if new != old), found
        assert "so it had to propose that value again" in found

    run(tmp_path, act)


def test_crash_proposer_and_its_undo(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        model = on.driver.model
        assert model.leader is not None
        old = model.leader[0]
        on.app.controllers.view.select_replica(old)
        button = next(each for each in on.app.query(Button) if each.name == "crash-proposer")
        await on.pilot.click(button)
        seen = await on.until(lambda seen: faults(seen, old) == [f.CrashProposer()], "its proposer stopped")
        assert serves(seen, old)
        await on.until(lambda seen: leader(seen) not in (None, old), "another one leads")
        await on.shown(lambda: model.replicas[old].proposer_crashed, "the console knows it")
        await on.press("C")
        await on.until(lambda seen: faults(seen, old) == [], "the proposer works again")

    run(tmp_path, act)


def test_pause_and_continue(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        await on.press("p")
        await on.until(lambda seen: "does not answer" in seen[0].problem, "r0 is silent")
        await on.shown(lambda: on.driver.model.replicas[0].process == "paused", "the console knows it")
        await on.press("p")
        await on.until(lambda seen: serves(seen, 0), "r0 answers again")

    run(tmp_path, act)


def test_cut_join_undo_and_heal(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        def cut(seen: object) -> bool:
            return (
                set(faults(seen, 0)) == {f.Cut(1), f.Cut(2)}  # type: ignore[arg-type]
                and faults(seen, 1) == faults(seen, 2) == [f.Cut(0)]  # type: ignore[arg-type]
            )

        def whole(seen: object) -> bool:
            return not any(faults(seen, id) for id in range(3))  # type: ignore[arg-type]

        for take_back in ("t", "u", "W"):
            await on.press("t")
            await on.until(cut, "r0 is cut off")
            await on.shown(lambda: on.driver.model.cut_off(0), "the console knows it")
            await on.press(take_back)
            await on.until(whole, f"{take_back} ends it")
            await on.shown(lambda: not broken(on.driver.model, on.driver.now), "the console knows it")

    run(tmp_path, act)


def test_redo_does_again_what_undo_took_back(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        await on.press("c")
        await on.until(lambda seen: "refused" in seen[0].problem, "r0 is gone")
        await on.shown(lambda: on.app.view_state.next_undo == "crash r0", "u says what it would undo")
        await on.press("u")
        await on.until(lambda seen: serves(seen, 0), "undo starts it")
        await on.shown(lambda: on.app.view_state.next_redo == "crash r0", "U says what it would do")
        await on.press("U")
        await on.until(lambda seen: "refused" in seen[0].problem, "redo kills it again")
        await on.press("W")
        await on.until(lambda seen: serves(seen, 0), "heal starts it")
        await on.press("plus")
        await on.until(lambda seen: faults(seen, 0) == [f.Loss(-1, 5)], "it loses messages")
        for key, acting in (("u", []), ("U", [f.Loss(-1, 5)]), ("u", [])):
            await on.press(key)
            await on.until(lambda seen, acting=acting: faults(seen, 0) == acting, key)  # type: ignore[misc]

    run(tmp_path, act)


def test_loss_and_delay_replace_each_other_and_end_by_number(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        await on.press("plus", "plus", "plus")
        await on.until(lambda seen: faults(seen, 0) == [f.Loss(-1, 15)], "15 % are lost")
        await on.press("minus", "minus", "minus")
        await on.until(lambda seen: faults(seen, 0) == [], "nothing is lost")
        await on.words("loss r1>r2 30")
        await on.words("delay r1>r2 20 5")
        seen = await on.until(lambda seen: len(faults(seen, 1)) == 2, "both act")
        assert set(faults(seen, 1)) == {f.Loss(2, 30), f.Delay(2, 20, 5)}
        assert seen[1].report is not None
        loss = next(each.number for each in seen[1].report.active if isinstance(each.fault, f.Loss))
        await on.words(f"undo {loss}")
        await on.until(lambda seen: faults(seen, 1) == [f.Delay(2, 20, 5)], "the loss ended")
        await on.words("delay r1>r2 0")
        await on.until(lambda seen: faults(seen, 1) == [], "the delay ended")
        await on.words("loss r0-r1 10")
        await on.until(lambda seen: faults(seen, 0) == [f.Loss(1, 10)], "both ways, there")
        await on.until(lambda seen: faults(seen, 1) == [f.Loss(0, 10)], "and back")
        await on.press("u")
        await on.until(lambda seen: not faults(seen, 0) and not faults(seen, 1), "one deed, one undo")

    run(tmp_path, act)


def test_elect(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        for id in (2, 1):
            on.app.controllers.view.select_replica(id)
            await on.press("e")
            await on.until(lambda seen, id=id: leader(seen) == id, f"r{id} leads")  # type: ignore[misc]

    run(tmp_path, act)


def test_skip_makes_a_hole_and_noop_fills_it(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        def holes(seen: object) -> tuple[int, ...]:
            found = [each.report.status for each in seen if each.report and each.report.status]  # type: ignore[attr-defined]
            return next((status.holes for status in found if status.holes), ())

        await on.words("say first")
        await on.until(lambda seen: applied(seen, 1), "it is applied")
        await on.press("s")
        await on.until(
            lambda seen: any(f.SkipSlot() in faults(seen, id) for id in range(3)), "the skip is prepared"
        )
        await on.words("say second")
        await on.until(lambda seen: holes(seen) == (1,), "slot 1 is a hole")
        await on.shown(lambda: on.driver.model.hole == 1, "the console knows it")
        await on.press("S")
        await on.until(lambda seen: applied(seen, 3), "all is applied")
        assert [entry.text for entry in await on.log_of(0)] == ["first", "", "second"]

    run(tmp_path, act)


def test_presets_cut_what_they_showed(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        def alone(seen: list[Sighting]) -> list[int]:
            """Who is cut off from all others: whoever led as the key came."""
            return [
                at
                for at in range(3)
                if set(faults(seen, at)) == {f.Cut(other) for other in range(3) if other != at}
            ]

        await on.press("P", "1")
        (old,) = alone(await on.until(alone, "the leader is alone"))
        others = [id for id in range(3) if id != old]
        await on.until(lambda seen: leader([seen[id] for id in others]) in others, "another one leads")
        await on.press("W")
        await on.until(lambda seen: leader(seen) is not None and not faults(seen, old), "all are one again")

    run(tmp_path, act)


def test_wipe_deletes_the_folder_once_the_name_is_typed(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        folder = replica_folder(tmp_path, "real", 0)
        assert folder.exists()
        await on.press("w", "r", "0", "enter", "right", "enter")
        await on.until(lambda seen: not serves(seen, 0), "r0 is gone")
        await on.shown(lambda: not folder.exists(), "its folder is gone")
        await on.press("r")
        await on.until(lambda seen: serves(seen, 0), "it comes back with nothing")

    run(tmp_path, act)


def test_a_hole_stays_open_for_as_long_as_one_looks_at_it(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        await on.words("say first")
        await on.shown(lambda: on.driver.model.applied == 1, "it is applied")
        await on.press("s")
        await on.until(
            lambda seen: any(f.SkipSlot() in faults(seen, id) for id in range(3)), "the skip is prepared"
        )
        await on.words("say second")
        await on.shown(lambda: on.driver.model.hole == 1, "the console knows the hole")
        skip = on.driver.model.holes.skipped[1]

        def open_s() -> float:
            return on.driver.now - skip.at

        # Longer than the default timeout, after which it would be filled, and than the patience of STUCK.
        await on.shown(lambda: open_s() > 6, "it is open for 6 s")
        assert on.driver.model.hole == 1
        assert on.driver.model.liveness.verdict.light == "waiting"
        await on.press("S")
        await on.shown(lambda: on.driver.model.applied == 3, "S fills it")

    run(tmp_path, act)


def test_undo_of_a_join_cuts_the_same_links_again(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        def cuts(seen: object) -> list[set[f.AnyFault]]:
            return [set(faults(seen, id)) for id in range(3)]  # type: ignore[arg-type]

        cut = [{f.Cut(1), f.Cut(2)}, {f.Cut(0)}, {f.Cut(0)}]
        await on.press("t")
        await on.until(lambda seen: cuts(seen) == cut, "r0 is cut off")
        await on.shown(lambda: on.driver.model.cut_off(0), "the console knows it")
        await on.press("t")
        await on.until(lambda seen: cuts(seen) == [set(), set(), set()], "t joins it")
        await on.press("u")
        await on.until(lambda seen: cuts(seen) == cut, "u cuts it off again")
        await on.press("u")
        await on.until(lambda seen: cuts(seen) == [set(), set(), set()], "u takes the cut back")

    run(tmp_path, act)


def test_a_fault_on_links_of_a_dead_replica_acts_when_it_is_back(tmp_path: Path) -> None:
    async def act(on: Real) -> None:
        model = on.driver.model
        await on.press("right", "c")
        await on.shown(lambda: model.replicas[1].process == "down", "r1 is down")
        await on.words("loss r1>r2 20")
        await on.shown(lambda: model.replicas[1].loss_to(2) == 20, "the console shows what waits")
        await on.press("r")
        await on.until(lambda seen: faults(seen, 1) == [f.Loss(2, 20)], "it acts")
        await on.shown(lambda: model.replicas[1].waiting == (), "nothing waits any more")

    run(tmp_path, act)


def test_records_of_replicas_that_the_console_restarts_can_be_checked(tmp_path: Path) -> None:
    folder = tmp_path / "records"

    async def act(on: Real) -> None:
        await on.words(f"record {folder}")
        before = [each.report.pid for each in await on.sightings() if each.report]
        await on.words("restart all")
        await on.until(
            lambda seen: (
                all(
                    each.report is not None and each.report.pid not in before and serves(seen, each.replica)
                    for each in seen
                )
                and leader(seen) is not None
            ),
            "all serve again",
        )
        await on.shown(lambda: on.driver.model.leader is not None, "the console knows who leads")
        await on.words("say is this kept?")
        await on.shown(lambda: on.driver.model.applied == 1, "it is applied")

    run(tmp_path, act)
    checked = subprocess.run(
        [sys.executable, "-m", "paxtui", "check", *map(str, sorted(folder.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "3 of 3 replicas" in checked.stdout


def test_what_the_console_is_told_is_written_down(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"

    def all_voted() -> bool:
        """Whether the file tells it of all: a follower's events may come after the leader's."""
        whole = path.read_bytes().rpartition(b"\n")[0].splitlines()
        told = [line for line in map(json.loads, whole) if "told" in line]
        return {line["replica"] for line in told if line["told"]["event"] == "voted"} == {0, 1, 2}

    async def act(on: Real) -> None:
        await on.words(f"observe {path}")
        await on.shown(lambda: on.driver.attaching.observing is not None, "it writes")
        await on.words("say hello")
        await on.shown(lambda: on.driver.model.applied == 1, "it is applied")
        await on.shown(all_voted, "all have told that they voted")
        await on.words("mark lunch")
        await on.words("observe stop")
        await on.shown(lambda: on.driver.attaching.observing is None, "it is complete")

    run(tmp_path, act)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["observations"] == 1
    told = [(line["replica"], line["told"]["event"]) for line in lines if "told" in line]
    assert {(id, "voted") for id in range(3)} <= set(told)
    assert "mark lunch" in [line.get("did") for line in lines]
    for id in range(3):
        numbers = [line["number"] for line in lines if "told" in line and line["replica"] == id]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    walls = [line["wall"] for line in lines]
    assert max(walls) - min(walls) < 600
