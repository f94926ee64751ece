"""What a tape costs, and how fast any moment of it is shown: ``python -m tests.tools.measurements.tape``.

A million events of a run of the simulator, repeated, are told to a console's model with a tape and without.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from pathlib import Path

from paxtui.console.driver.taping import Taping
from paxtui.console.model.cluster_model import ClusterModel
from paxtui.console.model.past import Past
from tests.console.story import Story, cluster

EVENTS = 1_000_000
SLOTS_A_RUN = 10
SEEKS = 300
STEPS = 300


def tell(model: ClusterModel, events: int, taping: Taping | None) -> float:
    """Tell a healthy cluster's events; return the processor time in seconds."""
    story = Story(3, model)
    story.up()
    began = time.process_time()
    number = 0
    while model.journal.total < events:
        story.later(SLOTS_A_RUN / 10_000)  # ten thousand slots a second
        slots = story.propose(f"message {number}" for number in range(SLOTS_A_RUN))
        for id in range(3):
            story.vote(id, slots)
        number += 1
        story.values.clear()
        if number % 500 == 0:
            story.elect(number // 500 % 3, number)
        if number % 100 == 0:
            model.update_lights(story.now)
            if taping is not None:
                taping.look()
    return time.process_time() - began


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[int(share * (len(times) - 1))] * 1000


def timed(past: Past, position: int) -> float:
    began = time.perf_counter()
    past.at(position)
    return time.perf_counter() - began


def main() -> None:
    bare = tell(ClusterModel(cluster(3), hold_s=0.2), EVENTS, None)
    model = ClusterModel(cluster(3), hold_s=0.2)
    with tempfile.TemporaryDirectory() as folder:
        taping = Taping(model, 4_000)
        wall = time.perf_counter()
        taped = tell(model, EVENTS, taping)
        wall = time.perf_counter() - wall
        past = taping.past()
        print(f"taping      {taped / bare:.2f} times the processor time of folding alone")
        print(f"            {(taped - bare) / EVENTS * 1e6:.2f} us an event, all threads")
        seconds = model.journal.total / EVENTS * 100 * (SLOTS_A_RUN / 10)
        size = taping._writer.path.stat().st_size
        print(f"size        {size / 1e6 / (past.tape.end / 1e6):.1f} MB a million steps ({past.tape.end:,})")
        rng = random.Random(1)
        cold = [timed(past, rng.randrange(past.tape.end)) for _ in range(SEEKS)]
        print(f"any moment  p50 {quantile(cold, 0.5):.0f} ms, p99 {quantile(cold, 0.99):.0f} ms, of {SEEKS}")
        here = past.tape.end // 2
        past.at(here)
        on = [timed(past, here + step) for step in range(STEPS)]
        back = [timed(past, here - step) for step in range(STEPS)]
        print(f"one on      p50 {quantile(on, 0.5):.0f} ms, p99 {quantile(on, 0.99):.0f} ms")
        print(f"one back    p50 {quantile(back, 0.5):.0f} ms, p99 {quantile(back, 0.99):.0f} ms")
        print(f"memory      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")
        print(f"            {len(past._keyframes.all)} keyframes, every {past._keyframes.every:,} steps")
        print(f"told in     {wall:.0f} s, {seconds:.0f} s of the cluster's time; folder {Path(folder).name}")
        taping.close()


if __name__ == "__main__":
    main()
