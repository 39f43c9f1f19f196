"""What a strategy would like a channel to charge, before any guard has looked at it."""

from msgspec import Struct


class Wish(Struct, frozen=True, kw_only=True):
    """`reason` is a clause the decision completes: "Local balance is 92 % of the channel", "so the fee goes down"."""

    rule: str  # which branch of which strategy spoke
    reason: str
    terms: str  # the strategy and its parameters, for people
    fee_rate_ppm: int | None  # None: no wish, leave the channel as it is
    inbound_fee_rate_ppm: int | None = None  # None: leave the inbound fee as it is
    inbound_base_fee_msat: int | None = None
    wait_s: int = 0  # how long the strategy waits after a change before it changes again
