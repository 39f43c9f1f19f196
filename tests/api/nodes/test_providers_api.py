"""What providers give a node is told without asking them: what they answered last, what it lacked, and by whose key."""

from typing import Any

from nodes.engine.credential import CredentialOffer, Service
from nodes.pipeline.credential import set_credential
from nodes.pipeline.provide import find_suggested_fees
from tenants.context import enter_tenant
from tests.conftest import ApiClient
from tests.factories import Box
from tests.fakes.provider_server import KEY, PEERS, ProviderServer


def read_providers(api: ApiClient, box: Box) -> dict[str, Any]:
    found = api.get(box.path("providers"), token=api.token_of(box))
    assert found.status == 200, found.json
    return {item["provider"]: item for item in found.json["items"]}


def give_key(box: Box, secret: str = KEY) -> None:
    with enter_tenant(box.tenant):
        set_credential(Service.SPARKSEER, CredentialOffer(secret), actor="the owner")


def test_without_keys_every_provider_is_named_and_none_configured(api: ApiClient, alice: Box) -> None:
    found = read_providers(api, alice)
    assert set(found) == {"sparkseer", "lnbits", "amboss"}
    assert {item["is_configured"] for item in found.values()} == {False}
    assert {question["outcome"] for item in found.values() for question in item["questions"]} == {None}
    assert (found["lnbits"]["fresh_s"], found["lnbits"]["stands_in_s"], found["lnbits"]["calls_per_hour"]) == (
        *(60, 600),
        240,
    )


def test_what_was_asked_is_told_to_its_box_alone_and_with_its_key(
    api: ApiClient, alice: Box, bob: Box, settings: Any
) -> None:
    give_key(alice)
    give_key(bob)
    with ProviderServer("sparkseer") as server:
        settings.ENV = settings.ENV.model_copy(update={"sparkseer_url": server.address})
        server.say({"channel_peers": [{"pubkey": PEERS[0], "suggested_fees": [{"active_fee_rate": "339"}]}]})
        with enter_tenant(alice.tenant):
            assert find_suggested_fees().value
        found = read_providers(api, alice)["sparkseer"]
        others = read_providers(api, bob)["sparkseer"]
        assert len(server.calls) == 1
    [asked] = [question for question in found["questions"] if question["asked_at"]]
    assert (asked["question"], asked["outcome"]) == ("suggested_fees", "answered")
    assert asked["lacks"] == [
        {"field": "channel_peers[].active_fee_rate", "why": "unusable", "count": 1},
        {"field": "channel_peers[].passive_fee_rate", "why": "missing", "count": 1},
    ]
    assert (others["is_configured"], {question["asked_at"] for question in others["questions"]}) == (True, {None})
    give_key(alice, "another key")
    assert {question["asked_at"] for question in read_providers(api, alice)["sparkseer"]["questions"]} == {None}
