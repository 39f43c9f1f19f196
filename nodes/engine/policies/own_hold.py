"""What a strategy itself takes off the rate it would ask for, so that the decision can say so."""

from nodes.engine.wish import OwnHold


def bound_rate(asked_ppm: float, *, lowest: int, highest: int) -> OwnHold | None:
    """By the strategy's own limits; None: the rate lies between them."""
    if asked_ppm < lowest:
        return OwnHold(held_by="strategy_floor", why=f"the rule's lowest is {lowest} ppm", asked_ppm=round(asked_ppm))
    if asked_ppm > highest:
        return OwnHold(
            held_by="strategy_ceiling", why=f"the rule's highest is {highest} ppm", asked_ppm=round(asked_ppm)
        )
    return None


def hold_at_gate(asked_ppm: float, why: str) -> OwnHold:
    """The strategy writes nothing this time."""
    return OwnHold(held_by="strategy_gate", why=why, asked_ppm=round(asked_ppm))
