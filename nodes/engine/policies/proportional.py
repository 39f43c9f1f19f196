"""charge-lnd's `proportional`: cheap where we have much to sell, dear where little is left."""

from nodes.engine.balance import measure_balance
from nodes.engine.types import DecisionInput, ProportionalStrategy
from nodes.engine.wish import Wish


def wish_proportional(given: DecisionInput, strategy: ProportionalStrategy) -> Wish:
    balance = measure_balance(given.channel)
    terms = f"proportional, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    ratio = balance.local_ratio
    if ratio is None:
        return Wish(rule="proportional/empty", reason="Neither side holds a balance", terms=terms, fee_rate_ppm=None)
    return Wish(
        rule="proportional",
        reason=f"Local balance is {round(100 * ratio)} % of the channel",
        terms=terms,
        fee_rate_ppm=price_proportional(
            ratio, min_fee_rate_ppm=strategy.min_fee_rate_ppm, max_fee_rate_ppm=strategy.max_fee_rate_ppm
        ),
    )


def price_proportional(local_ratio: float, *, min_fee_rate_ppm: int, max_fee_rate_ppm: int) -> int:
    """max(0, int(min + (1 - ratio) * (max - min))), the ratio 0..1 being local / (local + remote).

    Source: charge-lnd, strategy `proportional`. Balances count unsettled HTLCs and the commitment fee (`balance.py`).
    """
    return max(0, int(min_fee_rate_ppm + (1.0 - local_ratio) * (max_fee_rate_ppm - min_fee_rate_ppm)))
