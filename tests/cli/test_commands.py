"""Every command against a running cluster: what it prints, as what, and how it ends."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Up
from tests.replica.conditions import until

pytestmark = pytest.mark.processes

COMMANDS = [
    ["replica"],
    ["up"],
    ["send"],
    ["client"],
    ["tail"],
    ["read"],
    ["status"],
    ["health"],
    ["elect"],
    ["noop"],
    ["verify"],
    ["check"],
    ["run"],
    ["sim"],
    ["demo"],
    *(
        ["fault", word]
        for word in ("list", "loss", "delay", "cut", "crash", "crash-proposer", "pause", "skip")
    ),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(paxtui: Run, words: list[str]) -> None:
    done = paxtui(*words, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: paxtui" in done.stdout
    assert done.stderr == ""


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def tail_with(paxtui: Run, up: Up, text: str) -> list[dict[str, object]]:
    """A tail that has this message: it ends where the replica is that answers it, and that may be behind."""

    def found() -> list[dict[str, object]]:
        lines = rows(paxtui("tail", "--json", "--config", up.file).stdout)
        return lines if any(line["text"] == text for line in lines) else []

    return until(found, f"{text!r} is in a tail")


def on_disk(up: Up, replica: int) -> int:
    """How many slots a replica has on its disk."""
    path = up.data / "cli" / f"replica-{replica}" / "replica.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT watermark FROM state").fetchone()[0])


def test_send_tells_slot_ballot_time_and_replica(paxtui: Run, up: Up) -> None:
    done = paxtui("send", "one", "two", "--config", up.file, "--json")
    assert done.returncode == 0, done.stderr
    first, second = rows(done.stdout)
    assert set(first) == {"slot", "ballot", "ms", "replica"}
    assert isinstance(first["slot"], int)
    assert first["slot"] < second["slot"]  # type: ignore[operator]
    assert "slot " in paxtui("send", "three", "--config", up.file).stdout


def test_send_takes_lines_from_standard_input_and_keeps_their_order(paxtui: Run, up: Up) -> None:
    texts = [f"line {number}" for number in range(600)]
    done = paxtui("send", "-", "--config", up.file, "--json", stdin="\n".join(texts) + "\n")
    assert done.returncode == 0, done.stderr
    slots = [row["slot"] for row in rows(done.stdout)]
    assert len(slots) == 600
    tailed = tail_with(paxtui, up, texts[-1])
    assert [row["text"] for row in tailed if str(row["text"]).startswith("line ")] == texts
    told = {row["slot"]: row["text"] for row in tailed}
    assert [told[slot] for slot in slots] == texts


def test_tail_prints_one_object_a_message(paxtui: Run, up: Up) -> None:
    paxtui("send", "seen by tail", "--config", up.file)
    last = tail_with(paxtui, up, "seen by tail")[-1]
    assert set(last) == {"slot", "client", "request", "text"}
    assert last["text"] == "seen by tail"
    tail = ("tail", "--config", up.file, "--json", "--from", last["slot"])
    until(lambda: rows(paxtui(*tail).stdout) == [last], "a tail from there on has this one alone")


def test_a_replica_address_is_enough_to_find_the_cluster(paxtui: Run, up: Up) -> None:
    address = str(up.cluster.address(1))
    assert paxtui("send", "by address", "--at", address).returncode == 0
    assert len(rows(paxtui("status", "--at", address, "--json").stdout)) == 3


def test_status_has_one_object_a_replica(paxtui: Run, up: Up) -> None:

    def agreed() -> list[dict[str, object]]:
        """All of it at one look; a replica that does not answer in time has no leader in its row."""
        done = paxtui("status", "--config", up.file, "--json")
        assert done.returncode == 0
        reports = rows(done.stdout)
        leaders = {report.get("leader") for report in reports}
        return reports if len(leaders) == 1 and None not in leaders else []

    reports = until(agreed, "all name one leader")
    assert [report["replica"] for report in reports] == [0, 1, 2]
    wanted = {"role", "leader", "ballot", "promised", "watermark", "lag", "pid", "faults"}
    assert all(wanted <= set(report) for report in reports)
    shown = paxtui("status", "--config", up.file).stdout
    assert "leader" in shown.splitlines()[0]
    assert len(shown.splitlines()) == 4


def test_the_manual_client_shows_where_each_line_went(paxtui: Run, up: Up) -> None:
    done = paxtui("client", "--name", "ada", "--config", up.file, stdin="hello\n\nyou there?\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("✓ slot " in line and " ms " in line for line in lines)


def test_faults_have_numbers_and_are_listed_undone_and_healed(paxtui: Run, up: Up) -> None:
    cut = paxtui("fault", "cut", "0-1", "--config", up.file)
    assert cut.stdout.splitlines() == ["#1 cut r0>r1", "#2 cut r1>r0"], cut.stderr
    paxtui("fault", "loss", "*>2", "20", "--for", "1m", "--config", up.file)
    listed = rows(paxtui("fault", "list", "--json", "--config", up.file).stdout)
    assert len(listed) == 4
    assert {row["replica"] for row in listed} == {0, 1}
    assert paxtui("fault", "undo", listed[0]["number"], "--config", up.file).returncode == 0
    assert len(paxtui("fault", "list", "--config", up.file).stdout.splitlines()) == 3
    assert paxtui("fault", "undo", listed[0]["number"], "--config", up.file).returncode == 1
    assert paxtui("fault", "heal", "--config", up.file).returncode == 0
    assert paxtui("fault", "list", "--config", up.file).stdout == ""


def test_messages_are_held_listed_and_released_and_clocks_are_moved(paxtui: Run, up: Up) -> None:
    config = ("--config", up.file)
    try:
        for replica in range(3):
            assert paxtui("fault", "clock", replica, "0", *config).returncode == 0
        held = paxtui("fault", "hold", "*>*", "--kind", "heartbeat", "--for", "5m", *config)
        assert [line.split(maxsplit=1)[1] for line in held.stdout.splitlines()] == [
            f"hold r{replica}>* heartbeat" for replica in range(3)
        ]

        def listed() -> list[dict[str, object]]:
            assert paxtui("tick", *config).returncode == 0
            return rows(paxtui("staged", "list", "--json", *config).stdout)

        beats = until(listed, "the leader's next timer has come")
        assert {each["kind"] for each in beats} == {"heartbeat"}
        assert "heartbeat" in paxtui("staged", "list", *config).stdout
        assert "STEPPED: " in paxtui("status", *config).stdout
        first = beats[0]["number"]
        assert paxtui("staged", "drop", f"#{first}", *config).stdout == "1 dropped\n"
        assert "is not staged here" in paxtui("staged", "double", first, *config).stderr
        done = paxtui("staged", "deliver", "heartbeat", *config)
        assert (done.returncode, done.stdout) == (0, f"{len(beats) - 1} released\n")
        moved = paxtui("tick", "--id", "r0", "0.5", *config)
        assert moved.stdout.startswith("r0 moved by 0.5 ms"), moved.stdout
        assert "did you mean accept?" in paxtui("staged", "drop", "acept", *config).stderr
    finally:
        paxtui("fault", "heal", *config)


def test_elect_makes_a_replica_lead(paxtui: Run, up: Up) -> None:

    def elected() -> str:
        """What is said of who did not lead before; on a busy machine another one may win the election."""
        leader = rows(paxtui("status", "--config", up.file, "--json").stdout)[0].get("leader")
        if leader is None:
            return ""
        other = (int(str(leader)) + 1) % 3
        done = paxtui("elect", other, "--config", up.file)
        return done.stdout if done.stdout.startswith(f"r{other} leads at ") and done.returncode == 0 else ""

    until(elected, "a replica leads that did not")


def test_a_skipped_slot_becomes_a_no_op(paxtui: Run, up: Up) -> None:
    holes: list[int] = []

    def skipped() -> bool:
        """Whether the slot before the message is a no-op; the skip is lost with its leader if the lead passes
        on before the message."""
        assert paxtui("fault", "skip", "--config", up.file).returncode == 0
        done = paxtui("send", "after the hole", "--config", up.file, "--json")
        holes.append(int(str(rows(done.stdout)[0]["slot"])) - 1)
        entries = rows(paxtui("read", "--from", holes[-1], "--json", "--config", up.file).stdout)
        return entries[0].get("noop") is True

    until(skipped, "a slot is skipped")
    refused = paxtui("noop", holes[-1], "--config", up.file)
    assert refused.returncode == 1
    assert "no hole" in refused.stderr


def test_reads_say_their_consistency(paxtui: Run, up: Up) -> None:
    linearizable = paxtui("read", "--limit", "3", "--config", up.file, "--json")
    assert linearizable.returncode == 0
    assert "linearizable" in linearizable.stderr
    assert len(linearizable.stdout.splitlines()) == 3
    assert "may be stale" in paxtui("read", "--consistency", "local", "--config", up.file).stderr


def test_any_text_comes_back_unchanged_and_is_shown_harmlessly(paxtui: Run, up: Up) -> None:
    nasty = "\x1b]52;c;AAAA\x07 [red]x[/red] \u202e a\tb 한국 👩‍👩‍👧"
    assert paxtui("send", nasty, "--config", up.file).returncode == 0
    assert tail_with(paxtui, up, nasty)[-1]["text"] == nasty
    shown = paxtui("tail", "--config", up.file).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_log_can_be_read_offline_and_verified_while_the_replicas_run(paxtui: Run, up: Up) -> None:
    paxtui("send", "for the disk", "--config", up.file)
    folder = up.data / "cli"
    online = paxtui("tail", "--json", "--config", up.file).stdout
    offline = paxtui("tail", "--json", "--offline", folder / "replica-0").stdout
    assert online.startswith(offline[: len(offline) // 2])
    done = paxtui("verify", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 3 logs agree" in done.stdout


def test_verify_names_the_first_differing_slot(paxtui: Run, up: Up, tmp_path: Path) -> None:
    paxtui("send", "a", "b", "c", "--config", up.file)
    for replica in (0, 1):
        until(lambda replica=replica: on_disk(up, replica) >= 2, f"slot 1 is on the disk of r{replica}")  # type: ignore[misc]
    for replica in (0, 1):
        (tmp_path / f"replica-{replica}").mkdir()
        source = sqlite3.connect(up.data / "cli" / f"replica-{replica}" / "replica.db")
        copy = sqlite3.connect(tmp_path / f"replica-{replica}" / "replica.db")
        source.backup(copy)
        source.close()
        if replica == 1:
            copy.execute("UPDATE log SET text = 'forged' WHERE slot = 1")
            copy.commit()
        copy.close()
    done = paxtui("verify", tmp_path)
    assert done.returncode == 1
    assert "slot 1" in done.stdout, done.stdout + done.stderr


def test_an_unknown_outcome_has_an_exit_code_of_its_own(paxtui: Run, up: Up) -> None:
    paxtui("fault", "cut", "*>*", "--config", up.file)
    try:
        done = paxtui("send", "into the void", "--timeout", "3", "--config", up.file)
    finally:
        paxtui("fault", "heal", "--config", up.file)
    assert done.returncode == 3
    assert "may have been appended" in done.stderr
