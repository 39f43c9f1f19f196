"""lightdash's daily rule: a little dearer after a payment, a little cheaper without one.

Source: lightdash, as documented: +5 % after a forward in 24 hours, +1 % with less than 50,000 sat left, -15 % where
none ever left, else -2 %; 1 .. 5,000 ppm; disabled below 80 % availability.
"""

from msgspec import Struct


class DailyFacts(Struct, frozen=True, kw_only=True):
    """Of one channel. `availability`: 0 .. 1; None: not known."""

    fee_rate_ppm: int
    local_sat: int
    out_1d_msat: int
    has_forwarded: bool
    availability: float | None = None


class DailyStep(Struct, frozen=True, kw_only=True):
    rule: str
    reason: str
    percent: int


def step_day(facts: DailyFacts, *, low_local_sat: int = 50_000) -> DailyStep:
    """The row of the table that holds first."""
    if facts.out_1d_msat > 0:
        out_sat = facts.out_1d_msat // 1000
        return DailyStep(rule="daily/forwarded", reason=f"{out_sat} sat left by the channel in a day", percent=5)
    if facts.local_sat < low_local_sat:
        reason = f"Only {facts.local_sat} sat are left on our side"
        return DailyStep(rule="daily/low", reason=reason, percent=1)
    if not facts.has_forwarded:
        return DailyStep(rule="daily/never", reason="No payment ever left by the channel", percent=-15)
    return DailyStep(rule="daily/quiet", reason="No payment left by the channel in a day", percent=-2)


def move_rate(fee_rate_ppm: int, percent: int, *, min_ppm: int, max_ppm: int) -> int:
    """The rate moved by whole per cent, by 1 ppm at least, inside the limits.

    Rounding to the nearest would hold every rate below 10 ppm for ever.
    """
    scaled = fee_rate_ppm * (100 + percent)
    moved = -(-scaled // 100) if percent > 0 else scaled // 100
    if moved == fee_rate_ppm:  # only 0 ppm, which no per cent moves
        moved += 1 if percent > 0 else -1
    return min(max(moved, min_ppm), max_ppm)


def is_available(facts: DailyFacts, *, min_availability: float) -> bool:
    """Whether the peer was there often enough; unknown is no reason to disable."""
    return facts.availability is None or facts.availability >= min_availability
