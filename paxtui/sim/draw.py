"""Draw a plan from a seed.

Each run switches on only some kinds of faults and only some tiny limits (swarm testing: Groce and others,
ISSTA 2012). A run in which everything happens at once visits the same few states again and again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import get_args

from paxtui.core.messages import PeerMessage
from paxtui.core.settings import Settings
from paxtui.sim import special
from paxtui.sim.hashing import mixed
from paxtui.sim.plan import LEADER, PROFILES, SPECIAL, Broken, Fault, Plan, Weather, Workload

SIZES = (1, 3, 5, 7, 9)
SIZE_WEIGHTS = (3, 56, 30, 7, 4)

TRIGGERS = (
    "accept-sent",
    "applied-to",
    "canvassed",
    "chosen-seen",
    "elected",
    "learned",
    "promised",
    "proposed",
    "restored",
    "round-taken",
    "stepped-down",
    "voted",
)
"""Trace events at which a replica may be crashed: each step of the protocol."""

TYPES = tuple(sorted(str(message.__struct_config__.tag) for message in get_args(PeerMessage)))
"""Of messages between replicas."""

KINDS: dict[str, tuple[str, ...]] = {
    "network": ("partition", "flap", "loss", "filter", "duplicate", "tail", "slow", "hold", "pause"),
    "crash": ("crash", "crash-all", "crash-at", "loss", "tail"),
    "disk": ("disk-slow", "disk-fail", "crash", "crash-at", "duplicate"),
    "churn": (
        "elect",
        "proposer-crash",
        "pause",
        "disconnect",
        "filter",
        "clock-jump",
        "clock-rate",
        "skip",
        "fill",
        "crash",
        "partition",
    ),
    "all": (
        "partition",
        "flap",
        "loss",
        "filter",
        "disconnect",
        "duplicate",
        "tail",
        "slow",
        "hold",
        "pause",
        "crash",
        "crash-all",
        "crash-at",
        "disk-slow",
        "disk-fail",
        "elect",
        "proposer-crash",
        "clock-jump",
        "clock-rate",
        "skip",
        "fill",
    ),
}


ALL_PROFILES = (*PROFILES, *SPECIAL)


def draw(seed: int, profile: str = "all") -> Plan:
    """The plan of ``seed`` under ``profile``."""
    if profile not in ALL_PROFILES:
        raise ValueError(f"profile {profile!r} is none of {', '.join(ALL_PROFILES)}")
    rng = random.Random(mixed(seed, ALL_PROFILES.index(profile), 1))
    plan = _drawn(rng, seed, profile)
    return plan if profile in PROFILES else special.DRAWERS[profile](plan, rng, TYPES)


def _drawn(rng: random.Random, seed: int, profile: str) -> Plan:
    replicas = rng.choices(SIZES, SIZE_WEIGHTS)[0]
    heal_at = rng.uniform(2.5, 6.0)
    return Plan(
        seed=seed,
        profile=profile,
        replicas=replicas,
        settings=_settings(rng),
        weather=_weather(rng, profile),
        commit_s=tuple(_exponential(rng, 0.0002, 0.02) for _ in range(replicas)),
        gather_s=rng.choice((0.0, 0.0, 0.0, 0.001, 0.004)),
        notice_s=rng.choice((None, 0.001, 0.05)),
        codec=rng.random() < 0.03,
        workload=_workload(rng, replicas),
        faults=_faults(rng, profile, replicas, heal_at),
        heal_at=heal_at,
        broken=_broken(rng, replicas),
    )


def _exponential(rng: random.Random, low: float, high: float) -> float:
    """Between the two, each order of magnitude as likely as the next."""
    return float(low * (high / low) ** rng.random())


def _settings(rng: random.Random) -> Settings:
    """Tiny limits, each in some runs only: paging, eviction and reading from disk are then everyday."""
    tiny = Settings(
        window_slots=rng.choice((1, 2, 4, 8, 16)),
        window_chars=rng.choice((1, 200, 1000)),
        queue_slots=rng.choice((1, 2, 4, 16)),
        queue_chars=rng.choice((200, 1000)),
        run_slots=rng.choice((1, 2, 3, 8)),
        run_chars=rng.choice((1, 100, 300)),
        ahead_slots=rng.choice((1, 2, 4, 8, 32)),
        ahead_chars=rng.choice((1, 200, 1000)),
        resend_chars=rng.choice((1, 100, 1000)),
        cache_slots=rng.choice((0, 1, 2, 4, 16)),
        cache_chars=rng.choice((0, 100, 1000)),
        sessions_max=rng.choice((2, 2, 3, 4, 8)),
        session_window=rng.choice((4, 4, 5, 8, 16)),
        checkpoint_slots=rng.choice((1, 2, 5, 20)),
        reads_max=rng.choice((1, 2, 8)),
        hole_timeout_s=rng.choice((0.05, 0.3, 3.0)),
        flush_s=rng.choice((0.0, 0.02, 1.0)),
    )
    share = rng.choice((0.0, 0.3, 0.3, 0.6))
    hurry = rng.choice((1.0, 1.0, 0.5, 0.25))
    usual = Settings()
    names = Settings.__struct_fields__
    drawn = {
        name: getattr(tiny if rng.random() < share else usual, name)
        for name in names
        if getattr(tiny, name) != getattr(usual, name)
    }
    for name in ("heartbeat_s", "election_s_min", "election_s_max", "resend_s", "resend_s_max"):
        drawn[name] = hurry * getattr(usual, name)
    # A leader that may propose more than an acceptor may vote for re-sends one slot at a time: honest, and
    # far too slow to be judged here.
    drawn["ahead_slots"] = max(drawn["ahead_slots"], drawn["window_slots"])
    drawn["ahead_chars"] = max(drawn["ahead_chars"], drawn["window_chars"] + drawn["run_chars"])
    return Settings(**drawn)


def _weather(rng: random.Random, profile: str) -> Weather:
    boost = profile == "boost"
    rough = rng.random() < 0.4
    delay_s = _exponential(rng, 0.0002, 0.02)
    return Weather(
        delay_s=delay_s,
        spread_s=delay_s * rng.choice((0.1, 1.0, 3.0)),
        loss=rng.choice((0.01, 0.05, 0.15)) if rough else 0.0,
        duplicate=0.4 if boost else rng.choice((0.0, 0.0, 0.05)),
        tail=0.1 if boost else rng.choice((0.0, 0.0, 0.02)),
        tail_s=0.15 if boost else rng.choice((0.05, 0.5)),
        fifo=not boost and rng.random() < 0.25,
    )


def _workload(rng: random.Random, replicas: int) -> Workload:
    clients = rng.randint(1, 5)
    reads = rng.choice((0.0, 0.1, 0.5, 0.8))
    return Workload(
        clients=clients,
        pipeline=rng.choice((1, 2, 4, 8)),
        # About as many appends whatever the share of reads, fewer where each one is many messages.
        operations=int(rng.randint(60, 160) / (1.3 - reads) / clients / (2 if replicas > 5 else 1)),
        burst=rng.choice((1, 1, 4, 16)),
        patience_s=rng.choice((0.1, 0.3, 1.0)),
        give_up_s=rng.choice((0.3, 1.5, 100.0)),
        reads=reads,
        twins=rng.choice((0.0, 0.2)),
        late=rng.choice((0.0, 0.1, 0.3)),
        reopen=rng.choice((0.0, 0.0, 0.1)),
        answers_lost=rng.choice((0.0, 0.05)),
        text_chars=rng.choice((0, 10, 80)),
    )


def _broken(rng: random.Random, replicas: int) -> tuple[Broken, ...]:
    """Who never heals: nobody in half of the runs, else up to a minority."""
    if replicas == 1 or rng.random() < 0.5:
        return ()
    count = rng.randint(1, replicas // 2)
    gone = sorted(rng.sample(range(replicas), count))
    return tuple(Broken(replica, rng.choice(("down", "deaf", "mute", "isolated"))) for replica in gone)


def _faults(rng: random.Random, profile: str, replicas: int, heal_at: float) -> tuple[Fault, ...]:
    if profile == "boost":
        return _boost(rng, replicas, heal_at)
    kinds = KINDS["all" if profile in SPECIAL else profile]
    chosen = rng.sample(kinds, rng.randint(1, min(len(kinds), 5)))
    if rng.random() < 0.5:
        # What a quorum has to be right about, several values in one slot, hardly ever comes by chance.
        chosen += ["silence"] * len(chosen)
    faults: list[Fault] = []
    gap_s = _exponential(rng, 0.15, 1.2)
    at = rng.uniform(0.0, 1.5)
    while at < heal_at:
        draw_one = DRAWERS[rng.choice(chosen)]
        faults += draw_one(rng, at, replicas)
        at += rng.expovariate(1 / gap_s)
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _boost(rng: random.Random, replicas: int, heal_at: float) -> tuple[Fault, ...]:
    """A crash every 100 to 400 ms, on top of the weather of this profile."""
    faults: list[Fault] = []
    at = rng.uniform(0.1, 1.0)
    while at < heal_at:
        down_s = rng.uniform(0.01, 0.3)
        drawn = rng.random()
        if drawn < 0.6:
            faults.append(Fault(at, "crash", (_anyone(rng, replicas), down_s)))
        elif drawn < 0.85:
            faults += _crash_at(rng, at, replicas)
        elif drawn < 0.95:
            faults += _silence(rng, at, replicas)
        else:
            faults.append(Fault(at, "crash-all", (down_s,)))
        at += rng.uniform(0.1, 0.4)
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _anyone(rng: random.Random, replicas: int) -> int:
    """The leader, whoever it is, in a third of the cases: it is where faults hurt."""
    return LEADER if rng.random() < 0.33 else rng.randrange(replicas)


def _pairs(rng: random.Random, replicas: int) -> list[tuple[int, int]]:
    """Some directed links: one, both ways of a pair, all of one replica, or all."""
    everyone = range(replicas)
    pairs = [(i, j) for i in everyone for j in everyone if i != j]
    if not pairs:
        return []
    one, other = rng.choice(pairs)
    scope = rng.randrange(5)
    if scope == 0:
        return [(one, other)]
    if scope == 1:
        return [(one, other), (other, one)]
    if scope == 2:
        return [(i, j) for i, j in pairs if one in (i, j)]
    if scope == 3:
        return [(i, j) for i, j in pairs if i == one]
    return pairs


def partition(rng: random.Random, replicas: int) -> list[tuple[int, int]]:
    """The directed links that a drawn partition cuts."""
    order = list(range(replicas))
    rng.shuffle(order)
    pairs = [(i, j) for i in order for j in order if i != j]
    if not pairs:
        return []
    shape = rng.choice(("isolate", "bridge", "chain", "one-way", "deaf", "mute", "uniform", "halves"))
    one = order[0]
    half = set(order[1 : 1 + replicas // 2])
    place = {replica: index for index, replica in enumerate(order)}
    if shape == "isolate":
        return [(i, j) for i, j in pairs if one in (i, j)]
    if shape == "bridge":
        # Two halves that hear each other only through one replica: each sees another majority.
        return [(i, j) for i, j in pairs if one not in (i, j) and (i in half) != (j in half)]
    if shape == "chain":
        return [(i, j) for i, j in pairs if abs(place[i] - place[j]) > 1]
    if shape == "one-way":
        return [pairs[0]]
    if shape == "deaf":
        return [(i, j) for i, j in pairs if j == one]
    if shape == "mute":
        return [(i, j) for i, j in pairs if i == one]
    if shape == "halves":
        return [(i, j) for i, j in pairs if (i in half) != (j in half)]
    return [pair for pair in pairs if rng.random() < 0.4]


def _partition(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    seconds = _exponential(rng, 0.2, 4.0)
    return [Fault(at, "cut", (seconds, i, j)) for i, j in partition(rng, replicas)]


def _flap(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    """The same cut again and again: an election may begin in each gap and end in none."""
    pairs = partition(rng, replicas)
    seconds = _exponential(rng, 0.05, 0.8)
    gap_s = _exponential(rng, 0.05, 0.8)
    return [
        Fault(at + turn * (seconds + gap_s), "cut", (seconds, i, j))
        for turn in range(rng.randint(2, 6))
        for i, j in pairs
    ]


def _silence(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    """Whoever leads is heard by nobody, or by few, and votes alone; then the next one, and the next. Several
    values then have votes in one slot, and a later leader has to take the right one."""
    faults: list[Fault] = []
    for _ in range(rng.randint(1, 4)):
        seconds = rng.uniform(0.2, 1.0)
        if rng.random() < 0.7:
            # All who lead next, in the moment in which they propose: only their own vote remains.
            event = rng.choice(("proposed", "proposed", "proposed", "elected", "chosen-seen"))
            faults += [
                Fault(at, "silence-at", (i, event, seconds)) for i in range(replicas) if rng.random() < 0.9
            ]
            at += rng.uniform(0.3, 1.5)
            continue
        heard = rng.choice((0.0, 0.0, 0.3))
        faults += [Fault(at, "cut", (seconds, LEADER, j)) for j in range(replicas) if rng.random() >= heard]
        at += rng.uniform(0.3, 1.0)
    return faults


def _links(kind: str, *ranges: tuple[float, float]) -> Callable[[random.Random, float, int], list[Fault]]:
    def draw_links(rng: random.Random, at: float, replicas: int) -> list[Fault]:
        seconds = _exponential(rng, 0.2, 4.0)
        rest = tuple(_exponential(rng, low, high) for low, high in ranges)
        return [Fault(at, kind, (seconds, i, j, *rest)) for i, j in _pairs(rng, replicas)]

    return draw_links


def _filter(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    """Some types of messages are lost on some links: what arrives then contradicts what does not."""
    seconds = _exponential(rng, 0.2, 4.0)
    types = rng.sample(TYPES, rng.randint(1, 6))
    return [Fault(at, "filter", (seconds, i, j, kind)) for i, j in _pairs(rng, replicas) for kind in types]


def _disconnect(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    """A connection breaks, and nothing else: a hint that is wrong."""
    i, j = rng.randrange(replicas), rng.randrange(replicas)
    return [Fault(at, "disconnect", (i, j))] if i != j else []


def _crash(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [Fault(at, "crash", (_anyone(rng, replicas), _exponential(rng, 0.01, 2.0)))]


def _crash_all(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    del replicas
    return [Fault(at, "crash-all", (_exponential(rng, 0.01, 1.0),))]


def _crash_at(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    down_s = _exponential(rng, 0.01, 1.0)
    event, sends = rng.choice(TRIGGERS), rng.choice((0, 1, 2, 2))
    return [Fault(at, "crash-at", (rng.randrange(replicas), event, down_s, sends))]


def _disk_slow(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    seconds, commit_s = _exponential(rng, 0.2, 3.0), _exponential(rng, 0.02, 1.5)
    return [Fault(at, "disk-slow", (seconds, rng.randrange(replicas), commit_s))]


def _disk_fail(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [Fault(at, "disk-fail", (_anyone(rng, replicas), _exponential(rng, 0.01, 1.0)))]


def _pause(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [Fault(at, "pause", (_exponential(rng, 0.1, 30.0), _anyone(rng, replicas)))]


def _clock_jump(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [Fault(at, "clock-jump", (rng.randrange(replicas), _exponential(rng, 0.05, 100.0)))]


def _clock_rate(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [Fault(at, "clock-rate", (rng.randrange(replicas), _exponential(rng, 0.2, 5.0)))]


def _proposer_crash(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [Fault(at, "proposer-crash", (_exponential(rng, 0.1, 3.0), _anyone(rng, replicas)))]


def _skip(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    return [
        Fault(
            at, "skip", (rng.choice((LEADER, LEADER, rng.randrange(replicas))), rng.choice((-1, -1, 0, 1, 5)))
        )
        for _ in range(rng.randint(1, 3))
    ]


def _elect(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    """One forced election, or two replicas at once."""
    return [Fault(at, "elect", (rng.randrange(replicas),)) for _ in range(rng.choice((1, 1, 2)))]


def _fill(rng: random.Random, at: float, replicas: int) -> list[Fault]:
    del replicas, rng
    return [Fault(at, "skip", (LEADER, -1)), Fault(at + 0.04, "fill", (LEADER,))]


DRAWERS: dict[str, Callable[[random.Random, float, int], list[Fault]]] = {
    "partition": _partition,
    "flap": _flap,
    "silence": _silence,
    "filter": _filter,
    "disconnect": _disconnect,
    "loss": _links("loss", (0.05, 0.9)),
    "duplicate": _links("duplicate", (0.1, 1.0)),
    "tail": _links("tail", (0.02, 0.5), (0.02, 1.0)),
    "slow": _links("slow", (0.005, 0.6)),
    "hold": _links("hold"),
    "crash": _crash,
    "crash-all": _crash_all,
    "crash-at": _crash_at,
    "disk-slow": _disk_slow,
    "disk-fail": _disk_fail,
    "pause": _pause,
    "clock-jump": _clock_jump,
    "clock-rate": _clock_rate,
    "proposer-crash": _proposer_crash,
    "skip": _skip,
    "elect": _elect,
    "fill": _fill,
}
"""One drawer a kind."""
