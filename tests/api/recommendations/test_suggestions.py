"""Sparkseer's suggestions among the recommendations: with the owner's own key, and without Sparkseer all the rest."""

import time
from typing import Any

import pytest

from mcp_saas.kit.cache import BRIEF_TTL_S, TTL_S
from nodes.engine.credential import CredentialOffer, Service
from nodes.pipeline.credential import set_credential
from nodes.sources.provider import exchange
from tenants.context import enter_tenant
from tests.api.recommendations.kept_entries import list_fresh_s
from tests.api.recommendations.providers import Providers
from tests.conftest import ApiClient
from tests.factories import Box
from tests.fakes.json_server import Call, Reply
from tests.fakes.provider_server import CANDIDATES, KEY, PEERS

pytestmark = pytest.mark.django_db


def read(api: ApiClient, box: Box) -> Any:
    reply = api.get(box.path("recommendations"), token=api.token_of(box), **{"Accept-Language": "en"})
    assert reply.status == 200, reply.json
    return reply.json


def find_openings(body: Any) -> list[Any]:
    return [one for one in body["recommendations"] if one["type"] == "open_channel"]


def test_a_suggested_channel_is_told_as_sparkseers_word(api: ApiClient, alice: Box, providers: Providers) -> None:
    providers.open_to(alice, Service.SPARKSEER)

    body = read(api, alice)

    [told] = find_openings(body)
    assert told["subject"] == PEERS[0]
    assert told["reason"].startswith("Sparkseer suggests it to your node. By Sparkseer's reckoning")
    assert told["estimated_impact"]["mean"] is None
    assert f"sparkseer:{PEERS[0]}/ideal_capacity_sat" in {one["ref"] for one in told["evidence"]}
    assert body["degraded"] == ["rag"]
    assert read(api, alice)["cache_hit"]
    assert len(providers.calls) == 2


def test_without_a_key_sparkseer_is_not_asked_and_not_missed(api: ApiClient, alice: Box, providers: Providers) -> None:
    body = read(api, alice)

    assert (find_openings(body), body["degraded"], providers.calls) == ([], ["rag"], [])


def test_sparkseer_that_hangs_costs_the_limit_and_its_own_advice_alone(
    api: ApiClient, alice: Box, providers: Providers
) -> None:
    plain = read(api, alice)
    providers.open_to(alice, Service.SPARKSEER)
    providers.sparkseer.fail("hang")
    began_s = time.monotonic()

    body = read(api, alice)

    assert time.monotonic() - began_s < exchange.WITHIN_S  # which the one who asks takes itself
    assert body["degraded"] == ["sparkseer", "rag"]
    assert [one["id"] for one in body["recommendations"]] == [one["id"] for one in plain["recommendations"]]
    assert sorted(list_fresh_s(alice, "recommendations")) == [BRIEF_TTL_S, TTL_S["recommendations"]]


def test_details_that_are_no_list_of_one_are_left_out(api: ApiClient, alice: Box, providers: Providers) -> None:
    providers.open_to(alice, Service.SPARKSEER)
    [row] = CANDIDATES["channel_recommendations"]
    rows = [{"pubkey": PEERS[1], "info": row["info"][0]}, {"pubkey": "nobody", "info": row["info"]}, 7, row]
    providers.sparkseer.script = lambda call: Reply(
        body={"channel_recommendations": rows} if "recommendations" in call.path else {"channel_peers": []}
    )

    body = read(api, alice)

    assert [one["subject"] for one in find_openings(body)] == [PEERS[0]]
    assert body["degraded"] == ["rag"]


def test_what_sparkseer_says_of_one_node_is_never_said_to_another(
    api: ApiClient, alice: Box, bob: Box, charlie: Box, providers: Providers
) -> None:
    providers.open_to(alice, Service.SPARKSEER)
    with enter_tenant(bob.tenant):
        set_credential(Service.SPARKSEER, CredentialOffer("bobs-key"), actor="the owner")
    of_key = {KEY: PEERS[0], "bobs-key": PEERS[1]}
    [row] = CANDIDATES["channel_recommendations"]

    def answer(call: Call) -> Reply:
        rows = [row | {"pubkey": of_key[call.headers["api-key"]]}]
        return Reply(body={"channel_recommendations": rows, "channel_peers": []})

    providers.sparkseer.script = answer
    told = [[one["subject"] for one in find_openings(read(api, box))] for box in (alice, bob, alice, charlie)]
    assert told == [[PEERS[0]], [PEERS[1]], [PEERS[0]], []]


def test_while_redis_is_away_advice_comes_and_says_so(api: ApiClient, alice: Box, settings: Any) -> None:
    token = api.token_of(alice)
    settings.ENV = settings.ENV.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})

    reply = api.get(alice.path("recommendations"), token=token)

    assert (reply.status, reply.json["degraded"]) == (200, ["cache", "rag"])
