"""One channel's policy written to Core Lightning: read, compare, write whole, read back."""

from dataclasses import replace

from nodes.sources.cln.client import Cln
from nodes.sources.cln.policy import read_own_policy
from nodes.sources.cln.snapshot import find_highest_htlc_msat, find_live_scid
from nodes.sources.driver.driver import Outcome, PolicyWrite, WriteResult
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_objects
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.short_channel_id import parse_scid
from nodes.sources.driver.write import settle_write

NO_CHANNEL = "the node has no live channel of that name, or never announced it"
# By the warning: the field it is about, as the answer shows it and as it was asked for.
WARNINGS = {
    "warning_htlcmin_too_low": ("minimum_htlc_out_msat", "htlcmin"),
    "warning_htlcmax_too_high": ("maximum_htlc_out_msat", "htlcmax"),
}


class Channel:
    """One of our channels as listpeerchannels shows it."""

    def __init__(self, cln: Cln, short_channel_id: str) -> None:
        self._cln = cln
        self._scid = short_channel_id
        self.shown: Fields = {}

    def read_policy(self) -> Policy | None:
        """What is in force; None: there is no such live channel, or it was never announced."""
        found = find_channel(self._cln, self._scid)
        if found is None:
            return None
        self.shown = found
        return read_own_policy(found)


def find_channel(cln: Cln, short_channel_id: str) -> Fields | None:
    """One of our live channels. A Core Lightning before 25.05 does not know the parameter, and lists them all."""
    try:
        answer = cln.list_channels(short_channel_id=short_channel_id)
    except NodeError as error:
        if error.fault is not Fault.REFUSED:
            raise
        answer = cln.list_channels()
    rows = read_objects(answer, "channels")
    return next((row for row in rows if find_live_scid(row) == short_channel_id), None)


def apply_policy(cln: Cln, write: PolicyWrite) -> WriteResult:
    """See `Driver.apply`. Raises NodeError."""
    parse_scid(write.short_channel_id)
    channel = Channel(cln, write.short_channel_id)
    present = channel.read_policy()
    if present is None:
        return WriteResult(outcome=Outcome.REFUSED, policy=None, reason=NO_CHANNEL)
    if unwritable := explain_unwritable(write.policy, present):
        return WriteResult(outcome=Outcome.REFUSED, policy=present, reason=unwritable)
    fitted = replace(write, policy=fit_capacity(channel.shown, write.policy, present=present))

    def send() -> None:
        send_policy(cln, fitted, present=present)

    return settle_write(fitted, present, send=send, read=channel.read_policy)


def explain_unwritable(wanted: Policy, present: Policy) -> str | None:
    """What of it Core Lightning does not have; None: it can be written."""
    if wanted.inbound_base_fee_msat or wanted.inbound_fee_rate_ppm:
        return "Core Lightning has no inbound fees"
    if wanted.time_lock_delta != present.time_lock_delta:
        return "Core Lightning has one time lock for all channels (cltv-delta), and sets none for a single one"
    if wanted.disabled:
        return "Core Lightning cannot switch a single channel off"
    return None


def fit_capacity(channel: Fields, wanted: Policy, *, present: Policy) -> Policy:
    """The largest payment within what the channel can send at all: its capacity but for what must stay ours.

    Only where it shall change: what is in force is within.
    """
    most_msat = find_highest_htlc_msat(channel)
    if wanted.max_htlc_msat == present.max_htlc_msat or most_msat is None:
        return wanted
    return replace(wanted, max_htlc_msat=min(wanted.max_htlc_msat, most_msat))


def send_policy(cln: Cln, write: PolicyWrite, *, present: Policy) -> None:
    """All fields, always, though what is left out would stay: so what is written does not hang on what was there.

    Core Lightning puts a bound right that its peer would not take, and says so: then the policy of before is set again,
    and the whole write counts as refused. Raises NodeError.
    """
    request = build_request(write.short_channel_id, write.policy)
    adjusted = find_adjustment(cln.set_channel(request), request)
    if adjusted is not None:
        cln.set_channel(build_request(write.short_channel_id, present))
        raise NodeError(adjusted, fault=Fault.REFUSED)


def build_request(short_channel_id: str, policy: Policy) -> dict[str, object]:
    return {
        "id": short_channel_id,
        "feebase": policy.base_fee_msat,
        "feeppm": policy.fee_rate_ppm,
        "htlcmin": policy.min_htlc_msat,
        "htlcmax": policy.max_htlc_msat,
    }


def find_adjustment(answer: Fields, request: Fields) -> str | None:
    """Which bound is in force in place of the one asked for; None: all is as asked."""
    for row in read_objects(answer, "channels"):
        for warning, (shown, asked) in WARNINGS.items():
            if warning in row and row.get(shown) != request[asked]:
                return f"Core Lightning set {shown} to {row.get(shown)} in place of {request[asked]}: {row[warning]}"
    return None
