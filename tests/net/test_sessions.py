"""A session belongs to the role and the name of the certificate that opened it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.net.tls_host import TlsHost, tls_hosted


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[TlsHost]:
    async with tls_hosted(tmp_path) as replica:
        for stem in ("operator-ada", "observer-ada", "client-eve"):
            replica.certs.issue(stem)
        yield replica


async def opened(secure: TlsHost, stem: str) -> str:
    async with secure.dial(stem) as raw:
        return str((await raw.hello("client"))["session"])


@pytest.mark.trio
async def test_the_session_says_which_role_opened_it(secure: TlsHost) -> None:
    roles = {"client-ada": "cl", "operator-ada": "op", "observer-ada": "ob"}
    for stem, letters in roles.items():
        assert (await opened(secure, stem)).startswith(f"ada~{letters}.")


@pytest.mark.trio
async def test_nobody_takes_over_a_session_of_another_role_or_name(secure: TlsHost) -> None:
    stems = ("client-ada", "operator-ada", "observer-ada", "client-eve")
    sessions = {stem: await opened(secure, stem) for stem in stems}
    for opener, session in sessions.items():
        for stem in stems:
            async with secure.dial(stem) as raw:
                answer = await raw.hello("client", session=session)
            if stem == opener:
                assert answer["session"] == session
            else:
                assert answer["reason"] == (
                    f"session refused: your certificate is that of {stem.replace('-', '/')}, "
                    "and the session is not yours"
                )
    assert secure.replica.refused == {"hello: session of another": 12}


@pytest.mark.trio
async def test_an_operator_does_not_get_in_front_of_a_client_of_the_same_name(secure: TlsHost) -> None:
    """With the client's session its message would be the client's request 2, whose answer the client would
    then get for another text."""
    async with secure.dial("client-ada") as ada:
        session = (await ada.hello("client"))["session"]
        assert (await ada.append(1, "mine"))["slot"] == 0
        async with secure.dial("operator-ada") as other:
            assert (await other.hello("client", session=session))["type"] == "refused"
        assert (await ada.append(2, "mine, too"))["slot"] == 1
        page = await ada.ask({"type": "read", "id": 1, "first": 0})
    assert [(entry[2], entry[4]) for entry in page["entries"]] == [(session, "mine"), (session, "mine, too")]


@pytest.mark.trio
async def test_an_id_that_names_no_role_is_taken_for_a_clients(secure: TlsHost) -> None:
    """Earlier programs issued these. A client goes on with one; an operator, who may have got it or may not,
    hears what any client of that time understands."""
    old = "ada~aaaaaaaa@0"
    async with secure.dial("client-ada", "client", session=old) as raw:
        assert (await raw.append(1, "x"))["type"] == "appended"
    async with secure.dial("operator-ada", "client", session=old) as raw:
        answer = await raw.append(2, "y")
        assert (answer["type"], answer["reason"]) == ("rejected", "expired")
    async with secure.dial("client-eve") as raw:
        assert "the session is not yours" in (await raw.hello("client", session=old))["reason"]
    async with secure.dial("client-ada", "client", session=old) as raw:
        assert (await raw.append(2, "z"))["slot"] == 1


@pytest.mark.trio
async def test_what_no_replica_issued_is_refused_whatever_the_certificate(secure: TlsHost) -> None:
    for session in ("ada", "ada~x@1", "ada~cl.aaaaaaaa@-5", "ada~cl.aaaaaaaa@1e5", "ada~ (x)~aaaaaaaa@0"):
        async with secure.dial("client-ada") as raw:
            assert (
                "no session that a replica has issued"
                in (await raw.hello("client", session=session))["reason"]
            )
    async with secure.dial("client-ada") as raw:
        answer = await raw.hello("client", session="ada~cl.aaaaaaaa@9")
    assert "it was born at slot 9, and this replica knows of 0 slots" in answer["reason"]


@pytest.mark.trio
async def test_a_label_does_not_end_the_parentheses_that_it_stands_in(secure: TlsHost) -> None:
    async with secure.dial("operator-ada", "operator", name="x) from 1.2.3.4: elect: done (") as raw:
        await raw.ask({"type": "elect", "id": 1})
    assert "audit    operator/ada (x] from 1.2.3.4: elect: done [) from 127.0.0.1:" in secure.said
