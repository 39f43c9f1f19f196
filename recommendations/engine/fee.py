"""Fees the newest run would change."""

from collections.abc import Iterator

from nodes.engine.effect import is_far
from nodes.engine.in_force import has_same_terms
from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.commands import set_policy
from recommendations.engine.confidence import trust_effect, trust_history
from recommendations.engine.draft import Draft, measure, measure_channel, measure_traffic
from recommendations.engine.params import FeeChange
from recommendations.engine.suggestion import quote_fee
from recommendations.engine.survey import Decided, Survey, Surveyed

APPROVE_MINUTES, TYPE_MINUTES = 1, 5
FLOW_DAYS = 7.0  # what an effect is estimated from


def advise_fees(survey: Survey) -> Iterator[Draft]:
    """One a decision that would change the channel as it is now, unless its action is under way or was refused."""
    for channel in survey.channels:
        decided = channel.decided
        if decided is not None and _is_open(channel, decided):
            yield _advise(survey, channel, decided=decided)


def expects_loss(draft: Draft) -> bool:
    """By the engine's own estimate: then its policy has another aim than fees, and we do not call it advice."""
    return draft.kind == Kind.FEE_ADJUSTMENT and draft.estimate.mean is not None and draft.estimate.mean < 0


def _is_open(channel: Surveyed, decided: Decided) -> bool:
    present = channel.state.own_policy
    if decided.direction == "keep" or decided.is_settled or present is None:
        return False
    return not has_same_terms(decided.policy, present) or decided.policy.disabled != present.disabled


def _advise(survey: Survey, channel: Surveyed, *, decided: Decided) -> Draft:
    present, effect = channel.state.own_policy, decided.effect
    trusted = trust_history(survey, forwards=channel.traffic.out_count, full_days=FLOW_DAYS)
    assert present is not None  # noqa: S101 - `_is_open` saw it
    estimate = Estimate(why_none="no_income_yet")
    if effect is not None:
        estimate = Estimate(low=effect.low_sat_per_day, mean=effect.sat_per_day, high=effect.high_sat_per_day)
    return Draft(
        kind=Kind.FEE_ADJUSTMENT,
        subject=channel.scid,
        params=FeeChange(
            channel=channel.named,
            direction=decided.direction,
            old_ppm=present.fee_rate_ppm,
            new_ppm=decided.policy.fee_rate_ppm,
            old_base_msat=present.base_fee_msat,
            new_base_msat=decided.policy.base_fee_msat,
            revenue_sat=channel.traffic.earned_msat // 1000,
            days=survey.days,
            why=decided.why,
            is_extrapolated=decided.fee_ratio is not None and is_far(decided.fee_ratio),
        ),
        estimate=estimate,
        effort=APPROVE_MINUTES if decided.action_id else TYPE_MINUTES,
        confidence=trust_effect(trusted, decided.fee_ratio),
        evidence=(
            measure(f"decision:{decided.decision_id}", decided.policy.fee_rate_ppm),
            *measure_channel(channel, "local_balance_sat", "capacity_sat"),
            *measure_traffic(survey, channel, "earned_msat"),
            *quote_fee(survey.suggestions, channel.state.peer_pubkey),
        ),
        command=set_policy(survey, channel.state, policy=decided.policy),
        action_id=decided.action_id,
    )
