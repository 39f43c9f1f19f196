"""Channels that cost more than they earned over the days known. Never a young one.

Profit = fees of payments that left by it - its share of opening and closing - what rebalancing cost. The share is that
of the days known in its whole age. Rebalancing is charged to the channel that got the sats; where the node does not
tell what it cost, the profit is at most that. Payments that came in by it and paid elsewhere count for it as well
before it is called poor.
"""

from collections.abc import Iterator

from msgspec import Struct

from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.commands import close_channel
from recommendations.engine.confidence import trust_history
from recommendations.engine.draft import Draft, measure_channel, measure_refills, measure_traffic
from recommendations.engine.onchain import CLOSING_VBYTES, price
from recommendations.engine.params import Closing
from recommendations.engine.survey import Survey, Surveyed

YOUNG_DAYS = 90.0
FEWEST_DAYS = 30
WORTH_FACTOR = 10  # what comes back must be as many times what closing costs
LEAST_SHARE = 0.20  # of the capacity that comes back, where the price of closing is not known
MAX_ADVICE = 5
MINUTES = 10


class Account(Struct, frozen=True, kw_only=True):
    """Of one channel over the days known, in msat. None: not known."""

    age_days: float
    earned_msat: int
    assisted_msat: int
    onchain_share_msat: int | None
    rebalance_msat: int | None
    is_idle: bool

    @property
    def profit_msat(self) -> int | None:
        """At most, where the cost of rebalancing is not known."""
        if self.onchain_share_msat is None:
            return None
        return self.earned_msat - self.onchain_share_msat - (self.rebalance_msat or 0)

    @property
    def is_poor(self) -> bool:
        """Even with what it brought to other channels; without a known cost only if nothing moved at all."""
        profit = self.profit_msat
        return self.is_idle if profit is None else profit + self.assisted_msat < 0 or self.is_idle


def advise_closings(survey: Survey) -> Iterator[Draft]:
    """The five that hold most of our sats."""
    poor = [channel for channel in survey.channels if _may_close(survey, channel)]
    poor.sort(key=lambda one: (-one.state.local_balance_sat, one.scid))
    for channel in poor[:MAX_ADVICE]:
        yield _advise(survey, channel, account=open_account(survey, channel))


def open_account(survey: Survey, channel: Surveyed) -> Account:
    age_days = survey.measure_age(channel)
    opening_sat, closing_sat = channel.state.opening_fee_sat, _price_closing(survey, channel)
    share_msat = None
    if opening_sat is not None and closing_sat is not None:
        share_msat = int((opening_sat + closing_sat) * 1000 * min(1.0, survey.days / max(1.0, age_days)))
    traffic = channel.traffic
    return Account(
        age_days=round(age_days, 1),
        earned_msat=traffic.earned_msat,
        assisted_msat=traffic.assisted_msat,
        onchain_share_msat=share_msat,
        rebalance_msat=None if channel.refills is None else channel.refills.fee_msat,
        is_idle=not traffic.out_count and not traffic.in_count,
    )


def measure_yield(survey: Survey, *, without: Surveyed) -> float | None:
    """Msat that the other channels earned a sat of their capacity and day; None: no days, or no others."""
    others = [one for one in survey.channels if one.scid != without.scid]
    capacity_sat = sum(one.state.capacity_sat for one in others)
    if not capacity_sat or not survey.days:
        return None
    return sum(one.traffic.earned_msat for one in others) / capacity_sat / survey.days


def _may_close(survey: Survey, channel: Surveyed) -> bool:
    is_watched = survey.days >= FEWEST_DAYS and survey.measure_age(channel) >= YOUNG_DAYS
    seen_days = (survey.taken_at - channel.first_seen_at).total_seconds() / 86_400
    if not is_watched or seen_days < FEWEST_DAYS or channel.state.pending_htlcs:
        return False
    return open_account(survey, channel).is_poor and _brings_back(survey, channel)


def _brings_back(survey: Survey, channel: Surveyed) -> bool:
    """A channel whose balance is the peer's is inbound liquidity for nothing: it stays."""
    local_sat, closing_sat = channel.state.local_balance_sat, price(survey, CLOSING_VBYTES)
    if closing_sat is None:
        return local_sat >= LEAST_SHARE * channel.state.capacity_sat
    return local_sat >= max(1, WORTH_FACTOR * closing_sat)


def _price_closing(survey: Survey, channel: Surveyed) -> int | None:
    """Who opened pays for closing together (BOLT 2); where it is not known who did, we count it as ours."""
    return 0 if channel.state.initiator is False else price(survey, CLOSING_VBYTES)


def _advise(survey: Survey, channel: Surveyed, *, account: Account) -> Draft:
    others = measure_yield(survey, without=channel)
    profit, share = account.profit_msat, account.onchain_share_msat
    return Draft(
        kind=Kind.CLOSE_CHANNEL,
        subject=channel.scid,
        params=Closing(
            channel=channel.named,
            days=survey.days,
            age_days=account.age_days,
            earned_sat=account.earned_msat // 1000,
            onchain_share_sat=None if share is None else round(share / 1000),
            rebalance_sat=None if account.rebalance_msat is None else round(account.rebalance_msat / 1000),
            profit_sat=None if profit is None else round(profit / 1000),
            local_sat=channel.state.local_balance_sat,
            others_ppm_per_day=None if others is None else others * 1000,
            close_cost_sat=_price_closing(survey, channel),
            is_active=channel.state.active,
        ),
        estimate=_estimate(survey, channel, account=account, others=others),
        effort=MINUTES,
        cost_sat=_price_closing(survey, channel),
        confidence=trust_history(
            survey, forwards=sum(one.traffic.out_count for one in survey.channels), full_days=YOUNG_DAYS
        ),
        evidence=(
            *measure_channel(channel, "local_balance_sat", "opening_fee_sat"),
            *measure_traffic(survey, channel, "earned_msat", "assisted_msat", "out_count", "in_count"),
            *measure_refills(survey, channel, "count", "amount_msat", "fee_msat"),
        ),
        command=close_channel(survey, channel.state),
    )


def _estimate(survey: Survey, channel: Surveyed, *, account: Account, others: float | None) -> Estimate:
    """What its sats would earn where the others' do, less what it earns and brings beyond what refilling it costs. Low:
    they earn nothing there.
    """
    if others is None:
        return Estimate(why_none="no_others")
    brought_msat = account.earned_msat + account.assisted_msat
    saved = (account.rebalance_msat or 0) / 1000 / survey.days
    lost = brought_msat / 1000 / survey.days - saved
    freed = channel.state.local_balance_sat * others / 1000
    return Estimate(low=-lost + 0.0, mean=freed - lost, high=freed + saved)
