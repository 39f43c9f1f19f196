"""The wishes of feelancer's strategy: the node is surveyed once, then each channel gets its peer's rates through the
update gate.
"""

from collections import defaultdict
from collections.abc import Sequence

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.memory import PidMemory
from nodes.engine.policies.own_hold import bound_rate, hold_at_gate
from nodes.engine.policies.pid.error import MILLION, PeerLiquidity
from nodes.engine.policies.pid.gate import GatedRates, RateGate, RateProposal, UpdateGate, gate_peer
from nodes.engine.policies.pid.survey import NEW_BLOCKS, PidPeer, PidPrice, PidSurvey, survey_peers
from nodes.engine.short_channel_id import channel_id_from_scid
from nodes.engine.stateful_strategies import PidStrategy
from nodes.engine.wish import OwnHold, Wish

Group = list[ChannelInput]


def survey_pid(
    cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: PidStrategy
) -> tuple[PidSurvey, dict[str, GatedRates]]:
    """Prices by pubkey, and the rates to write by short_channel_id. Private and inactive channels are left out."""
    groups = _group_peers(channels)
    peers = [_describe_peer(cycle, group, strategy=strategy) for group in groups.values()]
    survey = survey_peers(peers, strategy, now=cycle.now, margin=cycle.memory.get("pid"))
    gate = make_gate(strategy)
    gated: dict[str, GatedRates] = {}
    for pubkey, group in groups.items():
        gated |= gate_peer(_propose(cycle, group, price=survey.prices[pubkey], strategy=strategy), gate)
    return survey, gated


def wish_pid(given: ChannelInput, strategy: PidStrategy, *, survey: PidSurvey, gated: dict[str, GatedRates]) -> Wish:
    """What the survey says of the channel; without a written rate the fee stays, and the controller goes on."""
    terms = f"pid, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    price = survey.prices.get(given.channel.peer_pubkey)
    if price is None:
        reason = "No active public channel leads to this peer (no data)"
        return Wish(rule="pid/no-data", reason=reason, terms=terms)
    rates = gated.get(given.channel.short_channel_id)
    return Wish(
        rule=_name_rule(price, rates),
        reason=_tell_price(price),
        terms=terms,
        own_hold=_find_hold(given, strategy, price=price, rates=rates),
        fee_rate_ppm=rates.fee_rate_ppm if rates else None,
        inbound_fee_rate_ppm=rates.inbound_fee_rate_ppm if rates and strategy.set_inbound else None,
        peer_memory=_remember(price, rates, survey=survey),
    )


def make_gate(strategy: PidStrategy) -> UpdateGate:
    return UpdateGate(
        outbound=RateGate(
            min_ppm=strategy.min_fee_rate_ppm,
            max_ppm=strategy.max_fee_rate_ppm,
            min_up_ppm=strategy.min_up_ppm,
            min_down_ppm=strategy.min_down_ppm,
        ),
        inbound=RateGate(
            min_ppm=strategy.min_inbound_fee_rate_ppm,
            max_ppm=strategy.max_inbound_fee_rate_ppm,
            min_up_ppm=strategy.min_inbound_up_ppm,
            min_down_ppm=strategy.min_inbound_down_ppm,
        ),
        min_s=strategy.update_interval_s,
    )


def _group_peers(channels: Sequence[ChannelInput]) -> dict[str, Group]:
    groups: dict[str, Group] = defaultdict(list)
    for given in channels:
        if given.channel.active and not given.channel.private:
            groups[given.channel.peer_pubkey].append(given)
    return groups


def _describe_peer(cycle: CycleInput, group: Group, *, strategy: PidStrategy) -> PidPeer:
    first = group[0]
    pubkey, memory = first.channel.peer_pubkey, first.peer_memory.get("pid")
    target = strategy.targets.get(pubkey)
    return PidPeer(
        pubkey=pubkey,
        liquidity=PeerLiquidity(
            remote_sat=first.peer.remote_sat,
            local_sat=first.peer.local_sat,
            target=None if target is None else target * MILLION,
        ),
        reference_ppm=_find_lowest(group),
        is_new=all(_is_new(given, block_height=cycle.node.block_height) for given in group),
        changed_by_engine=_was_ours(group),
        memory=memory if isinstance(memory, PidMemory) else None,
    )


def _find_lowest(group: Group) -> int | None:
    return min((given.channel.own_policy.fee_rate_ppm for given in group if given.channel.own_policy), default=None)


def _is_new(given: ChannelInput, *, block_height: int) -> bool:
    opened_height = channel_id_from_scid(given.channel.short_channel_id) >> 40
    return block_height - opened_height <= NEW_BLOCKS


def _was_ours(group: Group) -> bool:
    """Whether the newest change of a fee with the peer was the engine's own."""
    changes = [change for given in group for change in given.changes if change.by != "node"]
    return bool(changes) and max(changes, key=lambda change: change.at).by == "engine"


def _propose(cycle: CycleInput, group: Group, *, price: PidPrice, strategy: PidStrategy) -> list[RateProposal]:
    return [
        RateProposal(
            short_channel_id=given.channel.short_channel_id,
            fee_rate_ppm=policy.fee_rate_ppm,
            inbound_fee_rate_ppm=policy.inbound_fee_rate_ppm,
            new_fee_rate_ppm=price.fee_rate_ppm,
            new_inbound_fee_rate_ppm=price.inbound_fee_rate_ppm if strategy.set_inbound else None,
            age_s=_measure_age(cycle, given),
            force=price.force,
        )
        for given in group
        if (policy := given.channel.own_policy) is not None
    ]


def _measure_age(cycle: CycleInput, given: ChannelInput) -> float | None:
    """Seconds since the channel's fee last changed: as the node tells it, or as snapshots showed it."""
    policy = given.channel.own_policy
    if policy is not None and policy.last_update:
        return cycle.now.timestamp() - policy.last_update
    return (cycle.now - given.changes[-1].at).total_seconds() if given.changes else None


def _remember(price: PidPrice, rates: GatedRates | None, *, survey: PidSurvey) -> PidMemory:
    return PidMemory(
        at=survey.margin.at,
        error=price.state.error,
        integral=price.state.integral,
        slope=price.state.slope,
        spread_ppm=price.state.spread,
        reference_ppm=price.reference_ppm,
        wished_ppm=rates.fee_rate_ppm if rates else price.reference_ppm,
    )


def _find_hold(
    given: ChannelInput, strategy: PidStrategy, *, price: PidPrice, rates: GatedRates | None
) -> OwnHold | None:
    """The limits, or the gate where it lets nothing through that differs."""
    policy = given.channel.own_policy
    bounded = bound_rate(price.fee_rate_ppm, lowest=strategy.min_fee_rate_ppm, highest=strategy.max_fee_rate_ppm)
    if rates is not None or policy is None:
        return bounded
    wished_ppm = min(max(price.fee_rate_ppm, strategy.min_fee_rate_ppm), strategy.max_fee_rate_ppm)
    moves_inbound = strategy.set_inbound and price.inbound_fee_rate_ppm != policy.inbound_fee_rate_ppm
    if wished_ppm == policy.fee_rate_ppm and not moves_inbound:
        return bounded
    why = (
        f"a peer's fees move by {strategy.min_up_ppm} ppm up or {strategy.min_down_ppm} ppm down at least, and once "
        f"in {strategy.update_interval_s / 3600:g} h"
    )
    return hold_at_gate(price.fee_rate_ppm, why)


def _name_rule(price: PidPrice, rates: GatedRates | None) -> str:
    if price.is_recalibrated:
        return "pid/recalibrated"
    return "pid/gate" if rates is None else "pid"


def _tell_price(price: PidPrice) -> str:
    own = f", the peer's own part of {price.idio_ppm:.1f} ppm" if price.idio_ppm else ""
    calibrated = "Somebody else set the fee, so the controller starts from it; the" if price.is_recalibrated else "The"
    return (
        f"{calibrated} balance with this peer is off its target by {price.error:+.3f}: a spread of "
        f"{price.spread_ppm:.1f} ppm{own} and the node's margin of {price.margin_ppm:.1f} ppm "
        f"make {price.rate_ppm:.1f}, so {price.fee_rate_ppm} whole ppm"
    )
