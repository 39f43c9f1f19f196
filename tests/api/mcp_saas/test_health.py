"""Health: open to all, true about each part, and 503 only without the database."""

import uuid

import pytest
from django.conf import settings
from redis import Redis

from mcp_saas.api import ops
from mcp_saas.api.outside import note_outcome
from mcp_saas.kit.cache import find_cache
from mcp_saas.kit.recent import Recent
from mcp_saas.kit.version import VERSION
from tests.api.mcp_saas.outage import cache_at, database_at
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_snapshot

HEALTH = "/api/v1/health"
OUTSIDE = ("openai_api", "sparkseer_api", "lnbits_api")
SERVICES = {"database", "cache", "vector_store", "broker", "openai_api", "sparkseer_api", "lnbits_api"}


@pytest.fixture(autouse=True)
def uncalled() -> None:
    """Nobody has called the systems of others."""
    with Redis.from_url(settings.ENV.redis_url) as client:
        for name in client.scan_iter("dazbox:tally:*"):
            client.delete(name)


def test_health_tells_of_every_part(api: ApiClient, db: None) -> None:
    answer = api.get(HEALTH)
    assert answer.status == 200
    assert answer.json["status"] == "healthy"
    assert set(answer.json["services"]) == SERVICES
    assert set(answer.json["services"].values()) <= {"connected", "degraded", "disconnected", "not_configured"}
    assert [answer.json["services"][name] for name in ("database", "cache", "broker")] == ["connected"] * 3
    assert answer.json["version"] == VERSION
    assert isinstance(answer.json["uptime_seconds"], int)
    assert answer.headers["Cache-Control"] == "no-store"


def test_health_shows_what_the_cache_of_answers_counted(api: ApiClient, db: None) -> None:
    tenant, cache = uuid.uuid4(), find_cache(settings.ENV.redis_url)
    before = api.get(HEALTH).json["cache_stats"]
    for _ in range(3):
        cache.get_or_make("node_info", tenant, arguments=None, make=bytes)
    after = api.get(HEALTH).json["cache_stats"]
    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (2, 1)
    assert after["hit_ratio"] == round(after["hits"] / (after["hits"] + after["misses"]), 4)


def test_verbose_health_tells_how_long_each_part_took(api: ApiClient, db: None) -> None:
    assert "latency_ms" not in api.get(HEALTH).json
    latency_ms = api.get(f"{HEALTH}?verbose=true").json["latency_ms"]
    assert set(latency_ms) == {"database", "cache", "broker", "vector_store"}
    assert all(isinstance(ms, int) and ms >= 0 for ms in latency_ms.values())
    assert_problem(api.get(f"{HEALTH}?verbose=loud"), 400)


def test_health_is_open_even_to_a_token_that_is_none(api: ApiClient, db: None) -> None:
    assert api.get(HEALTH, token="garbage").status == 200


def test_health_tells_how_calls_to_others_went(api: ApiClient, db: None) -> None:
    def read() -> tuple[str, dict[str, str]]:
        found = api.get(HEALTH).json
        return found["status"], {name: found["services"][name] for name in OUTSIDE}

    nobody = dict.fromkeys(OUTSIDE, "not_configured")
    assert read() == ("healthy", nobody)
    for system in ("openai", "sparkseer"):
        note_outcome(system, "answered", is_up=True)  # type: ignore[arg-type]
    assert read() == ("healthy", nobody | {"openai_api": "connected", "sparkseer_api": "connected"})
    note_outcome("lnbits", "unreachable", is_up=False)
    assert read()[0] == "healthy"  # an owner's server is none of ours
    assert read()[1]["lnbits_api"] == "disconnected"
    note_outcome("sparkseer", "timeout", is_up=False)
    assert read()[0] == "degraded"
    assert read()[1]["sparkseer_api"] == "degraded"


def test_without_the_cache_it_is_degraded(api: ApiClient, db: None, closed_port: int) -> None:
    with cache_at(closed_port):
        answer = api.get(HEALTH)
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["services"] | {"cache": "connected"} == api.get(HEALTH).json["services"]
    assert answer.json["services"]["cache"] == "disconnected"
    assert answer.json["cache_stats"] is None


def test_without_the_broker_it_is_degraded(
    api: ApiClient, db: None, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{closed_port}/0")
    answer = api.get(HEALTH)
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["services"]["broker"] == "disconnected"


def test_a_cache_and_a_broker_that_hang_do_not_hang_it(
    api: ApiClient, db: None, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{silent_port}/0")
    with cache_at(silent_port):
        answer = api.get(HEALTH)
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert [answer.json["services"][name] for name in ("cache", "broker")] == ["disconnected"] * 2


def test_without_the_database_it_is_unhealthy_and_503(api: ApiClient, database_away: None) -> None:
    answer = api.get(HEALTH)
    assert answer.status == 503
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.json["status"], answer.json["services"]["database"]) == ("unhealthy", "disconnected")
    assert answer.json["services"]["cache"] == "connected"


def test_a_database_that_hangs_does_not_hang_it(api: ApiClient, unwrapped_db: None, silent_port: int) -> None:
    with database_at(silent_port):
        answer = api.get(HEALTH)
    assert (answer.status, answer.json["services"]["database"]) == (503, "disconnected")


def test_it_recovers_with_the_database(api: ApiClient, unwrapped_db: None, closed_port: int) -> None:
    with database_at(closed_port):
        assert api.get(HEALTH).status == 503
    assert api.get(HEALTH).status == 200


@pytest.mark.fault
def test_reads_and_reports_go_on_without_the_cache(api: ApiClient, alice: Box, closed_port: int) -> None:
    reads = ["channels", "channels/800000x1x0", "decisions", "runs/latest", "actions", "journal", "mode", "fee-policy"]
    with cache_at(closed_port):
        token = api.token_of(alice)
        assert {path: api.get(alice.path(path), token=token).status for path in reads} == dict.fromkeys(reads, 200)
        assert api.post(alice.path("snapshots"), make_snapshot(2), token=token).status == 201
        assert api.post(alice.path("forwards"), {}, token=token).status == 200


def test_health_is_read_only(api: ApiClient, db: None) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert_problem(api.call(method, HEALTH, {}), 405)


def test_who_asks_again_within_two_seconds_gets_the_same_answer(
    api: ApiClient, db: None, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "examined", Recent(ttl_s=2))
    assert api.get(HEALTH).json["services"]["cache"] == "connected"
    with cache_at(closed_port):
        assert api.get(HEALTH).json["services"]["cache"] == "connected"


def test_a_counter_that_is_no_number_is_no_data(api: ApiClient, db: None) -> None:
    with Redis.from_url(settings.ENV.redis_url) as client:
        client.hset("dazbox:answers:statistics", "node_info:hits", "many")
    answer = api.get(HEALTH)
    assert (answer.status, answer.json["cache_stats"]) == (200, None)
    assert api.get(HEALTH).json["cache_stats"] is not None
