"""Everything that can be said on the wire, for Hypothesis."""

from __future__ import annotations

import typing

from hypothesis import strategies as st

from paxtui.core import messages as m
from paxtui.core.ballot import NUMBER_LIMIT, REPLICAS_MAX, Ballot
from paxtui.core.values import CLIENT_CHARS_MAX, Command, Entry, SessionRow, Vote
from paxtui.wire import faults as f
from paxtui.wire import hello as h
from paxtui.wire import requests as r

numbers = st.integers(0, NUMBER_LIMIT - 1)
ids = st.integers(0, REPLICAS_MAX - 1)
ballots = st.builds(Ballot, numbers, ids)
texts = st.text(max_size=60)
clients = st.text(max_size=20)
commands = st.builds(Command, clients, numbers, texts)
entries = st.builds(Entry, ballots, commands)
votes = st.builds(Vote, numbers, ballots, commands)
sessions = st.builds(SessionRow, clients, numbers, numbers, st.binary(max_size=60))
finite = st.floats(0, 100, allow_nan=False)
percents = st.floats(0, 100)


def some(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=5).map(tuple)


peer_messages = st.one_of(
    st.builds(m.PreVote, ballots),
    st.builds(m.PreVoteReply, ballots, st.booleans(), ballots, numbers),
    st.builds(m.Prepare, ballots, numbers, st.booleans()),
    st.builds(m.Promise, ballots, numbers, st.none() | numbers, numbers, some(votes)),
    st.builds(m.Nack, ballots, ballots, st.none() | ballots, numbers),
    st.builds(m.Accept, ballots, numbers, some(commands)),
    st.builds(m.Accepted, ballots, numbers, st.integers(0, m.RUN_MAX), numbers),
    st.builds(m.Chosen, ballots, numbers, st.integers(0, m.RUN_MAX)),
    st.builds(m.Heartbeat, ballots, numbers, numbers),
    st.builds(m.HeartbeatAck, ballots, numbers, numbers),
    st.builds(m.CatchUp, numbers),
    st.builds(m.Entries, numbers, some(entries), numbers),
    st.builds(m.SnapshotAsk, numbers, clients),
    st.builds(
        m.Snapshot,
        upto=numbers,
        wall_s=numbers,
        chain=st.binary(min_size=32, max_size=32),
        horizon=st.integers(-1, NUMBER_LIMIT - 1),
        after=clients,
        sessions=some(sessions),
        last=st.booleans(),
        learned=numbers,
    ),
)
kinds = st.sampled_from(typing.get_args(f.MessageKind))
links = st.integers(-1, REPLICAS_MAX - 1)
faults = st.one_of(
    *(st.builds(kind, links, percents) for kind in (f.Loss, f.Duplicate, f.Reorder)),
    st.builds(f.Delay, links, finite, finite),
    st.builds(f.Cut, links),
    st.builds(f.Hold, links, some(kinds), st.none() | numbers),
    st.builds(f.Pause, st.floats(0.001, 600)),
    st.builds(f.SkipSlot, st.none() | numbers),
    st.builds(f.SlowDisk, finite),
    st.builds(f.Clock, st.floats(0, f.CLOCK_PERCENT_MAX)),
    *(st.builds(kind) for kind in (f.CrashProposer, f.CrashReplica, f.DiskError, f.FullDisk)),
)
triggers = st.builds(f.Trigger, st.text(max_size=40), st.none() | numbers)
requests = st.one_of(
    st.builds(
        h.Hello,
        version=st.integers(-(2**63), 2**63 - 1),
        role=st.sampled_from(typing.get_args(h.Role)),
        cluster=st.none() | st.text(max_size=64),
        name=st.text(max_size=h.NAME_CHARS_MAX),
        replica=st.none() | ids,
        storage=st.none() | st.text(max_size=64),
        members=st.lists(texts, max_size=9).map(tuple),
        session=st.none() | st.text(max_size=CLIENT_CHARS_MAX),
    ),
    st.builds(r.AppendRequest, numbers, texts),
    st.builds(r.AppendManyRequest, numbers, st.lists(texts, min_size=1, max_size=5).map(tuple)),
    st.builds(
        r.ReadRequest,
        id=numbers,
        first=numbers,
        limit=st.integers(1, r.PAGE_SLOTS_MAX),
        consistency=st.sampled_from(typing.get_args(r.Consistency)),
    ),
    st.builds(r.TailRequest, id=numbers, first=numbers, follow=st.booleans()),
    st.builds(r.StatusRequest, numbers),
    st.builds(r.ElectRequest, numbers),
    st.builds(r.FillHoleRequest, numbers, numbers),
    st.builds(
        r.InjectRequest,
        id=numbers,
        fault=faults,
        for_s=st.none() | st.floats(0.001, 86400),
        when=st.none() | triggers,
    ),
    st.builds(r.UndoRequest, numbers, st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.builds(r.RenewRequest, numbers, st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.builds(r.ListStagedRequest, numbers, numbers),
    st.builds(
        r.ReleaseRequest,
        id=numbers,
        numbers=st.none() | st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=5).map(tuple),
        match=st.none() | st.builds(r.StagedMatch, links, some(kinds), st.none() | numbers),
        how=st.sampled_from(typing.get_args(r.ReleaseHow)),
    ),
    st.builds(r.TickRequest, numbers, st.none() | finite),
    st.builds(r.ListFaultsRequest, numbers),
    st.builds(r.ObserveRequest, numbers),
    st.builds(r.HistoryRequest, numbers),
)
