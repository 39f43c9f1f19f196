"""What providers of data tell of the own node, as answers show it: whose word it is, and how old.

Fields have the names the provider documents. Units stand in a name where the provider documents one.
"""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from nodes.sources.amboss.value import AmbossNode, Channels, FeesTowards
from nodes.sources.lnbits.value import Wallet
from nodes.sources.provider.protocol import Provided
from nodes.sources.sparkseer.value import NetworkView

S = TypeVar("S", bound=Struct)
V = TypeVar("V", bound="ByProvider")


class ByProvider(Struct, frozen=True, kw_only=True):
    """`as_of`: when it was asked. `is_old`: it does not answer now, and this stands in."""

    as_of: dt.datetime | None
    is_old: bool


class SparkseerView(ByProvider, frozen=True, kw_only=True):
    """The node as Sparkseer sees it: ranks count from the best. It documents no unit of response times, balances and
    score: they are as it tells them.
    """

    betweenness_rank: int | None
    closeness_rank: int | None
    eigenvector_rank: int | None
    weighted_betweenness_rank: int | None
    weighted_closeness_rank: int | None
    weighted_eigenvector_rank: int | None
    htlc_response_time_mean: float | None
    htlc_response_time_median: float | None
    liquidity_flexibility_score: float | None
    effective_outbound_balance: float | None
    effective_inbound_balance: float | None
    mean_outbound_fee_rate_ppm: float | None
    median_outbound_fee_rate_ppm: float | None
    mean_inbound_fee_rate_ppm: float | None
    median_inbound_fee_rate_ppm: float | None


class LNbitsView(ByProvider, frozen=True, kw_only=True):
    """The owner's LNbits wallet, which need not be on this node."""

    name: str | None
    balance_msat: int


class AmbossView(ByProvider, frozen=True, kw_only=True):
    """The node as Amboss sees it. Fees are what others charged towards it in a week: `weighted` by capacity,
    `weighted_corrected` without the extremes. `last_update`: as Amboss writes it.
    """

    channel_count: int | None
    capacity_sat: int | None
    max_ppm: float | None
    mean_ppm: float | None
    median_ppm: float | None
    weighted_ppm: float | None
    weighted_corrected_ppm: float | None
    last_update: str | None


def show_sparkseer(given: Provided[NetworkView]) -> SparkseerView | None:
    return _show(given, SparkseerView, told=asdict(given.value)) if given.value else None


def show_lnbits(given: Provided[Wallet]) -> LNbitsView | None:
    return _show(given, LNbitsView, told=asdict(given.value)) if given.value else None


def show_amboss(given: Provided[AmbossNode]) -> AmbossView | None:
    node = given.value
    if node is None:
        return None
    channels, fees = node.channels or Channels(), node.fees_towards or FeesTowards()
    return _show(given, AmbossView, told=asdict(node.identity) | asdict(channels) | asdict(fees))


def _show(given: Provided[S], shape: type[V], *, told: dict[str, object]) -> V:
    """The fields of `told` that the shape has."""
    return msgspec.convert(told | {"as_of": given.as_of, "is_old": given.degraded}, shape)
