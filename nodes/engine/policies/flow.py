"""LNDg's autofees: small steps from the present fee, by what flowed with the peer.

Source: LNDg 1.10, `af.py` and `auto_fees` of `jobs.py`. It looks at all open channels with a peer together, moves each
channel's fee by the peer's step, and rounds to whole increments, half to even.
"""

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.policies.own_hold import bound_rate
from nodes.engine.report import ChannelPolicy
from nodes.engine.strategies import FlowStrategy
from nodes.engine.wish import OwnHold, Wish

MIN_INBOUND_BASE_FEE_MSAT = -(2**31)  # bLIP-18: i32


class PeerFlow(Struct, frozen=True, kw_only=True):
    """The inputs of the rule, summed over our channels with the peer. `local_sat` counts pending outgoing HTLCs."""

    days_observed: float = 7.0
    capacity_sat: int
    local_sat: int
    in_1d_sat: int
    in_7d_sat: int
    out_7d_sat: int
    revenue_7d_msat: int
    assist_7d_msat: int
    failed_out_1d: int

    @property
    def local_percent(self) -> float:
        return self.local_sat / self.capacity_sat * 100

    @property
    def net_outflow(self) -> float:
        """Net outflow of 7 days, in capacities."""
        return (self.out_7d_sat - self.in_7d_sat) / self.capacity_sat

    @property
    def is_idle(self) -> bool:
        return self.in_7d_sat + self.out_7d_sat == 0


class FlowStep(Struct, frozen=True, kw_only=True):
    """A zone's answer: ppm to add to the outbound and to the inbound fee rate."""

    rule: str
    reason: str
    outbound_ppm: float = 0.0
    inbound_ppm: float = 0.0


class FlowPrice(Struct, frozen=True, kw_only=True):
    fee_rate_ppm: int
    inbound_fee_rate_ppm: float  # LNDg cuts it to an integer when it writes


def wish_flow(cycle: CycleInput, given: ChannelInput, *, strategy: FlowStrategy) -> Wish:
    """The step of the peer's zone from the channel's present fee. Without a day of history there is no wish."""
    terms = f"flow, steps of {strategy.increment_ppm} ppm, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    present = given.channel.own_policy
    gap = _find_gap(given)
    if present is None or gap is not None:
        reason = gap or "The present fee is not known"
        return Wish(rule="flow/no-data", reason=reason, terms=terms, fee_rate_ppm=None)
    step = choose_step(_gather_peer_flow(given), strategy)
    price = price_flow(
        step, strategy, fee_rate_ppm=present.fee_rate_ppm, inbound_fee_rate_ppm=present.inbound_fee_rate_ppm
    )
    inbound_ppm = int(price.inbound_fee_rate_ppm) if strategy.set_inbound else None
    return Wish(
        rule=step.rule,
        reason=step.reason + _tell_grid(step, strategy, fee_rate_ppm=present.fee_rate_ppm),
        terms=terms,
        own_hold=find_hold(step, strategy, fee_rate_ppm=present.fee_rate_ppm),
        fee_rate_ppm=price.fee_rate_ppm,
        inbound_fee_rate_ppm=inbound_ppm,
        inbound_base_fee_msat=None if inbound_ppm is None else _mirror_base_fee(present, inbound_ppm),
        wait_s=strategy.update_interval_s,
        is_step=True,
    )


def choose_step(peer: PeerFlow, strategy: FlowStrategy) -> FlowStep:
    """LNDg's table: the zone by our share of the capacity, the row by what flowed. `m` is the multiplier."""
    if peer.local_percent <= strategy.low_liquidity_percent:
        return _step_low(peer, strategy)
    if peer.local_percent < strategy.excess_liquidity_percent:
        return _step_middle(peer, strategy.multiplier)
    return _step_excess(peer, strategy.multiplier)


def price_flow(step: FlowStep, strategy: FlowStrategy, *, fee_rate_ppm: int, inbound_fee_rate_ppm: int) -> FlowPrice:
    """The step added to the present rates, in whole increments, inside the strategy's limits.

    The inbound rate is a discount: never above 0, and at most `inbound_max_cost_percent` of the present outbound rate.
    """
    increment = strategy.increment_ppm
    outbound = round((fee_rate_ppm + step.outbound_ppm) / increment) * increment
    inbound = round((inbound_fee_rate_ppm + step.inbound_ppm) / increment) * increment
    deepest = -((strategy.inbound_max_cost_percent / 100) * fee_rate_ppm)
    return FlowPrice(
        fee_rate_ppm=min(max(outbound, strategy.min_fee_rate_ppm), strategy.max_fee_rate_ppm),
        inbound_fee_rate_ppm=min(max(inbound, deepest), 0),
    )


def find_hold(step: FlowStep, strategy: FlowStrategy, *, fee_rate_ppm: int) -> OwnHold | None:
    """What the strategy's limits, or its grid, take off the step."""
    asked_ppm = fee_rate_ppm + step.outbound_ppm
    gridded_ppm = round(asked_ppm / strategy.increment_ppm) * strategy.increment_ppm
    bounded = bound_rate(gridded_ppm, lowest=strategy.min_fee_rate_ppm, highest=strategy.max_fee_rate_ppm)
    if bounded is not None or gridded_ppm == asked_ppm:
        return bounded
    why = f"its fees are whole steps of {strategy.increment_ppm} ppm"
    return OwnHold(held_by="strategy_increment", why=why, asked_ppm=round(asked_ppm))


def _tell_grid(step: FlowStep, strategy: FlowStrategy, *, fee_rate_ppm: int) -> str:
    """A fee off the grid moves although nothing flowed that asks for it."""
    is_off_grid = step.outbound_ppm == 0 and fee_rate_ppm % strategy.increment_ppm
    return f", but {fee_rate_ppm} ppm is no whole step of {strategy.increment_ppm} ppm" if is_off_grid else ""


def _tell_sat(msat: int) -> str:
    """With as many digits as it has: 0 is nothing at all."""
    return f"{msat / 1000:.3f}".rstrip("0").rstrip(".")


def _step_low(peer: PeerFlow, strategy: FlowStrategy) -> FlowStep:
    m, share = strategy.multiplier, _tell_share(peer)
    if peer.failed_out_1d > strategy.failed_htlcs and peer.in_1d_sat == 0:
        reason = f"{share}, {peer.failed_out_1d} payments failed for want of it in a day and none came in"
        return FlowStep(rule="flow/low/failing", reason=reason, outbound_ppm=5.0 * m, inbound_ppm=-12.0 * m)
    reason = (
        f"{share} and {peer.failed_out_1d} payments failed for want of it in a day "
        f"(more than {strategy.failed_htlcs}, with none coming in, would raise the fee)"
    )
    return FlowStep(rule="flow/low/steady", reason=reason)


def _step_middle(peer: PeerFlow, m: int) -> FlowStep:
    share, days = _tell_share(peer), _tell_days(peer)
    if peer.is_idle:
        reason = f"{share} and nothing flowed in {days}"
        return FlowStep(rule="flow/middle/idle", reason=reason, outbound_ppm=-3.0 * m, inbound_ppm=7.0 * m)
    if peer.net_outflow > 1:
        reason = f"{share} and in {days} {peer.net_outflow:.1f} times the capacity flowed out on balance"
        pull = 1 + peer.net_outflow
        return FlowStep(
            rule="flow/middle/draining", reason=reason, outbound_ppm=2 * m * pull, inbound_ppm=-5 * m * pull
        )
    return FlowStep(rule="flow/middle/steady", reason=f"{share} and the flow of {days} does not ask for another fee")


def _step_excess(peer: PeerFlow, m: int) -> FlowStep:
    share, days = _tell_share(peer), _tell_days(peer)
    down = {"outbound_ppm": -5.0 * m, "inbound_ppm": 12.0 * m}
    if peer.is_idle:
        return FlowStep(rule="flow/excess/idle", reason=f"{share} and nothing flowed in {days}", **down)
    if peer.net_outflow < 0 and peer.assist_7d_msat > 10 * peer.revenue_7d_msat:
        reason = (
            f"{share}, in {days} more came in from it than went out to it, and what came in earned "
            f"{_tell_sat(peer.assist_7d_msat)} sat against {_tell_sat(peer.revenue_7d_msat)} sat of what went out"
        )
        return FlowStep(rule="flow/excess/assisting", reason=reason, **down)
    return FlowStep(rule="flow/excess/steady", reason=f"{share} and the flow of {days} does not ask for a lower fee")


def _tell_share(peer: PeerFlow) -> str:
    return f"{round(peer.local_percent)} % of the capacity with this peer is ours"


def _tell_days(peer: PeerFlow) -> str:
    days = f"{peer.days_observed:.2g}"
    return f"{days} day" if days == "1" else f"{days} days"


def _find_gap(given: ChannelInput) -> str | None:
    if given.peer.flow.days_observed < 1:
        return "Less than a day of forwarding history is known (no data)"
    if given.peer.capacity_sat <= 0:
        return "The capacity shared with this peer is not known (no data)"
    return None


def _gather_peer_flow(given: ChannelInput) -> PeerFlow:
    large = given.peer.flow.large
    return PeerFlow(
        days_observed=given.peer.flow.days_observed,
        capacity_sat=given.peer.capacity_sat,
        local_sat=given.peer.local_sat,
        in_1d_sat=large.in_1d_sat,
        in_7d_sat=large.in_7d_sat,
        out_7d_sat=large.out_7d_sat,
        revenue_7d_msat=large.revenue_7d_msat,
        assist_7d_msat=large.assist_7d_msat,
        failed_out_1d=given.peer.flow.failed_out_1d,
    )


def _mirror_base_fee(present: ChannelPolicy, inbound_fee_rate_ppm: int) -> int:
    """LNDg gives the base fee back to who comes in at a discount, so that the discount is not eaten by it."""
    if inbound_fee_rate_ppm == 0:
        return 0
    return max(MIN_INBOUND_BASE_FEE_MSAT, -present.base_fee_msat)
