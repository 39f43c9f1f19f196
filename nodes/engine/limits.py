"""Which limits hold a channel: field by field the narrowest that says something."""

from collections.abc import Iterable
from typing import Any

from nodes.engine.cycle import ChannelInput
from nodes.engine.document import LimitOverride, Limits, LimitTable

FIELDS = LimitOverride.__struct_fields__
RANGES = (("min_fee_rate_ppm", "max_fee_rate_ppm"), ("min_base_fee_msat", "max_base_fee_msat"))
_LARGER_IS_STRICTER = {"min_fee_rate_ppm", "min_base_fee_msat", "min_change_ppm", "cooldown_s"}


def find_limits(table: LimitTable, given: ChannelInput) -> Limits:
    """Channel before peer before tags (the stricter of several) before node.

    Where the narrowest lowest fee lies above a highest one from further out, the highest gives way to it, and the other
    way round: the narrower one is what the owner said last.
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
    for lowest, highest in RANGES:
        if _is_crossed(merged.get(lowest), merged.get(highest)):
            merged[lowest] = merged[highest] = merged[lowest if lowest in given else highest]
    return merged


def _is_crossed(lowest: int | None, highest: int | None) -> bool:
    return lowest is not None and highest is not None and lowest > highest


def _join_tags(overrides: Iterable[LimitOverride]) -> LimitOverride | None:
    given: dict[str, list[Any]] = {}
    for override in overrides:
        for name in FIELDS:
            value = getattr(override, name)
            if value is not None:
                given.setdefault(name, []).append(value)
    if not given:
        return None
    joined = {name: max(values) if name in _LARGER_IS_STRICTER else min(values) for name, values in given.items()}
    for lowest, highest in RANGES:
        if _is_crossed(joined.get(lowest), joined.get(highest)):
            joined[highest] = joined[lowest]
    return LimitOverride(**joined)
