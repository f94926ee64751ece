"""What Prometheus does, in a few lines."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

Key = tuple[str, frozenset[tuple[str, str]]]


class Scrape(Mapping[str, float]):
    """Samples by name: ``scrape["paxtui_lag_slots"]``, ``scrape.of("paxtui_link_up", peer="1")``."""

    def __init__(self, text: str) -> None:
        self.families: list[Metric] = list(text_string_to_metric_families(text))
        self._samples: dict[Key, float] = {}
        for family in self.families:
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._samples, f"{key} is there twice"
                self._samples[key] = sample.value

    def of(self, name: str, **labels: str) -> float:
        return self._samples[name, frozenset(labels.items())]

    def __getitem__(self, name: str) -> float:
        return self._samples[name, frozenset()]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter({name for name, _ in self._samples})

    def __len__(self) -> int:
        return len({name for name, _ in self._samples})

    @property
    def names(self) -> set[str]:
        """All that a query may use: samples, and families that have none yet."""
        counters = {f"{family.name}_total" for family in self.families if family.type == "counter"}
        others = {family.name for family in self.families if family.type != "counter"}
        return counters | others


def scrape(port: int) -> Scrape:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return Scrape(answer.read().decode())
