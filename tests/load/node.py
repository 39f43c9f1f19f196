"""A large node, made up: the same one every time."""

import datetime as dt
import random
from collections.abc import Iterator

from nodes.engine.report import ChannelState, Forward, NodeSnapshot
from nodes.engine.types import PeerPosition
from tests.factories import TAKEN_AT, make_channel, make_forward, make_policy, make_snapshot, pubkey_of

SEED = 20261120
NODE_COUNT = 15_000
WEEK_S = 7 * 86_400


def make_channels(count: int) -> list[ChannelState]:
    """Half of all peers have two channels; balances lie at either end, as they do."""
    rng = random.Random(SEED)  # noqa: S311 - seeded on purpose
    channels = []
    for number in range(1, count + 1):
        capacity_sat = rng.randrange(1_000_000, 20_000_000)
        local_sat = int(capacity_sat * rng.betavariate(0.4, 0.4) * 0.98)
        channels.append(
            make_channel(
                number,
                peer_pubkey=pubkey_of(f"peer {number * 2 // 3}"),
                capacity_sat=capacity_sat,
                local_balance_sat=local_sat,
                remote_balance_sat=int((capacity_sat - local_sat) * 0.98),
                own_policy=make_policy(fee_rate_ppm=rng.randrange(0, 2_000)),
                opened_at=TAKEN_AT - dt.timedelta(days=rng.randrange(1, 900)),
            )
        )
    return channels


def make_forwards(count: int, channels: list[ChannelState]) -> Iterator[Forward]:
    """In the week before the snapshot, a few channels doing most of the work; one in ten failed."""
    rng = random.Random(SEED + 1)  # noqa: S311 - seeded on purpose
    for number in range(count):
        incoming, outgoing = (channels[int(len(channels) * rng.random() ** 2)].short_channel_id for _ in range(2))
        out_msat = int(10 ** rng.uniform(5, 9))
        fee_msat = out_msat * rng.randrange(50, 1_000) // 1_000_000
        yield make_forward(
            number,
            incoming_scid=incoming,
            outgoing_scid=outgoing,
            in_msat=out_msat + fee_msat,
            out_msat=out_msat,
            fee_msat=fee_msat,
            settled_at=TAKEN_AT - dt.timedelta(seconds=rng.uniform(0, WEEK_S)),
            status="local_failed" if rng.random() < 0.1 else "settled",
        )


def make_large_snapshot(channels: list[ChannelState], seq: int = 1) -> NodeSnapshot:
    return make_snapshot(seq, channels)


def make_positions(channels: list[ChannelState]) -> dict[str, PeerPosition]:
    rng = random.Random(SEED + 2)  # noqa: S311 - seeded on purpose
    return {
        channel.peer_pubkey: PeerPosition(
            channel_count=rng.randrange(1, 2_000),
            capacity_sat=rng.randrange(10**6, 10**11),
            betweenness=rng.random() / 100,
            betweenness_rank=rng.randrange(1, NODE_COUNT),
            node_count=NODE_COUNT,
            market_fee_rate_ppm=rng.randrange(1, 2_000),
        )
        for channel in channels
    }
