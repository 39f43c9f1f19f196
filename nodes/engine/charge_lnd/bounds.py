"""Bounds charge-lnd takes and no value can have: loosened where all values keep them, else nothing matches."""

from typing import Any

SIGNED = ("age_blocks", "next_expiry_blocks")  # these may lie below 0


def settle_bounds(match: dict[str, Any]) -> bool:
    """Changes `match` to bounds a fee policy takes. False: one of them is kept by no channel."""
    is_possible = _settle_empty_period(match)
    for name, value in list(match.items()):
        if isinstance(value, dict):
            is_possible = settle_bounds(value) and is_possible
        elif name.startswith(("min_", "max_")) and not name.endswith(SIGNED):
            is_possible = _settle_bound(match, name) and is_possible
    return is_possible


def match_nothing_in(match: dict[str, Any]) -> None:
    """In place of all it asks: it is asked to be one of no channels."""
    match.clear()
    match["channels"] = []


def _settle_bound(match: dict[str, Any], name: str) -> bool:
    """From 0, a ratio up to 1."""
    value, highest = match[name], 1 if name.endswith("ratio") else float("inf")
    if name.startswith("min_"):
        match[name] = max(0, value)
        return bool(value <= highest)
    match[name] = min(highest, value)
    return bool(value >= 0)


def _settle_empty_period(match: dict[str, Any]) -> bool:
    """In a period of 0 s or less nothing was forwarded, and nothing has no ratio."""
    if match.get("activity", {}).get("period_s", 1) > 0:
        return True
    bounds = {name: value for name, value in match.pop("activity").items() if name.startswith(("min_", "max_"))}
    return all(
        not name.endswith("ratio") and (value <= 0 if name.startswith("min_") else value >= 0)
        for name, value in bounds.items()
    )
