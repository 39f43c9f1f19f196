"""What others charge towards a peer, and how large they are beside us."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from nodes.engine.median import weigh_median, weigh_quantiles

PUBKEY_DIGITS = 16  # of 66: enough to know ourselves by
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.95)


class MarketSample(Struct, frozen=True, kw_only=True, array_like=True):
    """One channel of a node towards the peer. `from_pubkey`: all or the first digits of its key."""

    capacity_sat: int
    base_fee_msat: int
    fee_rate_ppm: int
    from_pubkey: str = ""
    from_capacity_sat: int | None = None  # of all channels of that node; None: not known


class PeerMarket(Struct, frozen=True, kw_only=True):
    """All usable channel directions towards the peer except ours, weighed by capacity (as Amboss and CLBOSS do)."""

    channels: int
    median_base_fee_msat: int
    median_fee_rate_ppm: int
    mean_fee_rate_ppm: float  # without rates above the 95th percentile: Amboss' "weighted corrected mean"
    p10_ppm: int
    p25_ppm: int
    p75_ppm: int
    p95_ppm: int
    competitors: int  # nodes that have these channels
    smaller: int  # of them, those with less capacity in all than we have
    larger: int


def measure_market(
    samples: Sequence[MarketSample], *, own_pubkey: str | None, own_capacity_sat: int
) -> PeerMarket | None:
    """The market towards one peer; None where nobody else leads there."""
    others = [sample for sample in samples if not _is_own(sample, own_pubkey)]
    weighted = [(sample.fee_rate_ppm, sample.capacity_sat) for sample in others]
    base_fee_msat = weigh_median((sample.base_fee_msat, sample.capacity_sat) for sample in others)
    p10, p25, median, p75, p95 = weigh_quantiles(weighted, _SHARES)
    if base_fee_msat is None or p10 is None or p25 is None or median is None or p75 is None or p95 is None:
        return None
    sizes = {sample.from_pubkey: sample.from_capacity_sat for sample in others}
    known = [size for size in sizes.values() if size is not None]
    return PeerMarket(
        channels=len(others),
        median_base_fee_msat=base_fee_msat,
        median_fee_rate_ppm=median,
        mean_fee_rate_ppm=_average_below(weighted, p95),
        p10_ppm=p10,
        p25_ppm=p25,
        p75_ppm=p75,
        p95_ppm=p95,
        competitors=len(sizes),
        smaller=sum(size < own_capacity_sat for size in known),
        larger=sum(size > own_capacity_sat for size in known),
    )


def _is_own(sample: MarketSample, own_pubkey: str | None) -> bool:
    return own_pubkey is not None and sample.from_pubkey != "" and own_pubkey.startswith(sample.from_pubkey)


def _average_below(weighted: list[tuple[int, int]], highest: int) -> float:
    kept = [(value, weight) for value, weight in weighted if value <= highest]
    return sum(value * weight for value, weight in kept) / sum(weight for _, weight in kept)
