"""feelancer's update gate: a peer's channels are written together, rarely, and only for a change that is worth it.

Source: feelancer, `src/feelancer/lightning/chan_updates.py`. Without an outbound proposal it writes the inbound rate as
the outbound one; here what is not proposed stays.
"""

from collections.abc import Sequence

from msgspec import Struct


class RateGate(Struct, frozen=True, kw_only=True):
    """Limits of a rate, and how far it must move to be written, in ppm."""

    min_ppm: int
    max_ppm: int
    min_up_ppm: int = 10
    min_down_ppm: int = 10


class UpdateGate(Struct, frozen=True, kw_only=True):
    outbound: RateGate = RateGate(min_ppm=0, max_ppm=2_500)
    inbound: RateGate = RateGate(min_ppm=-2_500, max_ppm=0)
    min_s: int = 86_400  # since the last update of any channel with the peer


class RateProposal(Struct, frozen=True, kw_only=True):
    """For one channel: what it charges, and what it should. None: no proposal. `age_s`: since its last update."""

    short_channel_id: str
    fee_rate_ppm: int
    inbound_fee_rate_ppm: int
    new_fee_rate_ppm: int | None
    new_inbound_fee_rate_ppm: int | None = None
    age_s: float | None = None  # None: not known, so it does not hold anything
    force: bool = False


class GatedRates(Struct, frozen=True, kw_only=True):
    fee_rate_ppm: int
    inbound_fee_rate_ppm: int


def gate_peer(proposals: Sequence[RateProposal], gate: UpdateGate) -> dict[str, GatedRates]:
    """What to write, by short_channel_id: all channels of the peer, or none where nothing changes or it is too early.

    Outbound and inbound rates are gated apart: where one channel's moves far enough, those of all the peer's move.
    """
    if _is_early(proposals, gate):
        return {}
    outbound = gate_rates([(each.fee_rate_ppm, each.new_fee_rate_ppm) for each in proposals], gate.outbound)
    inbound = gate_rates(
        [(each.inbound_fee_rate_ppm, each.new_inbound_fee_rate_ppm) for each in proposals], gate.inbound
    )
    if outbound is None and inbound is None:
        return {}
    return {
        proposal.short_channel_id: GatedRates(
            fee_rate_ppm=outbound[index] if outbound else proposal.fee_rate_ppm,
            inbound_fee_rate_ppm=inbound[index] if inbound else proposal.inbound_fee_rate_ppm,
        )
        for index, proposal in enumerate(proposals)
    }


def gate_rates(rates: Sequence[tuple[int, int | None]], gate: RateGate) -> list[int] | None:
    """The (present, proposed) rates as they are to be, inside the limits; None where none of them moves far enough."""
    clipped = [
        (present, present if proposed is None else min(max(proposed, gate.min_ppm), gate.max_ppm))
        for present, proposed in rates
    ]
    if not any(_is_worth(present, new, gate=gate) for present, new in clipped):
        return None
    return [new for _, new in clipped]


def _is_worth(present: int, new: int, *, gate: RateGate) -> bool:
    """From `min_up_ppm` or `min_down_ppm` on, or where it reaches the limit it moved to."""
    if new > present:
        return new - present >= gate.min_up_ppm or new == gate.max_ppm
    return new < present and (present - new >= gate.min_down_ppm or new == gate.min_ppm)


def _is_early(proposals: Sequence[RateProposal], gate: UpdateGate) -> bool:
    ages = [proposal.age_s for proposal in proposals if proposal.age_s is not None]
    return bool(ages) and min(ages) < gate.min_s and not any(proposal.force for proposal in proposals)
