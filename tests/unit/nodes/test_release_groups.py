"""Who is priced: groups that only grow, a hold-out nobody touches, all channels with a peer together."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.release.groups import FEWEST_CHANNELS, PeerChannels, deal_groups
from nodes.engine.release.ladder import LIVE, SHADOW, find_next_rung, find_previous_rung, list_rungs
from nodes.engine.release.settings import Groups, ReleaseSettings, Rung

NOBODY = Groups()
STEPS = (10, 25, 50, 100)


def make_peers(sizes: list[int], seed: int = 0) -> list[PeerChannels]:
    return [
        PeerChannels(f"peer {number}", size, hashlib.sha256(f"{seed} {number}".encode()).digest())
        for number, size in enumerate(sizes)
    ]


def count(peers: list[PeerChannels], members: list[str]) -> int:
    return sum(peer.channels for peer in peers if peer.pubkey in members)


sizes = st.lists(st.integers(1, 6), max_size=60)
seeds = st.integers(0, 2**32)


@given(sizes, seeds, st.integers(0, 50))
def test_a_larger_share_keeps_who_was_in_and_never_touches_the_hold_out(
    peer_sizes: list[int], seed: int, hold_out: int
) -> None:
    peers, groups = make_peers(peer_sizes, seed), NOBODY
    for share in STEPS:
        grown = deal_groups(peers, known=groups, share_percent=share, hold_out_percent=hold_out)
        assert grown.canary[: len(groups.canary)] == groups.canary
        assert share == STEPS[0] or grown.hold_out == groups.hold_out
        assert not set(grown.canary) & set(grown.hold_out)
        groups = grown


@given(sizes, seeds, st.integers(1, 100), st.integers(0, 50))
def test_the_same_peers_give_the_same_groups_in_any_order(
    peer_sizes: list[int], seed: int, share: int, hold_out: int
) -> None:
    peers = make_peers(peer_sizes, seed)
    dealt = deal_groups(peers, known=NOBODY, share_percent=share, hold_out_percent=hold_out)
    assert deal_groups(peers[::-1], known=NOBODY, share_percent=share, hold_out_percent=hold_out) == dealt
    assert deal_groups(peers, known=dealt, share_percent=share, hold_out_percent=hold_out) == dealt


@given(st.integers(FEWEST_CHANNELS, 200), seeds, st.integers(1, 99))
def test_with_one_channel_a_peer_the_shares_are_exact(channels: int, seed: int, share: int) -> None:
    peers = make_peers([1] * channels, seed)
    groups = deal_groups(peers, known=NOBODY, share_percent=share, hold_out_percent=10)
    assert len(groups.hold_out) == max(1, round(channels / 10))
    assert len(groups.canary) == -(-(channels - len(groups.hold_out)) * share // 100)


@given(sizes, st.lists(st.integers(1, 6), max_size=20), seeds)
def test_new_peers_push_nobody_out(old: list[int], new: list[int], seed: int) -> None:
    before = deal_groups(make_peers(old, seed), known=NOBODY, share_percent=25, hold_out_percent=10)
    after = deal_groups(make_peers(old + new, seed), known=before, share_percent=25, hold_out_percent=10)
    assert set(before.canary) <= set(after.canary)
    assert set(before.hold_out) <= set(after.hold_out)


@given(sizes, seeds)
def test_at_the_whole_everybody_is_in_but_the_hold_out(peer_sizes: list[int], seed: int) -> None:
    peers = make_peers(peer_sizes, seed)
    groups = deal_groups(peers, known=NOBODY, share_percent=100, hold_out_percent=10)
    assert {*groups.canary, *groups.hold_out} == {peer.pubkey for peer in peers}


def test_a_peer_that_gets_more_channels_stays_in() -> None:
    peers = make_peers([1] * 20)
    before = deal_groups(peers, known=NOBODY, share_percent=10, hold_out_percent=10)
    grown = [PeerChannels(peer.pubkey, 9 if peer.pubkey in before.canary else 1, peer.place) for peer in peers]
    after = deal_groups(grown, known=before, share_percent=10, hold_out_percent=10)
    assert after.canary == before.canary


def test_a_smaller_share_lets_those_go_that_came_last() -> None:
    peers = make_peers([1] * 40)
    small = deal_groups(peers, known=NOBODY, share_percent=10, hold_out_percent=10)
    large = deal_groups(peers, known=small, share_percent=50, hold_out_percent=10)
    assert deal_groups(peers, known=large, share_percent=10, hold_out_percent=10) == small
    assert deal_groups(peers, known=large, share_percent=0, hold_out_percent=10).canary == []


def test_of_few_channels_none_is_held_out_and_a_canary_has_at_least_one() -> None:
    groups = deal_groups(make_peers([1] * (FEWEST_CHANNELS - 1)), known=NOBODY, share_percent=1, hold_out_percent=50)
    assert (len(groups.canary), groups.hold_out) == (1, [])
    only = deal_groups(make_peers([7]), known=NOBODY, share_percent=1, hold_out_percent=10)
    assert only.canary == ["peer 0"]


def test_another_seed_deals_other_groups() -> None:
    dealt = {
        tuple(deal_groups(make_peers([1] * 50, seed), known=NOBODY, share_percent=10, hold_out_percent=10).canary)
        for seed in range(10)
    }
    assert len(dealt) == 10


def test_a_group_names_all_channels_of_a_peer() -> None:
    groups = Groups(canary=["a"], hold_out=["b"])
    assert groups.map_peers() == {"a": "canary", "b": "hold_out"}


def test_the_ladder_goes_from_shadow_over_the_steps_to_live_and_back() -> None:
    settings = ReleaseSettings(steps=(10, 50, 100))
    up = [SHADOW]
    while rung := find_next_rung(up[-1], settings):
        up.append(rung)
    assert up == list_rungs(settings) == [SHADOW, Rung("canary", 10), Rung("canary", 50), LIVE]
    down = [LIVE]
    while rung := find_previous_rung(down[-1], settings):
        down.append(rung)
    assert down == up[::-1]


@pytest.mark.parametrize(
    ("present", "further", "back"),
    [(Rung("canary", 37), Rung("canary", 50), Rung("canary", 25)), (Rung("canary", 100), LIVE, Rung("canary", 50))],
)
def test_from_a_share_between_two_steps_it_goes_on_to_the_nearest(present: Rung, further: Rung, back: Rung) -> None:
    assert find_next_rung(present, ReleaseSettings()) == further
    assert find_previous_rung(present, ReleaseSettings()) == back
