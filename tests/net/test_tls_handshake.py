"""The handshake: who is turned away, why, and that both sides are told."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from paxtui.config.identity import identity
from paxtui.config.limits import Limits
from paxtui.config.tls_files import KeyFiles
from paxtui.net.tls.authority import Authority
from paxtui.net.tls.credentials import Credentials
from paxtui.replica.transport.read_loop import Reader
from paxtui.wire import frame
from tests.net.certificates import Folder, leaf, stranger, trusted
from tests.net.tls_host import TlsHost, leads, tls_hosted
from tests.replica.conditions import eventually
from tests.replica.host import hosted


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[TlsHost]:
    async with tls_hosted(tmp_path) as replica:
        yield replica


async def turned_away(
    secure: TlsHost, why: str, number: int = 1, *, kind: str = "certificate not trusted"
) -> None:
    """The replica has said so, and has counted it, also under the name of its kind."""
    await eventually(lambda: secure.replica.host.counters["turned away"] >= number, f"turned away: {why}")
    last = [line for line in secure.said.splitlines() if "turned away" in line][-1]
    assert "WARNING: 127.0.0.1:" in last
    assert last.endswith(f"turned away: {why}")
    assert secure.replica.refused == {kind: number}


async def still_open(secure: TlsHost) -> None:
    async with secure.dial("client-ada", "client") as raw:
        assert (await raw.ask({"type": "get-status", "id": 1}))["security"] == "tls"


@pytest.mark.trio
async def test_who_shows_no_certificate_is_told_that_one_is_needed(secure: TlsHost) -> None:
    anonymous = stranger(None, secure.certs.path / "authority.pem")
    assert await secure.refusal(anonymous) == "it takes no connection without a certificate"
    await turned_away(secure, "it showed no certificate")
    await still_open(secure)


@pytest.mark.trio
async def test_an_expired_certificate_is_refused_and_both_sides_say_why(secure: TlsHost) -> None:
    secure.certs.issue("client-ada", days=-1)
    late = stranger(secure.certs.files("client-ada"), secure.certs.path / "authority.pem")
    assert await secure.refusal(late) == (
        "it refuses our certificate, which has expired (or its clock is wrong)"
    )
    await turned_away(secure, "its certificate has expired")


@pytest.mark.trio
async def test_a_certificate_of_an_unknown_authority_is_refused_and_both_sides_say_why(
    secure: TlsHost, tmp_path: Path
) -> None:
    ca = trusted(tmp_path / "foreign")
    other = Folder(tmp_path / "other", "operator-eve")
    authority = secure.certs.path / "authority.pem"
    for number, files in enumerate((leaf(ca, tmp_path / "foreign", "www"), other.files("operator-eve")), 1):
        refusal = await secure.refusal(stranger(files, authority))
        assert refusal == "it refuses our certificate, whose authority it does not know"
        await turned_away(secure, "its certificate is not from our authority", number)
    await still_open(secure)


@pytest.mark.trio
async def test_a_certificate_that_states_no_role_opens_nothing(tmp_path: Path) -> None:
    ca = trusted(tmp_path / "foreign")
    made = Authority(tmp_path / "foreign").issue(identity("replica", "0"))
    credentials = Credentials(KeyFiles(tmp_path / "foreign/authority.pem", made.certificate, made.key), 0)
    anybody = leaf(ca, tmp_path / "foreign", "www")
    async with hosted(tmp_path / "r0", credentials=credentials) as replica:
        secure = TlsHost(replica, Folder(tmp_path / "unused"))
        async with secure.dial_with(stranger(anybody, anybody.authority)) as raw:
            answer = await raw.last_words()
        why = "states no role; one URI such as paxtui:client/NAME is needed"
        assert answer == {"type": "refused", "reason": f"your certificate {why}"}
        await turned_away(secure, f"its certificate {why}", kind="certificate without a role")


@pytest.mark.trio
async def test_who_speaks_no_tls_is_told_so_in_a_frame(secure: TlsHost) -> None:
    for number, said in enumerate(
        (frame(b'{"type":"hello","version":1,"role":"client"}'), b"GET / HTTP/1.1"), 1
    ):
        async with secure.replica.dial() as raw:
            await raw.send(said)
            answer = await raw.last_words()
        assert answer is not None
        assert answer["type"] == "refused"
        assert answer["reason"].startswith(
            "this replica takes no connection without a certificate, and you do not"
        )
        assert "PAXTUI_TLS_FOLDER" in answer["reason"]
        await turned_away(secure, "it does not speak TLS", number, kind="no certificate shown")
    await still_open(secure)


@pytest.mark.trio
async def test_an_older_tls_is_refused_and_both_sides_say_why(secure: TlsHost) -> None:
    old = stranger(secure.certs.files("client-ada"), secure.certs.path / "authority.pem")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await secure.refusal(old) == "it speaks another version of TLS; 1.3 is needed"
    await turned_away(secure, "it speaks an older version of TLS; 1.3 is needed")


@pytest.mark.trio
@pytest.mark.parametrize(
    "sent", [b"", b"\x16", b"\x16\x03\x01\x00\xf8\x01\x00"], ids=["nothing", "a byte", "a part"]
)
async def test_who_takes_too_long_for_a_certificate_is_turned_away(tmp_path: Path, sent: bytes) -> None:
    async with tls_hosted(tmp_path, limits=Limits(hello_s=0.05)) as secure:
        async with secure.replica.dial() as raw:
            if sent:
                await raw.send(sent)
            assert await raw.last_words() is None
        await turned_away(secure, "it showed no certificate in time", kind="no certificate shown")


@pytest.mark.trio
async def test_who_shows_a_certificate_and_then_says_nothing_has_no_more_time_than_others(
    tmp_path: Path,
) -> None:
    async with (
        tls_hosted(tmp_path, limits=Limits(hello_s=1.0)) as secure,
        secure.dial("client-ada") as raw,
    ):
        await raw.stream.do_handshake()  # type: ignore[attr-defined]
        assert await raw.last_words() == {"type": "problem", "reason": "no hello within 1 s"}


@pytest.mark.trio
async def test_garbage_in_place_of_tls_harms_nobody(secure: TlsHost) -> None:
    async with secure.dial("client-ada", "client") as bystander:
        for sent in (b"\x16" + bytes(300), b"\x16\x03\x01\xff\xff" + b"x" * 70_000, bytes(range(256)) * 40):
            async with secure.replica.dial() as raw:
                await raw.send(sent)
                with trio.move_on_after(5):
                    await raw.stream.send_eof()
                    while await raw.stream.receive_some(65536):
                        pass
        assert (await bystander.append(1, "still here"))["type"] == "appended"


@pytest.mark.trio
async def test_who_goes_away_without_a_word_is_nobodys_problem(secure: TlsHost) -> None:
    async with secure.replica.dial():
        pass
    async with secure.dial("client-ada") as raw:
        await raw.stream.do_handshake()  # type: ignore[attr-defined]
    await still_open(secure)
    assert "turned away" not in secure.said
    assert secure.replica.bad_frames == 0


@pytest.mark.trio
async def test_bad_frames_are_answered_as_without_tls(secure: TlsHost) -> None:
    async with secure.dial("client-ada", "client") as raw:
        await raw.say({"type": "append", "request": -1, "text": "x"})
        problem = await raw.last_words()
    assert problem is not None
    assert "`$.request`" in problem["reason"]
    assert secure.replica.bad_frames == 1


@pytest.mark.trio
async def test_new_connections_take_the_new_certificate_and_old_ones_go_on(tmp_path: Path) -> None:
    certs = Folder(tmp_path / "certs", "replica-0", "client-ada")
    credentials = certs.replica(0)
    async with hosted(tmp_path / "r0", credentials=credentials) as replica:
        await leads(replica)
        secure = TlsHost(replica, certs)
        async with secure.dial("client-ada", "client") as old:
            first = old.stream.getpeercert()  # type: ignore[attr-defined]
            assert (await old.append(1, "before"))["type"] == "appended"
            certs.issue("replica-0", days=60)
            credentials.reload()
            assert (await old.append(2, "after"))["type"] == "appended"
            async with secure.dial("client-ada", "client") as new:
                second = new.stream.getpeercert()  # type: ignore[attr-defined]
                assert (await new.append(1, "new"))["type"] == "appended"
        assert first["serialNumber"] != second["serialNumber"]


@pytest.mark.trio
async def test_the_limit_of_requests_in_flight_holds_for_encrypted_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[Reader] = []
    resume = Reader.resume
    monkeypatch.setattr(
        Reader,
        "resume",
        lambda self: (self.reading or resumed.append(self), resume(self))[1],  # type: ignore[func-returns-value]
    )
    async with (
        tls_hosted(tmp_path, limits=Limits(in_flight=4)) as secure,
        secure.dial("client-ada", "client") as raw,
    ):
        await raw.say(*({"type": "append", "request": number, "text": "x"} for number in range(1, 200)))
        answered: set[int] = set()
        while len(answered) < 199:
            answer = await raw.hear()
            assert answer is not None
            answered.add(answer["request"])
    assert len(resumed) > 1, "reading rested and went on"
