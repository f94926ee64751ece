"""The steps of a scenario, one function a verb. Each returns what came of it, in words."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial
from typing import assert_never

import trio
from msgspec import structs

from paxtui.client import ClientError, connect
from paxtui.scenarios import condition_words as c
from paxtui.scenarios import vocabulary as v
from paxtui.scenarios.conditions import leader_of, names, serving
from paxtui.scenarios.faults import Injected
from paxtui.scenarios.load import AppendLoad
from paxtui.scenarios.stage import ScenarioFailed, Stage
from paxtui.wire import faults as f
from paxtui.wire import links

DEADLY = ("crash", "disk-error", "full-disk")
"""Faults after which the process is gone."""


def describe(step: v.AnyStep) -> str:
    """Describe a step in one line, as its file says it."""
    words = [str(step.__struct_config__.tag)]
    for each in structs.fields(step):
        value = getattr(step, each.name)
        if isinstance(value, c.Condition):
            words.append(_condition(value))
        elif each.name == "steps":
            words.append(f"{len(value)} steps")
        elif value not in (each.default, c.TIMEOUT_S) and each.name != "timeout_s":
            words.append(_argument(each.encode_name, value))
    return " ".join(words)


def _condition(condition: c.Condition) -> str:
    words = [str(condition.__struct_config__.tag)]
    for each in structs.fields(condition):
        value = getattr(condition, each.name)
        if value != each.default:
            words.append(_argument(each.encode_name, value))
    return " ".join(words)


def _argument(name: str, value: object) -> str:
    shown = _shown(value)
    if name in ("replica", "replicas", "hub", "is", "until", "fault"):
        return shown
    if isinstance(value, bool):
        return name.replace("_", "-")
    return f"{name.replace('_', '-')} {shown}"


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + " ".join(_shown(each) for each in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


async def perform(stage: Stage, step: v.AnyStep) -> str:
    """Do one step. Raises :class:`ScenarioFailed`."""
    try:
        return await _perform(stage, step)
    except (ClientError, BaseExceptionGroup) as error:
        leaf = _leaf(error)
        if isinstance(leaf, ClientError | ScenarioFailed):
            raise ScenarioFailed(f"{describe(step)}: {leaf}") from None
        raise


async def _perform(stage: Stage, step: v.AnyStep) -> str:
    match step:
        case v.AppendStep():
            return await _append(stage, step)
        case v.StopLoadStep(timeout_s=timeout_s):
            return await stop_loads(stage, timeout_s)
        case v.ReadStep(timeout_s=timeout_s):
            return await read(stage, timeout_s)
        case v.KillStep(replica=who):
            replicas = await stage.resolve(who)
            await stage.kill(replicas)
            return f"{names(replicas)} killed"
        case v.RestartStep(replica=who, timeout_s=timeout_s):
            replicas = await stage.resolve(who)
            await stage.start(replicas, timeout_s)
            return f"{names(replicas)} serves again"
        case v.CrashProposerStep(replica=who):
            replicas = await stage.resolve(who)
            await stage.faults.add_all((replica, f.CrashProposer()) for replica in replicas)
            return f"the proposer of {names(replicas)} crashed"
        case v.RestoreProposerStep(replica=who):
            replicas = await stage.resolve(who)
            await stage.faults.remove(lambda each: _is_crash(each) and each.replica in replicas)
            return f"the proposer of {names(replicas)} works again"
        case v.PauseStep(replica=who):
            return _pause(stage, await stage.resolve(who))
        case v.ContinueStep(replica=who):
            return proceed(stage, await stage.resolve(who))
        case v.HealStep():
            return await heal(stage)
        case v.ElectStep():
            return await _elect(stage, step)
        case v.PickStep(replica=who, as_=name):
            stage.picked[name] = await stage.resolve(who)
            return f"{name} is {names(stage.picked[name])}"
        case v.WaitStep(until=condition, timeout_s=timeout_s):
            return (await stage.wait_for(condition, timeout_s, _condition(condition))).words
        case v.ExpectStep(that=condition):
            return (await stage.expect(condition, _condition(condition))).words
        case v.SlowDiskStep(replica=who, ms=ms):
            replicas = await stage.resolve(who)
            await stage.faults.add_all((replica, f.SlowDisk(ms)) for replica in replicas)
            return f"the disk of {names(replicas)} takes {ms:g} ms longer"
        case v.ClockStep(percent=percent, replica=who):
            replicas = await stage.resolve(who)
            await stage.faults.add_all((replica, f.Clock(percent)) for replica in replicas)
            return f"the clock of {names(replicas)} runs at {percent:g} %"
        case v.ArmStep():
            return await _arm(stage, step)
        case v.LossStep() | v.DelayStep() | v.DuplicateStep() | v.ReorderStep():
            return await _disturb(stage, step)
        case v.RepeatStep():
            raise ScenarioFailed("repeat is the runner's")
        case _:
            return await _cut(stage, step)


async def _append(stage: Stage, step: v.AppendStep) -> str:
    first = stage.clients + 1
    stage.clients += step.clients
    load = AppendLoad(stage.cluster.cluster, stage.history, step, first, random.Random(stage.rng.random()))
    before, start = len(stage.history.operations), trio.current_time()
    stage.play(load)
    if step.background:
        return f"clients c{first} to c{stage.clients} go on"
    await load.done.wait()
    done = [each for each in stage.history.operations[before:] if each.op == "append"]
    bad = [each for each in done if each.outcome != "ok"]
    if bad:
        worst = bad[0]
        raise ScenarioFailed(
            f"{len(bad)} of {len(done)} appends did not end well; {worst.client} #{worst.request} "
            f"is {worst.outcome}: {worst.problem}"
        )
    return f"{len(done)} acknowledged in {trio.current_time() - start:.1f} s"


async def stop_loads(stage: Stage, timeout_s: float) -> str:
    """Let every client end what it has begun."""
    for load in stage.loads:
        load.stopping = True
    found = await stage.wait_for(c.AppendsDoneCondition(), timeout_s, "every append has ended")
    return found.words


async def read(stage: Stage, timeout_s: float) -> str:
    """Read the whole log once, linearizably, and record that."""
    number = sum(each.op == "read" for each in stage.history.operations) + 1
    async with connect(stage.cluster.cluster, name="reader") as log:
        done = await stage.history.read(log, "reader", number, timeout_s)
    if done.outcome != "ok" or done.texts is None:
        raise ScenarioFailed(f"a linearizable read failed: {done.problem}")
    return f"{len(done.texts)} messages in {done.slot} slots"


def _pause(stage: Stage, replicas: Iterable[int]) -> str:
    for replica in replicas:
        stage.cluster.pause(replica)
        stage.paused.add(replica)
    return f"{names(sorted(stage.paused))} paused"


def proceed(stage: Stage, replicas: Iterable[int]) -> str:
    """Let paused processes go on."""
    going = tuple(replicas)
    for replica in going:
        stage.cluster.proceed(replica)
        stage.paused.discard(replica)
    return f"{names(going)} goes on"


async def heal(stage: Stage) -> str:
    """End everything that this scenario injected."""
    proceed(stage, tuple(stage.paused))
    ended = await stage.faults.heal()
    stage.condemned.difference_update(stage.live)
    return f"{ended} faults ended"


def _is_crash(injected: Injected) -> bool:
    return isinstance(injected.fault, f.CrashProposer)


async def _arm(stage: Stage, step: v.ArmStep) -> str:
    kinds: dict[str, f.AnyFault] = {
        "crash-proposer": f.CrashProposer(),
        "crash": f.CrashReplica(),
        "slow-disk": f.SlowDisk(step.ms),
        "disk-error": f.DiskError(),
        "full-disk": f.FullDisk(),
    }
    replicas = await stage.resolve(step.replica)
    if step.fault in DEADLY:
        stage.condemned.update(replicas)
    for replica in replicas:
        await stage.faults.add(replica, kinds[step.fault], f.Trigger(step.when, step.slot))
    return f"{names(replicas)} waits for {step.when}"


async def _disturb(stage: Stage, step: v.LossStep | v.DelayStep | v.DuplicateStep | v.ReorderStep) -> str:
    senders, receivers = await stage.resolve(step.from_), await stage.resolve(step.to)
    pairs = sorted(links.one_way(senders, receivers))

    def fault(to: int) -> f.AnyFault:
        match step:
            case v.LossStep(percent=percent):
                return f.Loss(to, percent)
            case v.DelayStep(ms=ms, jitter_ms=jitter_ms):
                return f.Delay(to, ms, jitter_ms)
            case v.DuplicateStep(percent=percent):
                return f.Duplicate(to, percent)
            case v.ReorderStep(percent=percent):
                return f.Reorder(to, percent)
            case _:
                assert_never(step)

    await stage.faults.add_all((a, fault(b)) for a, b in pairs)
    return f"on {len(pairs)} links"


Topology = (
    v.CutStep
    | v.OneWayStep
    | v.IsolateStep
    | v.PartitionStep
    | v.ChainedStep
    | v.QuorumLossStep
    | v.ConstrainedStep
    | v.RingStep
    | v.BridgeStep
)


async def _cut(stage: Stage, step: Topology) -> str:
    before = stage.faults.cuts
    match step:
        case v.CutStep(from_=one, to=other):
            cuts = before | links.between(await stage.resolve(one), await stage.resolve(other))
        case v.OneWayStep(from_=one, to=other):
            cuts = before | links.one_way(await stage.resolve(one), await stage.resolve(other))
        case v.IsolateStep(replica=who):
            cuts = before | links.isolated(stage.n, await stage.resolve(who))
        case v.PartitionStep(groups=groups):
            cuts = links.partition(stage.n, [await stage.resolve(group) for group in groups])
        case v.ChainedStep(ends=(one, other)):
            cuts = links.chained(await stage.resolve_one(one), await stage.resolve_one(other))
        case v.ChainedStep():
            raise ScenarioFailed("a chain has two ends")
        case v.QuorumLossStep(hub=hub):
            cuts = links.quorum_loss(stage.n, await stage.resolve_one(hub))
        case v.ConstrainedStep(hub=hub, down=down):
            cuts = links.constrained(stage.n, await stage.resolve_one(hub), await stage.resolve_one(down))
        case v.RingStep():
            cuts = links.ring(stage.n)
        case v.BridgeStep(replica=who):
            cuts = links.bridge(stage.n, await stage.resolve_one(who))
        case _:
            assert_never(step)
    await stage.faults.set_cuts(cuts)
    return links.words(stage.n, cuts)


async def _elect(stage: Stage, step: v.ElectStep) -> str:
    replicas = await stage.resolve(step.replica)
    if step.until == "asked":
        refusals: list[str] = []
        async with trio.open_nursery() as nursery:
            for replica in replicas:
                nursery.start_soon(_ask_once, stage, replica, refusals)
        return f"{names(replicas)} asked" + "".join(f"; {each}" for each in sorted(refusals))
    replica = await stage.resolve_one(step.replica)
    asked = 0
    with trio.move_on_after(step.timeout_s):
        while True:
            # What it does after the last time it was asked: an attempt that goes on is let alone.
            since = trio.current_time()
            heard = partial(serving, replicas=(replica,))
            await stage.wait(heard, step.timeout_s, f"r{replica} answers", since)
            status = stage.look(since).statuses[replica]
            if status is not None and status.role == "crashed":
                if step.until == "crashed":
                    return f"the proposer of r{replica} crashed, asked {asked} times"
                raise ScenarioFailed(f"r{replica} cannot lead: its proposer is crashed")
            if status is not None and status.role == "leader" and step.until == "leads":
                if leader_of(stage.look(since)) == replica:
                    return f"r{replica} leads at {status.ballot}, asked {asked} times"
            elif status is not None and status.role in ("following", "pre-voting"):
                refused: list[str] = []
                await _ask_once(stage, replica, refused)
                asked += 1
    raise ScenarioFailed(f"after {step.timeout_s:g} s r{replica} did not come to: {step.until}")


async def _ask_once(stage: Stage, replica: int, refusals: list[str]) -> None:
    try:
        await stage.cluster.operator.elect(replica)
    except ClientError as error:
        refusals.append(str(error))


def _leaf(group: BaseException) -> BaseException:
    return _leaf(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
