"""What our wallet paid to open channels, from LND's list of the wallet's transactions."""

from collections.abc import Mapping

from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.field import Fields, read_objects, read_text, read_uint64
from nodes.sources.driver.short_channel_id import parse_scid
from nodes.sources.lnd.client import Lnd

PAGE, MAX_PAGES = 1_000, 50
FIRST_ALIAS_BLOCK = 16_000_000  # ids from here on are names, not places: channels without confirmations (BOLT 2)


def read_opening_fees(lnd: Lnd, openings: Mapping[str, str]) -> dict[str, int]:
    """See `Driver.read_opening_fees`. A channel's share of a transaction that opened several is the whole of it, as in
    charge-lnd. Empty: LND may not tell us, or does not now, which is no reason to lose the rest.
    """
    if not openings:
        return {}
    start_height = min(find_height(scid) for scid in openings.values())
    wanted = {point.partition(":")[0] for point in openings}
    try:
        found, is_whole = search_wallet(lnd, wanted, start_height=start_height)
    except NodeError:
        return {}
    fees = {point: found.get(point.partition(":")[0]) for point in openings}
    return {point: fee or 0 for point, fee in fees.items() if fee is not None or is_whole}


def find_height(short_channel_id: str) -> int:
    height = parse_scid(short_channel_id) >> 40
    return 0 if height >= FIRST_ALIAS_BLOCK else height


def search_wallet(lnd: Lnd, wanted: set[str], *, start_height: int) -> tuple[dict[str, int], bool]:
    """Fees in sat by transaction id, and whether all transactions from that height on were seen, or none is missing."""
    found: dict[str, int] = {}
    seen = 0
    for _ in range(MAX_PAGES):
        answer = lnd.list_transactions(start_height=start_height, index_offset=seen, max_transactions=PAGE)
        page = read_objects(answer, "transactions")
        found |= pick_fees(page, wanted)
        seen += len(page)
        # An LND without pages knows no `last_index` and has answered with all of them.
        if len(page) < PAGE or "last_index" not in answer or len(found) == len(wanted):
            return found, True
    return found, False


def pick_fees(transactions: list[Fields], wanted: set[str]) -> dict[str, int]:
    ours = [transaction for transaction in transactions if transaction.get("tx_hash") in wanted]
    return {read_text(transaction, "tx_hash"): read_uint64(transaction, "total_fees") for transaction in ours}
