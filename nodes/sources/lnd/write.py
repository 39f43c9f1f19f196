"""One channel's policy written to LND: read, compare, write whole, read back."""

from dataclasses import replace

from nodes.sources.driver.driver import Outcome, PolicyWrite, WriteResult
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_objects, read_text, read_uint64
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.short_channel_id import parse_scid
from nodes.sources.driver.write import settle_write
from nodes.sources.lnd.client import Lnd
from nodes.sources.lnd.edge import read_own_policy
from nodes.sources.lnd.request import build_status, build_update, explain_unwritable

NO_EDGE = "the channel is not in the node's graph: pending, closed or never announced"


class Channel:
    """One of our channels as LND's graph shows it, by its id or, where that is another there, by its funding output."""

    def __init__(self, lnd: Lnd, *, pubkey: str, write: PolicyWrite) -> None:
        self._lnd = lnd
        self._pubkey = pubkey
        self._write = write
        self.channel_point = write.channel_point or ""
        self.peer_pubkey = ""

    def read_policy(self) -> Policy | None:
        """What is in force; None: there is no such channel, or it never had a policy."""
        edge = self._lnd.get_edge(parse_scid(self._write.short_channel_id))
        if edge is None and self._write.channel_point is not None:
            edge = self._lnd.find_edge(self._write.channel_point)
        if edge is None:
            return None
        ends = {read_text(edge, "node1_pub"), read_text(edge, "node2_pub")}
        if self._pubkey not in ends:
            return None
        self.channel_point = read_text(edge, "chan_point")
        self.peer_pubkey = (ends - {self._pubkey}).pop()
        return read_own_policy(edge, self._pubkey)


def apply_policy(lnd: Lnd, write: PolicyWrite, *, pubkey: str) -> WriteResult:
    """See `Driver.apply`. Raises NodeError."""
    channel = Channel(lnd, pubkey=pubkey, write=write)
    present = channel.read_policy()
    if present is None:
        return WriteResult(outcome=Outcome.REFUSED, policy=None, reason=NO_EDGE)
    if unwritable := explain_unwritable(write.policy):
        return WriteResult(outcome=Outcome.REFUSED, policy=present, reason=unwritable)
    wanted = fit_constraints(lnd, channel, wanted=write.policy, present=present)
    fitted = replace(write, policy=wanted)
    return settle_write(fitted, present, send=lambda: send_policy(lnd, channel, write=fitted), read=channel.read_policy)


def send_policy(lnd: Lnd, channel: Channel, *, write: PolicyWrite) -> None:
    """Raises NodeError, with the fault REFUSED when LND understood and wrote nothing."""
    raise_failures(lnd, lnd.update_policy(build_update(channel.channel_point, write.policy)))
    if write.policy.disabled != write.expected_policy.disabled:
        lnd.update_status(build_status(channel.channel_point, disabled=write.policy.disabled))


def raise_failures(lnd: Lnd, answer: Fields) -> None:
    """LND says under HTTP 200 which channels it left as they were."""
    failures = read_objects(answer, "failed_updates")
    if failures:
        reason, words = failures[0].get("reason"), failures[0].get("update_error")
        said = lnd.hide_secret(f"LND did not update the channel: {reason}: {words}")
        raise NodeError(said, fault=Fault.REFUSED)


def fit_constraints(lnd: Lnd, channel: Channel, *, wanted: Policy, present: Policy) -> Policy:
    """The bounds of payments within what both sides agreed on at the opening; LND refuses the whole policy otherwise.

    They are asked for only when a bound shall change: what is in force is within them.
    """
    if (wanted.min_htlc_msat, wanted.max_htlc_msat) == (present.min_htlc_msat, present.max_htlc_msat):
        return wanted
    for row in read_objects(lnd.list_channels(peer_pubkey=channel.peer_pubkey), "channels"):
        constraints = row.get("local_constraints")
        if row.get("channel_point") == channel.channel_point and isinstance(constraints, dict):
            low = max(wanted.min_htlc_msat, read_uint64(constraints, "min_htlc_msat"))
            high = min(wanted.max_htlc_msat, read_uint64(constraints, "max_pending_amt_msat"))
            return replace(wanted, min_htlc_msat=low, max_htlc_msat=high)
    return wanted
