"""What Core Lightning paid to itself, from its bookkeeper, which knows such payments and charges their fee.

`bkpr-listincome` tells which payments they were (`rebalance_fee`), `bkpr-listaccountevents` what each moved where. The
cursor is a second of the bookkeeper's clock. One that cost nothing is not listed, and moved sats for nothing.
"""

import hashlib
from collections.abc import Mapping

from nodes.sources.cln.client import Cln
from nodes.sources.driver.driver import RebalancePage
from nodes.sources.driver.field import Fields, read_int32, read_integer, read_objects, read_text
from nodes.sources.driver.instant import NS_PER_S, format_instant
from nodes.sources.driver.rebalance import LOOK_BACK_S, UNDER_WAY_S, read_place

PAGE = 200  # payments: each is asked about by itself
FEE_TAG = "rebalance_fee"


def read_rebalances(cln: Cln, cursor: str, *, now_s: float) -> RebalancePage:
    """The page after `cursor`, oldest first. Raises NodeError, as for a bookkeeper that is switched off."""
    since_s = max(read_place(cursor), int(now_s - LOOK_BACK_S), 0)
    income = read_objects(cln.list_income(max(0, since_s - 1)), "income_events")
    told = [(read_int32(one, "timestamp"), read_text(one, "payment_id")) for one in income if is_fee(one)]
    times = {payment_id: at_s for at_s, payment_id in sorted(told, reverse=True)}  # of its first part
    payments = sorted(times, key=lambda payment_id: (times[payment_id], payment_id))
    page = payments[:PAGE]
    channels = index_channels(cln) if page else {}
    is_all, last_s = len(payments) <= PAGE, times[page[-1]] if page else since_s
    over_s = int(now_s - UNDER_WAY_S)  # what was told of before is whole
    return RebalancePage(
        events=[part for payment_id in page for part in read_parts(cln, payment_id, channels=channels)],
        cursor=str(last_s),
        kept_cursor=str(over_s if is_all else min(last_s, over_s)),
        more=not is_all,
    )


def is_fee(event: Fields) -> bool:
    return event.get("tag") == FEE_TAG and isinstance(event.get("payment_id"), str)


def index_channels(cln: Cln) -> dict[str, str]:
    """Short channel ids by channel_id, by which the bookkeeper names its accounts. Closed channels are not listed."""
    rows = read_objects(cln.list_channels(), "channels")
    named = [row for row in rows if isinstance(row.get("short_channel_id"), str)]
    return {read_text(row, "channel_id"): read_text(row, "short_channel_id") for row in named}


def read_parts(cln: Cln, payment_id: str, *, channels: Mapping[str, str]) -> list[dict[str, object]]:
    """Of a payment's parts those whose two channels are still there. Who came back by two is told by the larger."""
    moved = [one for one in read_objects(cln.list_movements(payment_id), "events") if one.get("is_rebalance") is True]
    came_back = [one for one in moved if read_integer(one, "credit_msat")]
    largest = max(came_back, key=lambda one: read_integer(one, "credit_msat"), default=None)
    incoming = None if largest is None else channels.get(read_text(largest, "account"))
    left = [(one, channels.get(read_text(one, "account"))) for one in moved if read_integer(one, "debit_msat")]
    return [
        map_part(one, payment_id, outgoing=outgoing, incoming=incoming)
        for one, outgoing in left
        if outgoing is not None and incoming is not None
    ]


def map_part(event: Fields, payment_id: str, *, outgoing: str, incoming: str) -> dict[str, object]:
    """The bookkeeper's debit has the fee in it. Its payment id is the payment's hash: that stays here."""
    fee_msat = read_integer(event, "fees_msat")
    part = read_integer(event, "part_id") if "part_id" in event else 0
    return {
        "id": f"{hashlib.sha256(payment_id.encode()).hexdigest()[:32]}:{part}",
        "outgoing_scid": outgoing,
        "incoming_scid": incoming,
        "amount_msat": read_integer(event, "debit_msat") - fee_msat,
        "fee_msat": fee_msat,
        "settled_at": format_instant(read_int32(event, "timestamp") * NS_PER_S),
    }
