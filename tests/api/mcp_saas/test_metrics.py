"""Metrics: figures of all boxes together, read by whoever may, and by nobody else; no box can be told from them."""

import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from mcp_saas.api import metrics
from mcp_saas.kit.metrics import note_cache
from tenants.queue import queue_job
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box

TEXT, SUMMARY = "/metrics", "/api/v1/metrics"
TOKEN = "scrape-me-0123456789abcdef0123456789"
LABELS = {
    "operation",
    "status_class",
    "le",
    "task",
    "outcome",
    "state",
    "channel",
    "kind",
    "provider",
    "type",
    "verdict",
}


@pytest.fixture(autouse=True)
def counted_anew() -> None:
    metrics._summaries.clear()


@pytest.fixture
def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    change_setting(monkeypatch, metrics_token=SecretStr(TOKEN))


def change_setting(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update=changes))


def read(api: ApiClient, **headers: str) -> dict[tuple[str, ...], float]:
    answer = api.get(TEXT, **headers)
    assert answer.status == 200, answer.raw
    families = text_string_to_metric_families(answer.raw.decode())
    return {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}


def test_a_request_is_counted_by_its_operation_and_timed(api: ApiClient, alice: Box) -> None:
    name, timed = ("dazbox_http_requests_total", "2xx", "list_channels"), "dazbox_http_request_duration_seconds_count"
    before = read(api)
    token = api.token_of(alice)
    assert api.get(alice.path("channels"), token=token).status == 200
    after = read(api)
    assert after[name] == before.get(name, 0) + 1
    assert after[timed, "list_channels"] == before.get((timed, "list_channels"), 0) + 1


def test_what_strangers_ask_for_makes_no_series(api: ApiClient, db: None) -> None:
    api.get("/api/v1/nothing")
    api.call("BREW", "/api/v1/health")
    before = set(read(api))
    for number in range(5):
        api.get(f"/api/v1/nothing/{number}")
        api.call(f"BREW{number}", "/api/v1/health")
    assert set(read(api)) == before


def test_no_label_names_a_box(api: ApiClient, alice: Box, bob: Box) -> None:
    for box in (alice, bob):
        assert api.get(box.path("channels"), token=api.token_of(box)).status == 200
    text = api.get(TEXT).raw.decode()
    families = list(text_string_to_metric_families(text))
    assert {label for family in families for sample in family.samples for label in sample.labels} <= LABELS
    for box in (alice, bob):
        assert not [word for word in (box.tenant.pubkey, str(box.tenant.id), box.tenant.schema_name) if word in text]


def test_queues_are_read_when_they_are_asked_for(api: ApiClient, alice: Box) -> None:
    before = read(api)
    queue_job(alice.tenant.id, "nodes.tasks.deliver_notices", args=[])
    after = read(api)
    assert after["dazbox_jobs_waiting",] == before["dazbox_jobs_waiting",] + 1
    assert after["dazbox_boxes", "active"] >= 1
    assert ("dazbox_broker_messages",) in after


def test_a_figure_that_cannot_be_read_costs_no_other(api: ApiClient, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:9/0")
    found = read(api)
    assert ("dazbox_broker_messages",) not in found
    assert ("dazbox_jobs_waiting",) in found


def test_prometheus_reads_with_its_token_and_nothing_else(api: ApiClient, with_token: None, db: None) -> None:
    assert read(api, Authorization=f"Bearer {TOKEN}")
    assert_problem(api.get(TEXT), 401)
    assert_problem(api.get(TEXT, Authorization=f"Bearer {TOKEN[:-1]}"), 401)
    assert_problem(api.get(SUMMARY, Authorization=f"Bearer {TOKEN}"), 401)


def test_a_box_may_not_read_it(api: ApiClient, with_token: None, alice: Box) -> None:
    assert_problem(api.get(TEXT, token=api.token_of(alice)), 403)


def test_an_operator_may(api: ApiClient, with_token: None, db: None) -> None:
    token = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    assert api.get(TEXT, token=token).status == 200


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-Ip", "CF-Connecting-IP", "X-Client-IP"],
)
def test_without_a_token_a_proxy_on_this_machine_lets_nobody_in(api: ApiClient, db: None, header: str) -> None:
    assert api.get(TEXT).status == 200
    assert_problem(api.get(TEXT, **{header: "for=203.0.113.7"}), 401)


def test_without_a_token_only_development_is_open(api: ApiClient, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    change_setting(monkeypatch, profile="production")
    assert_problem(api.get(TEXT), 401)


def test_another_machine_is_not_this_one() -> None:
    assert metrics._is_local({"REMOTE_ADDR": "::1"})
    assert not metrics._is_local({"REMOTE_ADDR": "10.0.0.7"})
    assert not metrics._is_local({"REMOTE_ADDR": ""})


def test_the_summary_is_of_the_same_counters(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    note_cache("test", outcome="hits")
    note_cache("test", outcome="misses")
    before = read(api)
    answer = api.get(SUMMARY, token=token)
    assert answer.status == 200
    requests = sum(value for (name, *_), value in before.items() if name == "dazbox_http_requests_total")
    assert answer.json["request_count"] == requests + 1  # that of the scrape itself
    assert 0 < answer.json["average_response_time"] < 60
    assert 0 < answer.json["cache_hit_ratio"] < 1
    assert 0 <= answer.json["error_rate"] < 1
    assert set(answer.json) == {
        "request_count", "average_response_time", "cache_hit_ratio", "error_rate", "last_updated", "since",
    }  # fmt: skip


def test_before_anything_was_counted_there_is_no_data() -> None:
    found = metrics.summarise([])
    assert found.request_count == 0
    assert (found.average_response_time, found.cache_hit_ratio, found.error_rate) == (None, None, None)
