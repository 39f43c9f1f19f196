"""GET /v1/transactions: of its wallet this world knows what opened the node's channels."""

from nodes.simulator.block import estimate_height
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel

OPENING_WEIGHT = 612  # one input, an output for the channel and one for the change
TIP = -1


def list_transactions(view: NodeView, request: Request) -> dict[str, object]:
    """From `start_height` to `end_height` and, beyond the tip, unconfirmed ones, of which there are none; by height."""
    start, end = request.read_query_int("start_height", 0), request.read_query_int("end_height", TIP)
    offset, count = request.read_query_int("index_offset", 0), request.read_query_int("max_transactions", 0)
    opened = sorted(
        (channel for channel in view.channels if view.pubkey == channel.sides[channel.initiator].pubkey),
        key=lambda channel: channel.channel_id,
    )
    within = [
        one for one in opened if start <= one.channel_id >> 40 and (end in {0, TIP} or one.channel_id >> 40 <= end)
    ]
    page = within[offset : offset + count] if count else within
    last = offset + len(page) - 1 if page else 0
    return {
        "transactions": [_describe_opening(view, channel) for channel in page],
        "last_index": str(last),
        "first_index": str(offset if page else 0),
    }


def find_opening_fee_sat(channel: Channel) -> int:
    return channel.fee_per_kw * OPENING_WEIGHT // 1000


def _describe_opening(view: NodeView, channel: Channel) -> dict[str, object]:
    fee_sat, height = find_opening_fee_sat(channel), channel.channel_id >> 40
    return {
        "tx_hash": channel.chan_point.partition(":")[0],
        "amount": str(-channel.capacity_sat - fee_sat),
        "num_confirmations": max(0, estimate_height(view.now_s) - height + 1),
        "block_hash": "",
        "block_height": height,
        "time_stamp": "0",
        "total_fees": str(fee_sat),
        "dest_addresses": [],
        "output_details": [],
        "raw_tx_hex": "",
        "label": f"0:openchannel:shortchanid-{channel.channel_id}",
        "previous_outpoints": [],
    }
