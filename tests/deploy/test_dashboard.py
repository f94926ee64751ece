"""The dashboard and the table of what to watch use metrics that a replica really tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.deployed import DEPLOY
from tests.deploy.scraping import Scrape, scrape
from tests.net.secure_replicas import SecureReplicas
from tests.ports import free_ports

pytestmark = pytest.mark.processes

DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrape]:
    """What a replica with certificates tells that leads."""
    (port,) = free_ports(1)
    replicas = SecureReplicas(tmp_path_factory.mktemp("dashboard"), 1)
    try:
        replicas.start(0, "--metrics", str(port))
        replicas.until_led()
        yield scrape(port)
    finally:
        replicas.close()


def expressions(part: Any) -> Iterator[str]:
    """Every query of the dashboard, wherever it stands."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(part, list):
        for value in part:
            yield from expressions(value)


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:paxtui|process)_\w+", expression))


def labels_in(expression: str) -> set[str]:
    legend = re.findall(r"{{\s*(\w+)\s*}}", expression)
    matched = re.findall(r"[{,]\s*(\w+)\s*[=!]~?", expression)
    return {*legend, *matched} - {"instance", "job"}


def test_every_metric_of_the_dashboard_exists(page: Scrape) -> None:
    used = set().union(*map(metrics_in, expressions(DASHBOARD)))
    assert len(used) > 15
    assert used - page.names == set()


def test_every_label_of_a_panel_is_one_of_its_metrics(page: Scrape) -> None:
    labels: dict[str, set[str]] = {}
    for family in page.families:
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            known = [labels[name] for name in metrics_in(target["expr"]) if name in labels]
            wanted = labels_in(target["legendFormat"]) | labels_in(target["expr"])
            if known:
                assert wanted <= set.union(*known), panel["title"]


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & cells, panel["title"]
        assert all(x < 24 for x, _ in mine)
        cells |= mine


def test_every_metric_in_what_to_watch_exists(page: Scrape) -> None:
    text = (DEPLOY / "README.md").read_text()
    used = metrics_in(text)
    assert len(used) > 5
    assert used - page.names == set()


def test_the_dashboard_is_written_as_its_tools_write_it(tmp_path: Path) -> None:
    written = json.dumps(DASHBOARD, indent=2) + "\n"
    assert (DEPLOY / "grafana-dashboard.json").read_text() == written
