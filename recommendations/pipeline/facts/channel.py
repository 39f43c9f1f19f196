"""Facts of the live state: balances, fees, scores, depleted channels."""

from collections.abc import Iterator
from statistics import median_low

from nodes.engine.balance import measure_ratio
from nodes.engine.trigger import DEPLETED_BELOW
from nodes.engine.types import ScoreCard
from nodes.models.channel import Channel
from nodes.selectors.channel import find_channel
from nodes.selectors.decision import latest_run
from rag.engine.evidence import Evidence
from recommendations.engine.telling import tell_share
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked


def tell_state(asked: Asked) -> Iterator[Evidence]:
    yield from (tell_channel(row, asked) for row in asked.named)
    if not asked.named and asked.channels:
        states = [row.state for row in asked.channels.values()]
        sums = {
            "capacity": sum(state.capacity_sat for state in states),
            "local": sum(state.local_balance_sat for state in states),
            "remote": sum(state.remote_balance_sat for state in states),
        }
        yield asked.fact("node:balance", asked.tell("node", count=len(states), **sums))


def tell_channel(row: Channel, asked: Asked) -> Evidence:
    state = row.state
    policy = state.own_policy
    fee = asked.tell("fee", base=policy.base_fee_msat, ppm=policy.fee_rate_ppm) if policy else asked.tell("no_fee")
    text = asked.tell(
        "channel",
        channel=asked.name(state),
        local=state.local_balance_sat,
        remote=state.remote_balance_sat,
        capacity=state.capacity_sat,
        active=asked.tell("closed" if row.closed_at else "active" if state.active else "inactive"),
        fee=fee,
    )
    return asked.fact(f"channel:{state.short_channel_id}", text)


def tell_fees(asked: Asked) -> Iterator[Evidence]:
    """Of the named channels; else the range of all, and the dearest."""
    yield from (tell_channel(row, asked) for row in asked.named)
    rates = {scid: row.state.own_policy.fee_rate_ppm for scid, row in asked.channels.items() if row.state.own_policy}
    if asked.named or not rates:
        return
    lowest, middle, highest = min(rates.values()), median_low(rates.values()), max(rates.values())
    text = asked.tell("fees", count=len(rates), lowest=lowest, middle=middle, highest=highest)
    yield asked.fact("node:fees", text + asked.tell_listed(len(rates)))
    for scid in sorted(rates, key=lambda one: (-rates[one], one))[:MAX_LISTED]:
        yield tell_channel(asked.channels[scid], asked)


def tell_score(asked: Asked) -> Iterator[Evidence]:
    """As the newest run worked it out; nothing where none did."""
    for channel in asked.named:
        scid = channel.state.short_channel_id
        row = find_channel(scid)
        if row is not None and row.decision is not None and row.decision.inputs.score.value is not None:
            yield _tell_card(row.decision.inputs.score, row.decision.inputs.score.value, scid=scid, asked=asked)
    run = latest_run()
    if not asked.named and run is not None and run.summary.score is not None:
        score = tell_share(run.summary.score, asked.language)
        yield asked.fact(f"run:{run.id}:score", asked.tell("node_score", score=score, at=run.finished_at))


def _tell_card(card: ScoreCard, value: float, *, scid: str, asked: Asked) -> Evidence:
    known = [part for part in card.parts if part.value is not None]
    parts = ", ".join(
        f"{asked.tell(part.name)} {tell_share(part.value, asked.language)}" for part in known if part.value is not None
    )
    score, share = tell_share(value, asked.language), round(card.weight_known * 100)
    text = asked.tell("score", channel=asked.name_id(scid), score=score, share=share, parts=parts)
    return asked.fact(f"channel:{scid}:score", text)


def tell_depleted(asked: Asked) -> Iterator[Evidence]:
    """Those with less than a tenth of their balance on our side, the driest first; of named ones their state."""
    yield from (tell_channel(row, asked) for row in asked.named)
    shares = {scid: ratio for scid, row in asked.channels.items() if (ratio := measure_ratio(row.state)) is not None}
    if asked.named or not shares:
        return
    dry = sorted((scid for scid, ratio in shares.items() if ratio < DEPLETED_BELOW), key=lambda scid: shares[scid])
    key = "count_depleted" if dry else "none_depleted"
    text = asked.tell(key, dry=len(dry), count=len(shares), percent=round(DEPLETED_BELOW * 100))
    yield asked.fact("node:depleted", text + asked.tell_listed(len(dry)))
    for scid in dry[:MAX_LISTED]:
        state = asked.channels[scid].state
        text = asked.tell(
            "depleted",
            channel=asked.name(state),
            local=state.local_balance_sat,
            capacity=state.capacity_sat,
            percent=round(shares[scid] * 100),
        )
        yield asked.fact(f"channel:{scid}", text)
