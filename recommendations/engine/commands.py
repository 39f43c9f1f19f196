"""The exact line to type, by what the node runs: `lncli` of LND, `lightning-cli` of Core Lightning. None: there is
none.

Flags are those of `lncli help` (LND 0.18 to 0.20; its channel ids are 64-bit numbers) and of the manual pages of Core
Lightning (24 and 25).
Core Lightning itself makes no circular payment: the line there needs the plugin `rebalance` of lightningd/plugins.
"""

import json
import math
from collections.abc import Sequence

from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.engine.short_channel_id import channel_id_from_scid
from recommendations.engine.survey import Survey


def set_policy(survey: Survey, channel: ChannelState, *, policy: ChannelPolicy) -> str | None:
    """The whole policy: what LND is not told, it sets to its default."""
    if survey.implementation == "cln":
        return (
            f"lightning-cli setchannel -k id={channel.short_channel_id} feebase={policy.base_fee_msat} "
            f"feeppm={policy.fee_rate_ppm} htlcmin={policy.min_htlc_msat} htlcmax={policy.max_htlc_msat}"
        )
    if channel.channel_point is None:
        return None
    inbound = (
        f" --inbound_base_fee_msat={policy.inbound_base_fee_msat} --inbound_fee_rate_ppm={policy.inbound_fee_rate_ppm}"
        if policy.inbound_base_fee_msat or policy.inbound_fee_rate_ppm
        else ""
    )
    return (
        f"lncli updatechanpolicy --base_fee_msat={policy.base_fee_msat} --fee_rate_ppm={policy.fee_rate_ppm} "
        f"--time_lock_delta={policy.time_lock_delta} --min_htlc_msat={policy.min_htlc_msat} "
        f"--max_htlc_msat={policy.max_htlc_msat}{inbound} --chan_point={channel.channel_point}"
    )


def pay_in_a_circle(
    survey: Survey, source: ChannelState, *, target: ChannelState, amount_sat: int, max_cost_sat: int
) -> str:
    """Out by `source`, back in by `target`'s peer. LND asks before it pays; its limit is for all parts together."""
    if survey.implementation == "cln":
        percent = max_cost_sat / amount_sat * 100
        return (
            f"lightning-cli rebalance -k outgoing_scid={source.short_channel_id} "
            f"incoming_scid={target.short_channel_id} msatoshi={amount_sat}sat maxfeepercent={percent:.4f} exemptfee=0"
        )
    return (
        f"lncli payinvoice --allow_self_payment --outgoing_chan_id={channel_id_from_scid(source.short_channel_id)} "
        f"--last_hop={target.peer_pubkey} --fee_limit={max_cost_sat} "
        f"$(lncli addinvoice --amt={amount_sat} --memo=rebalance | grep -o 'lnbc[0-9a-z]*')"
    )


def open_channel(survey: Survey, pubkey: str, *, size_sat: int) -> str | None:
    """None while the node tells no price of on-chain fees: a funding transaction should not pay whatever it takes."""
    rate = _round_rate(survey)
    if rate is None:
        return None
    if survey.implementation == "cln":
        return f"lightning-cli fundchannel -k id={pubkey} amount={size_sat} feerate={rate * 1000}perkb"
    return f"lncli openchannel --node_key={pubkey} --local_amt={size_sat} --sat_per_vbyte={rate}"


def open_channels(survey: Survey, sizes: Sequence[tuple[str, int]]) -> str | None:
    """Several in one transaction. `sizes`: pubkey and sat of each."""
    rate = _round_rate(survey)
    if rate is None:
        return None
    if survey.implementation == "cln":
        wanted = json.dumps([{"id": pubkey, "amount": sat} for pubkey, sat in sizes])
        return f"lightning-cli multifundchannel -k destinations='{wanted}' feerate={rate * 1000}perkb"
    wanted = json.dumps([{"node_pubkey": pubkey, "local_funding_amount": sat} for pubkey, sat in sizes])
    return f"lncli batchopenchannel --sat_per_vbyte={rate} '{wanted}'"


def close_channel(survey: Survey, channel: ChannelState) -> str | None:
    """Together with the peer; never by force: Core Lightning is told not to turn to it."""
    if survey.implementation == "cln":
        return f"lightning-cli close -k id={channel.short_channel_id} unilateraltimeout=0"
    rate = _round_rate(survey)
    if channel.channel_point is None or rate is None:
        return None
    return f"lncli closechannel --chan_point={channel.channel_point} --sat_per_vbyte={rate}"


def reach_peer(survey: Survey, pubkey: str) -> str:
    """Core Lightning looks for the address itself; LND shows the addresses it knows, to connect to one of them."""
    if survey.implementation == "cln":
        return f"lightning-cli connect {pubkey}"
    return f"lncli getnodeinfo --pub_key={pubkey}"


def show_state(survey: Survey) -> str:
    return "lightning-cli getinfo" if survey.implementation == "cln" else "lncli getinfo"


def show_pending(survey: Survey, channel: ChannelState) -> str:
    if survey.implementation == "cln":
        return f"lightning-cli listhtlcs {channel.short_channel_id}"
    return f"lncli listchannels --peer={channel.peer_pubkey}"


def back_up(survey: Survey) -> str:
    if survey.implementation == "cln":
        return "lightning-cli staticbackup"
    return "lncli exportchanbackup --all --output_file=channel.backup"


def _round_rate(survey: Survey) -> int | None:
    """Both programs take whole sat a vbyte."""
    return None if survey.sat_per_vbyte is None else max(1, math.ceil(survey.sat_per_vbyte))
