"""Peers that are away or come and go, payments that hang, a node that is behind or silent."""

from collections.abc import Iterator

from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.commands import reach_peer, show_pending, show_state
from recommendations.engine.confidence import trust_history, trust_snapshot
from recommendations.engine.draft import Draft, measure, measure_channel, measure_traffic
from recommendations.engine.interval import measure_mean
from recommendations.engine.params import NotSynced, PeerOffline, PeerUnsteady, Silent, StuckHtlc
from recommendations.engine.survey import BLOCKS_A_DAY, Survey, Surveyed

SILENT_HOURS = 3.0
LATE_BLOCKS = 16  # the last hop of a payment has 18 or more (BOLT 11: min_final_cltv_expiry_delta)
STEADY_FROM = 0.95  # of the time it was watched
WATCHED_SECONDS = 3 * 86_400
MAX_UNSTEADY = 3
MINUTES = 15


def advise_reliability(survey: Survey) -> Iterator[Draft]:
    yield from _advise_node(survey)
    for channel in survey.channels:
        yield from _advise_pending(survey, channel)
        if not channel.state.active:
            yield _advise_offline(survey, channel)
    unsteady = [
        (share, one)
        for one in survey.channels
        if one.state.active and (share := measure_uptime(one)) is not None and share < STEADY_FROM
    ]
    unsteady.sort(key=lambda pair: (pair[0] - 1) * pair[1].state.capacity_sat)
    yield from (_advise_unsteady(survey, one, share=share) for share, one in unsteady[:MAX_UNSTEADY])


def measure_uptime(channel: Surveyed) -> float | None:
    """Share of the time the peer was there: by the node's own clock where it keeps one (LND), else of snapshots."""
    uptime_s, lifetime_s = channel.state.uptime_s, channel.state.lifetime_s
    if uptime_s is not None and lifetime_s is not None:
        return min(1.0, uptime_s / lifetime_s) if lifetime_s >= WATCHED_SECONDS else None
    return channel.seen_share


def _advise_node(survey: Survey) -> Iterator[Draft]:
    if survey.age_hours >= SILENT_HOURS:
        yield Draft(
            kind=Kind.RELIABILITY,
            params=Silent(hours=int(survey.age_hours), taken_at=survey.taken_at),
            estimate=Estimate(why_none="whole_node"),
            evidence=(measure("snapshot/taken_at", survey.taken_at.isoformat()),),
            command=show_state(survey),
            effort=MINUTES,
            confidence=trust_snapshot(survey),
        )
    if not survey.is_synced:
        yield Draft(
            kind=Kind.RELIABILITY,
            params=NotSynced(block_height=survey.block_height),
            estimate=Estimate(why_none="whole_node"),
            evidence=(measure("node/synced_to_chain", 0), measure("node/block_height", survey.block_height)),
            command=show_state(survey),
            effort=MINUTES,
            confidence=trust_snapshot(survey),
        )


def _advise_pending(survey: Survey, channel: Surveyed) -> Iterator[Draft]:
    """A payment that hangs until it expires makes one of both nodes close the channel by force. One that is nearer to
    it than any payment starts is late; while the peer is away, one within a day of it.
    """
    pending = channel.state.pending_htlcs
    dated = [one for one in pending if one.expiration_height] if isinstance(pending, list) else []
    if not dated:
        return
    first = min(dated, key=lambda one: one.expiration_height or 0)
    blocks_left = (first.expiration_height or 0) - survey.block_height
    if blocks_left > (LATE_BLOCKS if channel.state.active else BLOCKS_A_DAY):
        return
    yield Draft(
        kind=Kind.RELIABILITY,
        subject=channel.scid,
        params=StuckHtlc(
            channel=channel.named,
            count=len(dated),
            amount_sat=sum(one.amount_sat for one in dated),
            blocks_left=blocks_left,
            is_active=channel.state.active,
            is_incoming=first.incoming,
        ),
        estimate=Estimate(why_none="protects"),
        effort=MINUTES,
        confidence=trust_snapshot(survey),
        evidence=(
            measure(f"channel:{channel.scid}/pending_htlcs", len(dated)),
            measure("node/block_height", survey.block_height),
        ),
        command=show_pending(survey, channel.state),
    )


def _advise_offline(survey: Survey, channel: Surveyed) -> Draft:
    seen = channel.seen_share
    return Draft(
        kind=Kind.RELIABILITY,
        subject=channel.scid,
        params=PeerOffline(
            channel=channel.named,
            capacity_sat=channel.state.capacity_sat,
            since=channel.last_active_at,
            seen_percent=None if seen is None else round(seen * 100),
        ),
        estimate=_estimate(channel, factor=1.0),
        effort=MINUTES,
        confidence=trust_snapshot(survey),
        evidence=(
            measure(f"channel:{channel.scid}/active", 0),
            *measure_channel(channel, "capacity_sat"),
            *measure_traffic(survey, channel, "earned_msat"),
        ),
        command=reach_peer(survey, channel.state.peer_pubkey),
    )


def _advise_unsteady(survey: Survey, channel: Surveyed, *, share: float) -> Draft:
    lifetime_s = channel.state.lifetime_s
    return Draft(
        kind=Kind.RELIABILITY,
        subject=channel.scid,
        params=PeerUnsteady(
            channel=channel.named,
            percent=int(share * 100),
            days=round((lifetime_s or WATCHED_SECONDS) / 86_400, 1),
            capacity_sat=channel.state.capacity_sat,
        ),
        estimate=_estimate(channel, factor=(1 - share) / share if share > 0 else 0.0),
        effort=MINUTES,
        confidence=trust_history(survey, forwards=channel.traffic.out_count),
        evidence=(
            *measure_channel(channel, "uptime_s", "lifetime_s"),
            *measure_traffic(survey, channel, "earned_msat"),
        ),
        command=reach_peer(survey, channel.state.peer_pubkey),
    )


def _estimate(channel: Surveyed, *, factor: float) -> Estimate:
    """What it earned a day over the days known, times what of the time it was away for what it was there."""
    earned = measure_mean(channel.traffic.daily_earned_msat)
    if earned is None or earned.mean <= 0 or factor <= 0:
        return Estimate(why_none="no_income_yet")
    lost = earned.scale(factor / 1000)
    return Estimate(low=max(0.0, lost.low), mean=lost.mean, high=lost.high)
