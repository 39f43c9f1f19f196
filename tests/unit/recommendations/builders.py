"""Surveys of made-up nodes for tests of advice."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from nodes.engine.candidate import Candidate
from nodes.engine.report import ChannelState
from nodes.sources.sparkseer.value import SuggestedChannel, SuggestedFee
from recommendations.engine.suggestion import Suggestions
from recommendations.engine.survey import Survey, Surveyed, Traffic
from tests.factories import TAKEN_AT, make_channel, pubkey_of

DAY = dt.timedelta(days=1)
DAYS = 30
HEIGHT = 920_000  # channels of `make_channel` are of block 800000


def make_traffic(**changes: Any) -> Traffic:
    """Nothing on any of the 30 days, unless said otherwise; sums follow from `daily_net_msat` where it is given."""
    fields: dict[str, Any] = {"daily_net_msat": [0] * DAYS, "daily_earned_msat": [0] * DAYS}
    return Traffic(**(fields | changes))


def make_seller(sat_per_day: int = 100_000, *, ppm: int = 500, count: int = 90) -> Traffic:
    """Sells about as much each day, and nothing comes in."""
    daily = [sat_per_day * 1000 * (9 + day % 3) // 10 for day in range(DAYS)]
    earned = [sold * ppm // 1_000_000 for sold in daily]
    return make_traffic(
        daily_net_msat=daily,
        daily_earned_msat=earned,
        out_msat=sum(daily),
        earned_msat=sum(earned),
        out_count=count,
    )


def make_surveyed(number: int = 1, traffic: Traffic | None = None, **changes: Any) -> Surveyed:
    """`changes` of the channel's state; those of `Surveyed` by their own names."""
    own = {
        name: changes.pop(name) for name in ("decided", "seen_share", "last_active_at", "outlook") if name in changes
    }
    first_seen_at = changes.pop("first_seen_at", TAKEN_AT - 100 * DAY)
    state: ChannelState = make_channel(number, **changes)
    return Surveyed(state=state, first_seen_at=first_seen_at, traffic=traffic or make_traffic(), **own)


def make_dry(number: int = 1, traffic: Traffic | None = None, **changes: Any) -> Surveyed:
    """A channel that sells and has little left."""
    balances = {"local_balance_sat": 200_000, "remote_balance_sat": 4_790_000}
    return make_surveyed(number, traffic or make_seller(), **(balances | changes))


def make_survey(*channels: Surveyed, **changes: Any) -> Survey:
    fields: dict[str, Any] = {
        "id_space": UUID(int=7),
        "now": TAKEN_AT,
        "taken_at": TAKEN_AT,
        "first_report_at": TAKEN_AT - 100 * DAY,
        "implementation": "lnd",
        "block_height": HEIGHT,
        "is_synced": True,
        "onchain_fees": {6: 5.0},
        "days": DAYS,
        "channels": channels,
    }
    return Survey(**(fields | changes))


def make_candidate(**changes: Any) -> Candidate:
    fields: dict[str, Any] = {
        "pubkey": pubkey_of("far away"),
        "alias": None,
        "channel_count": 10,
        "capacity_sat": 10_000_000,
        "betweenness_rank": 5,
        "node_count": 14_000,
        "gain_closeness": 0.0021,
        "gain_betweenness": None,
        "market_fee_rate_ppm": 120,
        "median_channel_sat": None,
    }
    return Candidate(**(fields | changes))


def make_suggested(name: str = "far away", **changes: Any) -> SuggestedChannel:
    """As Sparkseer's documents show one."""
    fields: dict[str, Any] = {
        "pubkey": pubkey_of(name),
        "gain_in_betweenness_rank": 324,
        "gain_in_closeness_rank": 268,
        "gain_in_eigenvector_rank": 0,
        "minimum_viable_capacity_sat": 1_000_000,
        "ideal_capacity_sat": 5_000_000,
        "passive_fee_ppm": 10,
        "active_fee_ppm": 165,
    }
    return SuggestedChannel(**(fields | changes))


def make_suggestions(*channels: SuggestedChannel, fees: Iterable[SuggestedFee] = ()) -> Suggestions:
    return Suggestions({one.pubkey: one for one in channels}, {one.pubkey: one for one in fees})
