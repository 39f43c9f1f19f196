"""What a run adds to what is known of a channel: the price that stood, for how long, and how many payments took it."""

import datetime as dt

from nodes.engine.cycle import ChannelInput, FlowWindow
from nodes.engine.memory import MarginalMemory, PriceOffer
from nodes.engine.policies.marginal.demand import find_level

DAY_S = 86_400
PERIODS_S = (DAY_S, 3 * DAY_S, 7 * DAY_S)  # what a run that comes late can still look back on
PUNCTUAL_S = DAY_S - 3_600  # a daily run may come a little early
DRY_SHARE = 0.03  # of both balances: with less than this of ours there is nothing to sell
_DIGITS = 6  # far above the digits in which machines may differ


def take_lesson(given: ChannelInput, *, now: dt.datetime, half_life_days: float) -> MarginalMemory:
    """What is known after this run. A run within a day of the last lesson teaches nothing new."""
    memory, share = find_memory(given), measure_share(given)
    window = _find_window(given, memory, now=now)
    present = given.channel.own_policy
    if window is None or present is None:
        return memory or MarginalMemory(at=now, local_share=share, first_ppm=present.fee_rate_ppm if present else None)
    period_s, flow = window
    shares = (share, memory.local_share if memory else share)
    offer = PriceOffer(
        level=find_level(present.fee_rate_ppm),
        days=round(period_s / DAY_S * sum(known > DRY_SHARE for known in shares) / 2, _DIGITS),
        payments=float(flow.htlcs_out),
    )
    kept = _fade(memory.offers, 0.5 ** (period_s / DAY_S / half_life_days)) if memory else []
    return MarginalMemory(
        at=now,
        local_share=share,
        first_ppm=memory.first_ppm if memory else present.fee_rate_ppm,
        offers=_add_offer(kept, offer),
    )


def find_memory(given: ChannelInput) -> MarginalMemory | None:
    memory = given.memory.get("marginal")
    return memory if isinstance(memory, MarginalMemory) else None


def measure_share(given: ChannelInput) -> float:
    """What is ours of both balances, 0..1; 0 where both are empty."""
    channel = given.channel
    held_sat = channel.local_balance_sat + channel.remote_balance_sat
    return round(channel.local_balance_sat / held_sat, _DIGITS) if held_sat else 0.0


def _find_window(
    given: ChannelInput, memory: MarginalMemory | None, *, now: dt.datetime
) -> tuple[int, FlowWindow] | None:
    """The longest period in which the present price stood and nothing was learned yet, and what left in it."""
    since = [change.at for change in given.changes[-1:]] + ([memory.at] if memory else [])
    free_s = (now - max(since)).total_seconds() if since else float(PERIODS_S[-1])
    fitting = [
        (period, window)
        for period, window in given.windows.items()
        if period in PERIODS_S and window.is_covered and free_s >= period - (DAY_S - PUNCTUAL_S)
    ]
    return max(fitting, key=lambda found: found[0]) if fitting else None


def _fade(offers: list[PriceOffer], factor: float) -> list[PriceOffer]:
    return [
        PriceOffer(
            level=offer.level,
            days=round(offer.days * factor, _DIGITS),
            payments=round(offer.payments * factor, _DIGITS),
        )
        for offer in offers
    ]


def _add_offer(offers: list[PriceOffer], new: PriceOffer) -> list[PriceOffer]:
    same = [offer for offer in offers if offer.level == new.level]
    others = [offer for offer in offers if offer.level != new.level]
    added = PriceOffer(
        level=new.level,
        days=new.days + sum(offer.days for offer in same),
        payments=new.payments + sum(offer.payments for offer in same),
    )
    known = [offer for offer in (*others, added) if offer.days > 0 or offer.payments > 0]
    return sorted(known, key=lambda offer: offer.level)
