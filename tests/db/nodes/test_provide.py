"""What providers give a box: by its own key, from its own cache, within its own budget; old answers when they fail."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis
from django.conf import settings as django_settings

from mcp_saas.api.outside import read_outcomes
from mcp_saas.kit.breaker import Breakers
from mcp_saas.kit.gcra import Quota
from nodes.engine.credential import CredentialOffer, Service
from nodes.pipeline import provide as providing
from nodes.pipeline.credential import delete_credential, set_credential
from nodes.pipeline.provide import (
    find_amboss_node,
    find_channel_candidates,
    find_liquidity_value,
    find_names,
    find_network_view,
    find_suggested_fees,
    find_wallet,
    provide,
    read_accesses,
)
from nodes.selectors.provided import list_asked
from nodes.sources.lnbits.value import Wallet
from nodes.sources.provider import exchange
from nodes.sources.provider.protocol import Provided
from nodes.sources.provider.rest import Rests
from nodes.sources.sparkseer.question import ask_suggested_fees
from tenants.context import enter_tenant
from tenants.sealing.answers import find_or_make_answer
from tenants.sealing.tenant import current_keys
from tests.factories import Box
from tests.fakes.json_server import Call, Reply
from tests.fakes.provider_server import FEES, KEY, OWN, PEERS, ProviderServer, answer_sparkseer


@pytest.fixture(autouse=True)
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests did to providers of these names is forgotten."""
    monkeypatch.setattr(exchange, "breakers", Breakers())
    monkeypatch.setattr(exchange, "rests", Rests())


@pytest.fixture
def sparkseer(settings: Any) -> Iterator[ProviderServer]:
    with ProviderServer("sparkseer") as server:
        settings.ENV = settings.ENV.model_copy(update={"sparkseer_url": server.address})
        yield server


@pytest.fixture
def amboss(settings: Any) -> Iterator[ProviderServer]:
    with ProviderServer("amboss") as server:
        settings.ENV = settings.ENV.model_copy(update={"amboss_url": server.address})
        yield server


@pytest.fixture
def lnbits(settings: Any) -> Iterator[ProviderServer]:
    with ProviderServer("lnbits") as server:
        settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": [("127.0.0.1", server.port)]})
        yield server


def give_key(box: Box, service: Service, secret: str = KEY, **offer: Any) -> None:
    with enter_tenant(box.tenant):
        set_credential(service, CredentialOffer(secret, **offer), actor="the owner")


def fees_of(box: Box, *, use_cache: bool = True) -> Provided[Any]:
    with enter_tenant(box.tenant):
        return provide(ask_suggested_fees(), use_cache=use_cache)


def grow_old(box: Box) -> None:
    """All that is kept for the box is stale."""
    with redis.Redis.from_url(django_settings.ENV.redis_url) as client:
        names = list(client.scan_iter(f"dazbox:answers:entry:{box.tenant.id}:*"))
        assert names
        for name in names:
            client.hset(name, "fresh_until_ms", 0)


def test_without_a_key_nobody_is_asked(
    alice: Box, sparkseer: ProviderServer, amboss: ProviderServer, lnbits: ProviderServer
) -> None:
    with enter_tenant(alice.tenant):
        answers = [
            find_network_view(OWN),
            find_suggested_fees(),
            find_channel_candidates(),
            find_liquidity_value(),
            find_amboss_node(OWN),
            find_names(list(PEERS)),
            find_wallet(),
        ]
    assert answers == [Provided(why_none="not_configured")] * 7
    assert [server.calls for server in (sparkseer, amboss, lnbits)] == [[], [], []]


def test_each_provider_answers_by_the_key_of_the_box(
    alice: Box, sparkseer: ProviderServer, amboss: ProviderServer, lnbits: ProviderServer
) -> None:
    give_key(alice, Service.SPARKSEER)
    give_key(alice, Service.AMBOSS)
    give_key(alice, Service.LNBITS, url=lnbits.address)
    with enter_tenant(alice.tenant):
        view, node, names, wallet = (
            find_network_view(OWN),
            find_amboss_node(OWN),
            find_names(list(PEERS)),
            find_wallet(),
        )
        candidates, value = find_channel_candidates(), find_liquidity_value()
    assert [one.degraded for one in (view, node, names, wallet, candidates, value)] == [False] * 6
    assert (view.value and view.value.betweenness_rank) == 1834
    assert (node.value and node.value.channels and node.value.channels.capacity_sat) == 46_150_000
    assert len(names.value or ()) == 2
    assert wallet.value == Wallet(name="LNbits wallet", balance_msat=21_000_123)
    assert wallet.as_of is not None
    assert [len(one.value or ()) for one in (candidates, value)] == [1, 1]


def test_a_box_asks_once_and_another_asks_for_itself(alice: Box, bob: Box, sparkseer: ProviderServer) -> None:
    """The services of Sparkseer answer for the node of the key: what one box got is no answer to another."""
    others_key = KEY + "b"
    others = {"channel_peers": FEES["channel_peers"][:1]}

    def answer(call: Call) -> Reply:
        return Reply(body=others) if call.headers["api-key"] == others_key else answer_sparkseer(call)

    sparkseer.script = answer
    give_key(alice, Service.SPARKSEER)
    give_key(bob, Service.SPARKSEER, others_key)
    counts = [[len(fees_of(box).value) for box in (alice, bob)] for _ in range(3)]
    assert counts == [[2, 1]] * 3
    assert [call.headers["api-key"] for call in sparkseer.calls] == [KEY, others_key]


def test_the_same_key_in_two_boxes_is_two_caches(alice: Box, bob: Box, sparkseer: ProviderServer) -> None:
    for box in (alice, bob):
        give_key(box, Service.SPARKSEER)
        assert fees_of(box).value
    assert len(sparkseer.calls) == 2


def test_a_new_key_is_asked_with_at_once_and_without_a_key_nothing_is_told(
    alice: Box, sparkseer: ProviderServer
) -> None:
    give_key(alice, Service.SPARKSEER, "wrong")
    assert fees_of(alice).why_none == "forbidden"
    give_key(alice, Service.SPARKSEER)
    assert fees_of(alice).value
    with enter_tenant(alice.tenant):
        delete_credential(Service.SPARKSEER, actor="the owner")
    assert fees_of(alice) == Provided(why_none="not_configured")


def test_an_old_answer_stands_in_while_the_provider_fails(alice: Box, sparkseer: ProviderServer) -> None:
    give_key(alice, Service.SPARKSEER)
    fresh = fees_of(alice)
    grow_old(alice)
    sparkseer.fail("HTML")
    old = fees_of(alice)
    assert (old.value, old.as_of, old.degraded, fresh.degraded) == (fresh.value, fresh.as_of, True, False)
    assert fees_of(alice).value == fresh.value
    assert len(sparkseer.calls) == 2  # it rests: nobody waits for it again


def test_a_failure_without_an_old_answer_is_told_by_its_name(alice: Box, sparkseer: ProviderServer) -> None:
    give_key(alice, Service.SPARKSEER)
    sparkseer.fail("HTML")
    assert fees_of(alice) == Provided(degraded=True, why_none="garbled")
    assert fees_of(alice) == Provided(degraded=True, why_none="resting")
    with enter_tenant(alice.tenant):
        asked = list_asked()["sparkseer", "suggested_fees"]
    assert asked.outcome == "resting"


def test_the_budget_is_the_boxs_own(
    alice: Box, bob: Box, sparkseer: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providing, "BUDGETS", {"sparkseer": Quota("provider-test", 2, 3600)})
    for box in (alice, bob):
        give_key(box, Service.SPARKSEER)
    answers = [fees_of(alice, use_cache=False).why_none for _ in range(4)]
    assert answers == [None, None, "budget", "budget"]
    assert fees_of(alice).value  # from the cache
    assert fees_of(bob).value


def test_what_is_kept_is_sealed(alice: Box, lnbits: ProviderServer) -> None:
    give_key(alice, Service.LNBITS, url=lnbits.address)
    with enter_tenant(alice.tenant):
        find_wallet()
    with redis.Redis.from_url(django_settings.ENV.redis_url) as client:
        [name] = client.scan_iter(f"dazbox:answers:entry:{alice.tenant.id}:lnbits:*")
        held = bytes(client.hget(name, "value") or b"")
    assert held
    assert b"LNbits wallet" not in held
    assert KEY.encode() not in held + name


def test_without_redis_the_provider_is_asked_each_time(alice: Box, sparkseer: ProviderServer, settings: Any) -> None:
    give_key(alice, Service.SPARKSEER)
    settings.ENV = settings.ENV.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})
    assert [bool(fees_of(alice).value) for _ in range(3)] == [True] * 3
    assert len(sparkseer.calls) == 3


def test_calls_and_fields_of_no_use_are_counted_for_all_boxes(alice: Box, sparkseer: ProviderServer) -> None:
    give_key(alice, Service.SPARKSEER)
    before = read_outcomes("sparkseer")
    assert before is not None
    sparkseer.say({"channel_peers": [{"pubkey": PEERS[0], "suggested_fees": [{"passive_fee_rate": "28"}]}]})
    given = fees_of(alice)
    assert [(lack.field, lack.why) for lack in given.lacks] == [
        ("channel_peers[].active_fee_rate", "missing"),
        ("channel_peers[].passive_fee_rate", "unusable"),
    ]
    sparkseer.fail("HTML")
    fees_of(alice, use_cache=False)
    after = read_outcomes("sparkseer")
    assert after is not None
    grown = {name: count - before.counts.get(name, 0) for name, count in after.counts.items()}
    assert {name: count for name, count in grown.items() if count} == {
        "answered": 1,
        "garbled": 1,
        "unusable_fields": 1,
    }
    assert after.recent[:2] == (False, True)
    with enter_tenant(alice.tenant):
        assert list_asked()["sparkseer", "suggested_fees"].outcome == "garbled"


def test_fields_of_no_use_are_counted_where_they_leave_nothing_of_the_answer_too(
    alice: Box, sparkseer: ProviderServer
) -> None:
    give_key(alice, Service.SPARKSEER)
    before = read_outcomes("sparkseer")
    sparkseer.say({"channel_peers": "many"})
    assert fees_of(alice).why_none == "garbled"
    after = read_outcomes("sparkseer")
    assert before is not None
    assert after is not None
    grown = {name: after.counts.get(name, 0) - before.counts.get(name, 0) for name in ("garbled", "unusable_fields")}
    assert grown == {"garbled": 1, "unusable_fields": 1}


@pytest.mark.parametrize("kept", [b"", b"\xc1", b"\x93\x01\x02\x03", b"noise that no key of ours sealed"])
def test_what_is_kept_and_cannot_be_opened_is_asked_for_anew(
    alice: Box, sparkseer: ProviderServer, kept: bytes
) -> None:
    give_key(alice, Service.SPARKSEER)
    fresh = fees_of(alice)
    with redis.Redis.from_url(django_settings.ENV.redis_url) as client:
        for name in client.scan_iter(f"dazbox:answers:entry:{alice.tenant.id}:*"):
            client.hset(name, "value", kept)
    again = fees_of(alice)
    assert (again.value, again.degraded, len(sparkseer.calls)) == (fresh.value, False, 2)


@pytest.mark.parametrize("kept", [b"", b"\xc1", msgspec.msgpack.encode([1]), msgspec.msgpack.encode([[], [], "never"])])
def test_what_another_release_kept_under_our_seal_is_asked_for_anew(
    alice: Box, sparkseer: ProviderServer, kept: bytes
) -> None:
    give_key(alice, Service.SPARKSEER)
    question = ask_suggested_fees()
    with enter_tenant(alice.tenant):
        [access] = read_accesses(("sparkseer",)).values()
        mark = current_keys().digest("provider", f"{access.url} {access.secret}".encode()).hex()
        find_or_make_answer("sparkseer", (question.name, question.request, mark), make=lambda: kept)
    found = fees_of(alice)
    assert (len(found.value), found.degraded, len(sparkseer.calls)) == (2, False, 1)


@pytest.mark.parametrize(
    "fault",
    ["HTML", "garbled JSON", "wrong type"],
)
def test_an_answer_that_cannot_be_read_is_told_as_garbled(alice: Box, sparkseer: ProviderServer, fault: str) -> None:
    sparkseer.script = lambda _: Reply(body={"HTML": b"<html>", "garbled JSON": b"{", "wrong type": b"[1, 2]"}[fault])
    give_key(alice, Service.SPARKSEER)
    assert fees_of(alice) == Provided(degraded=True, why_none="garbled")
