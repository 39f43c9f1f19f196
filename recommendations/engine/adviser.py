"""All advice on a node, by each type of advice in turn. Pure: the same survey gives the same advice."""

from collections.abc import Collection
from uuid import UUID

from msgspec import Struct

from recommendations.engine.advice import Advice, Kind, LeftOut
from recommendations.engine.backup import advise_backup
from recommendations.engine.closing import advise_closings
from recommendations.engine.conflict import Conflicts, find_conflicts
from recommendations.engine.cost import advise_costs
from recommendations.engine.draft import Draft
from recommendations.engine.fee import advise_fees, expects_loss
from recommendations.engine.liquidity import advise_liquidity
from recommendations.engine.opening import advise_openings, count_remote
from recommendations.engine.ranking import rank
from recommendations.engine.rebalance import advise_rebalances, find_needs
from recommendations.engine.reliability import advise_reliability
from recommendations.engine.survey import Survey


class Advised(Struct, frozen=True):
    advice: tuple[Advice, ...]
    left_out: tuple[LeftOut, ...]
    conflicts: Conflicts


def advise(survey: Survey, *, done: Collection[UUID] = ()) -> Advised:
    """`done`: what the owner has done since the snapshot was taken, which cannot show it yet.

    1. fees, as the newest run decided them, but for those that are expected to cost
    2. rebalances, openings, closings; a channel that is to be filled is not told to be empty as well
    3. liquidity, reliability, costs, backups
    4. rank, and say which rule each other out
    """
    fees = list(advise_fees(survey))
    wise = [one for one in fees if not expects_loss(one)]
    rebalances, openings = list(advise_rebalances(survey)), list(advise_openings(survey))
    filled = {one.subject for one in rebalances}
    drafts: list[Draft] = [
        *wise,
        *rebalances,
        *openings,
        *advise_closings(survey),
        *(one for one in advise_liquidity(survey) if one.subject not in filled),
        *advise_reliability(survey),
        *advise_costs(survey, openings),
        *advise_backup(survey),
    ]
    ranked = rank(survey, drafts)
    kept = tuple(one for one in ranked if one.id not in done)
    counts = [
        (Kind.FEE_ADJUSTMENT, "expected_to_lose", len(fees) - len(wise)),
        (Kind.OPEN_CHANNEL, "too_remote", count_remote(survey)),
        (Kind.REBALANCE, "no_gainful_pair", len(find_needs(survey)) - len(rebalances)),
    ]
    done_count = [
        (kind, "done_since_report", sum(one.kind == kind and one.id in done for one in ranked)) for kind in Kind
    ]
    left_out = tuple(
        LeftOut(kind=kind, reason=reason, count=count) for kind, reason, count in counts + done_count if count
    )
    return Advised(kept, left_out, find_conflicts(kept))
