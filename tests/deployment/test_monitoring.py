"""Alerts and the dashboard name numbers that there are, with labels that these have."""

import asyncio
import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import Served
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.composition import FOLDER
from deployment.edge import TestNode, run_haproxy

ALERTS = FOLDER / "prometheus" / "alerts.yml"
NAME = re.compile(r"\b((?:dateline|haproxy|process)_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
OF_PROMETHEUS = {"instance", "job", "le"}


def list_alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def list_expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", ())]
    queries = [
        variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"
    ]
    return [*(rule["expr"] for rule in list_alerts()), *(target["expr"] for target in targets), *queries]


def list_named(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Numbers of an expression, and the labels that it chooses by or groups by."""
    grouped = {label.strip() for labels in GROUPED.findall(expression) for label in labels.split(",")}
    for name, selector in NAME.findall(expression):
        yield name, {*re.findall(r"(\w+)\s*[=!]", selector), *grouped} - OF_PROMETHEUS


def read_numbers(text: str) -> dict[str, set[str]]:
    """Names of samples with their labels; those of a family without samples as its type has them, with any labels."""
    known: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(text):
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        for suffix in suffixes:
            known[family.name + suffix] |= set()
        for sample in family.samples:
            known[sample.name] |= sample.labels.keys()
    return known


def find_unknown(prefixes: tuple[str, ...], known: dict[str, set[str]]) -> set[str]:
    wrong = set()
    for expression in list_expressions():
        for name, labels in list_named(expression):
            if name.startswith(prefixes) and (name not in known or (known[name] and not labels <= known[name])):
                wrong.add(f"{name} {sorted(labels)}")
    return wrong


@pytest.mark.anyio
async def test_numbers_of_nodes_exist(shared_api: Served) -> None:
    await shared_api.public.get("/v1/articles")
    await shared_api.public.get("/v1/nowhere")
    while (await shared_api.public.get("/health/ready")).json().get("index_lag") != 0:  # noqa: ASYNC110 -- as a client
        await asyncio.sleep(0.01)
    text = (await shared_api.editor.get("/metrics")).text
    known = read_numbers(text)
    assert find_unknown(("dateline_", "process_"), known) == set()
    assert {"status", "route"} <= known["dateline_requests_total"]


def test_numbers_of_haproxy_exist(tmp_path: Path) -> None:
    with run_haproxy(tmp_path / "haproxy", [TestNode("one", 1), TestNode("two", 2)]) as haproxy:
        text = httpx.get(f"http://127.0.0.1:{haproxy.numbers_port}/metrics").text
    known = read_numbers(text)
    assert find_unknown(("haproxy_",), known) == set()


def test_unknown_numbers_and_labels_are_found() -> None:
    known = read_numbers('# TYPE dateline_requests counter\ndateline_requests_total{status="2xx"} 1\n')
    assert "dateline_read_only []" in find_unknown(("dateline_",), known)
    assert dict(list_named('sum by (instance, kind) (rate(dateline_x_total{job="a",y!="b"}[5m]))')) == {
        "dateline_x_total": {"kind", "y"}
    }


def test_every_alert_says_what_it_is() -> None:
    alerts = list_alerts()
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 10
    for rule in alerts:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]


def test_rules_are_what_prometheus_reads() -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    result = subprocess.run([program, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_panels_have_numbers_and_places_of_their_own() -> None:
    panels = json.loads((FOLDER / "grafana" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
