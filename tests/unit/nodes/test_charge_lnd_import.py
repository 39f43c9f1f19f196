"""What charge-lnd accepts is taken over, and decides as it does there."""

import pytest

from nodes.engine.charge_lnd.reader import read_charge_lnd
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy
from nodes.engine.prepare import NodeFacts, prepare_run
from nodes.engine.types import ChannelDecision
from tests.unit.nodes.charge_lnd_world import NO_POLICY, Json, find_flaws, find_sat_per_vbyte, make_facts

CHAN_ID = 900_000 << 40 | 1 << 16
DEFAULT = "[default]\nstrategy = static\nfee_ppm = 700\n"


def make_world(**mine: int | bool) -> Json:
    channel = {
        "chan_id": CHAN_ID,
        "channel_point": f"{'ab' * 32}:0",
        "remote_pubkey": "02" + "cd" * 32,
        "capacity": 1_000_000,
        "local_balance": 400_000,
        "remote_balance": 600_000,
        "active": True,
    }
    policy = NO_POLICY | {"base": 1000, "ppm": 205, "tld": 80, "minh": 1000, "maxh": 990_000_000} | mine
    policies = {str(CHAN_ID): {"mine": policy, "peer": None}}
    return {"self_pubkey": "02" + "aa" * 32, "channels": [channel], "policies": policies, "configs": {}, "results": {}}


def decide(text: str, *, files: dict[str, str] | None = None, world: Json | None = None) -> ChannelDecision:
    policy: FeePolicy = read_charge_lnd(text, files or {}).document
    facts: NodeFacts = make_facts(world or make_world(), policy)
    return decide_node(*prepare_run(facts)).decisions[0]


def test_a_channel_that_is_only_switched_on_keeps_its_fee_where_the_move_is_too_small() -> None:
    text = "[default]\nstrategy = static\nfee_ppm = 200\nmin_fee_ppm_delta = 10\n"
    proposed = decide(text, world=make_world(dis=True)).proposed_policy
    assert proposed is not None
    assert (proposed.disabled, proposed.fee_rate_ppm) == (False, 205)


@pytest.mark.parametrize(("least", "ppm"), [("node.min_capacity = 90_000_000", 700), ("node.min_capacity = 1", 205)])
def test_a_missing_list_stops_only_channels_for_which_it_would_be_read(least: str, ppm: int) -> None:
    text = f"[mine]\n{least}\nchan.id = file://missing\nstrategy = static\nfee_ppm = 1\n\n{DEFAULT}"
    proposed = decide(text).proposed_policy
    assert proposed is not None
    assert proposed.fee_rate_ppm == ppm


def test_a_missing_list_in_a_nested_configuration_counts_as_no_match_there() -> None:
    text = "[default]\nstrategy = use_config\nconfig_file = inner\ntime_lock_delta = 144\n"
    decision = decide(text, files={"inner": f"[mine]\nchan.id = file://missing\nstrategy = ignore\n\n{DEFAULT}"})
    assert decision.proposed_policy is not None
    assert (decision.rule, decision.proposed_policy.time_lock_delta) == ("use_config/unmatched", 144)


@pytest.mark.parametrize(
    ("matcher", "ppm"),
    [
        ("chan.max_age = -1", 700),
        ("chan.min_ratio = 1.5", 700),
        ("chan.max_capacity = -1", 700),
        ("chan.activity_period = 0", 1),
        ("chan.activity_period = 0\nchan.min_htlcs_in = 1", 700),
        ("chan.activity_period = 0\nchan.max_sats_ratio = 1", 700),
    ],
)
def test_bounds_no_value_can_have_are_taken_over(matcher: str, ppm: int) -> None:
    proposed = decide(f"[mine]\n{matcher}\nstrategy = static\nfee_ppm = 1\n\n{DEFAULT}").proposed_policy
    assert proposed is not None
    assert proposed.fee_rate_ppm == ppm


@pytest.mark.parametrize(("low", "ppm"), [(196, 205), (195, 195)])
def test_a_least_change_below_0_is_the_strategys_own(low: int, ppm: int) -> None:
    bounds = f"min_fee_ppm = {low}\nmax_fee_ppm = {low}\n"
    text = f"[first]\nmin_fee_ppm_delta = 50\n[default]\nstrategy = proportional\n{bounds}min_fee_ppm_delta = -1\n"
    proposed = decide(text).proposed_policy
    assert proposed is not None
    assert proposed.fee_rate_ppm == ppm


def test_a_share_of_the_largest_payment_below_0_asks_for_a_largest_payment_of_0() -> None:
    rule = read_charge_lnd("[default]\nstrategy = static\nmax_htlc_msat_ratio = -1\n", {}).document.rules[0]
    assert rule.values.max_htlc_ratio is not None
    assert 0 < rule.values.max_htlc_ratio * 21e17 < 10


def test_empty_channels_and_those_beyond_the_chain_are_priced_as_there() -> None:
    world = make_world()
    world["height"] = 899_999
    world["channels"][0] |= {"local_balance": 0, "remote_balance": 0}
    assert [decide(DEFAULT, world=world).proposed_policy.fee_rate_ppm] == [700]  # type: ignore[union-attr]


def test_a_file_of_observed_decisions_that_cannot_be_compared_says_why() -> None:
    world = make_world()
    world["policies"] = {}
    world["results"] = {"gone": {"7": None}}
    flaws = "; ".join(find_flaws(world))
    assert "has no policy of ours" in flaws
    world["channels"] *= 2
    assert "is listed twice" in "; ".join(find_flaws(world))
    assert "'gone' belong to no configuration" in flaws
    assert "a channel 7 that is not listed" in flaws


def test_the_on_chain_rate_of_a_world_is_found_in_what_was_decided() -> None:
    world = make_world()
    world["configs"] = {"one": "[default]\nstrategy = onchain_fee\n"}
    world["results"] = {"one": {str(CHAN_ID): {"strategy": "onchain_fee", "fee_ppm": 223}}}
    assert int(0.1 * 223 * (find_sat_per_vbyte(world) or 0)) == 223
