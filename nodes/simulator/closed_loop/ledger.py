"""Who holds what in every channel, to the millisatoshi: the only place where balances of a closed loop change.

After every event the two balances of each channel it touched and what is in flight there add up to the capacity;
a ledger that does not add up stops the simulation.
"""

from collections.abc import Sequence

from nodes.simulator.world import ConservationError

RESERVE_PERCENT = 1  # BOLT 2's channel_reserve, as LND sets it


class Ledger:
    """`balances[d]` is what the tail of direction `d` owns, `in_flight[c]` what channel `c` has locked in."""

    def __init__(self, capacities_msat: Sequence[int], *, first_shares: Sequence[float]) -> None:
        """`first_shares[c]`: what the channel's first node holds of what lies beyond both reserves, 0..1."""
        self.capacities = list(capacities_msat)
        self.reserves = [capacity * RESERVE_PERCENT // 100 for capacity in self.capacities]
        self.in_flight = [0] * len(self.capacities)
        self.balances = [0] * (2 * len(self.capacities))
        for channel, share in enumerate(first_shares):
            self.share_out(channel, share)

    def share_out(self, channel: int, first_share: float) -> None:
        """Splits what is not in flight anew between the two sides: payments of others, which are not followed."""
        free = self.capacities[channel] - self.in_flight[channel]
        reserve = min(self.reserves[channel], free // 2)
        first = reserve + int((free - 2 * reserve) * first_share)
        self.balances[2 * channel] = first
        self.balances[2 * channel + 1] = free - first
        self._check(channel)

    def spendable(self, direction: int) -> int:
        """What the tail may still send, in msat: all but its reserve; 0 or less: nothing."""
        return self.balances[direction] - self.reserves[direction >> 1]

    def lock(self, directions: Sequence[int], amounts: Sequence[int]) -> None:
        """An HTLC on each hop. The caller has asked `spendable` before."""
        for direction, amount in zip(directions, amounts, strict=True):
            self.balances[direction] -= amount
            self.in_flight[direction >> 1] += amount
            self._check(direction >> 1)

    def settle(self, directions: Sequence[int], amounts: Sequence[int]) -> None:
        """Each hop's amount becomes its head's."""
        for direction, amount in zip(directions, amounts, strict=True):
            self.in_flight[direction >> 1] -= amount
            self.balances[direction ^ 1] += amount
            self._check(direction >> 1)

    def release(self, directions: Sequence[int], amounts: Sequence[int]) -> None:
        """A payment failed after it was locked in: each hop's amount goes back to its tail."""
        for direction, amount in zip(directions, amounts, strict=True):
            self.in_flight[direction >> 1] -= amount
            self.balances[direction] += amount
            self._check(direction >> 1)

    def _check(self, channel: int) -> None:
        first, second = self.balances[2 * channel], self.balances[2 * channel + 1]
        if first < 0 or second < 0 or first + second + self.in_flight[channel] != self.capacities[channel]:
            raise ConservationError(
                f"channel {channel}: {first} + {second} + {self.in_flight[channel]} in flight is not its capacity"
            )
