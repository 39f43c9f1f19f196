"""What Sparkseer suggests to the node: its word beside our own figures, never in their place."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from nodes.sources.sparkseer.value import SuggestedChannel, SuggestedFee
from recommendations.engine.advice import Evidence
from recommendations.engine.params import BySparkseer

CHANNEL_FIELDS = (
    "gain_in_betweenness_rank",
    "gain_in_closeness_rank",
    "gain_in_eigenvector_rank",
    "minimum_viable_capacity_sat",
    "ideal_capacity_sat",
    "passive_fee_ppm",
    "active_fee_ppm",
)
FEE_FIELDS = ("passive_fee_rate_ppm", "active_fee_rate_ppm")


class Suggestions(Struct, frozen=True):
    """Each by the pubkey of the other node."""

    channels: dict[str, SuggestedChannel] = {}
    fees: dict[str, SuggestedFee] = {}


def order_suggested(suggestions: Suggestions, *, without: Collection[str]) -> Sequence[SuggestedChannel]:
    """Those that would win the node a place, by how many; a size has to come with them, for we would invent one."""
    useful = [
        one
        for one in suggestions.channels.values()
        if one.pubkey not in without and any(gain > 0 for gain in _gains(one)) and find_wanted_size(one) is not None
    ]
    return sorted(useful, key=lambda one: ([-gain for gain in _gains(one)], one.pubkey))


def find_wanted_size(suggested: SuggestedChannel) -> int | None:
    """The ideal, which is no less than the least."""
    known = [suggested.ideal_capacity_sat or 0, suggested.minimum_viable_capacity_sat or 0]
    return max(known) or None


def describe_suggested(suggested: SuggestedChannel) -> BySparkseer:
    betweenness, closeness = _gains(suggested)
    return BySparkseer(
        betweenness_places=betweenness if betweenness > 0 else None,
        closeness_places=closeness if closeness > 0 else None,
        passive_ppm=suggested.passive_fee_ppm,
        active_ppm=suggested.active_fee_ppm,
    )


def quote_channel(suggestions: Suggestions, pubkey: str) -> tuple[Evidence, ...]:
    return _quote(suggestions.channels.get(pubkey), CHANNEL_FIELDS)


def quote_fee(suggestions: Suggestions, pubkey: str) -> tuple[Evidence, ...]:
    """What it would charge towards that peer."""
    return _quote(suggestions.fees.get(pubkey), FEE_FIELDS)


def _gains(suggested: SuggestedChannel) -> tuple[int, int]:
    return suggested.gain_in_betweenness_rank or 0, suggested.gain_in_closeness_rank or 0


def _quote(found: SuggestedChannel | SuggestedFee | None, fields: tuple[str, ...]) -> tuple[Evidence, ...]:
    """As metrics `sparkseer:PUBKEY/field`, those it told."""
    told = {field: getattr(found, field, None) for field in fields}
    return tuple(
        Evidence(kind="metric", ref=f"sparkseer:{found.pubkey}/{field}", value=value)
        for field, value in told.items()
        if found is not None and value is not None
    )
