"""GET /v1/getinfo"""

import hashlib

from nodes.simulator.block import BLOCK_S, estimate_height
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView

VERSION = "0.21.99-beta commit=simulator"
COLOR = "#3399ff"  # LND's own default
_FEATURES = {
    0: "data-loss-protect",
    5: "upfront-shutdown-script",
    7: "gossip-queries",
    9: "tlv-onion",
    12: "static-remote-key",
    14: "payment-addr",
    17: "multi-path-payments",
}


def get_info(view: NodeView, _: Request) -> dict[str, object]:
    active = [channel for channel in view.channels if channel.active]
    height = estimate_height(view.now_s)
    return {
        "version": VERSION,
        "commit_hash": "",
        "identity_pubkey": view.pubkey,
        "alias": view.node.alias,
        "color": COLOR,
        "num_pending_channels": len(view.node.pending_channel_points),
        "num_active_channels": len(active),
        "num_inactive_channels": len(view.channels) - len(active),
        "num_peers": len({channel.seen_by(view.pubkey)[1].pubkey for channel in active}),
        "block_height": height,
        "block_hash": f"{'0' * 20}{hashlib.sha256(str(height).encode()).hexdigest()[20:]}",
        "best_header_timestamp": str(view.now_s - view.now_s % BLOCK_S),
        "synced_to_chain": True,
        "synced_to_graph": True,
        "testnet": False,
        "chains": [{"chain": "bitcoin", "network": "mainnet"}],
        "uris": [],
        "features": {
            str(bit): {"name": name, "is_required": bit % 2 == 0, "is_known": True} for bit, name in _FEATURES.items()
        },
        "require_htlc_interceptor": False,
        "store_final_htlc_resolutions": False,
        "wallet_synced": True,
        "graph_cache_status": "GRAPH_CACHE_STATUS_LOADED",
    }
