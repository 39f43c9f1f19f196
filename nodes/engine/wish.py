"""What a strategy would like a channel to charge, before any guard has looked at it."""

from msgspec import Struct

from nodes.engine.memory import ChannelMemory, PeerMemory

POLICY_FIELDS = (
    "base_fee_msat",
    "fee_rate_ppm",
    "inbound_base_fee_msat",
    "inbound_fee_rate_ppm",
    "time_lock_delta",
    "min_htlc_msat",
    "max_htlc_msat",
    "disabled",
)


class OwnHold(Struct, frozen=True, kw_only=True):
    """What a strategy takes off its own wish: by a limit, a gate, a grid. `asked_ppm`: what it came to before."""

    held_by: str
    why: str
    asked_ppm: int


class Wish(Struct, frozen=True, kw_only=True):
    """A field of the policy that is None stays as it is.

    `reason` is a clause the decision completes: "Local balance is 92 % of the channel", "so the fee goes down". With
    `facts` it is their format, and is only put together for who reads it.
    """

    rule: str  # which branch of which strategy spoke
    reason: str
    terms: str  # the strategy and its parameters, for people
    facts: tuple[float | str, ...] = ()
    fee_rate_ppm: int | None = None
    base_fee_msat: int | None = None
    inbound_fee_rate_ppm: int | None = None
    inbound_base_fee_msat: int | None = None
    inbound_level_ppm: int | None = None  # the inbound rate is to be min(0, level - outbound rate)
    time_lock_delta: int | None = None
    min_htlc_msat: int | None = None
    max_htlc_msat: int | None = None
    disabled: bool | None = None
    switches_on: bool = False  # `disabled: False` undoes what the strategy itself switched off
    is_step: bool = False  # one of many small ones: the house's least change would stop it for ever
    wait_s: int = 0  # how long the strategy waits after a change before it changes again
    min_change_ppm: int = 0  # a smaller change of the outbound rate is not worth writing
    min_inbound_change_ppm: int | None = None  # and of the inbound rate; None: as of the outbound one
    own_hold: OwnHold | None = None
    memory: ChannelMemory | None = None  # what the strategy wants to find again for this channel; None: as it was
    peer_memory: PeerMemory | None = None  # and for this peer

    def tell_reason(self) -> str:
        return self.reason.format(*self.facts) if self.facts else self.reason
