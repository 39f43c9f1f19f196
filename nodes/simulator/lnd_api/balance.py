"""GET /v1/balance/channels and /v1/balance/blockchain"""

from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView


def report_channel_balance(view: NodeView, _: Request) -> dict[str, object]:
    sides = [channel.seen_by(view.pubkey) for channel in view.channels]
    local_msat = sum(own.balance_msat for own, _ in sides)
    remote_msat = sum(peer.balance_msat for _, peer in sides)
    offered_msat = sum(htlc.out_msat for htlc in view.simulation.world.in_flight if htlc.pubkey == view.pubkey)
    coming_msat = sum(htlc.in_msat for htlc in view.simulation.world.in_flight if htlc.pubkey == view.pubkey)
    return {
        "balance": str(local_msat // 1000),
        "pending_open_balance": "0",
        "local_balance": _describe_amount(local_msat),
        "remote_balance": _describe_amount(remote_msat),
        "unsettled_local_balance": _describe_amount(offered_msat),
        "unsettled_remote_balance": _describe_amount(coming_msat),
        "pending_open_local_balance": _describe_amount(0),
        "pending_open_remote_balance": _describe_amount(0),
        "custom_channel_data": "",
    }


def report_chain_balance(_view: NodeView, _: Request) -> dict[str, object]:
    """A simulated node holds nothing on the chain."""
    amounts = ("total_balance", "confirmed_balance", "unconfirmed_balance", "locked_balance")
    return {**dict.fromkeys(amounts, "0"), "reserved_balance_anchor_chan": "0", "account_balance": {}}


def _describe_amount(amount_msat: int) -> dict[str, str]:
    return {"sat": str(amount_msat // 1000), "msat": str(amount_msat)}
