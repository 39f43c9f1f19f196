"""Which limits hold a channel: field by field the narrowest that says something."""

from collections.abc import Iterable
from typing import Any

from nodes.engine.cycle import ChannelInput
from nodes.engine.document import LimitOverride, Limits, LimitTable

FIELDS = LimitOverride.__struct_fields__
_STRICTER: dict[str, Any] = {"min_fee_rate_ppm": max, "min_change_ppm": max, "cooldown_s": max}  # of the others: min


def find_limits(table: LimitTable, given: ChannelInput) -> Limits:
    """Channel before peer before tags (the stricter of several) before node.

    Where the narrowest lowest rate lies above a highest rate from further out, the highest gives way to it, and the
    other way round: the narrower one is what the owner said last.
    """
    channel = given.channel
    narrow = (
        table.channels.get(channel.short_channel_id),
        table.peers.get(channel.peer_pubkey),
        _join_tags(override for tag in given.tags if (override := table.tags.get(tag))),
    )
    if not any(narrow):
        return table.node
    merged = {name: getattr(table.node, name) for name in FIELDS}
    for override in reversed(narrow):
        if override is not None:
            merged = _lay_over(merged, override)
    return Limits(**merged)


def _lay_over(limits: dict[str, Any], override: LimitOverride) -> dict[str, Any]:
    given = {name: value for name in FIELDS if (value := getattr(override, name)) is not None}
    merged = limits | given
    if merged["min_fee_rate_ppm"] > merged["max_fee_rate_ppm"]:
        kept = "min_fee_rate_ppm" if "min_fee_rate_ppm" in given else "max_fee_rate_ppm"
        merged["min_fee_rate_ppm"] = merged["max_fee_rate_ppm"] = merged[kept]
    return merged


def _join_tags(overrides: Iterable[LimitOverride]) -> LimitOverride | None:
    given: dict[str, list[Any]] = {}
    for override in overrides:
        for name in FIELDS:
            value = getattr(override, name)
            if value is not None:
                given.setdefault(name, []).append(value)
    if not given:
        return None
    joined = {name: _STRICTER.get(name, min)(values) for name, values in given.items()}
    low, high = joined.get("min_fee_rate_ppm"), joined.get("max_fee_rate_ppm")
    if low is not None and high is not None and low > high:
        joined["max_fee_rate_ppm"] = low
    return LimitOverride(**joined)
