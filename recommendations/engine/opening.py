"""Channels worth opening: to peers whose channels sell out, and to nodes that would bring us nearer to others.

What a peer's channels sell is measured, so their gain is. What a new peer will sell nobody knows: no data, and it
stands on centrality, on what others charge towards that node, and on what Sparkseer says, as its word.
"""

from collections import defaultdict
from collections.abc import Iterator
from math import ceil

from msgspec.structs import replace

from nodes.engine.candidate import Candidate
from nodes.sources.sparkseer.value import SuggestedChannel
from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.commands import open_channel
from recommendations.engine.confidence import trust_history
from recommendations.engine.draft import Draft, measure, measure_traffic
from recommendations.engine.interval import Interval
from recommendations.engine.onchain import CLOSING_VBYTES, FUNDING_VBYTES, price
from recommendations.engine.params import Opening
from recommendations.engine.rebalance import DRY_BELOW, HORIZON_DAYS, measure_drain
from recommendations.engine.suggestion import describe_suggested, find_wanted_size, order_suggested, quote_channel
from recommendations.engine.survey import Survey, Surveyed

MAX_CHAIN_SHARE = 0.01  # of a channel's size that opening and closing it may cost
SMALLEST_SAT = 20_000  # LND and Core Lightning take no smaller channel by default
STEP_SAT = 100_000
LARGEST_SAT = 16_777_215  # without `wumbo` (BOLT 2: below 2^24)
FEWEST_FORWARDS, FEWEST_DAYS = 10, 14
FEWEST_CHANNELS = 5  # of a new node: with fewer there is little way on from it
MAX_ADVICE = 3
MINUTES = 15


def advise_openings(survey: Survey) -> Iterator[Draft]:
    """At most three to peers, by what they sell; three to new nodes, by the order of the candidates, those first that
    Sparkseer suggests as well; and three that it alone suggests.
    """
    known = sorted(_advise_peers(survey), key=lambda one: (-(one.estimate.mean or 0.0), one.subject))
    yield from known[:MAX_ADVICE]
    peers = {channel.state.peer_pubkey for channel in survey.channels}
    unknown = [one for one in survey.candidates if one.pubkey not in peers]
    strangers = [one for one in unknown if is_central(one)]
    strangers.sort(key=lambda one: one.pubkey not in survey.suggestions.channels)
    yield from (_advise_stranger(survey, one) for one in strangers[:MAX_ADVICE])
    named = peers | {one.pubkey for one in unknown}
    suggested = [one for one in order_suggested(survey.suggestions, without=named) if _fits(one)]
    yield from (_advise_suggested(survey, one) for one in suggested[:MAX_ADVICE])


def is_central(candidate: Candidate) -> bool:
    """Five channels at least, and among the better half of all nodes by the paths that pass through them."""
    return candidate.channel_count >= FEWEST_CHANNELS and 2 * candidate.betweenness_rank <= candidate.node_count


def count_remote(survey: Survey) -> int:
    """Candidates that are left out since they are too small or too far from the middle."""
    peers = {channel.state.peer_pubkey for channel in survey.channels}
    return sum(one.pubkey not in peers and not is_central(one) for one in survey.candidates)


def find_smallest(survey: Survey) -> int | None:
    """The smallest channel whose opening and closing cost at most 1 % of it."""
    onchain_sat = price(survey, FUNDING_VBYTES + CLOSING_VBYTES)
    return None if onchain_sat is None else max(SMALLEST_SAT, ceil(onchain_sat / MAX_CHAIN_SHARE))


def _advise_peers(survey: Survey) -> Iterator[Draft]:
    by_peer: defaultdict[str, list[Surveyed]] = defaultdict(list)
    for channel in survey.channels:
        by_peer[channel.state.peer_pubkey].append(channel)
    for channels in by_peer.values():
        if survey.days >= FEWEST_DAYS and _is_dry(channels):
            drains = [drain for one in channels if (drain := measure_drain(one)) is not None]
            drain = Interval(*(sum(getattr(one, end) for one in drains) for end in ("low", "mean", "high")))
            if drain.mean > 0:
                yield _advise_peer(survey, channels, drain=drain)


def _is_dry(channels: list[Surveyed]) -> bool:
    local_sat = sum(one.state.local_balance_sat for one in channels)
    capacity_sat = sum(one.state.capacity_sat for one in channels)
    sold = sum(one.traffic.out_count for one in channels)
    return (
        local_sat < DRY_BELOW * capacity_sat and sold >= FEWEST_FORWARDS and all(one.state.active for one in channels)
    )


def _advise_peer(survey: Survey, channels: list[Surveyed], *, drain: Interval) -> Draft:
    earned_msat = sum(one.traffic.earned_msat for one in channels)
    earns_ppm = earned_msat / sum(one.traffic.out_msat for one in channels) * 1e6
    size_sat = fit_size(survey, int(drain.mean * HORIZON_DAYS))
    gain = drain.scale(earns_ppm / 1e6)
    channel = channels[0].state
    described = _describe(survey, channel.peer_pubkey, size_sat=size_sat, alias=channel.peer_alias)
    return _draft(
        survey,
        replace(described, is_peer=True, drain_sat_per_day=int(drain.mean), days=survey.days, earns_ppm=int(earns_ppm)),
        estimate=Estimate(low=gain.low, mean=gain.mean, high=gain.high, lasts_days=round(size_sat / drain.mean, 1)),
        forwards=sum(one.traffic.out_count for one in channels),
        channels=channels,
    )


def _advise_stranger(survey: Survey, candidate: Candidate) -> Draft:
    size_sat = fit_size(
        survey, candidate.median_channel_sat or candidate.capacity_sat // max(1, candidate.channel_count)
    )
    described = _describe(survey, candidate.pubkey, size_sat=size_sat, alias=candidate.alias)
    suggested = survey.suggestions.channels.get(candidate.pubkey)
    return _draft(
        survey,
        replace(
            _join(survey, described, suggested=suggested) if suggested else described,
            channel_count=candidate.channel_count,
            betweenness_rank=candidate.betweenness_rank,
            node_count=candidate.node_count,
            gain_closeness=candidate.gain_closeness,
            gain_betweenness=candidate.gain_betweenness,
            market_fee_rate_ppm=candidate.market_fee_rate_ppm,
        ),
        estimate=Estimate(why_none="new_peer"),
    )


def _advise_suggested(survey: Survey, suggested: SuggestedChannel) -> Draft:
    """Whom the public graph's candidates do not name."""
    size_sat = fit_size(survey, find_wanted_size(suggested) or 0)
    described = _describe(survey, suggested.pubkey, size_sat=size_sat, alias=None)
    return _draft(survey, _join(survey, described, suggested=suggested), estimate=Estimate(why_none="new_peer"))


def _join(survey: Survey, described: Opening, *, suggested: SuggestedChannel) -> Opening:
    """With what Sparkseer says of it; its sizes count where every node takes them."""
    told = replace(described, sparkseer=describe_suggested(suggested))
    wanted_sat = find_wanted_size(suggested)
    if wanted_sat is None or not _fits(suggested):
        return told
    least_sat = max(described.min_sat or 0, suggested.minimum_viable_capacity_sat or 0) or None
    return replace(told, ideal_sat=fit_size(survey, wanted_sat), min_sat=least_sat, is_size_sparkseers=True)


def _fits(suggested: SuggestedChannel) -> bool:
    return (suggested.minimum_viable_capacity_sat or 0) <= LARGEST_SAT


def fit_size(survey: Survey, wanted_sat: int) -> int:
    """Up to whole 100,000 sat, within what pays for its own transactions and what every node takes."""
    rounded = ceil(max(wanted_sat, find_smallest(survey) or SMALLEST_SAT) / STEP_SAT) * STEP_SAT
    return min(rounded, LARGEST_SAT)


def _describe(survey: Survey, pubkey: str, *, size_sat: int, alias: str | None) -> Opening:
    return Opening(
        pubkey=pubkey,
        alias=alias,
        min_sat=find_smallest(survey),
        ideal_sat=size_sat,
        onchain_sat=price(survey, FUNDING_VBYTES + CLOSING_VBYTES),
        sat_per_vbyte=survey.sat_per_vbyte,
    )


def _draft(
    survey: Survey,
    params: Opening,
    *,
    estimate: Estimate,
    forwards: int = 0,
    channels: list[Surveyed] | None = None,
) -> Draft:
    evidence = [
        measure("node/onchain_fees", params.sat_per_vbyte),
        measure(f"graph:{params.pubkey}/betweenness_rank", params.betweenness_rank),
        measure(f"graph:{params.pubkey}/market_fee_rate_ppm", params.market_fee_rate_ppm),
    ]
    evidence += quote_channel(survey.suggestions, params.pubkey)
    for channel in channels or []:
        evidence += measure_traffic(survey, channel, "earned_msat", "out_msat", "in_msat", "failed")
    return Draft(
        kind=Kind.OPEN_CHANNEL,
        subject=params.pubkey,
        params=params,
        estimate=estimate,
        effort=MINUTES,
        cost_sat=params.onchain_sat,
        confidence=trust_history(survey, forwards=forwards),
        evidence=tuple(one for one in evidence if one.value is not None),
        command=open_channel(survey, params.pubkey, size_sat=params.ideal_sat),
    )
