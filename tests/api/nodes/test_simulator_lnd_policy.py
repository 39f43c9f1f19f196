"""POST /v1/chanpolicy with the real one's traps: what is left out is written as 0, and failures hide under HTTP 200."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from nodes.simulator.home import NodeHome, open_home
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World
from tests.fakes.lnd_swagger import LndSwagger
from tests.fakes.simulated_fleet import StillNode, serve_still
from tests.reference_data import LND_SWAGGER

NOW_S = 1_760_000_000
PENDING = f"{'d' * 64}:0"


@pytest.fixture(scope="module")
def made_world() -> bytes:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=7)
    world.fleet[0].pending_channel_points = [PENDING]
    return msgspec.msgpack.encode(world)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> NodeHome:
    return open_home(tmp_path_factory.mktemp("home"), "02" + "a" * 64)


@pytest.fixture
def lnd(made_world: bytes, home: NodeHome) -> Iterator[StillNode]:
    world = msgspec.msgpack.decode(made_world, type=World)
    with serve_still(world, world.fleet[0].pubkey, home) as node:
        yield node


def list_policies(lnd: StillNode) -> dict[str, dict[str, Any]]:
    """Own policies by channel point, as the graph tells them."""
    points = [channel["channel_point"] for channel in lnd.get("/v1/channels")["channels"]]
    edges = {point: lnd.get("/v1/graph/edge/0", chan_point=point) for point in points}
    return {
        point: edge["node1_policy" if edge["node1_pub"] == lnd.pubkey else "node2_policy"]
        for point, edge in edges.items()
    }


def name_point(point: str) -> dict[str, Any]:
    txid, _, index = point.partition(":")
    return {"funding_txid_str": txid, "output_index": int(index)}


def update(lnd: StillNode, point: str, **fields: Any) -> list[dict[str, Any]]:
    body = {"chan_point": name_point(point), "time_lock_delta": 80, **fields}
    return list(lnd.post("/v1/chanpolicy", body)["failed_updates"])


@pytest.fixture
def point(lnd: StillNode) -> str:
    return next(iter(list_policies(lnd)))


def test_a_whole_policy_is_written_to_one_channel_and_shows_everywhere(lnd: StillNode, point: str) -> None:
    before = list_policies(lnd)

    failed = update(
        lnd,
        point,
        base_fee_msat="1234",
        fee_rate_ppm=567,
        time_lock_delta=99,
        max_htlc_msat="5000000",
        min_htlc_msat="2000",
        min_htlc_msat_specified=True,
        inbound_fee={"base_fee_msat": -7, "fee_rate_ppm": -89},
    )

    after = list_policies(lnd)
    assert failed == []
    assert after[point] == {
        "fee_base_msat": "1234",
        "fee_rate_milli_msat": "567",
        "time_lock_delta": 99,
        "max_htlc_msat": "5000000",
        "min_htlc": "2000",
        "inbound_fee_base_msat": -7,
        "inbound_fee_rate_milli_msat": -89,
        "disabled": before[point]["disabled"],
        "last_update": NOW_S,
        "custom_records": {},
    }
    assert {other: after[other] for other in after if other != point} == {o: before[o] for o in before if o != point}
    fee = next(fee for fee in lnd.get("/v1/fees")["channel_fees"] if fee["channel_point"] == point)
    assert (fee["base_fee_msat"], fee["fee_per_mil"], fee["fee_rate"]) == ("1234", "567", 0.000567)
    assert (fee["inbound_base_fee_msat"], fee["inbound_fee_per_mil"]) == (-7, -89)
    assert len(lnd.saves) == 1


def test_fees_that_are_left_out_become_zero_and_limits_stay(lnd: StillNode, point: str) -> None:
    update(lnd, point, base_fee_msat=1000, fee_rate_ppm=500, inbound_fee={"fee_rate_ppm": -50})
    before = list_policies(lnd)[point]

    assert update(lnd, point) == []

    after = list_policies(lnd)[point]
    assert (after["fee_base_msat"], after["fee_rate_milli_msat"]) == ("0", "0")
    for kept in ("max_htlc_msat", "min_htlc", "inbound_fee_base_msat", "inbound_fee_rate_milli_msat"):
        assert after[kept] == before[kept]


def test_one_half_of_an_inbound_fee_sets_the_other_to_zero(lnd: StillNode, point: str) -> None:
    update(lnd, point, inbound_fee={"base_fee_msat": -10, "fee_rate_ppm": -20})
    update(lnd, point, inbound_fee={"fee_rate_ppm": -30})

    after = list_policies(lnd)[point]
    assert (after["inbound_fee_base_msat"], after["inbound_fee_rate_milli_msat"]) == (0, -30)


def test_a_minimum_without_its_flag_is_not_written(lnd: StillNode, point: str) -> None:
    before = list_policies(lnd)[point]["min_htlc"]

    assert update(lnd, point, min_htlc_msat=3000) == []

    assert list_policies(lnd)[point]["min_htlc"] == before


@pytest.mark.parametrize("value", [True, False])
def test_a_global_field_means_all_channels_whatever_its_value(lnd: StillNode, value: bool) -> None:
    lnd.post("/v1/chanpolicy", {"global": value, "base_fee_msat": "3", "fee_rate_ppm": 4, "time_lock_delta": 40})

    after = list_policies(lnd).values()
    assert {(p["fee_base_msat"], p["fee_rate_milli_msat"], p["time_lock_delta"]) for p in after} == {("3", "4", 40)}


def test_a_channel_may_be_named_by_the_bytes_of_its_transaction(lnd: StillNode, point: str) -> None:
    txid, _, index = point.partition(":")
    raw = base64.b64encode(bytes.fromhex(txid)[::-1]).decode()

    failed = lnd.post(
        "/v1/chanpolicy",
        {
            "chan_point": {"funding_txid_bytes": raw, "output_index": int(index)},
            "fee_rate_ppm": 77,
            "time_lock_delta": 80,
        },
    )

    assert failed == {"failed_updates": []}
    assert list_policies(lnd)[point]["fee_rate_milli_msat"] == "77"


def test_a_fee_rate_as_a_fraction_is_rounded_to_ppm(lnd: StillNode, point: str) -> None:
    assert update(lnd, point, fee_rate=0.0002506) == []
    assert list_policies(lnd)[point]["fee_rate_milli_msat"] == "251"


def test_a_negative_base_fee_becomes_the_u32_that_goes_over_the_wire(lnd: StillNode, point: str) -> None:
    assert update(lnd, point, base_fee_msat="-15") == []
    assert list_policies(lnd)[point]["fee_base_msat"] == str(2**32 - 15)


def test_every_update_is_younger_than_the_one_before(lnd: StillNode, point: str) -> None:
    moments = []
    for rate in (1, 2, 3):
        update(lnd, point, fee_rate_ppm=rate)
        moments.append(list_policies(lnd)[point]["last_update"])
    assert moments == [NOW_S, NOW_S + 1, NOW_S + 2]


def test_what_concerns_one_channel_fails_under_http_200(lnd: StillNode, point: str) -> None:
    before = list_policies(lnd)
    constraints = {c["channel_point"]: c["local_constraints"] for c in lnd.get("/v1/channels")["channels"]}[point]
    limit, least = int(constraints["max_pending_amt_msat"]), int(constraints["min_htlc_msat"])
    above = {"max_htlc_msat": str(limit + 1)}
    crossed = {"max_htlc_msat": 5_000, "min_htlc_msat": 6_000, "min_htlc_msat_specified": True}
    below = {"min_htlc_msat": least - 1, "min_htlc_msat_specified": True}

    invalid = [update(lnd, point, **fields) for fields in (above, crossed, below)]
    unknown = update(lnd, f"{'a' * 64}:7")
    pending = update(lnd, PENDING)

    assert least > 0
    assert [(row["reason"], row["update_error"]) for failed in invalid for row in failed] == [
        (
            "UPDATE_FAILURE_INVALID_PARAMETER",
            f"max htlc size of {limit + 1} mSAT is above max pending amount of {limit} mSAT",
        ),
        ("UPDATE_FAILURE_INVALID_PARAMETER", "min_htlc 6000 mSAT greater than max_htlc 5000 mSAT"),
        (
            "UPDATE_FAILURE_INVALID_PARAMETER",
            f"min htlc amount of {least - 1} mSAT is below min htlc parameter of {least} mSAT",
        ),
    ]
    assert [(row["reason"], row["update_error"]) for row in unknown] == [("UPDATE_FAILURE_NOT_FOUND", "not found")]
    assert [(row["reason"], row["update_error"]) for row in pending] == [
        ("UPDATE_FAILURE_PENDING", "not yet confirmed")
    ]
    txid_bytes = base64.b64encode(bytes.fromhex("a" * 64)).decode()
    assert unknown[0]["outpoint"] == {"txid_bytes": txid_bytes, "txid_str": "a" * 64, "output_index": 7}
    assert list_policies(lnd) == before


def test_of_a_global_update_some_channels_may_fail(lnd: StillNode) -> None:
    limits = {
        c["channel_point"]: int(c["local_constraints"]["max_pending_amt_msat"])
        for c in lnd.get("/v1/channels")["channels"]
    }
    middle = sorted(limits.values())[len(limits) // 2]

    failed = lnd.post(
        "/v1/chanpolicy", {"global": True, "fee_rate_ppm": 9, "time_lock_delta": 80, "max_htlc_msat": middle}
    )["failed_updates"]

    too_small = {point for point, limit in limits.items() if limit < middle}
    assert too_small
    assert {f"{row['outpoint']['txid_str']}:{row['outpoint']['output_index']}" for row in failed} == too_small
    after = list_policies(lnd)
    assert {point for point, policy in after.items() if policy["fee_rate_milli_msat"] != "9"} == too_small


def test_failed_updates_fit_the_published_schema(lnd: StillNode) -> None:
    if not LND_SWAGGER.exists():
        pytest.skip(f"there is no {LND_SWAGGER}: failed updates are not compared with LND's own schema")
    answer = lnd.post("/v1/chanpolicy", {"chan_point": name_point(PENDING), "time_lock_delta": 80})

    assert len(answer["failed_updates"]) == 1
    assert LndSwagger().find_faults(answer, "lnrpcPolicyUpdateResponse") == []


SOME_POINT = {"funding_txid_str": "a" * 64}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {"global": True, "fee_rate": 0.001, "fee_rate_ppm": 1000, "time_lock_delta": 80},
            (400, 3, "cannot set both FeeRate and FeeRatePpm at the same time"),
        ),
        (
            {"global": True, "fee_rate": 1e-7, "time_lock_delta": 80},
            (500, 2, "fee rate of 1e-07 is too small, min fee rate is 1e-06"),
        ),
        ({"global": True}, (500, 2, "time lock delta of 0 is too small, minimum supported is 24")),
        (
            {"global": True, "time_lock_delta": 23},
            (500, 2, "time lock delta of 23 is too small, minimum supported is 24"),
        ),
        (
            {"global": True, "time_lock_delta": 65_536},
            (500, 2, "time lock delta of 65536 is too big, maximum supported is 65535"),
        ),
        (
            {"global": True, "time_lock_delta": 2017},
            (500, 2, "time lock delta of 2017 exceeds max-cltv-expiry of 2016"),
        ),
        (
            {"global": True, "time_lock_delta": 80, "inbound_fee": {"fee_rate_ppm": 1}},
            (500, 2, "positive values for inbound fee rate ppm are not supported: 1"),
        ),
        (
            {"global": True, "time_lock_delta": 80, "inbound_fee": {"base_fee_msat": 5}},
            (500, 2, "positive values for inbound base fee msat are not supported: 5"),
        ),
        ({"time_lock_delta": 80}, (500, 2, "unknown scope: <nil>")),
        ({"chan_point": {}, "time_lock_delta": 80}, (500, 2, "invalid hash length of 0, want 32")),
        (
            {"chan_point": {"funding_txid_str": "a" * 65}, "time_lock_delta": 80},
            (500, 2, "max hash string length is 64 bytes"),
        ),
        (
            {"chan_point": {"funding_txid_str": "xyz"}, "time_lock_delta": 80},
            (500, 2, "encoding/hex: invalid byte: U+0078 'x'"),
        ),
    ],
)
def test_a_request_that_no_channel_can_take_is_refused_whole(
    lnd: StillNode, body: dict[str, Any], answer: tuple[int, int, str]
) -> None:
    before = list_policies(lnd)

    assert lnd.refusal("POST", "/v1/chanpolicy", json=body) == answer

    assert list_policies(lnd) == before
    assert lnd.saves == []


@pytest.mark.parametrize(
    "body",
    [
        {"global": True, "chan_point": SOME_POINT, "time_lock_delta": 80},
        {"chan_point": {**SOME_POINT, "funding_txid_bytes": "AA=="}, "time_lock_delta": 80},
        {"global": True, "time_lock_delta": 80, "fee_rate_ppm": -1},
        {"global": True, "time_lock_delta": 80, "fee_rate_ppm": 2**32},
        {"global": True, "time_lock_delta": 80, "fee_rate_ppm": 1.5},
        {"global": True, "time_lock_delta": 80, "fee_rate": 1e12},
        {"global": True, "time_lock_delta": 80, "base_fee_msat": "9" * 20},
        {"global": True, "time_lock_delta": 80, "inbound_fee": {"fee_rate_ppm": -(2**31) - 1}},
        {"global": True, "time_lock_delta": 80, "feerate": 5},
    ],
)
def test_a_request_that_protobuf_would_not_take_is_a_bad_request(lnd: StillNode, body: dict[str, Any]) -> None:
    status, code, message = lnd.refusal("POST", "/v1/chanpolicy", json=body)

    assert (status, code) == (400, 3)
    assert message.startswith("proto: ")
    assert lnd.saves == []
