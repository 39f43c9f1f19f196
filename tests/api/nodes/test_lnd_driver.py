"""The LND driver against the simulated LND, over TLS: what it reads, what it writes, and in how many calls."""

import base64
import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from nodes.engine.report import NodeSnapshot
from nodes.simulator.faults.plan import Fault as Failure
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import Channel, Side, World
from nodes.sources.driver.driver import Outcome
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.node import open_driver
from tests.fakes.driven_node import LONG_TIMEOUT, DrivenNode, serve_driven
from tests.fakes.json_server import JsonServer, Reply

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def made_world() -> bytes:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=7)
    return msgspec.msgpack.encode(world)


@pytest.fixture
def world(made_world: bytes) -> World:
    return msgspec.msgpack.decode(made_world, type=World)


@pytest.fixture
def node(world: World, tmp_path: Path) -> Iterator[DrivenNode]:
    with serve_driven(world, world.fleet[0].pubkey, tmp_path) as served:
        yield served


def test_a_reading_is_a_snapshot_that_the_cloud_takes(node: DrivenNode) -> None:
    with open_driver(node.config) as driver:
        reading = driver.read_node()

    body = {"seq": 1, "taken_at": "2025-10-09T08:53:20Z", **reading}
    snapshot = msgspec.json.decode(msgspec.json.encode(body), type=NodeSnapshot)
    assert snapshot.node.implementation == "lnd"
    assert len(snapshot.channels) == len(node.channels) > 3
    own = {channel.channel_point: channel.own_policy for channel in snapshot.channels}
    announced = [channel for channel in node.channels if not channel.private]
    assert announced
    for channel in announced:
        assert msgspec.to_builtins(own[channel.chan_point]) == msgspec.to_builtins(
            channel.seen_by(node.pubkey)[0].policy
        )
    assert {channel.highest_htlc_msat for channel in snapshot.channels} == {
        channel.seen_by(node.pubkey)[0].max_in_flight_msat for channel in node.channels
    }


def make_wide_world(world: World, count: int) -> World:
    """One node with `count` channels."""
    pubkey, pattern = world.fleet[0].pubkey, world.channels_of(world.fleet[0].pubkey)[0]
    channels = []
    for number in range(count):
        channel: Channel = msgspec.msgpack.decode(msgspec.msgpack.encode(pattern), type=Channel)
        channel.channel_id, channel.chan_point = (700_000 + number) << 40 | 1 << 16, f"{number:064x}:0"
        sides: list[Side] = list(channel.sides)
        peer = next(side for side in sides if side.pubkey != pubkey)
        peer.pubkey = f"03{number:064x}"
        channels.append(channel)
    return msgspec.structs.replace(world, channels=channels, fleet=world.fleet[:1], in_flight=[])


def test_a_cycle_takes_five_calls_for_a_thousand_channels(world: World, tmp_path: Path) -> None:
    world.fleet[0].history = []
    wide = make_wide_world(world, 1_000)
    with (
        serve_driven(wide, wide.fleet[0].pubkey, tmp_path) as node,
        open_driver(replace(node.config, timeout=LONG_TIMEOUT)) as driver,
    ):
        reading = driver.read_node()
        page = driver.read_forwards("0")

        assert len(reading["channels"]) == 1_000
        assert all(channel["own_policy"] for channel in reading["channels"])
        assert (page.events, page.more) == ([], False)
        assert node.calls == [
            "GET /v1/getinfo",
            "GET /v1/channels",
            f"GET /v1/graph/node/{node.pubkey}",
            "GET /v2/wallet/estimatefee/6",
            "POST /v1/switch",
        ]


def test_the_price_of_the_chain_is_read_and_its_absence_costs_nothing(node: DrivenNode) -> None:
    denied = {"code": 2, "message": "permission denied"}
    with open_driver(node.config) as driver:
        assert driver.read_node()["node"]["onchain_fees"] == {"6": pytest.approx(10, abs=6)}
        node.fail(Failure(kind="error", path="/v2/wallet", status=500, answer=denied))
        assert driver.read_node()["node"]["onchain_fees"] == {}


def test_a_whole_policy_is_written_and_everything_else_stays(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777, inbound_fee_rate_ppm=-15)
    others = [node.read_policy(index) for index in range(1, len(node.channels))]
    with open_driver(node.config) as driver:
        result = driver.apply(write)

    assert (result.outcome, result.policy, result.reason) == (Outcome.WRITTEN, write.policy, "")
    assert node.read_policy(0) == write.policy
    assert [node.read_policy(index) for index in range(1, len(node.channels))] == others
    assert node.count_writes() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"base_fee_msat": 0},
        {"fee_rate_ppm": 0},
        {"inbound_base_fee_msat": -5},  # alone: LND would set its sister to 0 if it were left out
        {"inbound_fee_rate_ppm": -9},
        {"time_lock_delta": 144},
        {"min_htlc_msat": 5_000},
        {"max_htlc_msat": 7_000_000},
    ],
)
def test_one_field_changes_alone(node: DrivenNode, changes: dict[str, int]) -> None:
    start = node.plan_write(0, inbound_base_fee_msat=-1, inbound_fee_rate_ppm=-2, base_fee_msat=11, fee_rate_ppm=22)
    with open_driver(node.config) as driver:
        assert driver.apply(start).outcome == Outcome.WRITTEN
        write = node.plan_write(0, **changes)
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.read_policy(0) == replace(start.policy, **changes)


def test_a_fee_alone_leaves_time_lock_base_and_bounds_as_the_owner_set_them(node: DrivenNode) -> None:
    """LNbits sends a time lock of 80 with every fee, and 0 for a field that it was not given."""
    owners = {"time_lock_delta": 144, "base_fee_msat": 1_234, "min_htlc_msat": 3_000, "inbound_fee_rate_ppm": -7}
    with open_driver(node.config) as driver:
        assert driver.apply(node.plan_write(0, **owners)).outcome == Outcome.WRITTEN
        assert driver.apply(node.plan_write(0, fee_rate_ppm=5)).outcome == Outcome.WRITTEN

    assert {name: getattr(node.read_policy(0), name) for name in owners} == owners


def test_a_write_that_is_done_already_writes_nothing(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    with open_driver(node.config) as driver:
        assert driver.apply(write).is_done
        assert driver.apply(write).is_done

    assert node.count_writes() == 1


def test_the_owners_change_is_left_alone(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    with open_driver(node.config) as driver:
        driver.apply(node.plan_write(0, base_fee_msat=4_321))
        result = driver.apply(write)

    assert result.outcome == Outcome.CHANGED
    assert result.policy == node.read_policy(0)
    assert (node.read_policy(0).base_fee_msat, node.read_policy(0).fee_rate_ppm) == (
        4_321,
        write.expected_policy.fee_rate_ppm,
    )


def test_bounds_are_kept_within_what_both_sides_agreed_on(node: DrivenNode) -> None:
    own, _ = node.channels[0].seen_by(node.pubkey)
    own.min_htlc_msat = 1_000
    with open_driver(node.config) as driver:
        result = driver.apply(node.plan_write(0, min_htlc_msat=1, max_htlc_msat=own.max_in_flight_msat * 10))

    assert result.outcome == Outcome.WRITTEN
    assert (node.read_policy(0).min_htlc_msat, node.read_policy(0).max_htlc_msat) == (1_000, own.max_in_flight_msat)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_htlc_msat": 0, "min_htlc_msat": 0}, "keep the present one"),
        ({"time_lock_delta": 20}, "no time lock below 24"),
        ({"time_lock_delta": 3_000}, "exceeds max-cltv-expiry"),
        ({"inbound_fee_rate_ppm": 5}, "positive values for inbound fee rate"),
    ],
)
def test_what_lnd_cannot_take_is_refused_in_its_words(node: DrivenNode, changes: dict[str, int], says: str) -> None:
    before = node.read_policy(0)
    with open_driver(node.config) as driver:
        result = driver.apply(node.plan_write(0, **changes))

    assert result.outcome == Outcome.REFUSED
    assert says in result.reason
    assert node.read_policy(0) == before == result.policy


def test_a_channel_is_switched_off_and_on(node: DrivenNode) -> None:
    with open_driver(node.config) as driver:
        assert driver.apply(node.plan_write(0, disabled=True, fee_rate_ppm=99)).outcome == Outcome.WRITTEN
        assert (node.read_policy(0).disabled, node.read_policy(0).fee_rate_ppm) == (True, 99)
        assert driver.apply(node.plan_write(0, disabled=False)).outcome == Outcome.WRITTEN

    assert not node.read_policy(0).disabled


def test_a_channel_without_a_policy_is_refused(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    node.channels[0].seen_by(node.pubkey)[0].policy = None
    with open_driver(node.config) as driver:
        result = driver.apply(write)

    assert (result.outcome, result.policy) == (Outcome.REFUSED, None)
    assert "not in the node's graph" in result.reason
    assert node.count_writes() == 0


def test_an_unannounced_channel_can_be_written_too(node: DrivenNode) -> None:
    node.channels[0].private = True
    with open_driver(node.config) as driver:
        unseen = {channel["channel_point"]: channel["own_policy"] for channel in driver.read_node()["channels"]}
        assert unseen[node.channels[0].chan_point] is None
        assert driver.apply(node.plan_write(0, fee_rate_ppm=777)).outcome == Outcome.WRITTEN


def test_a_channel_with_another_id_in_the_graph_is_found_by_its_funding_output(node: DrivenNode) -> None:
    write = replace(
        node.plan_write(0, fee_rate_ppm=777), short_channel_id="16000000x1x1"
    )  # an alias: zero confirmations
    with open_driver(node.config) as driver:
        assert driver.apply(write).outcome == Outcome.WRITTEN

    assert node.read_policy(0).fee_rate_ppm == 777


def test_nothing_is_written_to_another_node(node: DrivenNode) -> None:
    write = node.plan_write(0, fee_rate_ppm=777)
    with open_driver(replace(node.config, pubkey="02" + "e" * 64)) as driver, pytest.raises(NodeError) as caught:
        driver.apply(write)

    assert (caught.value.fault, caught.value.permanent) == (Fault.WRONG_NODE, True)
    assert node.count_writes() == 0


def test_forwards_are_paged_in_order(node: DrivenNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.sources.lnd.forward.PAGE_EVENTS", 40)
    settled = [record for record in node.world.fleet[0].history if record.status == "settled"]
    events: list[dict[str, Any]] = []
    cursor, more = "0", True
    with open_driver(node.config) as driver:
        while more:
            page = driver.read_forwards(cursor)
            events, cursor, more = [*events, *page.events], page.cursor, page.more

    assert len(events) == len(settled) > 80
    assert [event["out_msat"] for event in events] == [record.out_msat for record in settled]
    assert len({event["id"] for event in events}) == len(events)
    assert cursor == str(len(events))


def test_the_graph_is_asked_in_words_that_are_no_lnds(node: DrivenNode) -> None:
    peer = node.channels[0].seen_by(node.pubkey)[1].pubkey
    with open_driver(node.config) as driver:
        edge, known = driver.graph_edge(node.plan_write(0).short_channel_id), driver.graph_node(peer)
        assert (driver.graph_edge("1x1x1"), driver.graph_node("02" + "0" * 64)) == (None, None)

    assert edge is not None
    assert set(edge["policies"]) == {node.pubkey, peer}
    assert edge["policies"][node.pubkey]["fee_rate_ppm"] == node.read_policy(0).fee_rate_ppm  # type: ignore[index]
    assert known is not None
    assert known["channel_count"] > 0


def read_digest(node: DrivenNode) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(node.home.tls_cert.read_text())).hexdigest()


def test_the_certificate_can_be_pinned_by_its_digest(node: DrivenNode) -> None:
    digest = read_digest(node)
    colons = ":".join(digest[start : start + 2].upper() for start in range(0, 64, 2))
    for pin in (f"sha256:{digest}", f"sha256:{colons}"):
        with open_driver(replace(node.config, certificate=pin)) as driver:
            assert driver.identify().pubkey == node.pubkey


def test_whoever_the_pinned_certificate_signed_for_is_not_trusted_with_it(node: DrivenNode, tmp_path: Path) -> None:
    """A file that ends with an authority's certificate would otherwise trust whomever that authority signs for."""
    authority = ca_signing(node.home.tls_cert.read_bytes(), node.home.tls_key.read_bytes(), folder=tmp_path)
    with open_driver(replace(node.config, certificate=node.home.tls_cert.read_text())) as driver:
        assert driver.identify().pubkey == node.pubkey
    with JsonServer(lambda _: Reply(body={}), tls=authority) as impostor:
        config = replace(node.config, url=f"https://127.0.0.1:{impostor.port}")
        with open_driver(config) as driver, pytest.raises(NodeError, match="another certificate"):
            driver.identify()
        assert impostor.calls == []


def test_another_digest_gets_no_macaroon(node: DrivenNode) -> None:
    with (
        open_driver(replace(node.config, certificate=f"sha256:{'0' * 64}")) as driver,
        pytest.raises(NodeError, match="another certificate") as caught,
    ):
        driver.identify()

    assert caught.value.fault == Fault.CERTIFICATE
    assert node.calls == []


@pytest.mark.parametrize("certificate", ["sha256:12", "sha256:zz", "hello", ""])
def test_what_is_no_certificate_is_refused_before_anything_is_sent(node: DrivenNode, certificate: str) -> None:
    with pytest.raises(NodeError) as caught:
        open_driver(replace(node.config, certificate=certificate))

    assert caught.value.fault == Fault.SETTING


def test_a_macaroon_may_come_in_base64(node: DrivenNode) -> None:
    raw = node.home.macaroon.read_bytes()
    for secret in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")):
        with open_driver(replace(node.config, secret=secret)) as driver:
            assert driver.identify().pubkey == node.pubkey


def ca_signing(certificate: bytes, key: bytes, *, folder: Path) -> ssl.SSLContext:
    """A server with a certificate that this one signed."""
    issuer, own = x509.load_pem_x509_certificate(certificate), ec.generate_private_key(ec.SECP256R1())
    signer = load_pem_private_key(key, password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(issuer_name=issuer.subject, subject_name=name, public_key=own.public_key())
    builder = builder.serial_number(2).not_valid_before(issuer.not_valid_before_utc)
    signed = builder.not_valid_after(issuer.not_valid_after_utc).sign(signer, hashes.SHA256())
    (folder / "signed.pem").write_bytes(
        own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "signed.pem")
    return context


def test_no_config_shows_its_secret(node: DrivenNode) -> None:
    assert node.config.secret not in repr(node.config)
