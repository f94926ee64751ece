"""Results as JUnit XML, which continuous integration reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from paxtui.config.cluster_file import ConfigError
from paxtui.scenarios.runner import ScenarioResult
from paxtui.wire.text import visible


def document(results: Sequence[ScenarioResult], skipped: Sequence[tuple[str, str]] = ()) -> bytes:
    """Write one test suite; ``skipped`` are names with reasons."""
    suite = ElementTree.Element(
        "testsuite",
        name="paxtui run",
        tests=str(len(results) + len(skipped)),
        failures=str(sum(not each.passed for each in results)),
        errors="0",
        skipped=str(len(skipped)),
        time=f"{sum(each.seconds for each in results):.3f}",
    )
    for each in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="paxtui.scenarios", name=each.scenario, time=f"{each.seconds:.3f}"
        )
        if not each.passed:
            failure = ElementTree.SubElement(case, "failure", message=visible(each.reason))
            failure.text = "\n".join(map(visible, (each.reason, *each.beliefs, f"seed {each.seed}")))
    for name, reason in skipped:
        case = ElementTree.SubElement(suite, "testcase", classname="paxtui.scenarios", name=name, time="0")
        ElementTree.SubElement(case, "skipped", message=visible(reason))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def write(path: Path, results: Sequence[ScenarioResult], skipped: Sequence[tuple[str, str]] = ()) -> None:
    """Write the document. Raises :class:`ConfigError`."""
    try:
        path.write_bytes(document(results, skipped))
    except OSError as error:
        raise ConfigError(f"--junit: {path} cannot be written: {error.strerror}") from None
