"""setchannel of the simulated Core Lightning: what is left out stays, and the answer says what is in force."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.simulator.cln_api.channel import find_largest_htlc_msat
from nodes.simulator.home import open_home
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import Channel, Side
from tests.fakes.simulated_cln import StillCln, serve_still_cln

NOW_S = 1_760_000_000


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[StillCln]:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=7)
    pubkey = world.fleet[0].pubkey
    with serve_still_cln(world, pubkey, open_home(tmp_path, pubkey)) as still:
        yield still


def first(cln: StillCln) -> tuple[Channel, Side, str]:
    """A channel, the node's side of it, and its short channel id."""
    channel = cln.world.channels_of(cln.pubkey)[0]
    return channel, channel.seen_by(cln.pubkey)[0], cln.call("listpeerchannels")["channels"][0]["short_channel_id"]


def set_channel(cln: StillCln, **params: Any) -> dict[str, Any]:
    [answer] = cln.call("setchannel", **params)["channels"]
    assert isinstance(answer, dict)
    return answer


def test_what_is_left_out_stays_as_it_is(cln: StillCln) -> None:
    _, own, scid = first(cln)
    assert own.policy is not None
    before = own.policy
    answer = set_channel(cln, id=scid, feeppm=before.fee_rate_ppm + 1)
    assert answer["fee_proportional_millionths"] == before.fee_rate_ppm + 1
    assert answer["fee_base_msat"] == before.base_fee_msat
    assert own.policy.time_lock_delta == before.time_lock_delta
    assert (own.policy.min_htlc_msat, own.policy.max_htlc_msat) == (before.min_htlc_msat, before.max_htlc_msat)
    assert (own.policy.last_update or 0) > (before.last_update or 0)
    assert len(cln.saves) == 1


def test_an_unchanged_policy_is_not_told_again(cln: StillCln) -> None:
    _, own, scid = first(cln)
    assert own.policy is not None
    before = own.policy
    set_channel(cln, id=scid, feeppm=before.fee_rate_ppm)
    assert own.policy == before


@pytest.mark.parametrize(
    ("given", "msat"), [(5, 5), ("5", 5), ("5msat", 5), ("2sat", 2000), ("1.234sat", 1234), ("0.00000002btc", 2000)]
)
def test_amounts_come_in_every_unit(cln: StillCln, given: int | str, msat: int) -> None:
    _, _, scid = first(cln)
    assert set_channel(cln, id=scid, feebase=given)["fee_base_msat"] == msat


def test_a_smallest_payment_below_the_peers_is_raised_with_a_warning(cln: StillCln) -> None:
    _, own, scid = first(cln)
    own.min_htlc_msat = 1000
    answer = set_channel(cln, id=scid, htlcmin=999)
    assert answer["minimum_htlc_out_msat"] == 1000
    assert answer["warning_htlcmin_too_low"]
    assert "warning_htlcmin_too_low" not in set_channel(cln, id=scid, htlcmin=1000)


def test_a_largest_payment_above_the_channels_is_lowered_with_a_warning(cln: StillCln) -> None:
    channel, _, scid = first(cln)
    largest_msat = find_largest_htlc_msat(channel)
    answer = set_channel(cln, id=scid, htlcmax=largest_msat + 1)
    assert answer["maximum_htlc_out_msat"] == largest_msat
    assert answer["warning_htlcmax_too_high"]
    assert "warning_htlcmax_too_high" not in set_channel(cln, id=scid, htlcmax=largest_msat)


def test_channels_are_named_in_four_ways(cln: StillCln) -> None:
    told = cln.call("listpeerchannels")["channels"]
    channel = next(channel for channel in told if channel["state"] == "CHANNELD_NORMAL")
    for name in ("short_channel_id", "channel_id"):
        assert set_channel(cln, id=channel[name], feeppm=1)["short_channel_id"] == channel["short_channel_id"]
    of_peer = cln.call("setchannel", id=channel["peer_id"], feeppm=2)["channels"]
    assert {answer["peer_id"] for answer in of_peer} == {channel["peer_id"]}
    everything = cln.call("setchannel", id="all", feeppm=3)["channels"]
    assert len(everything) == len(cln.world.channels_of(cln.pubkey))
    assert {answer["fee_proportional_millionths"] for answer in everything} == {3}


def test_the_list_and_the_graph_show_what_was_set(cln: StillCln) -> None:
    _, _, scid = first(cln)
    set_channel(cln, id=scid, feebase=11, feeppm=22, htlcmin=1000, htlcmax=3_000_000)
    [told] = cln.call("listpeerchannels", short_channel_id=scid)["channels"]
    assert (told["fee_base_msat"], told["fee_proportional_millionths"]) == (11, 22)
    assert told["updates"]["local"]["htlc_maximum_msat"] == told["maximum_htlc_out_msat"] == 3_000_000
    directions = cln.call("listchannels", short_channel_id=scid)["channels"]
    own = next(direction for direction in directions if direction["source"] == cln.pubkey)
    assert (own["base_fee_millisatoshi"], own["fee_per_millionth"], own["htlc_minimum_msat"]) == (11, 22, 1000)


def test_a_channel_never_announced_has_the_default_policy(cln: StillCln) -> None:
    _, own, scid = first(cln)
    own.policy = None
    [told] = cln.call("listpeerchannels", short_channel_id=scid)["channels"]
    assert (told["fee_base_msat"], told["fee_proportional_millionths"]) == (1, 10)
    assert "updates" not in told
    set_channel(cln, id=scid, feeppm=12)
    [told] = cln.call("listpeerchannels", short_channel_id=scid)["channels"]
    assert told["updates"]["local"]["fee_proportional_millionths"] == 12
