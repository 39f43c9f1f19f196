"""A small made-up network with the shape of mainnet's: for trying things out without a graph file.

Sizes and fees follow the quantiles of the mainnet graph of 2024-09-22; it is denser, like an extract of its core.
"""

import bisect
import hashlib
import itertools
import math
import random
from typing import NamedTuple, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nodes.simulator.block import BLOCK_S, estimate_height
from nodes.simulator.seed import seed_random
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphNode, GraphPolicy

_Value = TypeVar("_Value")

_DAY_S = 86_400
# (share of the draws, value at this share): values between are interpolated.
_DEGREE = ((0.0, 1), (0.3, 2), (0.55, 4), (0.75, 9), (0.95, 34), (1.0, 56))
_CAPACITY_KSAT = (
    (0.0, 20),
    (0.05, 20),
    (0.25, 300),
    (0.5, 1_500),
    (0.75, 5_000),
    (0.9, 15_000),
    (0.99, 150_000),
    (1.0, 200_000),
)
_NODE_PPM = ((0.0, 1), (0.25, 10), (0.5, 100), (0.75, 350), (0.9, 923), (1.0, 2_500))
# (share of the draws up to here, value): one of these values.
_BASE_FEE_MSAT = ((0.41, 0), (0.86, 1000), (0.95, 1), (0.98, 100), (1.0, 20_000))
_TIME_LOCK_DELTA = ((0.34, 80), (0.62, 40), (0.82, 144), (1.0, 100))
_MAX_HTLC_PERCENT = ((0.05, 20), (0.12, 45), (1.0, 99))
_MIN_HTLC_MSAT = ((0.8, 1000), (0.9, 1), (1.0, 0))
_SILENT = ((0.65, False), (1.0, True))  # small nodes' directions without a policy
_FLAT_FEE = ((0.14, True), (1.0, False))  # nodes with one fee rate for all channels

_SMALL_NODE_DEGREE = 6
_FEE_SPREAD = 0.8  # of a node's channels around its own median, in log units
OLDEST_HEIGHT = 505_000  # early 2018, when mainnet channels began
_CHANNEL_AGE_LOG_DAYS = (math.log(378), 0.85)  # median 378 days, p95 1,529
_POLICY_AGE_LOG_DAYS = (math.log(0.5), 0.57)  # median half a day, 88 % below one
_ADJECTIVES = (
    "Amber",
    "Brisk",
    "Copper",
    "Distant",
    "Electric",
    "Frosty",
    "Golden",
    "Hidden",
    "Iron",
    "Lucky",
    "Quiet",
)
_NOUNS = (
    "Badger",
    "Condor",
    "Falcon",
    "Glacier",
    "Harbor",
    "Lantern",
    "Meadow",
    "Orchard",
    "Raven",
    "Summit",
    "Walrus",
)


class _Pricing(NamedTuple):
    """How one node prices all its channels."""

    is_small: bool
    median_ppm: float
    is_flat: bool
    base_fee_msat: int
    time_lock_delta: int
    min_htlc_msat: int


def generate_network(*, seed: int, now_s: int, node_count: int = 120) -> Graph:
    """The same graph for the same arguments. `now_s` only dates it: block heights of openings, ages of policies."""
    rng = seed_random(seed, "network", node_count)
    pubkeys = sorted(_make_pubkey(seed, index) for index in range(node_count))
    degrees = [round(_interpolate(_DEGREE, (index + 0.5) / node_count)) for index in range(node_count)]
    rng.shuffle(degrees)
    pricings = [_draw_pricing(rng, degree) for degree in degrees]
    channels = [
        _open_channel(rng, (pubkeys[first], pubkeys[second]), pricings=(pricings[first], pricings[second]), now_s=now_s)
        for first, second in _connect(rng, degrees)
    ]
    nodes = [
        GraphNode(
            pubkey=pubkey,
            alias=f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)} {index}",
            last_update=now_s - rng.randrange(_DAY_S),
        )
        for index, pubkey in enumerate(pubkeys)
    ]
    return Graph(nodes=nodes, channels=sorted(channels, key=lambda channel: channel.channel_id))


def _make_pubkey(seed: int, index: int) -> str:
    """A real point of the curve: clients that parse keys must not stumble over ours."""
    secret = int.from_bytes(hashlib.sha256(f"{seed}:node:{index}".encode()).digest()[1:])
    public_key = ec.derive_private_key(secret, ec.SECP256K1()).public_key()
    return public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()


def _connect(rng: random.Random, degrees: list[int]) -> list[tuple[int, int]]:
    """Pairs of node indexes (lower first). First a tree, so that the network is whole; then each node's open ends, and
    both times those with more open ends attract more."""
    order = sorted(range(len(degrees)), key=lambda index: -degrees[index])
    open_ends = degrees.copy()
    pairs: set[tuple[int, int]] = set()
    for position, index in enumerate(order):
        hubs = _draw_partners(rng, order[:position], open_ends=open_ends)[:1]
        _join(index, hubs, pairs=pairs, open_ends=open_ends)
    for index in order:
        strangers = [
            other for other in order if other != index and open_ends[other] > 0 and _pair(index, other) not in pairs
        ]
        partners = _draw_partners(rng, strangers, open_ends=open_ends)[: max(0, open_ends[index])]
        _join(index, partners, pairs=pairs, open_ends=open_ends)
    return sorted(pairs)


def _draw_partners(rng: random.Random, others: list[int], *, open_ends: list[int]) -> list[int]:
    """In random order, those with many open ends rather first (weighted sampling, Efraimidis and Spirakis 2006)."""
    return sorted(others, key=lambda other: -(rng.random() ** (1 / max(1, open_ends[other]))))


def _join(index: int, partners: list[int], *, pairs: set[tuple[int, int]], open_ends: list[int]) -> None:
    for partner in partners:
        pairs.add(_pair(index, partner))
        open_ends[index] -= 1
        open_ends[partner] -= 1


def _pair(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


def _draw_pricing(rng: random.Random, degree: int) -> _Pricing:
    return _Pricing(
        is_small=degree <= _SMALL_NODE_DEGREE,
        median_ppm=_interpolate(_NODE_PPM, rng.random()),
        is_flat=_pick(_FLAT_FEE, rng.random()),
        base_fee_msat=_pick(_BASE_FEE_MSAT, rng.random()),
        time_lock_delta=_pick(_TIME_LOCK_DELTA, rng.random()),
        min_htlc_msat=_pick(_MIN_HTLC_MSAT, rng.random()),
    )


def _open_channel(
    rng: random.Random, ends: tuple[str, str], *, pricings: tuple[_Pricing, _Pricing], now_s: int
) -> GraphChannel:
    capacity_sat = round(_interpolate(_CAPACITY_KSAT, rng.random())) * 1000
    age_s = int(rng.lognormvariate(*_CHANNEL_AGE_LOG_DAYS) * _DAY_S)
    height = max(OLDEST_HEIGHT, estimate_height(now_s) - age_s // BLOCK_S)
    output_index = rng.randrange(2)
    return GraphChannel(
        channel_id=height << 40 | rng.randrange(1, 3000) << 16 | output_index,
        chan_point=f"{rng.randbytes(32).hex()}:{output_index}",
        node1=ends[0],
        node2=ends[1],
        capacity_sat=capacity_sat,
        policy1=_announce(rng, pricings[0], capacity_sat=capacity_sat, now_s=now_s),
        policy2=_announce(rng, pricings[1], capacity_sat=capacity_sat, now_s=now_s),
    )


def _announce(rng: random.Random, pricing: _Pricing, *, capacity_sat: int, now_s: int) -> GraphPolicy | None:
    if pricing.is_small and _pick(_SILENT, rng.random()):
        return None
    spread = 1.0 if pricing.is_flat else rng.lognormvariate(0, _FEE_SPREAD)
    return GraphPolicy(
        time_lock_delta=pricing.time_lock_delta,
        min_htlc_msat=pricing.min_htlc_msat,
        base_fee_msat=pricing.base_fee_msat,
        fee_rate_ppm=round(pricing.median_ppm * spread),
        max_htlc_msat=capacity_sat * 10 * _pick(_MAX_HTLC_PERCENT, rng.random()),
        last_update=now_s - int(rng.lognormvariate(*_POLICY_AGE_LOG_DAYS) * _DAY_S),
    )


def _interpolate(table: tuple[tuple[float, int], ...], share: float) -> float:
    for (low_share, low), (high_share, high) in itertools.pairwise(table):
        if share <= high_share:
            return low + (high - low) * (share - low_share) / (high_share - low_share)
    return table[-1][1]


def _pick(table: tuple[tuple[float, _Value], ...], share: float) -> _Value:
    return table[bisect.bisect_left(table, share, key=lambda row: row[0])][1]
