"""How often may one ask: by tenant, by address before signing in, also when Redis is away."""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings
from structlog.testing import capture_logs

from mcp_saas.api.rate_limit import Limiter, find_address, find_limiter, name_address
from mcp_saas.kit.gcra import Quota
from mcp_saas.settings.rates import RATE_CLASSES
from tenants.tokens.access import mint_access_token
from tests.api.case import cases
from tests.api.openapi_document import list_operations
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box

THREE = dict.fromkeys(RATE_CLASSES, (3, 3600))
ADDRESSES = {
    "v4": ("192.0.2.1", "192.0.2.1"),
    "v4 in v6": ("::ffff:192.0.2.1", "192.0.2.1"),
    "one of a site": ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    "its neighbour": ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
    "a socket": ("", "unknown"),
    "words": ("<script>", "unknown"),
}


@pytest.fixture
def three() -> Iterator[None]:
    """Three requests an hour in every class."""
    with override_settings(RATE_LIMITS=THREE):
        yield


@pytest.fixture
def address(api: ApiClient) -> str:
    """An address nobody else asks from."""
    found = f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
    api.client.defaults["REMOTE_ADDR"] = found
    return found


def sign_in(api: ApiClient) -> int:
    answer = api.post("/api/v1/auth/token", {"client_id": "nobody", "client_secret": "x"})
    return int(answer.status)


def test_the_fourth_of_three_is_a_429_that_says_when_to_come_back(api: ApiClient, charlie: Box, three: None) -> None:
    token = mint_access_token(subject=str(charlie.dazbox.id), scopes=["read"], tenant_id=charlie.dazbox.id)
    answers = [api.get(charlie.path("mode"), token=token) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    for answer, left in zip(answers, (2, 1, 0, 0), strict=True):
        assert answer.headers["RateLimit-Policy"] == '"default";q=3;w=3600'
        assert re.fullmatch(rf'"default";r={left};t=\d+', answer.headers["RateLimit"])
    assert_problem(answers[-1], 429)
    wait_s = int(answers[-1].headers["Retry-After"])
    assert 1100 < wait_s <= 1200
    assert answers[-1].headers["RateLimit"].endswith(f"t={wait_s}")


def test_a_tenant_that_asks_too_often_takes_nothing_from_another(
    api: ApiClient, alice: Box, bob: Box, three: None
) -> None:
    tokens = [mint_access_token(subject="x", scopes=["read"], tenant_id=box.dazbox.id) for box in (alice, alice, bob)]
    for _ in range(3):
        assert api.get(alice.path("mode"), token=tokens[0]).status == 200
    assert_problem(api.get(alice.path("channels"), token=tokens[1]), 429)
    assert api.get(bob.path("mode"), token=tokens[2]).status == 200


def test_classes_of_routes_are_counted_apart(api: ApiClient, charlie: Box, three: None) -> None:
    token = mint_access_token(subject="x", scopes=["device"], tenant_id=charlie.dazbox.id)
    for _ in range(3):
        assert api.get(charlie.path("mode"), token=token).status == 200
    assert_problem(api.get(charlie.path("mode"), token=token), 429)
    answer = api.post(charlie.path("forwards"), {"events": []}, token=token)
    assert (answer.status, answer.headers["RateLimit-Policy"]) == (200, '"report";q=3;w=3600')


def test_who_has_not_signed_in_is_counted_by_address(api: ApiClient, db: None, address: str, three: None) -> None:
    assert [sign_in(api) for _ in range(4)] == [401, 401, 401, 429]
    api.client.defaults["REMOTE_ADDR"] = address.replace("::1", "::2")
    assert sign_in(api) == 429  # the same site
    api.client.defaults["REMOTE_ADDR"] = f"2001:db9:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
    assert sign_in(api) == 401


def test_whoever_guesses_tokens_is_counted_by_address(api: ApiClient, alice: Box, address: str, three: None) -> None:
    guesses = [api.get(alice.path("mode"), token=f"guess{number}").status for number in range(4)]
    assert guesses == [401, 401, 401, 429]


def test_a_forwarded_address_is_believed_only_of_a_proxy_of_ours(
    api: ApiClient, db: None, address: str, three: None
) -> None:
    for number in range(3):
        api.client.defaults["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
        assert sign_in(api) == 401
    assert sign_in(api) == 429
    meta = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.9, 10.0.0.2"}
    assert [find_address(meta, proxies=count) for count in (0, 1, 2, 4)] == [
        "10.0.0.1",
        "10.0.0.2",
        "192.0.2.9",
        "10.0.0.1",
    ]


@cases(ADDRESSES)
def test_an_address_stands_for_its_site(case: tuple[str, str]) -> None:
    address, name = case
    assert name_address(address) == name


def test_probes_are_not_counted(api: ApiClient, db: None, address: str, three: None) -> None:
    answers = [api.get("/api/v1/health") for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers


def test_the_document_says_where_a_429_may_come() -> None:
    without = {str(operation) for operation in list_operations() if "429" not in operation.detail["responses"]}
    assert without == {"get_health"}


def test_redis_counts_as_the_local_limiter_does() -> None:
    limiter, quota = Limiter(settings.ENV.redis_url), Quota("default", 10, 3600)
    caller = str(uuid.uuid4())
    verdicts = [limiter.judge(quota, caller) for _ in range(12)]
    assert [verdict.is_allowed for verdict in verdicts] == [True] * 10 + [False] * 2
    assert [verdict.remaining for verdict in verdicts] == [*range(9, -1, -1), 0, 0]
    assert 359 < verdicts[0].reset_s <= 360 < verdicts[1].reset_s <= 720
    assert 355 < verdicts[-1].reset_s <= 360
    assert limiter.local_count == 0


@pytest.mark.fault
def test_without_redis_a_local_limiter_goes_on_counting_and_says_so_once(closed_port: int) -> None:
    """Check 4: neither open nor closed."""
    limiter, quota = Limiter(f"redis://127.0.0.1:{closed_port}/0"), Quota("default", 10, 3600)
    with capture_logs() as logs:
        verdicts = [limiter.judge(quota, "a") for _ in range(12)]
    assert [verdict.is_allowed for verdict in verdicts] == [True] * 10 + [False] * 2
    assert [line["event"] for line in logs] == ["rate_limiter_local"]
    assert limiter.local_count == 12


@pytest.mark.fault
def test_without_redis_reads_go_on(api: ApiClient, alice: Box, closed_port: int) -> None:
    token = mint_access_token(subject="x", scopes=["read"], tenant_id=alice.dazbox.id)
    away = settings.ENV.model_copy(update={"redis_url": f"redis://127.0.0.1:{closed_port}/1"})
    with override_settings(ENV=away, RATE_LIMITS=THREE):
        statuses = [api.get(alice.path("channels"), token=token).status for _ in range(4)]
        assert find_limiter(away.redis_url).local_count == 4
    assert statuses == [200, 200, 200, 429]
