"""The real LNbits server lists the channels of our simulated LND and writes a fee to it; we read a wallet of its.

`LNBITS` names the environment it is installed in (`make judge` makes one); without it nothing runs here.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from mcp_saas.kit.http import Guard
from nodes.simulator.faults.plan import Fault
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.sources.driver.driver import Outcome
from nodes.sources.driver.errors import Fault as Failure
from nodes.sources.lnbits.question import ask_wallet
from nodes.sources.lnbits.value import Wallet
from nodes.sources.node import open_driver
from nodes.sources.provider.exchange import Given, Way
from nodes.sources.provider.exchange import ask as ask_provider
from nodes.sources.provider.protocol import ProviderError
from nodes.sources.providers import PROVIDERS
from tests.fakes.driven_node import DrivenNode, serve_driven
from tests.fakes.lnbits_server import run_lnbits

NOW_S = 1_760_000_000
VENV = os.environ.get("LNBITS")  # noqa: TID251 - which tools there are is no setting of the product
LNBITS_CLTV = 80

pytestmark = pytest.mark.skipif(VENV is None, reason="LNBITS names no LNbits: the real server is run by `make judge`")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenNode]:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 1, origin="test", now_s=NOW_S, seed=7)
    pubkey = world.fleet[0].pubkey
    own = world.channels_of(pubkey)[0].seen_by(pubkey)[0]
    assert own.policy is not None
    own.policy = msgspec.structs.replace(
        own.policy, base_fee_msat=1_000, inbound_fee_rate_ppm=-20, time_lock_delta=144, min_htlc_msat=2_000
    )
    with serve_driven(world, pubkey, tmp_path_factory.mktemp("node")) as served:
        served.fail(Fault(kind="timeout", path="/v1/invoices/subscribe"))  # a stream on which nothing comes
        yield served


@pytest.fixture(scope="module")
def lnbits(node: DrivenNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("lnbits")
    home = node.home
    venv = Path(str(VENV)).resolve()
    with run_lnbits(venv, folder, lnd_url=node.url, tls_cert=home.tls_cert, macaroon=home.macaroon) as client:
        yield client


def ask(lnbits: httpx.Client, path: str) -> Any:
    answer = lnbits.get(f"/node/api/v1{path}")
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


def write_fee(lnbits: httpx.Client, node: DrivenNode, **fields: int) -> None:
    answer = lnbits.put(f"/node/api/v1/channels/{node.channels[0].channel_id}", json=fields)
    assert answer.status_code == httpx.codes.OK, answer.text


def test_lnbits_knows_our_node(lnbits: httpx.Client, node: DrivenNode) -> None:
    info = ask(lnbits, "/info")

    assert info["id"] == node.pubkey
    assert info["channel_stats"]["counts"]["active"] == sum(channel.active for channel in node.channels)
    assert info["balance_msat"] == sum(channel.seen_by(node.pubkey)[0].balance_msat for channel in node.channels)


def test_lnbits_lists_every_channel_with_its_balances(lnbits: httpx.Client, node: DrivenNode) -> None:
    listed = {row["id"]: row["balance"] for row in ask(lnbits, "/channels")}

    assert set(listed) == {str(channel.channel_id) for channel in node.channels}
    for channel in node.channels:
        own, peer = channel.seen_by(node.pubkey)
        assert listed[str(channel.channel_id)] == {
            "local_msat": own.balance_msat // 1000 * 1000,
            "remote_msat": peer.balance_msat // 1000 * 1000,
            "total_msat": channel.capacity_sat * 1000,
        }


def test_lnbits_writes_a_fee_and_what_it_leaves_out_is_its_own_doing(lnbits: httpx.Client, node: DrivenNode) -> None:
    """Its time lock is always 80 and a missing field becomes 0; the rest LND keeps."""
    before = node.read_policy(0)
    assert before.time_lock_delta == 144
    write_fee(lnbits, node, fee_ppm=321, fee_base_msat=7)
    assert node.read_policy(0) == replace(before, fee_rate_ppm=321, base_fee_msat=7, time_lock_delta=LNBITS_CLTV)

    shown = ask(lnbits, f"/channels/{node.channels[0].channel_id}")
    assert (shown["fee_ppm"], shown["fee_base_msat"]) == (321, 7)
    write_fee(lnbits, node, fee_ppm=322)
    assert node.read_policy(0).base_fee_msat == 0


def test_what_lnbits_wrote_is_the_owners_and_our_whole_write_repairs_it(lnbits: httpx.Client, node: DrivenNode) -> None:
    """A write decided before LNbits came is refused; one decided after it sets every field, and no other moves."""
    wanted = replace(node.read_policy(0), time_lock_delta=144, base_fee_msat=1_000)
    late = replace(node.plan_write(0, fee_rate_ppm=900))
    write_fee(lnbits, node, fee_ppm=400, fee_base_msat=3)
    with open_driver(node.config) as driver:
        assert driver.apply(late).outcome == Outcome.CHANGED
        assert (node.read_policy(0).fee_rate_ppm, node.read_policy(0).base_fee_msat) == (400, 3)
        assert driver.apply(replace(node.plan_write(0), policy=wanted)).outcome == Outcome.WRITTEN

    assert node.read_policy(0) == wanted


def read_wallet(lnbits: httpx.Client, key: str) -> Given:
    """By our own client, as of a box that trusts this place."""
    url = lnbits.base_url
    way = Way(
        address=str(url),
        secret=key,
        guard=Guard(trusted=frozenset({(url.host, url.port or 0)})),
        shared="judge",
        own=key,
        spend=lambda: True,
    )
    return ask_provider(PROVIDERS["lnbits"], ask_wallet(), way=way)


@pytest.fixture(scope="module")
def wallet(lnbits: httpx.Client) -> dict[str, Any]:
    """As LNbits describes it, with its keys."""
    made = lnbits.post("/api/v1/wallet", json={"name": "Routing fees"})
    assert made.status_code == httpx.codes.OK, made.text
    return dict(made.json())


def test_we_read_a_real_wallet_with_either_key(lnbits: httpx.Client, wallet: dict[str, Any]) -> None:
    for key in (wallet["inkey"], wallet["adminkey"]):
        given = read_wallet(lnbits, key)
        assert (given.value, given.lacks) == (Wallet(name="Routing fees", balance_msat=0), ())


def test_we_read_msat_where_lnbits_was_given_sat(lnbits: httpx.Client, wallet: dict[str, Any]) -> None:
    credited = lnbits.put("/users/api/v1/balance", json={"id": wallet["id"], "amount": 21})
    assert credited.status_code == httpx.codes.OK, credited.text

    assert read_wallet(lnbits, wallet["inkey"]).value == Wallet(name="Routing fees", balance_msat=21_000)


def test_a_key_the_real_lnbits_does_not_know_is_a_wrong_key(lnbits: httpx.Client) -> None:
    with pytest.raises(ProviderError) as caught:
        read_wallet(lnbits, "f" * 32)
    assert (caught.value.fault, caught.value.permanent) == (Failure.FORBIDDEN, True)
