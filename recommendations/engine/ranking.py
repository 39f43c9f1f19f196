"""Which advice comes first: what endangers money, then expected net sats a day for each minute of the owner's.

net = mean - cost / days it lasts (a year where it lasts as long as things stay);  value = net / effort.
What has no mean comes last, with its reason.
"""

from collections.abc import Sequence

from recommendations.engine.advice import Advice, Kind, Priority
from recommendations.engine.draft import Draft, finish
from recommendations.engine.params import Backup, FeeChange, NotSynced, PeerOffline, Silent, StuckHtlc
from recommendations.engine.survey import Survey

DEFAULT_DAYS = 365.0
HIGH_SHARE, MEDIUM_SHARE = 0.05, 0.01  # of what the node earns a day
LARGE_SHARE = 0.05  # of the node's capacity
_ORDER = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2}


def rank(survey: Survey, drafts: Sequence[Draft]) -> tuple[Advice, ...]:
    """Finished, the first to do first; equal ones in the order of their keys."""
    pairs = [(draft, finish(draft, id_space=survey.id_space, priority=judge(survey, draft))) for draft in drafts]
    pairs.sort(key=lambda pair: (*_place(pair[0], pair[1].priority), pair[1].key))
    return tuple(advice for _, advice in pairs)


def measure_net(draft: Draft | Advice) -> float | None:
    """Expected sat a day after its cost; None: its gain or its cost is not known."""
    estimate = draft.estimate if isinstance(draft, Draft) else draft.estimated_impact
    if estimate.mean is None or draft.cost_sat is None:
        return None
    return estimate.mean - draft.cost_sat / (estimate.lasts_days or DEFAULT_DAYS)


def judge(survey: Survey, draft: Draft) -> Priority:
    """By the net gain in the node's income; what protects and cannot be counted in sats a day, by what is at stake."""
    if is_urgent(draft):
        return Priority.HIGH
    net = measure_net(draft)
    if net is None:
        return _judge_unknown(survey, draft)
    income = measure_income(survey)
    if net <= 0:
        return Priority.LOW
    if income <= 0:
        return Priority.MEDIUM
    found = next(
        (
            level
            for level, share in ((Priority.HIGH, HIGH_SHARE), (Priority.MEDIUM, MEDIUM_SHARE))
            if net >= share * income
        ),
        Priority.LOW,
    )
    is_guessed = isinstance(draft.params, FeeChange) and draft.params.is_extrapolated
    return Priority.MEDIUM if is_guessed and found == Priority.HIGH else found


def is_urgent(draft: Draft | Advice) -> bool:
    """Money may be lost by waiting."""
    params = draft.params
    return isinstance(params, StuckHtlc | NotSynced | Silent) or (isinstance(params, Backup) and params.opened > 0)


def measure_income(survey: Survey) -> float:
    """Sat a day over the days known; 0 without any."""
    earned_msat = sum(one.traffic.earned_msat for one in survey.channels)
    return earned_msat / 1000 / survey.days if survey.days else 0.0


def _judge_unknown(survey: Survey, draft: Draft) -> Priority:
    params = draft.params
    if isinstance(params, PeerOffline):
        total_sat = sum(one.state.capacity_sat for one in survey.channels)
        return Priority.MEDIUM if params.capacity_sat >= LARGE_SHARE * total_sat else Priority.LOW
    return Priority.MEDIUM if draft.kind in {Kind.BACKUP, Kind.LIQUIDITY} else Priority.LOW


def _place(draft: Draft, priority: Priority) -> tuple[bool, bool, float, int]:
    net = measure_net(draft)
    return not is_urgent(draft), net is None, -(net or 0.0) / draft.effort, _ORDER[priority]
