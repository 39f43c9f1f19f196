"""Too little on one side of the node, and channels that refused payments for want of balance."""

from collections.abc import Iterator

from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.confidence import trust_history, trust_snapshot
from recommendations.engine.draft import Draft, measure, measure_channel, measure_outlook, measure_traffic
from recommendations.engine.params import Depleted, OneSided
from recommendations.engine.survey import Survey, Surveyed

SHORT_BELOW = 0.20  # of all balances, on either side
DEPLETED_BELOW = 0.10
MAX_DEPLETED = 5
SIDE_MINUTES, CHANNEL_MINUTES = 30, 10


def advise_liquidity(survey: Survey) -> Iterator[Draft]:
    yield from _advise_side(survey)
    depleted = [one for one in survey.channels if _is_depleted(one)]
    depleted.sort(key=lambda one: (-one.traffic.missed_msat, -one.traffic.failed, one.scid))
    yield from (_advise_channel(survey, one) for one in depleted[:MAX_DEPLETED])


def _advise_side(survey: Survey) -> Iterator[Draft]:
    local_sat = sum(one.state.local_balance_sat for one in survey.channels)
    remote_sat = sum(one.state.remote_balance_sat for one in survey.channels)
    total_sat = local_sat + remote_sat
    if not total_sat:
        return
    side, short_sat = ("outbound", local_sat) if local_sat < remote_sat else ("inbound", remote_sat)
    if short_sat < SHORT_BELOW * total_sat:
        percent = round(short_sat / total_sat * 100)
        yield Draft(
            kind=Kind.LIQUIDITY,
            params=OneSided(
                side="outbound" if side == "outbound" else "inbound",
                local_sat=local_sat,
                remote_sat=remote_sat,
                percent=percent,
            ),
            estimate=Estimate(why_none="unseen_demand"),
            effort=SIDE_MINUTES,
            cost_sat=None,
            confidence=trust_snapshot(survey),
            evidence=(measure("node/local_balance_sat", local_sat), measure("node/remote_balance_sat", remote_sat)),
            command=None,
        )


def _is_depleted(channel: Surveyed) -> bool:
    ratio = channel.ratio
    asked = channel.traffic.failed or channel.traffic.out_count
    return channel.state.active and ratio is not None and ratio < DEPLETED_BELOW and bool(asked)


def _advise_channel(survey: Survey, channel: Surveyed) -> Draft:
    traffic, state = channel.traffic, channel.state
    return Draft(
        kind=Kind.LIQUIDITY,
        subject=channel.scid,
        params=Depleted(
            channel=channel.named,
            local_sat=state.local_balance_sat,
            capacity_sat=state.capacity_sat,
            percent=round((channel.ratio or 0.0) * 100),
            failed=traffic.failed,
            missed_sat=traffic.missed_msat // 1000,
            days=survey.days,
            outlook=channel.outlook,
        ),
        estimate=_estimate(survey, channel),
        effort=CHANNEL_MINUTES,
        cost_sat=None,
        confidence=trust_history(survey, forwards=traffic.out_count + traffic.failed),
        evidence=(
            *measure_channel(channel, "local_balance_sat", "capacity_sat"),
            *measure_traffic(survey, channel, "failed", "missed_msat", "out_count"),
            *measure_outlook(channel),
        ),
        command=None,
    )


def _estimate(survey: Survey, channel: Surveyed) -> Estimate:
    """Between nothing and all fees of refused payments: payers repeat, so how many of them are one nobody knows."""
    if not channel.traffic.missed_msat or not survey.days:
        return Estimate(why_none="unseen_demand")
    missed = channel.traffic.missed_msat / 1000 / survey.days
    return Estimate(low=0.0, high=missed, why_none="payers_repeat")
