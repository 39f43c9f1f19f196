"""One line about a node: how many channels to raise, lower, change otherwise and keep, what that may earn, and why."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from mcp_saas.kit.alias import tame_alias
from nodes.engine.cycle import ChannelInput
from nodes.engine.effect import EXTRAPOLATED, is_extrapolated
from nodes.engine.report import ChannelState
from nodes.engine.types import ChannelDecision, Effect

Pair = tuple[ChannelInput, ChannelDecision]


class NodeSummary(Struct, frozen=True, kw_only=True):
    channels: int
    raised: int
    lowered: int
    changed: int  # their fees stay, and another field of the policy moves
    kept: int
    score: float | None  # mean of the scores known, weighted by capacity; None: no channel has one
    effect: Effect | None  # sums over the channels that have data; None: none has
    effect_channels: int  # how many those are
    extrapolated_channels: int  # how many of those move further than the effect was ever measured for
    top_reason: str | None  # of the change that weighs most, with its channel and peer; None: nothing changes


def summarise_node(inputs: Sequence[ChannelInput], decisions: Sequence[ChannelDecision]) -> NodeSummary:
    """Sum up the decisions on one node. `decisions[i]` is that on `inputs[i]`; other lengths raise ValueError."""
    pairs = list(zip(inputs, decisions, strict=True))
    directions = Counter(decision.direction for decision in decisions)
    effects = [decision.effect for decision in decisions if decision.effect is not None]
    extrapolated = sum(_is_extrapolated(decision, given) for given, decision in pairs)
    return NodeSummary(
        channels=len(pairs),
        raised=directions["raise"],
        lowered=directions["lower"],
        changed=directions["change"],
        kept=directions["keep"],
        score=_average_score(inputs),
        effect=_sum_effects(effects, extrapolated=extrapolated),
        effect_channels=len(effects),
        extrapolated_channels=extrapolated,
        top_reason=_pick_top_reason(pairs),
    )


def _average_score(inputs: Sequence[ChannelInput]) -> float | None:
    scored = [(given.channel.capacity_sat, given.score.value) for given in inputs if given.score.value is not None]
    capacity_sat = sum(capacity for capacity, _ in scored)
    return sum(capacity * value for capacity, value in scored) / capacity_sat if scored else None


def _is_extrapolated(decision: ChannelDecision, given: ChannelInput) -> bool:
    present, proposed = given.channel.own_policy, decision.proposed_policy
    if decision.effect is None or present is None or proposed is None:
        return False
    return is_extrapolated(given.flow, present, proposed=proposed)


def _sum_effects(effects: list[Effect], *, extrapolated: int) -> Effect | None:
    """The bounds add up as if all channels erred the same way: one elasticity is uncertain for all of them."""
    if not effects:
        return None
    basis = f"sum over {len(effects)} channels with data, each from its own fees and one elasticity"
    return Effect(
        sat_per_day=round(sum(effect.sat_per_day for effect in effects), 3),
        low_sat_per_day=round(sum(effect.low_sat_per_day for effect in effects), 3),
        high_sat_per_day=round(sum(effect.high_sat_per_day for effect in effects), 3),
        basis=f"{basis}; {extrapolated} of them {EXTRAPOLATED}" if extrapolated else basis,
    )


def _pick_top_reason(pairs: list[Pair]) -> str | None:
    changes = [pair for pair in pairs if pair[1].direction != "keep"]
    if not changes:
        return None
    given, decision = max(changes, key=_weigh_change)
    return f"{_name_channel(given.channel)}: {decision.reason}"


def _name_channel(channel: ChannelState) -> str:
    """Our own words first: a peer's name in another direction of writing then turns nothing but itself."""
    peer = tame_alias(channel.peer_alias or "") or channel.peer_pubkey[:16]
    return f"Channel {channel.short_channel_id} with {peer}"


def _weigh_change(pair: Pair) -> tuple[float, int]:
    """First by the expected effect, then by how far the fee rate moves."""
    given, decision = pair
    effect_sat = abs(decision.effect.sat_per_day) if decision.effect else 0.0
    present, proposed = given.channel.own_policy, decision.proposed_policy
    moved_ppm = abs(proposed.fee_rate_ppm - present.fee_rate_ppm) if present and proposed else 0
    return effect_sat, moved_ppm
