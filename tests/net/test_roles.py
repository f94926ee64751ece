"""What a certificate says, and what is refused as saying nothing."""

from __future__ import annotations

import pytest

from paxtui.config.identity import Identity, NoRole, from_certificate, from_uris, identity


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("paxtui:replica/0", Identity("replica", "0")),
        ("paxtui:replica/8", Identity("replica", "8")),
        ("paxtui:client/ada", Identity("client", "ada")),
        ("paxtui:operator/eve.b-2_x", Identity("operator", "eve.b-2_x")),
        ("paxtui:observer/" + "x" * 64, Identity("observer", "x" * 64)),
    ],
)
def test_a_uri_states_a_role_and_a_name(uri: str, found: Identity) -> None:
    assert from_uris(["https://example.org/", uri]) == found
    assert found.uri == uri


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("paxtui:king/ada", "'king' is no role; replica, client, operator, observer are"),
        ("paxtui:Operator/eve", "'Operator' is no role"),
        ("paxtui:", "'' is no role"),
        ("paxtui:client", "'' is no name"),
        ("paxtui:client/", "'' is no name"),
        ("paxtui:client/" + "x" * 65, "is no name; allowed are 1 to 64 letters"),
        ("paxtui:client/a/b", "'a/b' is no name"),
        ("paxtui:client/../x", "is no name"),
        ("paxtui:client/a~b", "is no name"),
        ("paxtui:client/a@b", "is no name"),
        ("paxtui:client/ada\n", "is no name"),
        ("paxtui:client/\x1b[2J", r"'\x1b[2J' is no name"),
        ("paxtui:client/ädä", "is no name"),
        ("paxtui:replica/9", "'9' is no replica's id; 0 to 8 are"),
        ("paxtui:replica/01", "'01' is no replica's id"),
        ("paxtui:replica/-1", "'-1' is no replica's id"),
        ("paxtui:replica/1\n", "is no replica's id"),
        ("paxtui:replica/١", "is no replica's id"),
    ],
)
def test_what_is_not_exactly_a_role_and_a_name_is_none(uri: str, why: str) -> None:
    with pytest.raises(NoRole) as refused:
        from_uris([uri])
    assert why in str(refused.value)


def test_no_role_and_two_roles_are_both_refused() -> None:
    for uris in ([], ["https://example.org/client/ada"]):
        with pytest.raises(NoRole, match="states no role; one URI such as paxtui:client/NAME is needed"):
            from_uris(uris)
    with pytest.raises(NoRole, match="states 2 roles"):
        from_uris(["paxtui:client/ada", "paxtui:operator/ada"])


def test_only_uris_count_not_host_names_that_look_like_one() -> None:
    shown = {"subjectAltName": (("DNS", "paxtui:operator/eve"), ("URI", "paxtui:client/ada"))}
    assert from_certificate(shown) == Identity("client", "ada")
    for nothing in (None, {}, {"subjectAltName": (("DNS", "paxtui:operator/eve"),)}):
        with pytest.raises(NoRole, match="states no role"):
            from_certificate(nothing)


def test_only_a_replica_has_an_id() -> None:
    assert identity("replica", "2").replica == 2
    assert identity("client", "2").replica is None
