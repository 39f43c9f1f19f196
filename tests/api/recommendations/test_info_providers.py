"""What providers tell of the own node is in its info: by its own keys, within a time, beside all the rest."""

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mcp_saas.kit.cache import BRIEF_TTL_S, TTL_S
from nodes.engine.credential import CredentialOffer, Service
from nodes.pipeline import provide_together
from nodes.pipeline.credential import set_credential
from nodes.sources.provider import exchange
from nodes.sources.provider.rest import Rests
from recommendations.api.bulk_contract import BulkAnswer
from recommendations.engine.info import NodeInfoAnswer
from tenants.context import enter_tenant
from tests.api.recommendations.kept_entries import list_fresh_s, make_old
from tests.api.recommendations.providers import Providers, wait_for_askers
from tests.conftest import ApiClient
from tests.factories import Box, pubkey_of
from tests.fakes.json_server import Call, Reply
from tests.fakes.provider_server import KEY, VIEW, WALLET, refuse_query

pytestmark = pytest.mark.django_db
ANEW = "?use_cache=false"


def read(api: ApiClient, box: Box, query: str = "") -> NodeInfoAnswer:
    answer = api.get(box.path(f"info{query}"), token=api.token_of(box))
    assert answer.status == 200, answer.json
    return msgspec.json.decode(answer.raw, type=NodeInfoAnswer)


def count_queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert ask().status == 200
    return len(captured)


def test_the_source_is_made_of_what_answered(api: ApiClient, alice: Box, providers: Providers) -> None:
    providers.open_to(alice)

    info = read(api, alice)

    assert (info.source, info.degraded) == ("snapshot+sparkseer+lnbits+amboss", ["graph"])
    assert info.sparkseer is not None
    assert (info.sparkseer.betweenness_rank, info.sparkseer.htlc_response_time_median) == (1834, 0.4)
    assert (info.sparkseer.effective_outbound_balance, info.sparkseer.is_old) == (0.48, False)
    assert info.lnbits is not None
    assert (info.lnbits.balance_msat, info.lnbits.name) == (WALLET["balance"], "LNbits wallet")
    assert info.amboss is not None
    assert (info.amboss.capacity_sat, info.amboss.weighted_corrected_ppm) == (46_150_000, 301.7)
    assert info.amboss.as_of is not None


def test_without_keys_nobody_is_asked_and_nothing_is_degraded(api: ApiClient, alice: Box, providers: Providers) -> None:
    info = read(api, alice)

    assert (info.source, info.degraded, providers.calls) == ("snapshot", ["graph"], [])
    assert (info.sparkseer, info.lnbits, info.amboss) == (None, None, None)


def test_who_fails_is_degraded_and_who_knows_nothing_of_the_node_is_not(
    api: ApiClient, alice: Box, providers: Providers
) -> None:
    providers.open_to(alice)
    providers.sparkseer.script = lambda _: Reply(status=404, body={"detail": "Not Found"})
    providers.amboss.say(refuse_query("Not authenticated", code="UNAUTHENTICATED"))  # under 200
    providers.lnbits.fail("HTML")

    info = read(api, alice)

    assert (info.source, info.degraded) == ("snapshot", ["graph", "lnbits", "amboss"])


def test_a_list_where_an_object_is_due_and_fields_of_no_use_cost_themselves_alone(
    api: ApiClient, alice: Box, providers: Providers
) -> None:
    providers.open_to(alice)
    providers.view = {"betweenness_rank": "first", "closeness_rank": -1, "htlc_response_time_mean": None}
    providers.lnbits.say([WALLET])

    info = read(api, alice)

    assert info.degraded == ["graph", "lnbits"]
    assert info.sparkseer is not None
    told = info.sparkseer
    assert (told.betweenness_rank, told.closeness_rank, told.htlc_response_time_mean) == (None, None, None)
    assert told.eigenvector_rank == VIEW["eigenvector_rank"]


def test_who_hangs_is_waited_for_no_longer_than_the_limit_and_the_others_answer_meanwhile(
    api: ApiClient, alice: Box, providers: Providers
) -> None:
    providers.open_to(alice)
    providers.sparkseer.fail("hang")
    providers.lnbits.fail("slow trickle")
    began_s = time.monotonic()

    info = read(api, alice)

    assert time.monotonic() - began_s < exchange.WITHIN_S  # which those who ask take themselves
    assert (info.source, info.degraded) == ("snapshot+amboss", ["graph", "sparkseer", "lnbits"])


def test_where_as_many_questions_hang_as_may_nobody_else_is_asked(
    api: ApiClient, alice: Box, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that hangs lives longer than whoever waited for it."""
    providers.open_to(alice)
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(provide_together, "_under_way", room)
    with room:
        assert read(api, alice, ANEW).degraded == ["graph", "sparkseer", "lnbits", "amboss"]
        assert providers.calls == []
    assert "sparkseer" in read(api, alice, ANEW).source
    wait_for_askers()
    assert room.acquire(blocking=False)  # who is done has left


def test_an_old_answer_stands_in_for_one_that_does_not_come_in_time(
    api: ApiClient, alice: Box, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers.open_to(alice, Service.LNBITS)
    read(api, alice)
    make_old(alice, "lnbits")
    providers.lnbits.fail("hang")
    monkeypatch.setattr(provide_together, "WITHIN_S", 0.1)

    info = read(api, alice, ANEW)

    assert info.lnbits is not None
    assert (info.lnbits.balance_msat, info.lnbits.is_old) == (WALLET["balance"], True)
    assert info.degraded == ["graph", "lnbits"]


def test_what_lacks_a_provider_is_kept_for_a_short_time_and_what_does_not_for_long(
    api: ApiClient, alice: Box, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers.open_to(alice)
    providers.lnbits.fail("500")
    read(api, alice)
    assert list_fresh_s(alice, "node_info") == [BRIEF_TTL_S]

    providers.lnbits.say(WALLET)
    monkeypatch.setattr(exchange, "rests", Rests())
    assert read(api, alice, ANEW).degraded == ["graph"]
    assert list_fresh_s(alice, "node_info") == [TTL_S["node_info"]]


def test_an_old_answer_stands_in_and_is_called_old(api: ApiClient, alice: Box, providers: Providers) -> None:
    providers.open_to(alice, Service.LNBITS)
    read(api, alice)
    make_old(alice, "lnbits")
    providers.lnbits.fail("500")

    info = read(api, alice, ANEW)

    assert info.lnbits is not None
    assert (info.lnbits.balance_msat, info.lnbits.is_old) == (WALLET["balance"], True)
    assert (info.source, info.degraded) == ("snapshot+lnbits", ["graph", "lnbits"])


def test_a_kept_answer_asks_nobody_and_costs_no_query_more(api: ApiClient, alice: Box, providers: Providers) -> None:
    providers.open_to(alice)
    token = api.token_of(alice)
    assert count_queries(lambda: api.get(alice.path("info"), token=token)) <= 14  # the first use of each key is noted
    asked = len(providers.calls)

    assert count_queries(lambda: api.get(alice.path("info"), token=token)) <= 3
    assert count_queries(lambda: api.get(alice.path(f"info{ANEW}"), token=token)) <= 10
    assert (asked, len(providers.calls)) == (3, 3)


def test_a_new_key_makes_the_answer_anew(api: ApiClient, alice: Box, providers: Providers) -> None:
    assert read(api, alice).lnbits is None
    providers.open_to(alice, Service.LNBITS)

    assert read(api, alice).source == "snapshot+lnbits"


def test_each_box_is_told_by_its_own_key_alone(
    api: ApiClient, alice: Box, bob: Box, charlie: Box, providers: Providers
) -> None:
    balances = {KEY: 1_000, "bobs-key": 2_000}
    providers.open_to(alice, Service.LNBITS)
    with enter_tenant(bob.tenant):
        set_credential(Service.LNBITS, CredentialOffer("bobs-key", url=providers.lnbits.address), actor="the owner")

    def answer(call: Call) -> Reply:
        return Reply(body={"name": "wallet", "balance": balances[call.headers["X-Api-Key"]]})

    providers.lnbits.script = answer
    for query in ("", "", ANEW):
        told = [read(api, box, query).lnbits for box in (alice, bob, charlie)]
        assert [one and one.balance_msat for one in told] == [1_000, 2_000, None]
    assert [call.headers["X-Api-Key"] for call in providers.calls] == [KEY, "bobs-key"]


def test_while_redis_is_away_the_answer_says_so(
    api: ApiClient, alice: Box, providers: Providers, settings: Any
) -> None:
    providers.open_to(alice, Service.LNBITS)
    token = api.token_of(alice)
    settings.ENV = settings.ENV.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})

    answer = api.get(alice.path("info"), token=token)

    assert (answer.status, answer.json["degraded"]) == (200, ["graph", "cache"])
    assert (answer.json["source"], answer.json["cache_hit"]) == ("snapshot+lnbits", False)


def test_in_bulk_providers_are_asked_of_the_own_node_alone(api: ApiClient, alice: Box, providers: Providers) -> None:
    providers.open_to(alice)
    pubkeys = [pubkey_of("another"), alice.pubkey, pubkey_of("a third")]

    answer = api.post("/api/v1/nodes/bulk-analysis", {"pubkeys": pubkeys}, token=api.token_of(alice))

    own = msgspec.json.decode(answer.raw, type=BulkAnswer).results[1].basic
    assert own is not None
    assert own.sparkseer is not None
    assert len(providers.calls) == 3
