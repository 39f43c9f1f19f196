"""What is paid without need: sats sold below what they cost to bring back, and openings one by one."""

from collections.abc import Iterator, Sequence

from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.commands import open_channels
from recommendations.engine.confidence import trust_history, trust_snapshot
from recommendations.engine.draft import Draft, measure, measure_channel, measure_traffic
from recommendations.engine.onchain import SHARED_VBYTES
from recommendations.engine.params import BatchOpening, BelowRefill, Opening
from recommendations.engine.rebalance import FEWEST_FORWARDS, measure_drain
from recommendations.engine.survey import Survey, Surveyed

DRY_BELOW = 0.50
MAX_ADVICE = 3
PRICE_MINUTES, BATCH_MINUTES = 5, 10
FEWEST_IN_BATCH = 2


def advise_costs(survey: Survey, openings: Sequence[Draft]) -> Iterator[Draft]:
    """`openings`: what else is advised to open."""
    below = [draft for channel in survey.channels if (draft := _advise_price(survey, channel)) is not None]
    below.sort(key=lambda one: (-(one.estimate.high or 0.0), one.subject))
    yield from below[:MAX_ADVICE]
    yield from _advise_batch(survey, openings)


def _advise_price(survey: Survey, channel: Surveyed) -> Draft | None:
    """What its peer alone charges for sending back is the least a refill costs; it is paid only by who refills."""
    policy, earns_ppm, drain = channel.state.peer_policy, channel.traffic.earned_ppm, measure_drain(channel)
    ratio = channel.ratio
    if policy is None or policy.disabled or earns_ppm is None or drain is None or ratio is None:
        return None
    is_drained = drain.mean > 0 and ratio < DRY_BELOW and channel.traffic.out_count >= FEWEST_FORWARDS
    short_ppm = policy.fee_rate_ppm - earns_ppm
    if not is_drained or short_ppm <= 0:
        return None
    return Draft(
        kind=Kind.COST,
        subject=channel.scid,
        params=BelowRefill(
            channel=channel.named,
            earns_ppm=int(earns_ppm),
            refill_ppm=policy.fee_rate_ppm,
            drain_sat_per_day=int(drain.mean),
            days=survey.days,
            local_percent=round(ratio * 100),
        ),
        estimate=Estimate(low=0.0, high=drain.mean * short_ppm / 1e6, why_none="depends_on_refill"),
        effort=PRICE_MINUTES,
        confidence=trust_history(survey, forwards=channel.traffic.out_count),
        evidence=(
            measure(f"channel:{channel.scid}/peer_policy.fee_rate_ppm", policy.fee_rate_ppm),
            *measure_channel(channel, "local_balance_sat", "capacity_sat"),
            *measure_traffic(survey, channel, "earned_msat", "out_msat", "in_msat"),
        ),
    )


def _advise_batch(survey: Survey, openings: Sequence[Draft]) -> Iterator[Draft]:
    rate = survey.sat_per_vbyte
    wanted = [one.params for one in openings if isinstance(one.params, Opening)]
    if rate is None or len(wanted) < FEWEST_IN_BATCH:
        return
    saved_vbytes = (len(wanted) - 1) * SHARED_VBYTES
    yield Draft(
        kind=Kind.COST,
        params=BatchOpening(
            pubkeys=tuple(one.pubkey for one in wanted),
            saved_vbytes=saved_vbytes,
            saved_sat=int(saved_vbytes * rate),
            sat_per_vbyte=rate,
        ),
        estimate=Estimate(why_none="saves_once"),
        effort=BATCH_MINUTES,
        confidence=trust_snapshot(survey),
        evidence=(measure("node/onchain_fees", rate),),
        command=open_channels(survey, [(one.pubkey, one.ideal_sat) for one in wanted]),
    )
