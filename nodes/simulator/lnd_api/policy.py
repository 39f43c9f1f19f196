"""POST /v1/chanpolicy: LND's policy update, with its traps (rpcserver.go UpdateChannelPolicy, localchans/manager.go).

What is left out of the request is written as 0, except max_htlc_msat (0 keeps the value), min_htlc_msat without its
`_specified` flag, and a missing inbound_fee object. What single channels refuse comes back under HTTP 200.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from nodes.engine.report import MAX_U32, PeerPolicy
from nodes.simulator.lnd_api.chan_point import ChannelPointField, describe_outpoint, read_chan_point
from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView
from nodes.simulator.world import Side

MIN_TIME_LOCK_DELTA, MAX_TIME_LOCK_DELTA, MAX_OUTGOING_CLTV_EXPIRY = 24, 65_535, 2016
MIN_FEE_RATE, MAX_FEE_RATE = 1e-06, MAX_U32 / 1_000_000

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Uint32 = Annotated[int, Meta(ge=0, le=MAX_U32)]
Uint64 = Annotated[int, Meta(ge=0)]


class InboundFeeField(Struct, forbid_unknown_fields=True, kw_only=True):
    base_fee_msat: Int32 = 0
    fee_rate_ppm: Int32 = 0


class PolicyUpdateRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    is_global: bool | UnsetType = field(name="global", default=UNSET)
    chan_point: ChannelPointField | UnsetType = UNSET
    base_fee_msat: Int64 = 0
    fee_rate: Annotated[float, Meta(le=MAX_FEE_RATE)] = 0.0
    fee_rate_ppm: Uint32 = 0
    time_lock_delta: Uint32 = 0
    max_htlc_msat: Uint64 = 0
    min_htlc_msat: Uint64 = 0
    min_htlc_msat_specified: bool = False
    inbound_fee: InboundFeeField | UnsetType = UNSET
    create_missing_edge: bool = False


class _ChannelRefusalError(ValueError):
    """One channel cannot take this policy; others may."""

    def __init__(self, message: str, reason: str = "UPDATE_FAILURE_INVALID_PARAMETER") -> None:
        super().__init__(message)
        self.reason = reason


def update_policy(view: NodeView, request: Request) -> dict[str, object]:
    """1. find the channels meant, 2. check what holds for all, 3. revise each, 4. save, 5. answer what failed.

    As in LND, a `global` field means all channels whatever its value: `"global": false` too.
    """
    update = request.read_body(PolicyUpdateRequest)
    chan_point = _read_scope(update)
    fee_rate_ppm = _read_fee_rate(update)
    _check_limits(update)
    targets = [channel for channel in view.channels if chan_point in {None, channel.chan_point}]
    failures = [] if targets or chan_point is None else [_explain_missing(view, chan_point)]
    for channel in targets:
        own, _ = channel.seen_by(view.pubkey)
        try:
            view.announce(own, _revise(own, update, fee_rate_ppm=fee_rate_ppm, now_s=view.now_s))
            own.policy_updates += 1
        except _ChannelRefusalError as error:
            failures.append(_describe_failure(channel.chan_point, reason=error.reason, message=str(error)))
    view.save()
    return {"failed_updates": failures}


def _read_scope(update: PolicyUpdateRequest) -> str | None:
    """The channel point meant, "txid:index"; None: all channels."""
    if update.is_global is not UNSET and update.chan_point is not UNSET:
        raise LndError(
            Code.INVALID_ARGUMENT,
            'proto: error parsing "chan_point", oneof lnrpc.PolicyUpdateRequest.scope is already set',
        )
    if update.is_global is not UNSET:
        return None
    if update.chan_point is UNSET:
        raise LndError(Code.UNKNOWN, "unknown scope: <nil>")
    return read_chan_point(update.chan_point)


def _read_fee_rate(update: PolicyUpdateRequest) -> int:
    if update.fee_rate and update.fee_rate_ppm:
        raise LndError(Code.INVALID_ARGUMENT, "cannot set both FeeRate and FeeRatePpm at the same time")
    if not update.fee_rate:
        return update.fee_rate_ppm
    if update.fee_rate < MIN_FEE_RATE:
        raise LndError(Code.UNKNOWN, f"fee rate of {update.fee_rate:g} is too small, min fee rate is {MIN_FEE_RATE:g}")
    return round(update.fee_rate * 1_000_000)


def _check_limits(update: PolicyUpdateRequest) -> None:
    delta = update.time_lock_delta
    if delta < MIN_TIME_LOCK_DELTA:
        raise LndError(
            Code.UNKNOWN, f"time lock delta of {delta} is too small, minimum supported is {MIN_TIME_LOCK_DELTA}"
        )
    if delta > MAX_TIME_LOCK_DELTA:
        raise LndError(
            Code.UNKNOWN, f"time lock delta of {delta} is too big, maximum supported is {MAX_TIME_LOCK_DELTA}"
        )
    if delta > MAX_OUTGOING_CLTV_EXPIRY:
        raise LndError(
            Code.UNKNOWN, f"time lock delta of {delta} exceeds max-cltv-expiry of {MAX_OUTGOING_CLTV_EXPIRY}"
        )
    if update.inbound_fee is UNSET:
        return
    if update.inbound_fee.base_fee_msat > 0:
        raise LndError(
            Code.UNKNOWN,
            f"positive values for inbound base fee msat are not supported: {update.inbound_fee.base_fee_msat}",
        )
    if update.inbound_fee.fee_rate_ppm > 0:
        raise LndError(
            Code.UNKNOWN,
            f"positive values for inbound fee rate ppm are not supported: {update.inbound_fee.fee_rate_ppm}",
        )


def _revise(own: Side, update: PolicyUpdateRequest, *, fee_rate_ppm: int, now_s: int) -> PeerPolicy:
    """Every update carries a later second than the one before: other nodes ignore it otherwise."""
    old = own.policy
    if old is None:
        raise _ChannelRefusalError("edge policy not found", "UPDATE_FAILURE_NOT_FOUND")
    inbound = update.inbound_fee
    low, high = _read_bounds(own, old, update=update)
    return msgspec.structs.replace(
        old,
        base_fee_msat=update.base_fee_msat & MAX_U32,  # an int64 here, a u32 on the wire
        fee_rate_ppm=fee_rate_ppm,
        time_lock_delta=update.time_lock_delta,
        max_htlc_msat=high,
        min_htlc_msat=low,
        inbound_base_fee_msat=old.inbound_base_fee_msat if inbound is UNSET else inbound.base_fee_msat,
        inbound_fee_rate_ppm=old.inbound_fee_rate_ppm if inbound is UNSET else inbound.fee_rate_ppm,
        last_update=max(now_s, (old.last_update or 0) + 1),
    )


def _read_bounds(own: Side, old: PeerPolicy, *, update: PolicyUpdateRequest) -> tuple[int, int]:
    """The smallest and the largest payment, which stay as they are unless the update names others."""
    low = update.min_htlc_msat if update.min_htlc_msat_specified else old.min_htlc_msat
    high = update.max_htlc_msat or min(old.max_htlc_msat, own.max_in_flight_msat)
    if low < own.min_htlc_msat:
        raise _ChannelRefusalError(
            f"min htlc amount of {low} mSAT is below min htlc parameter of {own.min_htlc_msat} mSAT"
        )
    if high > own.max_in_flight_msat:
        raise _ChannelRefusalError(
            f"max htlc size of {high} mSAT is above max pending amount of {own.max_in_flight_msat} mSAT"
        )
    if low > high:
        raise _ChannelRefusalError(f"min_htlc {low} mSAT greater than max_htlc {high} mSAT")
    return low, high


def _explain_missing(view: NodeView, chan_point: str) -> dict[str, object]:
    if chan_point in view.node.pending_channel_points:
        return _describe_failure(chan_point, reason="UPDATE_FAILURE_PENDING", message="not yet confirmed")
    return _describe_failure(chan_point, reason="UPDATE_FAILURE_NOT_FOUND", message="not found")


def _describe_failure(chan_point: str, *, reason: str, message: str) -> dict[str, object]:
    return {"outpoint": describe_outpoint(chan_point), "reason": reason, "update_error": message}
