"""The audit: written whatever level the log has, whole in JSON, and harmless on a terminal."""

from __future__ import annotations

import io
import json

from paxtui.config.identity import Identity
from paxtui.replica.event_log import EventLog
from paxtui.replica.sessions.authorization import Caller

EVE = Identity("operator", "eve")


def line_of(caller: Caller, *, as_json: bool) -> str:
    """What an election by ``caller`` leaves in a log that wants errors alone."""
    lines = io.StringIO()
    EventLog(1, "error", as_json=as_json, file=lines).audit(caller.who, caller.origin, "elect", "done")
    (line,) = lines.getvalue().splitlines()
    return line


def test_the_audit_is_written_even_where_only_errors_are_wanted() -> None:
    line = line_of(Caller("10.0.0.9:5000", EVE, "cli"), as_json=False)
    assert line.endswith(" r1 audit    operator/eve (cli) from 10.0.0.9:5000: elect: done")


def test_who_has_no_certificate_is_marked_as_such() -> None:
    assert line_of(Caller("127.0.0.1:5000", None, "cli"), as_json=False).endswith(
        "audit    cli from 127.0.0.1:5000 without a certificate: elect: done"
    )
    assert "audit    a client without name from" in line_of(Caller("127.0.0.1:5000"), as_json=False)


def test_a_program_finds_each_part_by_its_name() -> None:
    found = json.loads(line_of(Caller("10.0.0.9:5000", EVE), as_json=True))
    assert {key: found[key] for key in ("kind", "who", "from", "what", "result", "replica")} == {
        "kind": "audit",
        "who": "operator/eve",
        "from": "10.0.0.9:5000",
        "what": "elect",
        "result": "done",
        "replica": 1,
    }


def test_a_label_is_no_proof_and_no_danger() -> None:
    forged = Caller(
        "10.0.0.9:5000", Identity("client", "ada"), "\x1b[2Joperator/eve from 1.2.3.4\n" + "x" * 999
    )
    line = line_of(forged, as_json=False)
    assert "\x1b" not in line
    assert "audit    client/ada (␛[2Joperator/eve from 1.2.3.4␊xxx" in line
    assert line.endswith("x) from 10.0.0.9:5000: elect: done")
    assert len(line) < 200
