"""A change of one channel that somebody wishes for: what it asks, and as a fee policy of a single rule."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from nodes.engine.document import FeePolicy, Match, Rule, Values
from nodes.engine.report import (
    BaseFeeMsat,
    FeeRatePpm,
    InboundBaseFeeMsat,
    InboundFeeRatePpm,
    Msat,
    TimeLockDelta,
)
from nodes.engine.short_channel_id import ShortChannelId
from nodes.engine.strategies import StaticStrategy

RULE = "proposal"


class Proposal(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields of the policy it names; the others stay as they are. At least one."""

    short_channel_id: ShortChannelId
    fee_rate_ppm: FeeRatePpm | UnsetType = UNSET
    base_fee_msat: BaseFeeMsat | UnsetType = UNSET
    inbound_fee_rate_ppm: InboundFeeRatePpm | UnsetType = UNSET
    inbound_base_fee_msat: InboundBaseFeeMsat | UnsetType = UNSET
    time_lock_delta: TimeLockDelta | UnsetType = UNSET
    min_htlc_msat: Msat | UnsetType = UNSET
    max_htlc_msat: Msat | UnsetType = UNSET

    def __post_init__(self) -> None:
        if not self.list_wishes():
            raise ValueError("fee_rate_ppm: name at least one field of the channel's policy")

    def list_wishes(self) -> dict[str, Any]:
        """The fields it names, with their values."""
        wishes = structs.asdict(self)
        del wishes["short_channel_id"]
        return {name: value for name, value in wishes.items() if value is not UNSET}


def frame_proposal(policy: FeePolicy, proposal: Proposal) -> FeePolicy:
    """The policy in force with all its limits, guards and bars, in which one rule says what is proposed."""
    rule = Rule(
        name=RULE,
        match=Match(channels=[proposal.short_channel_id]),
        strategy=StaticStrategy(),
        values=Values(**proposal.list_wishes()),
    )
    return structs.replace(policy, rules=[rule])
