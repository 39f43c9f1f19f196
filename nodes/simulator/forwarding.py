"""What a node asks for passing a payment on, and whether its policy lets the payment through."""

from nodes.engine.report import PeerPolicy


def admits(policy: PeerPolicy | None, amount_msat: int) -> bool:
    """Whether senders, who know the announced policy, would try to send this amount by the channel."""
    return policy is not None and not policy.disabled and policy.min_htlc_msat <= amount_msat <= policy.max_htlc_msat


def price_forward(outgoing: PeerPolicy, incoming: PeerPolicy | None, *, amount_msat: int) -> int:
    """The fee in msat for sending `amount_msat` out, both policies being the forwarding node's own.

    BOLT 7's outgoing fee, plus bLIP-18's inbound fee of the incoming channel on what arrives there; never below 0.
    """
    outgoing_fee_msat = outgoing.base_fee_msat + amount_msat * outgoing.fee_rate_ppm // 1_000_000
    if incoming is None:
        return outgoing_fee_msat
    share_msat = (amount_msat + outgoing_fee_msat) * abs(incoming.inbound_fee_rate_ppm) // 1_000_000
    inbound_fee_msat = incoming.inbound_base_fee_msat + (
        share_msat if incoming.inbound_fee_rate_ppm >= 0 else -share_msat
    )
    return max(0, outgoing_fee_msat + inbound_fee_msat)
