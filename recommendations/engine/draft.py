"""From what one module found to an advice: its id, its key, its category."""

from uuid import UUID, uuid5

from msgspec import Struct

from recommendations.engine.advice import NODE, Advice, Category, Confidence, Estimate, Evidence, Kind, Priority
from recommendations.engine.params import Params
from recommendations.engine.survey import Survey, Surveyed

CATEGORIES = {
    Kind.FEE_ADJUSTMENT: Category.REVENUE,
    Kind.REBALANCE: Category.LIQUIDITY,
    Kind.OPEN_CHANNEL: Category.CONNECTIVITY,
    Kind.CLOSE_CHANNEL: Category.COST,
    Kind.LIQUIDITY: Category.LIQUIDITY,
    Kind.RELIABILITY: Category.RELIABILITY,
    Kind.COST: Category.COST,
    Kind.BACKUP: Category.RELIABILITY,
}


class Draft(Struct, frozen=True, kw_only=True):
    """An advice before it is known whose it is: the same fields mean the same as those of `Advice`."""

    kind: Kind
    params: Params
    subject: str = NODE
    estimate: Estimate
    effort: int
    cost_sat: int | None = 0
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    command: str | None = None
    action_id: UUID | None = None


def finish(draft: Draft, *, id_space: UUID, priority: Priority) -> Advice:
    """The same situation of the same subject is the same advice, whatever its figures are by now."""
    key = f"{draft.kind}/{draft.params.__struct_config__.tag}/{draft.subject}"
    return Advice(
        id=uuid5(id_space, key),
        key=key,
        kind=draft.kind,
        category=CATEGORIES[draft.kind],
        subject=draft.subject,
        params=draft.params,
        estimated_impact=draft.estimate.cut(),
        cost_sat=draft.cost_sat,
        effort=draft.effort,
        confidence=draft.confidence,
        evidence=draft.evidence,
        command=draft.command,
        action_id=draft.action_id,
        priority=priority,
    )


def measure(ref: str, value: float | str | None) -> Evidence:
    return Evidence(kind="metric", ref=ref, value=value)


def measure_channel(channel: Surveyed, *fields: str) -> tuple[Evidence, ...]:
    """Fields of the channel as the newest snapshot showed it: `channel:800000x1x0/local_balance_sat`."""
    return tuple(measure(f"channel:{channel.scid}/{field}", getattr(channel.state, field)) for field in fields)


def measure_traffic(survey: Survey, channel: Surveyed, *fields: str) -> tuple[Evidence, ...]:
    """Sums over the days known: `forwards:30d:800000x1x0/earned_msat`."""
    return tuple(
        measure(f"forwards:{survey.days}d:{channel.scid}/{field}", getattr(channel.traffic, field)) for field in fields
    )


def measure_refills(survey: Survey, channel: Surveyed, *fields: str) -> tuple[Evidence, ...]:
    """Of what moving sats into it cost over the days known, if the node tells: `rebalances:30d:800000x1x0/fee_msat`."""
    if channel.refills is None:
        return ()
    return tuple(
        measure(f"rebalances:{survey.days}d:{channel.scid}/{field}", getattr(channel.refills, field))
        for field in fields
    )


def measure_outlook(channel: Surveyed) -> tuple[Evidence, ...]:
    """Days until our side is empty, where there is a forecast of it: `forecast:800000x1x0/days_until_depleted`."""
    days = channel.outlook.days
    ref = f"forecast:{channel.scid}/days_until_depleted"
    return () if days is None else tuple(measure(f"{ref}.{end}", getattr(days, end)) for end in ("low", "mean", "high"))
