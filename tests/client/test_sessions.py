"""What becomes of a session that replicas do not take back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trio

from paxtui.client import Log, Unknown, connect
from paxtui.client.connection import HelloRefused, SessionRefused, answers, dial
from paxtui.config import cluster_file
from tests.client.three import three


@pytest.mark.trio
async def test_a_session_that_one_replica_refuses_is_kept_and_one_that_a_majority_refuses_is_not() -> None:
    """One may be behind. What has left may have taken effect; what has not goes on in the next session."""
    log = Log(cluster_file.local(3), "ada")
    log._session = "ada~aaaaaaaa@9"
    log._appends.set_window(8)
    left, waits = await log.submit("left"), await log.submit("waits")
    left.sends = 1
    refusal = SessionRefused("session refused: it was born at slot 9, and this replica knows of 2 slots")
    log._refused_session(1, refusal)
    log._refused_session(1, refusal)
    assert log._session == "ada~aaaaaaaa@9"
    assert not left.done
    log._refused_session(2, refusal)
    assert log._session is None
    assert not waits.done
    with pytest.raises(Unknown, match=r"born at slot 9.*; an earlier try may have taken effect"):
        left.outcome()


@pytest.mark.trio
async def test_a_client_goes_on_in_a_cluster_that_was_taken_back_to_before_its_session(
    tmp_path: Path,
) -> None:
    async with three(tmp_path, n=1) as replicas, connect(replicas.cluster, name="ada") as log:
        async with connect(replicas.cluster, name="bob") as other:
            for number in range(3):
                await other.append(str(number))
        await log.append("before")
        before = await log.session()
        assert before.endswith("@3")
        await replicas.stop(0)
        shutil.rmtree(tmp_path / "r0")
        await replicas.start(0)
        assert (await log.append("after")).slot == 0
        assert await log.session() != before


@pytest.mark.trio
async def test_a_refused_session_is_told_from_a_refused_connection(tmp_path: Path) -> None:
    async with three(tmp_path, n=1) as replicas:
        address = replicas.cluster.address(0)
        with pytest.raises(SessionRefused, match="you call yourself"), trio.fail_after(30):
            async with dial(address, "client", answers, name="eve", session="ada~aaaaaaaa@0"):
                pytest.fail("it was taken")
        with pytest.raises(HelloRefused, match="not yours") as refused, trio.fail_after(30):
            async with dial(address, "client", answers, name="eve", cluster="other"):
                pytest.fail("it was taken")
        assert not isinstance(refused.value, SessionRefused)


@pytest.mark.trio
async def test_a_session_can_be_had_before_the_first_request_and_after_one_has_expired(
    tmp_path: Path,
) -> None:
    async with three(tmp_path, n=1) as replicas, connect(replicas.cluster, name="ada") as log:
        with trio.fail_after(30):
            first = await log.session()
        assert (await log.append("x")).slot == 0
        assert await log.session() == first
        log._begin_session()
        await replicas.stop(0)
        await replicas.start(0)
        with trio.fail_after(30):
            assert await log.session() != first
