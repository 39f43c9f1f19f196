"""Whichever web process is scraped, it tells what all of them have answered, those that were killed included."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mcp_saas.kit.metric_folder import clean_folder
from tests.faults.web_process import WebProcess, web_process

pytestmark = pytest.mark.fault
TOKEN = "scrape-me-0123456789abcdef0123456789"


def count_health(web: WebProcess) -> float:
    answer = httpx.get(f"{web.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    wanted = {"operation": "get_health", "status_class": "2xx"}
    return sum(
        one.value
        for family in families
        for one in family.samples
        if one.name == "dazbox_http_requests_total" and one.labels == wanted
    )


def test_two_web_processes_are_counted_together(committed_db: Any, tmp_path: Path) -> None:
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(clean_folder(tmp_path / "metrics")), "METRICS_TOKEN": TOKEN}
    with web_process(**variables) as first:
        with web_process(**variables) as second:
            for web, count in ((first, 3), (second, 4)):
                for _ in range(count):
                    assert httpx.get(f"{web.url}/api/v1/health", trust_env=False).status_code == 200
            assert (count_health(first), count_health(second)) == (7, 7)
        assert count_health(first) == 7
        assert httpx.get(f"{first.url}/metrics", trust_env=False).status_code == 401
