"""Draw a plan from a seed.

Each run switches on only some kinds of faults and only some tiny limits (swarm testing: Groce and others,
ISSTA 2012). A run in which everything happens at once visits the same few states again and again.
"""

from __future__ import annotations

import random
from typing import Final

from paxtui.core.settings import Settings
from paxtui.sim.plan import profiles
from paxtui.sim.plan.damage import damaged
from paxtui.sim.plan.fault_generators import FAULT_GENERATORS, TYPES, anyone, exponential
from paxtui.sim.plan.invented_sessions import with_inventions
from paxtui.sim.plan.plan import (
    CRASHES,
    LEADER,
    PROFILES,
    SPECIAL,
    PermanentFailure,
    Plan,
    PlannedFault,
    Weather,
    Workload,
)
from paxtui.sim.plan.trims import trimmed
from paxtui.sim.randomness import mixed

SIZES = (1, 3, 5, 7, 9)
SIZE_WEIGHTS = (3, 56, 30, 7, 4)

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

LAST = 8
LAST_MIN = 3
"""Requests in the second phase, of all clients together, and of each at least."""

LEADER_CRASH_SHARE = 0.4
"""Of the runs of profile ``all`` that draw no crashes so many have this one, so that most runs have some."""

ALL_PROFILES = (*PROFILES, *SPECIAL)


def generate_plan(seed: int, profile: str = "all") -> Plan:
    """Draw the plan of ``seed`` under ``profile``."""
    if profile not in ALL_PROFILES:
        raise ValueError(f"profile {profile!r} is none of {', '.join(ALL_PROFILES)}")
    rng = random.Random(mixed(seed, ALL_PROFILES.index(profile), 1))
    plan = _drawn(rng, seed, profile)
    if profile in PROFILES:
        return with_inventions(trimmed(damaged(plan)))
    return profiles.PROFILE_CHANGES[profile](plan, rng, TYPES)


def _drawn(rng: random.Random, seed: int, profile: str) -> Plan:
    replicas = rng.choices(SIZES, SIZE_WEIGHTS)[0]
    heal_at = rng.uniform(2.5, 6.0)
    return Plan(
        seed=seed,
        profile=profile,
        replicas=replicas,
        settings=_settings(rng),
        weather=_weather(rng, profile),
        commit_s=tuple(exponential(rng, 0.0002, 0.02) for _ in range(replicas)),
        gather_s=rng.choice((0.0, 0.0, 0.0, 0.001, 0.004)),
        notice_s=rng.choice((None, 0.001, 0.05)),
        codec=rng.random() < 0.03,
        workload=_workload(rng, replicas),
        faults=_faults(rng, profile, replicas, heal_at),
        heal_at=heal_at,
        broken=_broken(rng, replicas),
    )


PAGES_OF: Final = {1: 1, 2: 2, 3: 1}
"""By slots in a page, how many pages are sent to who asks, where that is not the usual number."""


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
    # Not drawn, so that what is drawn after it stays what it was in every seed.
    drawn["catch_up_pages"] = PAGES_OF.get(drawn.get("run_slots", 0), usual.catch_up_pages)
    # A leader that may propose more than an acceptor may vote for re-sends one slot at a time: honest, and
    # far too slow to be judged here.
    drawn["ahead_slots"] = max(drawn["ahead_slots"], drawn["window_slots"])
    drawn["ahead_chars"] = max(drawn["ahead_chars"], drawn["window_chars"] + drawn["run_chars"])
    return Settings(**drawn)


def _weather(rng: random.Random, profile: str) -> Weather:
    boost = profile == "boost"
    rough = rng.random() < 0.4
    delay_s = exponential(rng, 0.0002, 0.02)
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
        # One request at a time, and most of them reads, hardly fills a log.
        pipeline=max(rng.choice((1, 2, 4, 8)), 4 // clients if reads >= 0.5 else 1),
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
        last=max(LAST // clients, LAST_MIN),
    )


def _broken(rng: random.Random, replicas: int) -> tuple[PermanentFailure, ...]:
    """Draw the replicas that never heal: none in half of the runs, else up to a minority."""
    if replicas == 1 or rng.random() < 0.5:
        return ()
    count = rng.randint(1, replicas // 2)
    gone = sorted(rng.sample(range(replicas), count))
    return tuple(
        PermanentFailure(replica, rng.choice(("down", "deaf", "mute", "isolated"))) for replica in gone
    )


def _faults(rng: random.Random, profile: str, replicas: int, heal_at: float) -> tuple[PlannedFault, ...]:
    if profile == "boost":
        return _boost(rng, replicas, heal_at)
    kinds = KINDS["all" if profile in SPECIAL else profile]
    chosen = rng.sample(kinds, rng.randint(1, min(len(kinds), 5)))
    if rng.random() < 0.5:
        # What a quorum has to be right about, several values in one slot, hardly ever comes by chance.
        chosen += ["silence"] * len(chosen)
    faults: list[PlannedFault] = []
    gap_s = exponential(rng, 0.15, 1.2)
    at = rng.uniform(0.0, 1.5)
    while at < heal_at:
        draw_one = FAULT_GENERATORS[rng.choice(chosen)]
        faults += draw_one(rng, at, replicas)
        at += rng.expovariate(1 / gap_s)
    # A run with crashes in which nobody had to lead anew would prove little. By a drawing of its own, so that
    # whatever else is drawn stays as it is.
    late = random.Random(mixed(int(at * 1e6), 8))
    if CRASHES.intersection(chosen) or (profile == "all" and late.random() < LEADER_CRASH_SHARE):
        faults.append(
            PlannedFault(heal_at * late.uniform(0.35, 0.9), "crash", (LEADER, late.uniform(0.2, 1.0)))
        )
    if not faults:
        # One replica has no links that could be cut.
        faults += FAULT_GENERATORS["pause"](late, heal_at * late.uniform(0.1, 0.8), replicas)
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _boost(rng: random.Random, replicas: int, heal_at: float) -> tuple[PlannedFault, ...]:
    """Add a crash every 100 to 400 ms to the weather of this profile."""
    faults: list[PlannedFault] = []
    at = rng.uniform(0.1, 1.0)
    while at < heal_at:
        down_s = rng.uniform(0.01, 0.3)
        drawn = rng.random()
        if drawn < 0.6:
            faults.append(PlannedFault(at, "crash", (anyone(rng, replicas), down_s)))
        elif drawn < 0.85:
            faults += FAULT_GENERATORS["crash-at"](rng, at, replicas)
        elif drawn < 0.95:
            faults += FAULT_GENERATORS["silence"](rng, at, replicas)
        else:
            faults.append(PlannedFault(at, "crash-all", (down_s,)))
        at += rng.uniform(0.1, 0.4)
    return tuple(sorted(faults, key=lambda fault: fault.at))
