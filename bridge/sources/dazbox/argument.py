"""What the tools of a node are given. Docstrings and field words go to the client as JSON Schema."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Scid = Annotated[
    str, Meta(pattern=r"^[0-9]{1,8}x[0-9]{1,8}x[0-9]{1,5}$", description="short channel id, as in 800000x12x1")
]
Language = Annotated[Literal["en", "fr"], Meta(description="language of the sentences")]
Ppm = Annotated[int, Meta(ge=0, le=1_000_000, description="parts per million of the amount")]
InboundPpm = Annotated[int, Meta(ge=-1_000_000, le=1_000_000, description="inbound rate; negative is a discount")]
Msat = Annotated[int, Meta(ge=0, le=2**32 - 1, description="millisatoshi")]
InboundMsat = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1, description="millisatoshi; negative is a discount")]


class ListChannels(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="channels in one answer")] = 50
    cursor: Annotated[str, Meta(max_length=500, description="next_cursor of the answer before")] | UnsetType = UNSET
    language: Language = "en"


class NodeInfo(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    use_cache: Annotated[bool, Meta(description="false: worked out anew")] = True


class ExplainFee(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    short_channel_id: Scid
    language: Language = "en"


class Recommendations(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    category: Literal["revenue", "connectivity", "liquidity", "reliability", "cost"] | UnsetType = UNSET
    priority: Literal["high", "medium", "low"] | UnsetType = UNSET
    level: Annotated[
        Literal["beginner", "intermediate", "expert"] | UnsetType, Meta(description="whom the words are for")
    ] = UNSET
    language: Language = "en"


class AskKnowledge(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    question: Annotated[str, Meta(min_length=1, max_length=2_000, description="about the own node, or about Lightning")]
    language: Annotated[
        Literal["en", "fr"] | UnsetType, Meta(description="language of the answer; the question's unless given")
    ] = UNSET


class PreviewPolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    document: Annotated[
        dict[str, Any] | UnsetType, Meta(description="a fee policy document; the policy in force unless given")
    ] = UNSET
    language: Language = "en"


class ProposeAction(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Fields that are not named stay as they are."""

    short_channel_id: Scid
    fee_rate_ppm: Ppm | UnsetType = UNSET
    base_fee_msat: Msat | UnsetType = UNSET
    inbound_fee_rate_ppm: InboundPpm | UnsetType = UNSET
    inbound_base_fee_msat: InboundMsat | UnsetType = UNSET
    time_lock_delta: Annotated[int, Meta(ge=0, le=2016, description="blocks")] | UnsetType = UNSET
    min_htlc_msat: Annotated[int, Meta(ge=0, description="smallest payment, millisatoshi")] | UnsetType = UNSET
    max_htlc_msat: Annotated[int, Meta(ge=0, description="largest payment, millisatoshi")] | UnsetType = UNSET
