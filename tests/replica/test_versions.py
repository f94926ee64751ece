"""Programs of two releases that meet say so, and which of them to upgrade."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paxtui.wire.hello import PROTOCOL_VERSION, schema_words, spoken_version
from tests.replica.host import HostedReplica, hosted


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[HostedReplica]:
    async with hosted(tmp_path / "r0") as replica:
        yield replica


@pytest.mark.trio
@pytest.mark.parametrize(("version", "release"), [(PROTOCOL_VERSION + 1, "a newer"), (0, "an older")])
async def test_a_hello_of_another_version_is_refused_by_the_versions_whatever_else_it_says(
    host: HostedReplica, version: int, release: str
) -> None:
    async with host.dial() as raw:
        await raw.say({"type": "hello", "version": version, "role": "steward", "shoe": 43})
        words = await raw.last_words()
    assert words is not None
    assert (
        f"you speak protocol version {version}, this replica speaks 1 to {PROTOCOL_VERSION}"
        in words["reason"]
    )
    assert f"your program is of {release} release" in words["reason"]


@pytest.mark.trio
async def test_a_hello_of_this_version_that_is_malformed_is_told_its_field(host: HostedReplica) -> None:
    async with host.dial() as raw:
        await raw.say({"type": "hello", "version": PROTOCOL_VERSION, "role": "client", "shoe": 43})
        words = await raw.last_words()
    assert words is not None
    assert "unknown field `shoe`" in words["reason"]


def test_what_is_no_hello_speaks_no_version() -> None:
    bodies = (
        b"",
        b"\xff",
        b"[1]",
        b"{}",
        b'{"type":"append","version":3}',
        b'{"type":"hello","version":"3"}',
    )
    assert {spoken_version(body) for body in bodies} == {None}
    assert spoken_version(b'{"type":"hello","version":3,"x":1}') == 3


@pytest.mark.parametrize(
    "reason", ["Object contains unknown field `origin`", "Invalid enum value 'x' - at `$.role`"]
)
def test_a_replica_that_finds_fault_with_our_hello_is_of_another_release(reason: str) -> None:
    told = schema_words(reason)
    assert told.startswith("it is of another release of paxtui than this program (")
    assert told.endswith(reason)


def test_any_other_reason_is_passed_on_as_it_is() -> None:
    assert schema_words("no hello within 5 s") == "no hello within 5 s"
