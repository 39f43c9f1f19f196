"""The alert rules and the dashboard that are deployed name metrics and labels the gateway tells, and none else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bridge.engine.observed import Condition
from bridge.gateway.exposition import write_metrics
from tests.bridge.edge.living import Gateway

DEPLOY = Path(__file__).parents[3] / "deploy"
NAME = re.compile(r"dazbox_mcp_\w+")
LABELS = re.compile(r"(dazbox_mcp_\w+)\{([^}]*)\}")


def list_rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "mcp.rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def read_dashboard() -> dict[str, Any]:
    return dict(msgspec.json.decode((DEPLOY / "grafana" / "mcp.json").read_bytes()))


def list_expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in list_rules())
    dashboard = read_dashboard()
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    yield from (one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query")


@pytest.fixture(scope="module")
def told() -> dict[str, set[str]]:
    """By metric, the labels it has."""
    app = Gateway()
    app.metrics.note("home", "ok", seconds=0.1)
    app.metrics.note_refusal("queue-full")
    app.keys = type("Keys", (), {"read_at_s": 1.0})()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(write_metrics(app).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_that_is_named_is_told(told: dict[str, set[str]]) -> None:
    named = {name for expression in list_expressions() for name in NAME.findall(expression)}
    assert named - told.keys() == set()
    assert len(named) > 15


def test_every_label_that_is_asked_for_is_there(told: dict[str, set[str]]) -> None:
    for expression in list_expressions():
        for name, selector in LABELS.findall(expression):
            asked = set(re.findall(r"(\w+)\s*[=!]", selector)) - {"instance", "job"}
            assert asked <= told[name], expression


def test_conditions_and_outcomes_that_are_asked_for_exist() -> None:
    words = {"condition": {*Condition}, "outcome": {"timeout", "lost", "hit"}, "kind": {"queue-full"}}
    for expression in list_expressions():
        for label, value in re.findall(r'(condition|outcome|kind)[=!]~?"([^"]*)"', expression):
            assert set(value.split("|")) <= words[label], expression


def test_every_alert_says_how_grave_it_is_and_what_to_do() -> None:
    rules = list_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["action"].endswith(".")
