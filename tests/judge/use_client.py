"""The generated client at work for a shop and an owner: `use_client.py URL CLIENT_ID SECRET PUBKEY ASSERTION`."""

import sys
from http import HTTPStatus
from uuid import uuid4

from dazbox_cloud_api_client import AuthenticatedClient, Client
from dazbox_cloud_api_client.api.auth import sign_in, sign_in_device
from dazbox_cloud_api_client.api.node import get_fee_policy, list_channels, set_fee_policy
from dazbox_cloud_api_client.api.provisioning import create_claims
from dazbox_cloud_api_client.models import (
    AccessAnswer,
    AssertionBody,
    ChannelPage,
    ClaimsAnswer,
    ClaimsBody,
    Credentials,
    FeePolicy,
    FeePolicyAnswer,
    Limits,
    ProblemDetails,
    TokenPairAnswer,
)


def make_claims(url: str, client_id: str, secret: str) -> None:
    """A shop makes claims, and asks again because it did not get the answer."""
    body = Credentials(client_id=client_id, client_secret=secret)
    access = sign_in.sync(client=Client(url), body=body)
    assert isinstance(access, AccessAnswer)
    shop = AuthenticatedClient(url, token=access.access)
    key = str(uuid4())
    answers = [
        create_claims.sync_detailed(client=shop, body=ClaimsBody(count=2), idempotency_key=key) for _ in range(2)
    ]
    claims = answers[0].parsed
    assert isinstance(claims, ClaimsAnswer)
    assert len(claims.items) == 2
    assert answers[1].content == answers[0].content
    refused = create_claims.sync(client=shop, body=ClaimsBody(count=501), idempotency_key=str(uuid4()))
    assert isinstance(refused, ProblemDetails)
    assert refused.status == HTTPStatus.BAD_REQUEST


def change_policy(url: str, pubkey: str, assertion: str) -> None:
    """An app of the owner reads the channels and changes the fee policy it has read, once."""
    pair = sign_in_device.sync(client=Client(url), body=AssertionBody(assertion=assertion))
    assert isinstance(pair, TokenPairAnswer)
    owner = AuthenticatedClient(url, token=pair.access)
    channels = list_channels.sync_detailed(pubkey, client=owner)
    assert isinstance(channels.parsed, ChannelPage)
    unchanged = list_channels.sync_detailed(pubkey, client=owner, if_none_match=channels.headers["ETag"])
    assert unchanged.status_code == HTTPStatus.NOT_MODIFIED
    known = get_fee_policy.sync_detailed(pubkey, client=owner)
    assert isinstance(known.parsed, FeePolicyAnswer)
    body = FeePolicy(limits=Limits(max_fee_rate_ppm=900))
    first, second = (
        set_fee_policy.sync(pubkey, client=owner, body=body, if_match=known.headers["ETag"]) for _ in range(2)
    )
    assert isinstance(first, FeePolicyAnswer)
    assert first.version == known.parsed.version + 1
    assert isinstance(second, ProblemDetails)
    assert second.status == HTTPStatus.PRECONDITION_FAILED


if __name__ == "__main__":
    url, client_id, secret, pubkey, assertion = sys.argv[1:]
    make_claims(url, client_id, secret)
    change_policy(url, pubkey, assertion)
    print("The generated client does what it is asked")
