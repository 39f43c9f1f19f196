"""charge-lnd's `onchain_fee`: as dear as sending a given amount on chain would be."""

from collections.abc import Callable

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.onchain import CONF_TARGET, find_onchain_fee
from nodes.engine.policies.values import frame_wish
from nodes.engine.strategies import OnchainFeeStrategy
from nodes.engine.wish import Wish

AMOUNT_BTC = 0.1
TRANSACTION_VBYTES = 223
MIN_CHANGE_PPM = 10  # charge-lnd's default for this strategy
LEAST_SAT_PER_VBYTE = 1  # below what nodes pass on, an estimate says nothing


def prepare_onchain_fee(
    cycle: CycleInput, values: Values, *, strategy: OnchainFeeStrategy
) -> Callable[[ChannelInput], Wish]:
    """One rate for all channels. Below 1 sat a vbyte the original fails; here, too, the fees stay, and it is said."""
    amount_btc = strategy.onchain_fee_btc or values.onchain_fee_btc or AMOUNT_BTC
    target = strategy.conf_target or values.onchain_conf_target or CONF_TARGET
    rate = find_onchain_fee(cycle, target)
    terms = f"onchain_fee, {amount_btc:g} BTC in {target} blocks"
    if rate is None or rate < LEAST_SAT_PER_VBYTE:
        keep = frame_wish(values, terms=terms, fields=(), min_change_ppm=MIN_CHANGE_PPM)
        reason = (
            "The node has no estimate of on-chain fees (no data)"
            if rate is None
            else (f"On chain {rate:g} sat a vbyte are asked, below what nodes pass on")
        )
        return lambda given: keep(given, rule="onchain_fee/no-data", reason=reason)
    say = frame_wish(values, terms=terms, min_change_ppm=MIN_CHANGE_PPM)
    ppm = price_onchain(rate, amount_btc=amount_btc)
    reason = f"On chain {rate:g} sat a vbyte are asked"
    return lambda given: say(given, rule="onchain_fee", reason=reason, fee_rate_ppm=ppm)


def price_onchain(sat_per_vbyte: float, *, amount_btc: float) -> int:
    """int((0.01 / amount) * 223 * sat a vbyte): the fee in ppm of the amount. Source: charge-lnd, `onchain_fee`."""
    return int((0.01 / amount_btc) * (TRANSACTION_VBYTES * sat_per_vbyte))
