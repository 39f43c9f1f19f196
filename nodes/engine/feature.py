"""What nodes announce that they can do, by the bits of BOLT 9: of a pair the even one demands, the odd one offers."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

# Source: BOLT 9; the last three from bLIP-2 and LND's own list.
NAMES = {
    0: "option_data_loss_protect",
    4: "option_upfront_shutdown_script",
    6: "gossip_queries",
    8: "var_onion_optin",
    10: "gossip_queries_ex",
    12: "option_static_remotekey",
    14: "payment_secret",
    16: "basic_mpp",
    18: "option_support_large_channel",
    22: "option_anchors",
    24: "option_route_blinding",
    26: "option_shutdown_anysegwit",
    28: "option_dual_fund",
    34: "option_quiesce",
    36: "option_attribution_data",
    38: "option_onion_messages",
    42: "option_provide_storage",
    44: "option_channel_type",
    46: "option_scid_alias",
    48: "option_payment_metadata",
    50: "option_zeroconf",
    54: "keysend",
    60: "option_simple_close",
    62: "option_splice",
    2022: "script_enforced_lease",
}


class Feature(Struct, frozen=True, kw_only=True):
    """`name` is null for a bit that no document we know gives a name."""

    bit: int
    name: str | None
    is_required: bool


def name_features(bits: Iterable[int]) -> list[Feature]:
    return [Feature(bit=bit, name=NAMES.get(bit - bit % 2), is_required=bit % 2 == 0) for bit in bits]
