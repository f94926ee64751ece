"""Cluster files: what they may say, and that whatever is wrong with one is told in one line."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from paxtui.config.cluster_file import (
    Address,
    Cluster,
    ConfigError,
    check_f,
    find,
    free_ports,
    load,
    local,
    parse_addresses,
    to_classic,
    to_toml,
)
from paxtui.config.retention import Retention
from paxtui.core.settings import Settings

CONFIGS = Path(__file__).parents[2] / "configs"
ROWS = "".join(f'[[replica]]\nid = {i}\nhost = "127.0.0.1"\nport = {7400 + i}\n' for i in range(3))
CLASSIC = "127.0.0.1 7400\n127.0.0.1 7401\n127.0.0.1 7402\n"


def written(folder: Path, content: str | bytes, name: str = "demo.toml") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: str | Path) -> str:
    """The message of a refused file, without its folder. Every one is one printable line."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.isprintable()
    return message.replace(f"{Path(path).parent}/", "")


def assert_loads_or_is_refused(path: Path) -> None:
    try:
        load(path)
    except ConfigError:
        assert refusal(path)


# What is shipped


@pytest.mark.parametrize(("name", "n", "first"), [("local-3", 3, 7400), ("local-5", 5, 7500)])
def test_a_shipped_cluster_file_loads_as_it_is(name: str, n: int, first: int) -> None:
    cluster = load(CONFIGS / f"{name}.toml")
    assert (cluster.name, cluster.n, cluster.settings) == (name, n, Settings())
    assert [address.port for address in cluster.replicas] == list(range(first, first + n))


@pytest.mark.parametrize("name", ["local-3", "local-5"])
def test_the_comments_of_a_shipped_file_name_every_setting_with_its_default(name: str) -> None:
    text = (CONFIGS / f"{name}.toml").read_text()
    commented = dict(re.findall(r"^# (\w+) = ([\d.]+) ", text.partition("[settings]")[2], re.MULTILINE))
    assert commented == {key: repr(value) for key, value in structs.asdict(Settings()).items()}


@pytest.mark.parametrize("name", ["local-3", "local-5"])
def test_a_shipped_file_still_loads_when_its_comments_are_made_settings(tmp_path: Path, name: str) -> None:
    text = re.sub(r"(?m)^# (\w+ = )", r"\1", (CONFIGS / f"{name}.toml").read_text())
    cluster = load(written(tmp_path, text))
    assert (cluster.warm_up, cluster.record, cluster.settings) == ("majority", f"{name}.record", Settings())


def test_the_classic_file_says_the_same_membership_as_the_built_in_cluster() -> None:
    cluster = load(CONFIGS / "config.txt")
    assert cluster.name == "config"
    assert cluster.replicas == local(3).replicas
    assert cluster.digest == local(3).digest


# The classic format


def test_the_classic_format_numbers_the_replicas_by_line(tmp_path: Path) -> None:
    cluster = load(
        written(tmp_path, "# who\n\n10.0.0.1 1\n  10.0.0.2\t2  # two\r\nnode-3.lan 3\n", "lab.txt")
    )
    assert cluster.replicas == (
        Address(0, "10.0.0.1", 1),
        Address(1, "10.0.0.2", 2),
        Address(2, "node-3.lan", 3),
    )
    assert (cluster.name, cluster.source) == ("lab", str(tmp_path / "lab.txt"))


def test_the_format_is_told_by_content_and_not_by_the_file_name(tmp_path: Path) -> None:
    assert load(written(tmp_path, CLASSIC, "a.toml")).n == 3
    assert load(written(tmp_path, ROWS, "b.txt")).n == 3


def test_a_classic_line_may_start_with_an_ipv6_address_in_brackets(tmp_path: Path) -> None:
    cluster = load(written(tmp_path, "[::1] 1\n::1 2\nfe80::1 3\n"))
    assert [str(address) for address in cluster.replicas] == ["[::1]:1", "[::1]:2", "[fe80::1]:3"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("127.0.0.1", '"127.0.0.1" is not `ip port`'),
        ("127.0.0.1:7402", "is not `ip port`"),
        ("127.0.0.1 7402 x", "is not `ip port`"),
        ("127.0.0.1 http", 'port "http" is not a number, allowed: 1 to 65535'),
        ("127.0.0.1 -1", 'port "-1" is not a number'),
        ("127.0.0.1 ٣", "is not a number"),
        ("127.0.0.1 0", "port 0 is out of range, allowed: 1 to 65535"),
        ("127.0.0.1 65536", "port 65536 is out of range"),
        ("127.0.0.1 " + "9" * 5000, "is out of range"),
        ("300.0.0.1 1", 'host "300.0.0.1" is not a host name or an IP address'),
        ("a..b 1", 'host "a..b" is not'),
        ("-a 1", 'host "-a" is not'),
        ("höst 1", "is not a host name"),
        ("x" * 254 + " 1", "at most 253 characters"),
        ("0.0.0.0 1", "is no address that a peer can reach"),
        ("ff02::1 1", "is no address that a peer can reach"),
        ("a\x1b[31m 1", 'host "a<001B>[31m" is not'),
        ("127.0.0.1 7400", "address 127.0.0.1:7400 is there twice, also in line 1"),
    ],
)
def test_a_bad_classic_line_is_named_with_its_number(tmp_path: Path, line: str, told: str) -> None:
    message = refusal(written(tmp_path, f"127.0.0.1 7400\n\n{line}\n"))
    assert message.startswith("demo.toml:3: ")
    assert told in message


def test_two_spellings_of_one_address_are_the_same_address(tmp_path: Path) -> None:
    assert "also in line 1" in refusal(written(tmp_path, "::1 7\n0:0::1 7\n::1 8\n"))
    assert "also in line 1" in refusal(written(tmp_path, "node.lan 7\nNODE.lan. 7\n::1 8\n"))


# Files that are no cluster files


def test_a_missing_file_is_told_with_the_names_that_are_nearest(tmp_path: Path) -> None:
    written(tmp_path, CLASSIC, "local-3.toml")
    assert refusal(tmp_path / "locl-3.toml") == "locl-3.toml: no such file; in the same folder: local-3.toml"


def test_a_missing_file_without_a_name_alike_is_told_with_the_cluster_files_there(tmp_path: Path) -> None:
    written(tmp_path, CLASSIC, "zz.txt")
    written(tmp_path, "", "notes.md")
    assert refusal(tmp_path / "demo") == "demo: no such file; in the same folder: zz.txt"


def test_a_missing_file_in_an_empty_or_missing_folder_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "demo") == "demo: no such file"
    assert "no such file, and no folder" in refusal(tmp_path / "none" / "demo")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    assert refusal(folder) == "demo: is a folder, expected a cluster file"


def test_a_device_in_place_of_the_file_is_refused_without_reading_it() -> None:
    assert "is not a plain file" in refusal("/dev/zero")


def test_an_unreadable_file_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    path = tmp_path / "demo.toml"
    path.touch()
    assert refusal(path) == "demo.toml: cannot be read: Permission denied"


def test_a_path_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in refusal("x\0y")
    assert "cannot be read" in refusal("x" * 5000)
    assert "cannot be read" in refusal(written(tmp_path, CLASSIC) / "below")


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n  # here"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "the file is empty" in refusal(written(tmp_path, content))


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    assert "holds binary data" in refusal(written(tmp_path, b"\x7fELF\0\0"))
    assert refusal(written(tmp_path, b"a\nb\xff")) == "demo.toml:2: is not UTF-8 text (byte 0xff)"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    assert "is larger than 1048576 bytes" in refusal(written(tmp_path, b"#" * (1024 * 1024 + 1)))


def test_a_byte_order_mark_and_other_line_ends_do_no_harm(tmp_path: Path) -> None:
    assert load(written(tmp_path, "\ufeff" + CLASSIC.replace("\n", "\r\n"))).n == 3
    assert load(written(tmp_path, "\ufeff" + ROWS.replace("\n", "\r\n"))).n == 3


# TOML


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[cluster]\nname = \n", ':2: is not TOML at column 8, in "name ="'),
        ("[cluster\n", ':1: is not TOML at column 9, in "[cluster"'),
        (
            "[cluster]\nname = 'a'\nname = 'b'",
            ":3: is not TOML: \"name = 'b'\" says again what is said above",
        ),
        ("a = " + "[" * 100_000, ": is not TOML: nested too deeply"),
        ("a" + ".a" * 300_000 + " = 1", ": is not a cluster file: nested too deeply"),
        ("x = 1" + "0" * 5000, ": is not TOML"),
        (ROWS + "[replicas]\n", ':13: unknown key "replicas"; did you mean replica? allowed: cluster, '),
        ("name = 'x'\n" + ROWS, ':1: unknown key "name"; allowed: cluster, replica, settings'),
        ("[cluster]\nnam = 'x'\n" + ROWS, ':2: unknown key "nam" in cluster; did you mean name? allowed: '),
        (ROWS.replace("port = 7401", "prot = 7401"), ':8: unknown key "prot" in replica; did you mean port?'),
        (
            ROWS + "[settings]\nheartbeat = 1",
            ':14: unknown key "heartbeat" in settings; did you mean heartbeat_s?',
        ),
        ('[cluster]\n"\\u001b[31m" = 3', 'unknown key "<001B>[31m" in cluster'),
        ("[cluster]\nname = 3", ":2: cluster.name: expected text, got a whole number"),
        ("[cluster]\nname = 2020-01-01", ":2: cluster.name: expected text"),
        ("cluster = 3", ":1: cluster: expected a table, got a whole number"),
        ("[[cluster]]\nname = 'x'", ":1: cluster: expected a table, got a list"),
        ("[replica]\nid = 0", ":1: replica: expected a list, got a table, write [[replica]] once for each"),
        ("replica = [1]", ":1: replica: expected a table, got a whole number"),
        (ROWS.replace("id = 1", "id = '1'"), ":6: replica.id: expected a whole number, got text"),
        (ROWS.replace("id = 1", "id = true"), ":6: replica.id: expected a whole number, got true or false"),
        (
            ROWS.replace('host = "127.0.0.1"\nport = 7401', "port = 7401"),
            ":5: replica: missing field `host`",
        ),
        (ROWS.replace("7401", "0"), ":8: port 0 is out of range, allowed: 1 to 65535"),
        (ROWS.replace("7401", "65536"), ":8: port 65536 is out of range"),
        (ROWS.replace("7401", "0x" + "f" * 9000), ":8: port a huge number is out of range"),
        (ROWS.replace("7401", "7400"), ":6: address 127.0.0.1:7400 is there twice, also in line 2"),
        (ROWS.replace('"127.0.0.1"\nport = 7401', '"a b"\nport = 7401'), ':7: host "a b" is not a host name'),
        (ROWS.replace("id = 1", "id = 0"), ":6: replica id 0 is there twice, also in line 2"),
        (ROWS.replace("id = 1", "id = 3"), ":6: replica id 3, allowed among 3: 0 to 2"),
        (ROWS.replace("id = 1", "id = -1"), ":6: replica id -1, allowed among 3: 0 to 2"),
        ("[cluster]\nname = 'x'", ": there are no replicas"),
        ("[cluster]\nname = ' '\n" + ROWS, ':2: name is " ", allowed: 1 to 64 printable characters'),
        ('[cluster]\nname = "a\\nb"\n' + ROWS, ':2: name is "a<000A>b", allowed: 1 to 64'),
        ("[cluster]\nname = '" + "x" * 65 + "'\n" + ROWS, ":2: name is "),
        ("[cluster]\nrecord = ''\n" + ROWS, ':2: record is "", allowed: '),
        ("[cluster]\nwarm_up = 'some'\n" + ROWS, ':2: warm_up is "some", allowed: all, majority, none'),
    ],
)
def test_a_bad_toml_file_is_told_with_line_and_what_is_allowed(
    tmp_path: Path, content: str, told: str
) -> None:
    assert refusal(written(tmp_path, content)).startswith(
        f"demo.toml{told}" if told[0] == ":" else "demo.toml:"
    )
    assert told in refusal(written(tmp_path, content))


@pytest.mark.parametrize("n", [2, 4, 6, 8])
def test_an_even_number_of_replicas_is_refused_with_the_reason(tmp_path: Path, n: int) -> None:
    message = refusal(written(tmp_path, "".join(f"::1 {i + 1}\n" for i in range(n))))
    assert f"{n} replicas tolerate no more failures than {n - 1} do ({n // 2 - 1}): use {n - 1}" in message


def test_eight_replicas_may_become_nine_but_not_ten(tmp_path: Path) -> None:
    assert load(written(tmp_path, "".join(f"::1 {i + 1}\n" for i in range(9)))).f == 4
    message = refusal(written(tmp_path, "".join(f"::1 {i + 1}\n" for i in range(10))))
    assert "10 replicas, but at most 9 are allowed" in message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("heartbeat_s = 0", "heartbeat_s is 0.0, allowed: above 0, at most 86400"),
        ("resend_s = -1.5", "resend_s is -1.5, allowed: above 0"),
        ("flush_s = nan", "flush_s is nan, allowed: above 0"),
        ("flush_s = inf", "flush_s is inf, allowed: above 0"),
        ("hole_timeout_s = 86401", "hole_timeout_s is 86401.0, allowed: above 0, at most 86400"),
        ("window_slots = 0", "window_slots is 0, allowed: above 0"),
        ("window_slots = 1.5", "settings.window_slots: expected a whole number, got a number"),
        ("window_slots = true", "settings.window_slots: expected a whole number, got true or false"),
        ("flush_s = '1'", "settings.flush_s: expected a number, got text"),
        ("flush_s = 1" + "0" * 400, "settings.flush_s: expected a number that is finite"),
        ("cache_chars = 9007199254740992", "allowed: above 0, at most 9007199254740991"),
        ("run_slots = 65537", "run_slots is 65537, allowed: above 0, at most 65536"),
        ("run_chars = 131073", "run_chars is 131073, allowed: above 0, at most 131072"),
        ("election_s_min = 0.2", "election_s_min is 0.2, allowed: above 2 * heartbeat_s, here 0.2"),
        ("election_s_max = 0.3", "election_s_max is 0.3, allowed: at least election_s_min, here 0.4"),
    ],
)
def test_a_bad_setting_is_told_with_its_line_and_limits(tmp_path: Path, line: str, told: str) -> None:
    message = refusal(written(tmp_path, f"{ROWS}[settings]\n# here\n{line}\n"))
    assert message.startswith("demo.toml:15: ")
    assert told in message


def test_settings_may_reach_their_limits(tmp_path: Path) -> None:
    text = f"{ROWS}[settings]\nrun_slots = 65536\nrun_chars = 131072\nelection_s_max = 0.4\nflush_s = 1\n"
    settings = load(written(tmp_path, text)).settings
    assert (settings.run_slots, settings.run_chars, settings.election_s_max) == (65536, 131072, 0.4)
    assert isinstance(settings.flush_s, float)


def test_replicas_may_be_written_in_any_order(tmp_path: Path) -> None:
    rows = ROWS.split("[[replica]]")
    text = "[[replica]]".join([rows[0], rows[3], rows[1], rows[2]])
    assert [address.id for address in load(written(tmp_path, text)).replicas] == [0, 1, 2]


def test_no_line_is_named_rather_than_a_wrong_one(tmp_path: Path) -> None:
    text = f'{ROWS}[cluster]\nrecord = """\\\n  port = 1"""\nwarm_up = "x"\n'
    assert refusal(written(tmp_path, text)).startswith("demo.toml: warm_up is ")


def test_the_name_is_the_files_unless_it_is_told(tmp_path: Path) -> None:
    assert load(written(tmp_path, ROWS, "lab.toml")).name == "lab"
    assert load(written(tmp_path, f"{ROWS}[cluster]\nname = '研究 室'\n")).name == "研究 室"
    assert load(written(tmp_path, ROWS, "a\x1b[31m.toml")).name == "a_[31m"
    assert load(written(tmp_path, ROWS, "x" * 100 + ".toml")).name == "x" * 64


# How much is kept


def test_what_is_kept_is_read_and_everything_is_without_the_table(tmp_path: Path) -> None:
    assert load(written(tmp_path, ROWS)).keep.everything
    assert load(written(tmp_path, ROWS + "[keep]\n")).keep == Retention()
    cluster = load(written(tmp_path, ROWS + "[keep]\nslots = 8\nbytes = 4096\nage_s = 8\n"))
    assert cluster.keep == Retention(slots=8, bytes=4096, age_s=8.0)
    assert not cluster.keep.everything


@pytest.mark.parametrize("name", ["local-3", "local-5"])
def test_the_comments_of_a_shipped_file_name_every_limit_of_what_is_kept(tmp_path: Path, name: str) -> None:
    text = (CONFIGS / f"{name}.toml").read_text()
    table = text[text.index("#   [keep]") :].partition("\n\n")[0]
    assert re.findall(r"(?m)^#   (\w+) = ", table) == list(structs.asdict(Retention()))
    uncommented = re.sub(r"(?m)^#   ", "", table)
    assert None not in structs.astuple(load(written(tmp_path, f"{ROWS}{uncommented}\n")).keep)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("slots = 7", "slots is 7, at least 8 is allowed"),
        ("slots = 0", "slots is 0, at least 8 is allowed"),
        ("bytes = 4095", "bytes is 4095, at least 4096 is allowed"),
        ("age_s = 7.9", "age_s is 7.9, at least 8 is allowed"),
        ("age_s = nan", "age_s is nan, at least 8 is allowed"),
        ("age_s = inf", "age_s is inf"),
        ("slots = -9", "slots is -9, at least 8 is allowed"),
        ("slots = 9.5", "keep.slots: expected a whole number"),
        ("slots = '9'", "keep.slots: expected a whole number"),
        ("slots = 9007199254740992", "slots is 9007199254740992"),
    ],
)
def test_a_bad_limit_of_what_is_kept_is_told_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    message = refusal(written(tmp_path, f"{ROWS}[keep]\n{line}\n"))
    assert message.startswith("demo.toml:14: ")
    assert told in message


def test_a_misspelt_limit_of_what_is_kept_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    message = refusal(written(tmp_path, f"{ROWS}[keep]\nslot = 100\n"))
    assert message.startswith("demo.toml:14: ")
    assert "slots" in message


def test_what_is_kept_may_differ_between_replicas_for_a_while(tmp_path: Path) -> None:
    """It decides when the leader proposes to remove something, and nothing that is replicated."""
    plain, trimmed = load(written(tmp_path, ROWS)), load(written(tmp_path, ROWS + "[keep]\nslots = 8\n"))
    assert plain.digest == trimmed.digest


# Round trips

hosts = st.sampled_from(["127.0.0.1", "::1", "fe80::1", "node.lan", "Node-3", "10.1.2.3"])
names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=64).filter(
    str.isprintable
)


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    seconds = st.floats(1e-6, 1000)
    beat, low, high = draw(seconds), draw(st.floats(2.01, 5)), draw(st.floats(1, 5))
    times = {"heartbeat_s": beat, "election_s_min": beat * low, "election_s_max": beat * low * high}
    sizes = draw(st.dictionaries(st.sampled_from(["window_slots", "run_slots"]), st.integers(1, 65536)))
    return structs.replace(Settings(), **times, **sizes, resend_s=draw(seconds))


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    n = draw(st.sampled_from([1, 3, 5, 7, 9]))
    ports = draw(st.lists(st.integers(1, 65535), min_size=n, max_size=n, unique=True))
    return Cluster(
        name=draw(names),
        replicas=tuple(Address(i, draw(hosts), port) for i, port in enumerate(ports)),
        settings=draw(settings()),
        warm_up=draw(st.sampled_from([None, "all", "majority", "none"])),
        record=draw(st.none() | names),
        keep=draw(
            st.builds(
                Retention,
                slots=st.none() | st.integers(8, 2**50),
                bytes=st.none() | st.integers(4096, 2**50),
                age_s=st.none() | st.floats(8, 1e9),
            )
        ),
    )


@given(cluster=clusters())
def test_a_written_cluster_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster
) -> None:
    path = written(tmp_path_factory.getbasetemp(), to_toml(cluster), "round.toml")
    assert structs.replace(load(path), source=cluster.source) == cluster


@given(cluster=clusters())
def test_the_classic_format_keeps_the_membership(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster
) -> None:
    path = written(tmp_path_factory.getbasetemp(), to_classic(cluster), "round.txt")
    assert load(path).replicas == cluster.replicas


@given(
    content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_whatever_a_file_holds_it_is_a_cluster_or_one_printable_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = written(tmp_path_factory.getbasetemp(), content, "fuzz.toml")
    assert_loads_or_is_refused(path)


@given(at=st.integers(0, len(ROWS) - 1), char=st.characters(codec="utf-8"))
def test_one_changed_character_is_a_cluster_or_one_printable_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, char: str
) -> None:
    content = ROWS[:at] + char + ROWS[at + 1 :]
    path = written(tmp_path_factory.getbasetemp(), content, "changed.toml")
    assert_loads_or_is_refused(path)


# The digest


def test_the_digest_covers_the_membership_and_what_is_replicated() -> None:
    base = local(3)
    assert re.fullmatch(r"[0-9a-f]{16}", base.digest)
    for other in (
        local(5),
        local(3, ports=[7400, 7401, 7403]),
        structs.replace(base, settings=Settings(sessions_max=7)),
        structs.replace(base, settings=Settings(session_window=7)),
    ):
        assert other.digest != base.digest


def test_the_digest_does_not_cover_what_may_differ() -> None:
    base = local(3)
    other = structs.replace(base, name="x", source="y", warm_up="all", settings=Settings(flush_s=9))
    assert other.digest == base.digest


def test_the_digest_is_of_the_host_and_not_of_its_spelling() -> None:
    def at(host: str) -> str:
        return Cluster(name="x", replicas=(Address(0, host, 1),)).digest

    assert at("::1") == at("0:0::1")
    assert at("node.lan") == at("NODE.lan.")
    assert at("::1") != at("::2")
    assert at("fe80::1%eth0") == at("fe80::1%ens3") == at("fe80::1")


# Clusters on this machine, flags and the environment


def test_without_a_file_there_is_a_cluster_of_three() -> None:
    cluster = load(None)
    assert (cluster.name, cluster.n, cluster.f, cluster.source) == ("local-3", 3, 1, "built-in")
    assert str(cluster.address(2)) == "127.0.0.1:7402"


def test_an_unknown_replica_is_refused_and_so_is_a_negative_one() -> None:
    for unknown in (3, -1):
        with pytest.raises(ConfigError, match=rf"there is no replica {unknown}, ids are 0 to 2"):
            local(3).address(unknown)


@pytest.mark.parametrize(
    ("n", "ports", "name", "told"),
    [
        (0, None, None, "there are no replicas"),
        (4, None, None, "4 replicas tolerate no more failures than 3 do"),
        (11, None, None, "at most 9 are allowed"),
        (3, [1, 2], None, "3 replicas need 3 ports, not 2"),
        (3, [1, 2, 2], None, "address 127.0.0.1:2 is there twice"),
        (1, [0], None, "port 0 is out of range"),
        (1, None, "", "name is"),
    ],
)
def test_a_bad_local_cluster_is_refused(n: int, ports: list[int] | None, name: str | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        local(n, ports, name)


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))


def test_a_number_of_failures_that_does_not_fit_is_refused_with_the_one_that_does() -> None:
    check_f(local(5), 2)
    with pytest.raises(ConfigError, match=r"f = 2 needs 2f\+1 = 5 replicas, but there are 3: f = 1 fits"):
        check_f(local(3), 2)


def test_addresses_of_a_flag_are_pairs() -> None:
    assert parse_addresses("a:1, [::1]:2,10.0.0.1:3,a:1") == (("a", 1), ("::1", 2), ("10.0.0.1", 3))


@pytest.mark.parametrize(
    "text", ["", "a", "a:1,", "a:b", "a:0", "::1:7400", "a:1:2", "[a]:1", "[::1]", ":1", "a b:1"]
)
def test_a_bad_address_in_a_flag_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^addresses: "):
        parse_addresses(text)


def test_a_flag_goes_before_the_environment_and_the_environment_before_the_built_in(tmp_path: Path) -> None:
    flag, named = written(tmp_path, CLASSIC, "flag.txt"), written(tmp_path, CLASSIC, "env.txt")
    assert find(flag, {"PAXTUI_CONFIG": str(named)}).name == "flag"
    assert find(None, {"PAXTUI_CONFIG": str(named)}).name == "env"
    assert find(None, {"PAXTUI_CONFIG": ""}).source == "built-in"
    assert find(None, {}).source == "built-in"


def test_the_environment_is_the_processs_own_unless_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAXTUI_CONFIG", str(written(tmp_path, CLASSIC, "env.txt")))
    assert find(None).name == "env"


def test_a_bad_file_that_the_environment_names_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file \(the file that PAXTUI_CONFIG names\)"):
        find(None, {"PAXTUI_CONFIG": str(tmp_path / "none")})


def test_an_acceptor_must_vote_as_far_ahead_as_a_leader_proposes(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(to_toml(local(3)) + "\n[settings]\nahead_slots = 100\n")
    with pytest.raises(ConfigError, match="ahead_slots is 100, allowed: at least window_slots"):
        load(file)
