"""The decision on one channel. Pure: the same input gives the same decision, byte for byte."""

from typing import Literal

from nodes.engine.effect import estimate_effect
from nodes.engine.guards import UNKNOWN_POLICY, Bar, Rest, find_bar, guard_wish
from nodes.engine.policies.flow import wish_flow
from nodes.engine.policies.proportional import wish_proportional
from nodes.engine.reason import explain_change
from nodes.engine.report import ChannelPolicy
from nodes.engine.types import ChannelDecision, DecisionInput, ProportionalStrategy
from nodes.engine.wish import Wish

# Grows with every change that can alter a decision: a stored one is replayed by its own version only.
ENGINE_VERSION = 1


def decide_channel(given: DecisionInput) -> ChannelDecision:
    """What the channel should charge, and why.

    1. bar: a channel that cannot or should not be priced is kept as it is
    2. wish: the strategy of the fee policy says what it would charge
    3. guard: limits, worth and rest cut the wish to what may be written, in the node's whole policy
    4. compare: raise, lower or keep
    5. explain it in a sentence, and estimate what it earns or costs
    """
    present = given.channel.own_policy
    bar = find_bar(given.channel)
    if present is None or bar is not None:
        return _keep_out(present, bar or UNKNOWN_POLICY)
    wish = make_wish(given)
    guarded = guard_wish(wish, present, limits=given.policy.limits, rest=_measure_rest(given, wish))
    return ChannelDecision(
        direction=compare_policies(present, guarded.policy),
        rule=wish.rule,
        reason=explain_change(wish, present, guarded=guarded),
        proposed_policy=guarded.policy,
        held_by=guarded.held_by,
        effect=estimate_effect(given.flow, present, proposed=guarded.policy),
    )


def make_wish(given: DecisionInput) -> Wish:
    strategy = given.policy.strategy
    if isinstance(strategy, ProportionalStrategy):
        return wish_proportional(given, strategy)
    return wish_flow(given, strategy)


def compare_policies(present: ChannelPolicy, proposed: ChannelPolicy) -> Literal["raise", "lower", "keep"]:
    """By the outbound fee rate; where it stays, by the inbound rate, and then by the inbound base fee."""
    before = (present.fee_rate_ppm, present.inbound_fee_rate_ppm, present.inbound_base_fee_msat)
    after = (proposed.fee_rate_ppm, proposed.inbound_fee_rate_ppm, proposed.inbound_base_fee_msat)
    if after == before:
        return "keep"
    return "raise" if after > before else "lower"


def _measure_rest(given: DecisionInput, wish: Wish) -> Rest:
    needed_s = max(given.policy.limits.cooldown_s, wish.wait_s)
    return Rest(now=given.now, last_change_at=given.last_change_at, needed_s=needed_s)


def _keep_out(present: ChannelPolicy | None, bar: Bar) -> ChannelDecision:
    return ChannelDecision(
        direction="keep",
        rule=f"kept/{bar.held_by}",
        reason=bar.reason,
        proposed_policy=present,
        held_by=bar.held_by,
        effect=None,
    )
