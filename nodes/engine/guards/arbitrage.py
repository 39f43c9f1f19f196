"""No payment may be paid for going round: the inbound discount of a channel against its own outbound fee.

Source: feelancer, `docs/concept.md`, on bLIP-18 fees. With the outbound fee (r_o, b_o) and the inbound fee (r_i, b_i)
of one channel, rates as fractions, all three must hold; here in ppm and msat, times 10**6, so in whole numbers:
    r_o + r_i + r_o r_i >= 0        b_o + b_i + b_o r_i >= 0        b_o + b_i + b_i r_o >= 0
"""

from msgspec.structs import replace

from nodes.engine.guards.capabilities import LACKING
from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.report import MAX_PPM, ChannelPolicy

FEES = ("fee_rate_ppm", "base_fee_msat", "inbound_fee_rate_ppm", "inbound_base_fee_msat")


def is_arbitrage_free(policy: ChannelPolicy) -> bool:
    rate, base = policy.fee_rate_ppm, policy.base_fee_msat
    inbound_rate, inbound_base = policy.inbound_fee_rate_ppm, policy.inbound_base_fee_msat
    return (
        (rate + inbound_rate) * MAX_PPM + rate * inbound_rate >= 0
        and (base + inbound_base) * MAX_PPM + base * inbound_rate >= 0
        and (base + inbound_base) * MAX_PPM + inbound_base * rate >= 0
    )


def raise_inbound(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """The inbound fee is raised to the edge of what is allowed, even where nobody wished one; outbound is left alone.

    Where no fee is to be written at all, the fees stay as they are.
    """
    if "inbound_fee_rate_ppm" in LACKING[case.implementation]:
        return None  # such a node takes no inbound fee, so there is none to go round by
    if case.settings.allow_arbitrage or is_arbitrage_free(policy) or _has_same_fees(policy, case.present):
        return None
    inbound_rate = max(policy.inbound_fee_rate_ppm, find_lowest_inbound_rate(policy.fee_rate_ppm))
    lowest_base = find_lowest_inbound_base(policy, inbound_rate)
    return Guarded(
        policy=replace(
            policy,
            inbound_fee_rate_ppm=inbound_rate,
            inbound_base_fee_msat=max(policy.inbound_base_fee_msat, lowest_base),
        ),
        held_by="arbitrage",
        why="a larger inbound discount than the outbound fee would pay others for going round",
    )


def _has_same_fees(policy: ChannelPolicy, present: ChannelPolicy) -> bool:
    return all(getattr(policy, field) == getattr(present, field) for field in FEES)


def find_lowest_inbound_rate(fee_rate_ppm: int) -> int:
    """-r_o / (1 + r_o), rounded up: the least inbound rate of the first condition, in ppm."""
    return -(fee_rate_ppm * MAX_PPM // (MAX_PPM + fee_rate_ppm))


def find_lowest_inbound_base(policy: ChannelPolicy, inbound_fee_rate_ppm: int) -> int:
    """The larger of -b_o (1 + r_i) and -b_o / (1 + r_o), each rounded up: the other two conditions, in msat."""
    base = policy.base_fee_msat
    by_rate = -(base * (MAX_PPM + inbound_fee_rate_ppm) // MAX_PPM)
    by_base = -(base * MAX_PPM // (MAX_PPM + policy.fee_rate_ppm))
    return max(by_rate, by_base)


def measure_total_fee_msat(amount_msat: int, *, incoming: ChannelPolicy, outgoing: ChannelPolicy) -> int:
    """What LND takes for `amount_msat` sent out by `outgoing` when it came in by `incoming`.

    The inbound fee is of the amount and the outbound fee together, each part cut towards zero; a sum below 0 counts
    as 0, in its pathfinding and where it forwards (`htlcswitch/link.go`: less may not come in than goes out).
    """
    outbound_msat = outgoing.base_fee_msat + amount_msat * outgoing.fee_rate_ppm // MAX_PPM
    share = (amount_msat + outbound_msat) * abs(incoming.inbound_fee_rate_ppm) // MAX_PPM
    inbound_msat = incoming.inbound_base_fee_msat + (share if incoming.inbound_fee_rate_ppm >= 0 else -share)
    return max(0, outbound_msat + inbound_msat)
