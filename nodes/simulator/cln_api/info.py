"""getinfo and feerates"""

from nodes.simulator.block import estimate_height
from nodes.simulator.cln_api.params import Params
from nodes.simulator.view import NodeView

VERSION = "v25.12-simulator"
MAX_ALIAS_CHARS = 32
_FEATURES = "808898882a8a59a1"
# Sat a virtual byte by blocks to wait: one quiet day, whatever the hour.
SAT_PER_VBYTE = {2: 12, 6: 8, 12: 5, 100: 2}
FLOOR_SAT_PER_VBYTE, MAX_SAT_PER_VBYTE = 1, 120
_PER_VBYTE = {"perkb": 1000, "perkw": 250}
_WEIGHTS = {
    "opening_channel_satoshis": 702,
    "mutual_close_satoshis": 673,
    "unilateral_close_satoshis": 598,
    "htlc_timeout_satoshis": 663,
    "htlc_success_satoshis": 703,
}


def get_info(view: NodeView, _: Params) -> dict[str, object]:
    """Channels count as active in the state CHANNELD_NORMAL, connected or not."""
    pending = len(view.node.pending_channel_points)
    peers = {channel.seen_by(view.pubkey)[1].pubkey for channel in view.channels}
    return {
        "id": view.pubkey,
        "alias": view.node.alias[:MAX_ALIAS_CHARS],
        "color": view.pubkey[:6],
        "num_peers": len(peers) + pending,
        "num_pending_channels": pending,
        "num_active_channels": len(view.channels),
        "num_inactive_channels": 0,
        "address": [],
        "binding": [],
        "version": VERSION,
        "blockheight": estimate_height(view.now_s),
        "network": "bitcoin",
        "fees_collected_msat": sum(record.in_msat - record.out_msat for record in view.settled),
        "lightning-dir": "/var/lib/lightningd/bitcoin",
        "our_features": {"init": _FEATURES, "node": _FEATURES, "channel": "", "invoice": "02000002024100"},
    }


def report_feerates(_: NodeView, params: Params) -> dict[str, object]:
    params.require("style")
    style = params.read_choice("style", tuple(_PER_VBYTE)) or "perkw"
    unit = _PER_VBYTE[style]
    rates = {blocks: sat * unit for blocks, sat in SAT_PER_VBYTE.items()}
    estimates = [{"blockcount": blocks, "feerate": rate, "smoothed_feerate": rate} for blocks, rate in rates.items()]
    slow_sat = SAT_PER_VBYTE[100]
    return {
        style: {
            "opening": rates[12],
            "mutual_close": rates[100],
            "unilateral_close": rates[6],
            "unilateral_anchor_close": rates[100],
            "penalty": rates[12],
            "min_acceptable": FLOOR_SAT_PER_VBYTE * unit,
            "max_acceptable": MAX_SAT_PER_VBYTE * unit,
            "floor": FLOOR_SAT_PER_VBYTE * unit,
            "estimates": estimates,
        },
        "onchain_fee_estimates": {name: weight * slow_sat // 4 for name, weight in _WEIGHTS.items()},
    }
