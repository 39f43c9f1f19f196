"""How good the data is that an advice stands on: as good as its weakest ground."""

from nodes.engine.effect import is_far
from recommendations.engine.advice import Confidence, Ground
from recommendations.engine.survey import Survey

FULL_DAYS = 30.0
HALF_FORWARDS = 10  # so many payments are half of full trust: n / (n + 10)
FRESH_HOURS, STALE_HOURS = 1.0, 48.0


def trust_snapshot(survey: Survey) -> Confidence:
    """For what the newest snapshot shows by itself."""
    return _weakest(_rate_age(survey))


def trust_history(survey: Survey, *, forwards: int, full_days: float = FULL_DAYS) -> Confidence:
    """For what stands on forwards as well. `forwards`: how many payments it was measured on."""
    days = Ground(name="history_days", share=round(min(1.0, survey.days / full_days), 2), measured=float(survey.days))
    counted = Ground(name="forwards", share=round(forwards / (forwards + HALF_FORWARDS), 2), measured=float(forwards))
    return _weakest(days, counted, _rate_age(survey))


def trust_effect(trusted: Confidence, fee_ratio: float | None) -> Confidence:
    """Of a change of a fee: one that is further than any that was measured is trusted the less, the further it goes:
    half at twice or half the fee, a tenth at ten times or a tenth.
    """
    if fee_ratio is None:
        return trusted
    share = min(fee_ratio, 1 / fee_ratio) if fee_ratio > 0 and is_far(fee_ratio) else float(fee_ratio > 0)
    return _weakest(*trusted.grounds, Ground(name="fee_ratio", share=round(share, 2), measured=round(fee_ratio, 2)))


def _rate_age(survey: Survey) -> Ground:
    """Full up to an hour, none from two days on, in a straight line between."""
    hours = survey.age_hours
    share = min(1.0, max(0.0, (STALE_HOURS - hours) / (STALE_HOURS - FRESH_HOURS)))
    return Ground(name="snapshot_age_hours", share=round(share, 2), measured=round(hours, 1))


def _weakest(*grounds: Ground) -> Confidence:
    return Confidence(value=min(ground.share for ground in grounds), grounds=grounds)
