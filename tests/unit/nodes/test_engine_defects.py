"""What other programs get wrong, which must stay impossible here: charge-lnd, Torq, BOS, ThunderHub, Feustey.

Those of single strategies stand beside them in test_engine_policies.
"""

from typing import Any

import msgspec
import pytest

from nodes.engine.charge_lnd.errors import ConfigurationError
from nodes.engine.charge_lnd.reader import read_charge_lnd
from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import Priced, decide_node, price_node
from nodes.engine.document import FeePolicy, Values
from nodes.engine.report import PeerPolicy
from tests.unit.nodes.engine_builders import NODE, PEER, make_channel, make_cycle, make_input, make_policy

PEER_OFF = PeerPolicy(
    base_fee_msat=0, fee_rate_ppm=1, time_lock_delta=40, min_htlc_msat=1, max_htlc_msat=10**9, disabled=True
)


def price(config: str, given: ChannelInput, **changes: Any) -> Priced:
    cycle = make_cycle(read_charge_lnd(config, {}).document, **changes)
    [priced], _ = price_node(cycle, [given])
    return priced


def decide_all(config: str, *inputs: ChannelInput) -> tuple[CycleInput, list[Any]]:
    cycle = make_cycle(read_charge_lnd(config, {}).document)
    return cycle, decide_node(cycle, inputs).decisions


def test_a_channel_without_reported_fees_is_not_compared_with_the_one_before_it() -> None:
    """charge-lnd keeps the fees of the channel before in its variables."""
    known = make_input(make_channel(own_policy=make_policy(fee_rate_ppm=5)))
    unknown = make_input(make_channel(short_channel_id="800000x2x0", own_policy=None))
    _, [first, second] = decide_all("[default]\nstrategy = static\nfee_ppm = 200\n", known, unknown)

    assert first.direction == "raise"
    assert (second.held_by, second.proposed_policy) == ("unknown_policy", None)


def test_a_channel_its_peer_has_switched_off_can_be_matched() -> None:
    """charge-lnd calls a method that does not exist and drops the channel."""
    config = "[off]\nchan.disabled = {}\nstrategy = static\nfee_ppm = 1\n"
    given = make_input(make_channel(peer_policy=PEER_OFF))

    assert price(config.format("true"), given).site is not None
    assert price(config.format("false"), given).site is None


def test_false_is_not_true() -> None:
    """charge-lnd takes any text for true."""
    config = "[default]\nstrategy = proportional\nmin_fee_ppm = 1\nmax_fee_ppm = 2\nsum_peer_chans = {}\n"

    assert read_charge_lnd(config.format("false"), {}).document.rules[0].values.sum_peer_channels is False
    with pytest.raises(ConfigurationError, match=r"\[default\] sum_peer_chans: 'maybe' is neither true nor false"):
        read_charge_lnd(config.format("maybe"), {})


@pytest.mark.parametrize("fees", [{}, {6: 0.9}])
def test_an_estimate_below_one_sat_a_vbyte_keeps_the_fees_and_sets_the_rest(fees: dict[int, float]) -> None:
    """charge-lnd answers a tuple, fails on it and ignores the channel."""
    config = "[default]\nstrategy = onchain_fee\nbase_fee_msat = 5\ntime_lock_delta = 144\n"
    wish = price(config, make_input(), node=msgspec.structs.replace(NODE, onchain_fees=fees)).wish

    assert wish is not None
    assert (wish.rule, wish.fee_rate_ppm, wish.base_fee_msat, wish.time_lock_delta) == (
        "onchain_fee/no-data",
        None,
        None,
        144,
    )


def test_the_price_of_the_chain_is_looked_up_once_for_all_channels() -> None:
    """charge-lnd asks the node for it channel by channel."""
    config = "[default]\nstrategy = onchain_fee\nonchain_fee_btc = 0.1\n"
    inputs = [make_input(make_channel(short_channel_id=f"800000x{number}x0")) for number in range(1, 4)]
    cycle = make_cycle(read_charge_lnd(config, {}).document, node=msgspec.structs.replace(NODE, onchain_fees={6: 10.0}))
    priced, pricers = price_node(cycle, inputs)

    assert {one.wish.fee_rate_ppm for one in priced if one.wish} == {
        222
    }  # 0.01 / 0.1 * 2230, cut as the original cuts it
    assert len(pricers) == 1


def test_two_empty_sides_fail_a_ratio_and_go_on_to_the_next_rule() -> None:
    """charge-lnd divides by zero and drops the channel."""
    config = "[full]\nchan.min_ratio = 0\nstrategy = static\n[default]\nstrategy = static\nfee_ppm = 7\n"
    empty = make_channel(local_balance_sat=0, remote_balance_sat=0)
    cycle = make_cycle(read_charge_lnd(config, {}).document)
    [priced], _ = price_node(cycle, [make_input(empty)])

    assert priced.site is not None
    assert priced.site.section == "default"


def test_a_peer_the_graph_does_not_know_is_still_matched_by_its_key() -> None:
    """charge-lnd drops the channel when its node does not find the peer."""
    given = make_input(position=None)

    assert price(f"[friend]\nnode.id = {PEER}\nstrategy = static\nfee_ppm = 1\n", given).site is not None
    assert price("[big]\nnode.min_channels = 1\nstrategy = static\nfee_ppm = 1\n", given).site is None


@pytest.mark.parametrize("field", ["base_fee_msat", "fee_rate_ppm", "inbound_fee_rate_ppm"])
def test_zero_is_a_value_and_is_written(field: str) -> None:
    """BOS finds 0 ppm hard to set, ThunderHub a base fee of 0."""
    rules = [{"name": "zero", "strategy": {"strategy": "static"}, "values": {field: 0}}]
    present = make_policy(base_fee_msat=1000, fee_rate_ppm=800, inbound_fee_rate_ppm=-60)
    cycle = make_cycle(msgspec.convert({"rules": rules}, FeePolicy))
    [decision] = decide_node(cycle, [make_input(make_channel(own_policy=present))]).decisions

    assert decision.proposed_policy is not None
    assert getattr(decision.proposed_policy, field) == 0


@pytest.mark.parametrize("field", ["fee_rate_ppm", "min_fee_rate_ppm", "base_fee_msat", "max_htlc_msat"])
def test_a_number_below_zero_is_refused_and_never_wraps_around(field: str) -> None:
    """In Torq -15 became 4294967281 ppm."""
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: -15}, Values)


@pytest.mark.parametrize("strategy", [{"strategy": "proportional", "min_fee_rate_ppm": 10, "max_fee_rate_ppm": 900}])
def test_a_channel_that_fills_up_on_our_side_is_never_made_dearer(strategy: dict[str, Any]) -> None:
    """Feustey raised fees on high local balance, against every other program."""
    cycle = make_cycle(msgspec.convert({"rules": [{"name": "it", "strategy": strategy}]}, FeePolicy))
    shares = [make_channel(local_balance_sat=sat, remote_balance_sat=10**6 - sat) for sat in range(0, 10**6, 10**5)]
    priced, _ = price_node(cycle, [make_input(channel) for channel in shares])
    wished = [one.wish.fee_rate_ppm for one in priced if one.wish is not None and one.wish.fee_rate_ppm is not None]

    assert len(wished) == len(shares)
    assert wished == sorted(wished, reverse=True)
