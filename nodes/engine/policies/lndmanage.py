"""lndmanage's rule: dearer while more flows out than wanted, cheaper while less does, never far at once.

Source: lndmanage, `lib/fee_setting.py`. It looks at all channels with a peer together, over seven days.
"""

from collections.abc import Sequence

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.memory import LndmanageMemory
from nodes.engine.policies.own_hold import bound_rate
from nodes.engine.stateful_strategies import LndmanageStrategy
from nodes.engine.wish import Wish

TARGET_SAT_A_DAY = 100_000 / 7
TARGET_FORWARDS_A_DAY = 4 / 7
RESERVE_SAT = 500_000
MAX_FACTOR = 1.5
MIN_BASE_FACTOR = 0.75


class PeerDemand(Struct, frozen=True, kw_only=True):
    """What flowed out to a peer in `days`, and what is left on our side."""

    capacity_sat: int
    local_sat: int
    out_sat: int
    out_forwards: int = 0
    days: float = 7.0


def bound_demand(capacity_sat: int, local_sat: int, *, compare_full_reserve: bool = False) -> float:
    """The lowest factor: 1.05 for an empty side, 1 where the reserve R is just held, down to 0.5 for a full one.

    R = 500,000 sat, or a third of the capacity where that is more than its half. Below R: 1 + 0.05 (R - local) / R;
    else 1 - 0.5 (local - R) / (capacity - R). lndmanage itself compares the balance with the full 500,000 sat even
    then, which `compare_full_reserve` repeats: small channels with a large balance hardly get cheaper.
    """
    reserve_sat = RESERVE_SAT if capacity_sat // 2 >= RESERVE_SAT else max(1, capacity_sat // 3)
    threshold_sat = RESERVE_SAT if compare_full_reserve else reserve_sat
    if local_sat < threshold_sat:
        return 1 + 0.05 * (reserve_sat - local_sat) / reserve_sat
    return 1 - 0.5 * (local_sat - reserve_sat) / max(1, capacity_sat - reserve_sat)


def scale_rate(demand: PeerDemand, *, compare_full_reserve: bool = False) -> float:
    """On the mean fee rate: 1 + 0.5 (r / r_t - 1) with r_t = 100,000 sat in 7 days, from the bound to 1.5."""
    pull = 1 + 0.5 * (demand.out_sat / demand.days / TARGET_SAT_A_DAY - 1)
    lowest = bound_demand(demand.capacity_sat, demand.local_sat, compare_full_reserve=compare_full_reserve)
    return max(lowest, min(pull, MAX_FACTOR))


def scale_base_fee(demand: PeerDemand) -> float:
    """The factor on the base fee: 1 + 0.5 (n / n_t - 1) with n_t = 4 forwards in 7 days, 0.75 .. 1.5."""
    pull = 1 + 0.5 * (demand.out_forwards / demand.days / TARGET_FORWARDS_A_DAY - 1)
    return max(MIN_BASE_FACTOR, min(pull, MAX_FACTOR))


class PeerRates(Struct, frozen=True, kw_only=True):
    """The means over our channels with a peer whose policy is known."""

    fee_rate_ppm: float
    base_fee_msat: float


def average_rates(channels: Sequence[ChannelInput]) -> PeerRates | None:
    """Of channels with one peer; None where no policy is known."""
    policies = [given.channel.own_policy for given in channels if given.channel.own_policy is not None]
    if not policies:
        return None
    return PeerRates(
        fee_rate_ppm=sum(policy.fee_rate_ppm for policy in policies) / len(policies),
        base_fee_msat=sum(policy.base_fee_msat for policy in policies) / len(policies),
    )


def wish_lndmanage(
    cycle: CycleInput, given: ChannelInput, *, strategy: LndmanageStrategy, shared: Sequence[ChannelInput]
) -> Wish:
    """The peer's mean rate times its demand's factor; all channels with the peer alike.

    `shared`: the channels with the peer that this rule prices, private and inactive ones included: demand and means
    are taken over the same ones.
    """
    terms = f"lndmanage, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    if strategy.initialise and "lndmanage" not in given.peer_memory:
        return _wish_first(cycle, strategy, terms=terms)
    demand, rates = _gather_demand(shared), average_rates(shared)
    if demand is None or rates is None:
        reason = "Less than a day of forwarding history, or no capacity, is known (no data)"
        return Wish(rule="lndmanage/no-data", reason=reason, terms=terms)
    factor = scale_rate(demand, compare_full_reserve=strategy.compare_full_reserve)
    base_fee_msat = int(rates.base_fee_msat * scale_base_fee(demand))  # cut, as there
    return Wish(
        rule="lndmanage/demand",
        reason=(
            f"{demand.out_sat} sat in {demand.out_forwards} payments left by this peer in {demand.days:.2g} days "
            f"and {demand.local_sat} of {demand.capacity_sat} sat are ours: {factor:.3f} times the mean rate"
        ),
        terms=terms,
        fee_rate_ppm=min(max(round(rates.fee_rate_ppm * factor), strategy.min_fee_rate_ppm), strategy.max_fee_rate_ppm),
        base_fee_msat=min(base_fee_msat, strategy.max_base_fee_msat) if strategy.set_base_fee else None,
        own_hold=bound_rate(
            round(rates.fee_rate_ppm * factor), lowest=strategy.min_fee_rate_ppm, highest=strategy.max_fee_rate_ppm
        ),
        time_lock_delta=strategy.time_lock_delta,
        wait_s=strategy.update_interval_s,
    )


def _wish_first(cycle: CycleInput, strategy: LndmanageStrategy, *, terms: str) -> Wish:
    return Wish(
        rule="lndmanage/first",
        reason="This peer is priced for the first time",
        terms=terms,
        fee_rate_ppm=strategy.first_fee_rate_ppm,
        base_fee_msat=strategy.first_base_fee_msat,
        time_lock_delta=strategy.time_lock_delta,
        peer_memory=LndmanageMemory(since=cycle.now),
    )


def _gather_demand(shared: Sequence[ChannelInput]) -> PeerDemand | None:
    days = min(given.flow.days_observed for given in shared)
    capacity_sat = sum(given.channel.capacity_sat for given in shared)
    if days < 1 or capacity_sat <= 0:
        return None
    return PeerDemand(
        capacity_sat=capacity_sat,
        local_sat=sum(given.channel.local_balance_sat for given in shared),
        out_sat=sum(given.flow.out_7d_msat for given in shared) // 1000,
        out_forwards=sum(given.flow.out_forwards_7d for given in shared),
        days=days,
    )
