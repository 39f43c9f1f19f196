"""What LND paid to itself, page by page from its own numbering of payments. Of payments to others nothing is kept.

LND numbers payments as they begin and shows here those that worked: one that is under way comes later, before the
place where a reading ended. So the next reading begins a day earlier; what was under way for longer is not seen.
"""

from collections.abc import Iterator

from nodes.sources.driver.driver import RebalancePage
from nodes.sources.driver.field import Fields, read_objects, read_text, read_uint64
from nodes.sources.driver.instant import NS_PER_S, format_instant
from nodes.sources.driver.rebalance import LOOK_BACK_S, UNDER_WAY_S, read_place
from nodes.sources.driver.short_channel_id import format_scid
from nodes.sources.lnd.client import Lnd

PAGE = 100  # each comes with all the routes that were tried: hundreds of kilobytes for one that was hard to send


def read_rebalances(lnd: Lnd, cursor: str, *, pubkey: str, now_s: float) -> RebalancePage:
    """The page after `cursor`, oldest first. Raises NodeError."""
    since_s = max(0, int(now_s - LOOK_BACK_S))
    answer = lnd.list_payments(since_s=since_s, index_offset=read_place(cursor), max_payments=PAGE)
    payments = read_objects(answer, "payments")
    began_before_ns = int((now_s - UNDER_WAY_S) * NS_PER_S)
    old = [one for one in payments if read_uint64(one, "creation_time_ns") < began_before_ns]
    return RebalancePage(
        events=[part for payment in payments for part in map_payment(payment, pubkey)],
        cursor=str(read_uint64(payments[-1], "payment_index")) if payments else cursor,
        kept_cursor=str(read_uint64(old[-1], "payment_index")) if old else None,
        more=len(payments) >= PAGE,
    )


def map_payment(payment: Fields, pubkey: str) -> Iterator[dict[str, object]]:
    """Its parts that arrived, if it went to ourselves."""
    index = read_uint64(payment, "payment_index")
    for part in read_objects(payment, "htlcs"):
        route = part.get("route")
        hops = read_objects(route, "hops") if isinstance(route, dict) else []
        if part.get("status") == "SUCCEEDED" and isinstance(route, dict) and hops and ends_here(hops, pubkey):
            fee_msat = read_uint64(route, "total_fees_msat")
            yield {
                "id": f"{index}:{read_uint64(part, 'attempt_id')}",
                "outgoing_scid": format_scid(read_uint64(hops[0], "chan_id")),
                "incoming_scid": format_scid(read_uint64(hops[-1], "chan_id")),
                "amount_msat": read_uint64(route, "total_amt_msat") - fee_msat,  # LND's total has the fees in it
                "fee_msat": fee_msat,
                "settled_at": format_instant(read_uint64(part, "resolve_time_ns")),
            }


def ends_here(hops: list[Fields], pubkey: str) -> bool:
    return read_text(hops[-1], "pub_key") == pubkey
