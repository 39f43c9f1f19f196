"""feelancer's run over a node: a margin for all, a spread for each peer, pinned or levelled, then the update gate.

Source: feelancer, `src/feelancer/pid/controller.py` and `aggregator.py`. Peers with private channels alone have no
controller.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.memory import PidMemory, PidNodeMemory
from nodes.engine.policies.pid.controller import FIRST_DT_S, PidGains, PidState, revert_margin, step_pid
from nodes.engine.policies.pid.error import MILLION, ErrorScale, PeerLiquidity, measure_error, solve_target
from nodes.engine.stateful_strategies import PidStrategy

NEW_BLOCKS = 144


class PidPeer(Struct, frozen=True, kw_only=True):
    """A peer as the survey sees it. `reference_ppm`: the lowest rate over its channels; None: not known."""

    pubkey: str
    liquidity: PeerLiquidity
    reference_ppm: int | None
    is_new: bool = False  # no channel with it is older than 144 blocks
    changed_by_engine: bool = False  # the newest change of the reference was ours
    memory: PidMemory | None = None


class PidPrice(Struct, frozen=True, kw_only=True):
    """What a peer's channels should charge, and why. `force`: the gate's minimal age does not hold it."""

    state: PidState
    fee_rate_ppm: int  # cut to whole ppm, 0 at least: of the margin, the peer's own part and the spread
    rate_ppm: float  # their sum
    spread_ppm: float
    idio_ppm: float
    inbound_fee_rate_ppm: int
    margin_ppm: float
    reference_ppm: int | None
    error: float
    force: bool
    is_recalibrated: bool


class PidSurvey(Struct, frozen=True, kw_only=True):
    target: float | None  # millionths; None: nobody holds anything
    margin: PidNodeMemory
    prices: dict[str, PidPrice]  # by pubkey


class _Stepped(Struct, frozen=True, kw_only=True):
    state: PidState
    reference_ppm: int | None
    error: float
    force: bool
    is_recalibrated: bool


def survey_peers(
    peers: Sequence[PidPeer], strategy: PidStrategy, *, now: dt.datetime, margin: PidNodeMemory | None
) -> PidSurvey:
    """1. the margin  2. the target of peers without their own  3. each spread  4. pin and level  5. the rates."""
    moved = move_margin(margin, strategy, now=now)
    last_margin_ppm = margin.margin_ppm if margin else moved.margin_ppm
    target = solve_target([peer.liquidity for peer in peers])
    stepped = {
        peer.pubkey: _step_peer(peer, strategy, target=target, now=now, last_margin_ppm=last_margin_ppm)
        for peer in peers
    }
    spreads = {pubkey: each.state.spread for pubkey, each in stepped.items()}
    shift, level = find_shift(spreads, strategy, margin=moved), level_spreads(peers, spreads, strategy=strategy)
    prices = {
        pubkey: _price(each, strategy, shift=shift, level=level, margin_ppm=moved.margin_ppm)
        for pubkey, each in stepped.items()
    }
    return PidSurvey(target=target, margin=moved, prices=prices)


def move_margin(margin: PidNodeMemory | None, strategy: PidStrategy, *, now: dt.datetime) -> PidNodeMemory:
    """The node's margin returns to its mean; a new one starts there."""
    if margin is None:
        return PidNodeMemory(at=now, margin_ppm=float(strategy.margin_mean_ppm))
    dt_s = max(0.0, (now - margin.at).total_seconds())
    moved = revert_margin(margin.margin_ppm, mean=strategy.margin_mean_ppm, alpha=strategy.margin_alpha, dt_s=dt_s)
    return PidNodeMemory(at=now, margin_ppm=moved)


def recalibrate_spread(reference_ppm: float, strategy: PidStrategy, *, margin_ppm: float) -> float:
    """The spread that explains a fee somebody else set: (ref - margin - const) / (1 + pct / 100).

    That the idiosyncratic part is limited to `idio_min_ppm` .. `idio_max_ppm` is not looked at, as in feelancer.
    """
    return (reference_ppm - margin_ppm - strategy.idio_const_ppm) / (1 + strategy.idio_percent / 100)


def find_shift(spreads: Mapping[str, float], strategy: PidStrategy, *, margin: PidNodeMemory) -> float:
    """What is added to all spreads so that one peer, or the lowest of all, keeps a fixed fee or spread; 0 unpinned."""
    if strategy.pin_peer is None or not spreads:
        return 0.0
    if strategy.pin_peer == "dynamic":
        pinned = min(spreads.values())
    elif strategy.pin_peer in spreads:
        pinned = spreads[strategy.pin_peer]
    else:
        return 0.0
    wanted = strategy.pin_value_ppm
    if strategy.pin_method == "fee_rate":
        wanted = recalibrate_spread(strategy.pin_value_ppm, strategy, margin_ppm=margin.margin_ppm)
    return wanted - pinned


def level_spreads(peers: Sequence[PidPeer], spreads: Mapping[str, float], *, strategy: PidStrategy) -> float:
    """The spread-level controller: proportional on the average spread weighed by remote minus that weighed by target,
    minus the wanted one, within `level_max_deviation_ppm`; 0 when it is off or nothing weighs.

    It is added to what is asked for and not to the spreads kept: they would all drift together, and the difference it
    looks at would stay.
    """
    if strategy.level_gain == 0:
        return 0.0
    target = solve_target([peer.liquidity for peer in peers]) or 0.0
    by_remote = [(spreads[peer.pubkey], float(peer.liquidity.remote_sat)) for peer in peers]
    by_target = [(spreads[peer.pubkey], _weigh_target(peer.liquidity, target)) for peer in peers]
    averages = _average(by_remote), _average(by_target)
    if averages[0] is None or averages[1] is None:
        return 0.0
    deviation = averages[0] - averages[1] - strategy.level_target_ppm
    largest = strategy.level_max_deviation_ppm
    return -strategy.level_gain * min(max(deviation, -largest), largest)


def limit_idio(spread: float, strategy: PidStrategy) -> float:
    """clip(const + pct * spread / 100, min, max): a part of the price that is the peer's own."""
    own = strategy.idio_const_ppm + strategy.idio_percent * spread / 100
    return min(max(own, strategy.idio_min_ppm), strategy.idio_max_ppm)


def _step_peer(
    peer: PidPeer, strategy: PidStrategy, *, target: float | None, now: dt.datetime, last_margin_ppm: float
) -> _Stepped:
    memory = _find_usable(peer, strategy, now=now)
    is_recalibrated = memory is not None and _has_foreign_reference(peer, memory)
    if memory is None or is_recalibrated:
        reference = _find_reference(peer, strategy, has_history=memory is not None)
        spread = recalibrate_spread(reference, strategy, margin_ppm=last_margin_ppm)
    else:
        spread = memory.spread_ppm
    state = PidState(
        spread=spread,
        error=memory.error if memory else 0.0,
        integral=memory.integral if memory else 0.0,
        slope=memory.slope if memory else 0.0,
    )
    wanted = peer.liquidity.target if peer.liquidity.target is not None else target
    error = 0.0 if wanted is None else measure_error(peer.liquidity, wanted, scale=_scale(strategy))
    dt_s = (now - memory.at).total_seconds() if memory else FIRST_DT_S
    stepped = step_pid(state, error, dt_s=dt_s, gains=_gains(strategy)) if dt_s > 0 else state
    force = is_recalibrated or (memory is None and peer.is_new)
    return _Stepped(
        state=stepped, reference_ppm=peer.reference_ppm, error=error, force=force, is_recalibrated=is_recalibrated
    )


def _find_usable(peer: PidPeer, strategy: PidStrategy, *, now: dt.datetime) -> PidMemory | None:
    """A controller too old to go on with starts anew, from the fee in force."""
    if peer.memory is None:
        return None
    age_s = (now - peer.memory.at).total_seconds()
    return peer.memory if age_s <= strategy.max_age_spread_hours * 3_600 else None


def _has_foreign_reference(peer: PidPeer, memory: PidMemory) -> bool:
    """Somebody else set the fee: it is neither what we saw last, nor what we asked for, nor a change of ours."""
    if peer.reference_ppm is None or memory.reference_ppm is None or peer.changed_by_engine:
        return False
    return peer.reference_ppm not in (memory.reference_ppm, memory.wished_ppm)


def _find_reference(peer: PidPeer, strategy: PidStrategy, *, has_history: bool) -> float:
    if peer.is_new and not has_history:
        is_ours = peer.liquidity.local_sat > peer.liquidity.remote_sat
        return strategy.new_local_ppm if is_ours else strategy.new_remote_ppm
    return peer.reference_ppm if peer.reference_ppm is not None else strategy.margin_mean_ppm


ROUNDING_PPM = 1e-6  # what sums of floats lose: a fee pinned at 100 ppm is not 99


def _price(each: _Stepped, strategy: PidStrategy, *, shift: float, level: float, margin_ppm: float) -> PidPrice:
    state = replace(each.state, spread=each.state.spread + shift)
    spread = state.spread + level
    idio_ppm = limit_idio(spread, strategy)
    rate = margin_ppm + idio_ppm + spread
    return PidPrice(
        state=state,
        fee_rate_ppm=max(0, int(rate + ROUNDING_PPM)),
        rate_ppm=rate,
        spread_ppm=spread,
        idio_ppm=idio_ppm,
        inbound_fee_rate_ppm=int(-spread),
        margin_ppm=margin_ppm,
        reference_ppm=each.reference_ppm,
        error=each.error,
        force=each.force,
        is_recalibrated=each.is_recalibrated,
    )


def _weigh_target(liquidity: PeerLiquidity, target: float) -> float:
    return liquidity.total_sat * (liquidity.target if liquidity.target is not None else target) / MILLION


def _average(weighted: list[tuple[float, float]]) -> float | None:
    weight = sum(each for _, each in weighted)
    return sum(value * each for value, each in weighted) / weight if weight else None


def _scale(strategy: PidStrategy) -> ErrorScale:
    return ErrorScale(
        error_max=strategy.error_max,
        error_min=strategy.error_min,
        ratio_max=int(strategy.ratio_max * MILLION),
        ratio_min=int(strategy.ratio_min * MILLION),
    )


def _gains(strategy: PidStrategy) -> PidGains:
    return PidGains(
        k_t=strategy.k_t,
        k_p=strategy.k_p,
        k_i=strategy.k_i,
        k_d=strategy.k_d,
        alpha_i=strategy.alpha_i,
        alpha_d=strategy.alpha_d,
    )
